"""Submergence of any weir by the tailwater (Villemonte 1947)."""

VILLEMONTE_SOURCE = "Villemonte 1947, from memory, unverified"


def villemonte_factor(head_m: float, tail_m: float, exponent: float) -> float:
    """Submerged over free discharge, 0 to 1: `[1 - (h2/h1)^n]^0.385`, both heads above the crest in m.

    `exponent` is the free law's: 1.5 rectangular, 2.5 V-notch. A tail at or below the crest gives 1, at or above the
    head 0. From memory, unverified; it meets the free law at h2 = 0.
    """
    if tail_m <= 0:
        return 1.0
    if tail_m >= head_m:
        return 0.0
    return float((1 - (tail_m / head_m) ** exponent) ** 0.385)

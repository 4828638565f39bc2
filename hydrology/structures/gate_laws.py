"""The laws of an undershot gate: Swamee's one law for both regimes, and energy with momentum as a second opinion.

`h1` upstream depth and `h3` tail depth above the sill, `a` opening, `b` width, all in m; flow in m3/s.
"""

from math import sqrt

from hydrology.constants import G

CONTRACTION = 0.611
"""Contraction of the jet under a sharp vertical gate."""


def swamee_limit_m(a: float, h3: float) -> float:
    """The upstream depth in m below which a tail depth drowns the jet, `.81 h3 (h3/a)^.72` (from memory)."""
    if h3 <= 0:
        return 0.0
    return float(0.81 * h3 * (h3 / a) ** 0.72)


def swamee_m3s(b: float, a: float, h1: float, h3: float = 0.0, g: float = G) -> tuple[float, bool]:
    """Discharge and whether the jet is submerged (Swamee 1992, a fit to Henry's curves).

    Coefficients from memory; cross-checked: continuous where the regimes meet, 0 at h3 = h1 for a/h1 below .74, the limit
    within 5 % of the conjugate depth for a/h1 .05 to .5, free 3 to 7 % below the energy equation. Needs 0 < a < h1.
    """
    free = CONTRACTION * sqrt(2) * a * b * sqrt(g * h1) * ((h1 - a) / (h1 + 15 * a)) ** 0.072
    limit = swamee_limit_m(a, h3)
    if h1 >= limit:
        return float(free), False
    d = max(h1 - h3, 0.0) ** 0.7
    return float(free * d / (0.32 * (limit - h1) ** 0.7 + d)), True


def energy_free_cd(a: float, h1: float) -> float:
    """Cd of the free jet by the energy equation, `Cc/sqrt(1 + Cc a/h1)`."""
    return CONTRACTION / sqrt(1 + CONTRACTION * a / h1)


def energy_free_m3s(b: float, a: float, h1: float, g: float = G) -> float:
    """Free discharge by the energy equation, `Cd b a sqrt(2 g h1)`."""
    return energy_free_cd(a, h1) * b * a * sqrt(2 * g * h1)


def conjugate_depth_m(b: float, a: float, h1: float, g: float = G) -> float:
    """The tail depth in m, conjugate to the free jet, above which the jump drowns it."""
    jet = CONTRACTION * a
    froude = energy_free_m3s(b, a, h1, g) / (b * jet) / sqrt(g * jet)
    return jet / 2 * (sqrt(1 + 8 * froude**2) - 1)


def energy_momentum_m3s(b: float, a: float, h1: float, h3: float, g: float = G) -> tuple[float, bool]:
    """Discharge and whether submerged, by energy upstream and momentum downstream in a channel of the gate's width.

    A second opinion only: it steps by about -9 % at the conjugate depth, where Swamee's law is continuous. Swamee is .80
    to 1.02 of it for a/h1 .1 to .3 up to mid-range; above .3 they part by 20 to 30 %.
    """
    if h3 <= conjugate_depth_m(b, a, h1, g):
        return energy_free_m3s(b, a, h1, g), False
    if h3 >= h1:
        return 0.0, True
    w = CONTRACTION * a
    k1 = (1 / w**2 - 1 / h1**2) / (2 * g)
    k2 = 2 / g * (1 / w - 1 / h3)
    half = h1 * k1 - k2 / 2
    inside = max(half**2 - k1**2 * (h1**2 - h3**2), 0.0)
    square = (half - sqrt(inside)) / k1**2
    return b * sqrt(max(square, 0.0)), True


def submerged_orifice_m3s(area_m2: float, h1: float, h3: float, cd: float = 0.61, g: float = G) -> float:
    """Flow through an orifice into a wide pool, `Cd A sqrt(2 g (h1 - h3))`; 0 at h3 >= h1.

    Cd .61 +-2 % if fully contracted (USBR, partly read). Not the law of a gate in a canal, which it does not meet: at the
    conjugate depth it is a third lower.
    """
    return cd * area_m2 * sqrt(2 * g * max(h1 - h3, 0.0))

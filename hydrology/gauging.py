"""A discharge measurement by current meter: the mid-section method (ISO 748). Lengths m, velocities m/s, flow m3/s."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Vertical:
    """A vertical at `distance_m` from the bank's mark, `depth_m` deep, with its mean velocity."""

    distance_m: float
    depth_m: float
    velocity_m_s: float


def mean_velocity_m_s(at_02: float | None = None, at_06: float | None = None, at_08: float | None = None) -> float:
    """Mean velocity of a vertical: the mean of .2 and .8 of the depth, else the velocity at .6.

    Raises ValueError without either.
    """
    if at_02 is not None and at_08 is not None:
        return (at_02 + at_08) / 2
    if at_06 is not None:
        return at_06
    raise ValueError("a vertical needs the velocity at .6, or at .2 and .8 of its depth")


def mid_section_m3s(verticals: Sequence[Vertical]) -> float:
    """`sum v_i d_i (b_{i+1} - b_{i-1})/2`; the first and last are the water's edges (depth 0) or count for half a width.

    Raises ValueError for fewer than three verticals or distances that do not rise.
    """
    b = [vertical.distance_m for vertical in verticals]
    if len(b) < 3 or any(later <= before for before, later in pairwise(b)):
        raise ValueError("at least three verticals with rising distances are needed")
    last = len(b) - 1
    return sum(
        vertical.velocity_m_s * vertical.depth_m * (b[min(i + 1, last)] - b[max(i - 1, 0)]) / 2
        for i, vertical in enumerate(verticals)
    )

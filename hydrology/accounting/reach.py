"""A canal reach's water balance: loss, efficiency, and whether the imbalance is larger than the meters' uncertainty."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

UNCERTAINTY_PCT = {
    "weir": 4.0,
    "parshall": 5.0,
    "gate": 10.0,
    "index_velocity": 5.0,
    "rating": 7.5,
}
"""Middle of the reference page's ranges (weir 3-5, gates 8-12, ratings 5-10 %), k = 2; for meters without their own."""


@dataclass(frozen=True, slots=True)
class Metered:
    """A metered volume (any unit, the same for all) with its uncertainty in % at k = 2."""

    volume: float
    uncertainty_pct: float

    @property
    def uncertainty(self) -> float:
        """Half-width in the volume's unit."""
        return abs(self.volume) * self.uncertainty_pct / 100


@dataclass(frozen=True, slots=True)
class ReachBalance:
    """A reach over a period, in the volumes' unit.

    `loss = head + inflows - turnouts - tail - change of storage`. It is `significant` when larger than the combined
    uncertainty (root of the sum of squares): a real loss, a wrong meter or an unmetered outlet. Call it an imbalance; the
    numbers accuse nobody. `efficiency_pct` is what left in use over what came, None without inflow.
    """

    came: float
    delivered: float
    tail: float
    loss: float
    uncertainty: float
    efficiency_pct: float | None
    loss_pct: float | None

    @property
    def significant(self) -> bool:
        """Whether the imbalance is larger than the combined uncertainty."""
        return abs(self.loss) > self.uncertainty

    def loss_pct_per_km(self, length_km: float) -> float | None:
        """Specific loss, `100 (1 - (1 - L/V)^(1/km))`; None without inflow. Raises ValueError for no length."""
        if length_km <= 0:
            raise ValueError("the reach needs a length")
        if self.loss_pct is None or self.loss_pct > 100:
            return None
        return float(100 * (1 - (1 - self.loss_pct / 100) ** (1 / length_km)))


def reach_balance(
    head: Metered,
    turnouts: Iterable[Metered],
    tail: Metered,
    inflows: Iterable[Metered] = (),
    storage_change: Metered | None = None,
) -> ReachBalance:
    """Balance a reach."""
    inside, outside = [head, *inflows], list(turnouts)
    stored = storage_change or Metered(0.0, 0.0)
    came = sum(meter.volume for meter in inside)
    delivered = sum(meter.volume for meter in outside)
    loss = came - delivered - tail.volume - stored.volume
    spread = sqrt(sum(meter.uncertainty**2 for meter in (*inside, *outside, tail, stored)))
    used = 100 * (delivered + tail.volume) / came if came > 0 else None
    lost = 100 * loss / came if came > 0 else None
    return ReachBalance(came, delivered, tail.volume, loss, spread, used, lost)

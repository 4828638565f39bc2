"""A water user's share: limit, plan, delivered, percentage, projected overrun; and cutting under shortage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

DAY_S = 86_400.0


class Alarm(StrEnum):
    """How a user stands against the limit: by what was delivered, or by what the plan will still bring."""

    NONE = "none"
    USED_80 = "used 80 %"
    USED_95 = "used 95 %"
    PROJECTED = "projected over"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Share:
    """A user's account in m3. Percentages are None where they would divide by zero.

    `of_limit_pct` is delivered over the limit, `of_plan_pct` delivered over what the plan had until now. `projected_m3`
    adds the planned flow for the remaining days.
    """

    limit_m3: float
    planned_m3: float
    delivered_m3: float
    projected_m3: float

    @property
    def of_limit_pct(self) -> float | None:
        """Delivered, % of the limit."""
        return 100 * self.delivered_m3 / self.limit_m3 if self.limit_m3 else None

    @property
    def of_plan_pct(self) -> float | None:
        """Delivered, % of the plan to date."""
        return 100 * self.delivered_m3 / self.planned_m3 if self.planned_m3 else None

    @property
    def projected_pct(self) -> float | None:
        """Projected, % of the limit."""
        return 100 * self.projected_m3 / self.limit_m3 if self.limit_m3 else None

    @property
    def left_m3(self) -> float:
        """What is left of the limit; negative when it is over."""
        return self.limit_m3 - self.delivered_m3

    @property
    def alarm(self) -> Alarm:
        """The gravest alarm that holds."""
        if self.delivered_m3 > self.limit_m3:
            return Alarm.OVER
        if self.projected_m3 > self.limit_m3:
            return Alarm.PROJECTED
        if self.delivered_m3 >= 0.95 * self.limit_m3:
            return Alarm.USED_95
        if self.delivered_m3 >= 0.80 * self.limit_m3:
            return Alarm.USED_80
        return Alarm.NONE


def share(
    limit_m3: float, planned_m3: float, delivered_m3: float, planned_m3s: float = 0.0, remaining_days: float = 0.0
) -> Share:
    """A user's account, projected with the planned flow in m3/s over the remaining days: `V + Qplan * remaining`.

    Raises ValueError for a negative limit, plan or number of days.
    """
    if limit_m3 < 0 or planned_m3 < 0 or remaining_days < 0:
        raise ValueError("limit, plan and remaining days must not be negative")
    return Share(limit_m3, planned_m3, delivered_m3, delivered_m3 + planned_m3s * remaining_days * DAY_S)


class Deviation(StrEnum):
    """A daily flow against its plan (bands of 5 and 10 %, basin practice, from memory)."""

    NORMAL = "normal"
    NOTICE = "notice"
    WARN = "warn"


def deviation(actual: float, planned: float) -> tuple[float, Deviation]:
    """Deviation in % of the plan and its band. Raises ValueError for a plan that is not positive."""
    if planned <= 0:
        raise ValueError("the planned flow must be positive")
    percent = 100 * (actual - planned) / planned
    size = abs(percent)
    return percent, Deviation.NORMAL if size <= 5 else Deviation.NOTICE if size <= 10 else Deviation.WARN


def cut(available: float, requests: Sequence[tuple[int, Mapping[str, float]]]) -> dict[str, float]:
    """Allocate under shortage: priority classes (lowest number first), inside a class the same share for all.

    `requests` are (class, user to amount). Nobody gets more than asked; what is given never exceeds what is available.
    Raises ValueError for a negative request or a user who asks twice.
    """
    left = max(available, 0.0)
    given: dict[str, float] = {}
    for _, asked in sorted(requests, key=lambda request: request[0]):
        if any(amount < 0 for amount in asked.values()) or given.keys() & asked.keys():
            raise ValueError("a request must not be negative, and a user is in one class")
        total = sum(asked.values())
        factor = min(left / total, 1.0) if total > 0 else 0.0
        given.update({user: factor * amount for user, amount in asked.items()})
        left = max(left - factor * total, 0.0)
    return given

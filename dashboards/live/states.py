"""The state of a series: its value against its thresholds, and its age against the interval expected of it."""

from dataclasses import dataclass
from enum import StrEnum

from hydrology.registry import Thresholds
from wire.flags import Flag

STALE_AFTER_INTERVALS = 2.0
LATE_AFTER_INTERVALS = 1.5
"""A reading is under way for a part of its interval; only past this is it late, and sorted before the punctual ones."""


class State(StrEnum):
    """What an operator is told, the worst first."""

    DANGER = "danger"
    WARNING = "warning"
    ACTION = "action"
    LOW = "low"
    STALE = "stale"
    WAITING = "waiting"
    NORMAL = "normal"
    NO_THRESHOLD = "no_threshold"


SEVERITY: dict[State, int] = {state: place for place, state in enumerate(State)}
"""0 is the worst."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that counts: its time in ms since 1970, and its flag (1, 2 or 3)."""

    time_ms: int
    value: float
    flag: int


MOST_VALUE = 1e18
"""Beyond what any quantity has in its stored unit; three days of the world's energy use are 1e18 J."""


def counts(value: float | None, flag: int) -> bool:
    """Whether a point has a value to be judged by: a suspect one has (it may be the flood's peak), a failed one has not."""
    return value is not None and drawable(value) and flag not in (Flag.FAIL, Flag.MISSING)


def drawable(value: float) -> bool:
    """Whether a picture can hold this: a finite number that no quantity reaches would make sums overflow."""
    return -MOST_VALUE <= value <= MOST_VALUE


UPPER: dict[str, State] = {
    "action": State.ACTION,
    "minor": State.WARNING,
    "moderate": State.DANGER,
    "major": State.DANGER,
    "adverse": State.WARNING,
    "dangerous": State.DANGER,
}
"""What reaching each upper threshold means; the last two are the local classes, a scale of their own."""


def upper_limits(thresholds: Thresholds) -> list[tuple[float, State]]:
    """The upper thresholds that are given, the lowest first."""
    given = [(getattr(thresholds, name, None), state) for name, state in UPPER.items()]
    return sorted((limit, state) for limit, state in given if limit is not None)


def level_state(value: float, thresholds: Thresholds) -> State:
    """The state by thresholds alone; reaching a threshold is being over it."""
    limits = upper_limits(thresholds)
    reached = [state for limit, state in limits if value >= limit]
    if reached:
        return worst(reached)
    if thresholds.low is not None:
        return State.LOW if value <= thresholds.low else State.NORMAL
    return State.NORMAL if limits else State.NO_THRESHOLD


def has_thresholds(thresholds: Thresholds) -> bool:
    """Whether anybody has said what is too much or too little here."""
    return thresholds.low is not None or bool(upper_limits(thresholds))


def stale_at_ms(time_ms: int, interval_s: float) -> int:
    """The moment after which a value of this time is stale."""
    return time_ms + int(STALE_AFTER_INTERVALS * interval_s * 1000)


def state_of(
    reading: Reading | None, seen_ms: int | None, thresholds: Thresholds, interval_s: float, now_ms: int
) -> State:
    """The state of a series now. `seen_ms` is the time of its last point, be it with a value or without."""
    if reading is None:
        return State.WAITING if seen_ms is None else State.STALE
    if now_ms > stale_at_ms(reading.time_ms, interval_s):
        return State.STALE
    return level_state(reading.value, thresholds)


def is_late(reading: Reading | None, interval_s: float, now_ms: int) -> bool:
    """Whether the next reading should have been here by now."""
    return reading is not None and now_ms - reading.time_ms > LATE_AFTER_INTERVALS * interval_s * 1000


def worst(states: list[State]) -> State:
    """The worst of these states."""
    return min(states, key=SEVERITY.__getitem__)

"""Thresholds with hysteresis and confirmation: what state a gauge is in, and that unknown is not safe.

Raised by `confirmations` consecutive readings at or above the threshold (or one that a neighbour confirms), cleared after
`clear_s` below threshold - `hysteresis_m`. Readings flagged 1, 2 and 3 count: a suspect flood peak alarms; 4 and 9 do not.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any

from wire.flags import Flag


class LevelName(StrEnum):
    """The names of thresholds: NWS's four, and the two local classes НЯ (adverse) and ОЯ (dangerous)."""

    ACTION = "action"
    MINOR = "minor"
    MODERATE = "moderate"
    MAJOR = "major"
    ADVERSE = "adverse"
    DANGEROUS = "dangerous"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A level in m above gauge zero, and how it is raised and cleared."""

    name: LevelName
    level_m: float
    hysteresis_m: float = 0.10
    confirmations: int = 2
    clear_s: float = 1800.0

    def __post_init__(self) -> None:
        if self.hysteresis_m < 0 or self.confirmations < 1 or self.clear_s < 0:
            raise ValueError("hysteresis and clear_s must not be negative, confirmations at least 1")


class Latch:
    """One threshold's state: feed readings in the order of their times."""

    __slots__ = ("_below_since_ms", "_count", "raised", "since_ms", "threshold")

    def __init__(self, threshold: Threshold) -> None:
        self.threshold = threshold
        self.raised = False
        self.since_ms: int | None = None
        self._count = 0
        self._below_since_ms: int | None = None

    def feed(self, t_ms: int, level_m: float, *, confirmed: bool = False) -> bool:
        """Whether the threshold is raised after this reading; `confirmed` if a neighbour is above its own threshold."""
        rule = self.threshold
        if level_m >= rule.level_m:
            self._count += 1
            self._below_since_ms = None
            if not self.raised and (self._count >= rule.confirmations or confirmed):
                self.raised, self.since_ms = True, t_ms
            return self.raised
        self._count = 0
        if level_m >= rule.level_m - rule.hysteresis_m:
            self._below_since_ms = None
        elif self.raised:
            if self._below_since_ms is None:
                self._below_since_ms = t_ms
            if t_ms - self._below_since_ms >= rule.clear_s * 1000:
                self.raised, self.since_ms, self._below_since_ms = False, None, None
        return self.raised

    @property
    def waits(self) -> bool:
        """Whether the last reading was at or above the threshold."""
        return self._count > 0

    def export(self) -> dict[str, Any]:
        """The state as plain values."""
        return {
            "raised": self.raised,
            "since_ms": self.since_ms,
            "count": self._count,
            "below_since_ms": self._below_since_ms,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the state of `export`."""
        self.raised = bool(state["raised"])
        self.since_ms = state["since_ms"]
        self._count = int(state["count"])
        self._below_since_ms = state["below_since_ms"]


class Condition(StrEnum):
    """What is known of a gauge: NORMAL is only said with a fresh reading; UNKNOWN is not safe."""

    NORMAL = "normal"
    RAISED = "raised"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Status:
    """A gauge's state. `level` is the highest raised threshold, kept while the condition is unknown."""

    condition: Condition
    level: LevelName | None
    since_ms: int | None
    last_ms: int | None
    to_next_m: float | None


class GaugeAlarm:
    """All thresholds of a gauge, lowest first. `stale_s` without a usable reading makes the state unknown.

    Raises ValueError for thresholds of the same name, or named levels of one scale that do not rise.
    """

    __slots__ = ("_last_level", "_last_ms", "latches", "lowest_m", "stale_s", "thresholds")

    def __init__(self, thresholds: tuple[Threshold, ...], stale_s: float) -> None:
        names = [threshold.name for threshold in thresholds]
        if len(set(names)) != len(names):
            raise ValueError("a threshold is named twice")
        order = list(LevelName)
        for scale in (order[:4], order[4:]):
            levels = [t.level_m for t in sorted(thresholds, key=lambda t: order.index(t.name)) if t.name in scale]
            if levels != sorted(levels):
                raise ValueError(f"thresholds must rise: {', '.join(scale)}")
        self.thresholds = thresholds
        self.latches = tuple(Latch(threshold) for threshold in sorted(thresholds, key=lambda t: t.level_m))
        self.lowest_m = self.latches[0].threshold.level_m if self.latches else inf
        self.stale_s = stale_s
        self._last_ms: int | None = None
        self._last_level: float | None = None

    def feed(
        self, t_ms: int, level_m: float | None, flag: Flag = Flag.PASS, *, confirmed: Collection[LevelName] = ()
    ) -> None:
        """Take a reading. Failed and missing ones say nothing, late ones are for the charts: both leave the state.

        `confirmed` are the thresholds that a neighbour confirms.
        """
        if level_m is None or flag in (Flag.FAIL, Flag.MISSING):
            return
        if self._last_ms is not None and t_ms <= self._last_ms:
            return
        self._last_ms, self._last_level = t_ms, level_m
        for latch in self.latches:
            latch.feed(t_ms, level_m, confirmed=latch.threshold.name in confirmed)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is raised or about to be."""
        return not any(latch.raised or latch.waits for latch in self.latches)

    def stay_at_rest(self, t_ms: int, level_m: float) -> None:
        """The last of readings below every threshold, come while `at_rest`: what feeding them one by one would leave."""
        self._last_ms, self._last_level = t_ms, level_m

    def status(self, now_ms: int) -> Status:
        """The state at a time."""
        raised = [latch for latch in self.latches if latch.raised]
        top = raised[-1] if raised else None
        fresh = self._last_ms is not None and now_ms - self._last_ms <= self.stale_s * 1000
        condition = Condition.UNKNOWN if not fresh else Condition.RAISED if top else Condition.NORMAL
        above = [latch.threshold.level_m for latch in self.latches if not latch.raised]
        distance = None if not above or self._last_level is None else min(above) - self._last_level
        return Status(
            condition, top.threshold.name if top else None, top.since_ms if top else None, self._last_ms, distance
        )

    def export(self) -> dict[str, Any]:
        """The state as plain values, for a restart."""
        return {
            "last_ms": self._last_ms,
            "last_level": self._last_level,
            "latches": {str(latch.threshold.name): latch.export() for latch in self.latches},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take the state of `export`; a threshold that is new starts cleared."""
        self._last_ms, self._last_level = state["last_ms"], state["last_level"]
        for latch in self.latches:
            if str(latch.threshold.name) in state["latches"]:
                latch.restore(state["latches"][str(latch.threshold.name)])

"""What is put into the log, and what comes out of it."""

from dataclasses import dataclass
from typing import Any

from gateway.clock import Moment
from gateway.readings import Reading


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to be logged: a gap, an event, a gauge reading, a calibration, a configuration change."""

    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scan:
    """What is committed together: readings of one time, and records."""

    moment: Moment
    readings: tuple[Reading, ...] = ()
    records: tuple[NewRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the log. A reading has a sensor, a record a kind."""

    seq: int
    ms: int
    sensor: str | None
    quantity: str
    unit: str
    value: float | None
    flag: int
    raw: float | None
    kind: str
    body: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Last:
    """When the newest entry was: its time as it stands in the log, and the boot clock of its boot."""

    ms: int
    boot_ns: int
    boot: str


@dataclass(frozen=True, slots=True)
class Extent:
    """One epoch of the log: first and last number still kept (last = first - 1 when it has none)."""

    epoch: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Commit:
    """The numbers that one scan was given, and when, on the monotonic clock."""

    first: int
    last: int
    at_s: float

"""What is written to a store and read from it, and the errors of a store, sorted by reaction.

A point is idempotent: the same series and the same timestamp is the same point, and writing it again changes nothing.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol


class SeriesKey(NamedTuple):
    """A series: measurement = quantity, tags station and sensor."""

    quantity: str
    station: str
    sensor: str


class SeriesPoints(NamedTuple):
    """Points of one series as columns of equal length. `value` is None where the flag is 9; such a point has only a flag.

    `raw` is None where it equals the value. `tests` is the bit mask of the quality tests that spoke, given only where the
    flag is 3 or 4. `rev` is given only when the centre changes a point. Stores merge fields as InfluxDB does: a field that a
    later write of the same point leaves out stays; where `rev` is given, `raw` and `tests` are written even when left out.
    """

    key: SeriesKey
    time_ms: list[int]
    value: list[float | None]
    flag: list[int]
    raw: list[float | None] | None = None
    tests: list[int | None] | None = None
    rev: list[int | None] | None = None


@dataclass(frozen=True, slots=True)
class RecordPoint:
    """A gap, calibration, gauge reading or configuration change: measurement `record`, tags gateway and kind, field body."""

    gateway: str
    kind: str
    time_ms: int
    body: str


@dataclass(frozen=True, slots=True)
class DeliveryPoint:
    """What the store has accepted of a gateway: measurement `delivery`, tag gateway, field body (JSON: epoch to ranges)."""

    gateway: str
    time_ms: int
    body: str


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """One point of a series with all its fields. `raw` is None where it equals the value, `tests` where none spoke."""

    time_ms: int
    value: float | None
    flag: int
    raw: float | None = None
    tests: int | None = None
    rev: int = 0


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """A point as it was before a change: measurement `history`, tags quantity, station, sensor, and `rev` as it was then."""

    key: SeriesKey
    old: StoredPoint

    @property
    def time_ms(self) -> int:
        """The point's time."""
        return self.old.time_ms


Points = SeriesPoints | RecordPoint | DeliveryPoint | HistoryPoint


class RefusedPoint(NamedTuple):
    """A point that the store will never take: `item` is its place in the list given to write, `row` its row there."""

    item: int
    row: int
    reason: str


class StoreError(Exception):
    """Something is wrong with the store."""


class StoreUnavailableError(StoreError):
    """Trying again can help: the store is away, busy or timed out. `retry_after_s` is what it asked for, if it did.

    `timed_out` says that the request may still be carried out by the server.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None, timed_out: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.timed_out = timed_out


class StoreMisconfiguredError(StoreError):
    """Trying again helps only after somebody has mended the configuration: no such bucket, token not allowed."""


class PointWriter(Protocol):
    """Writes points. Open and close it with `async with`."""

    async def write(self, points: list[Points]) -> list[RefusedPoint]:
        """Store these points; the answer names those that were refused, all others are stored when this returns.

        Raises StoreUnavailableError or StoreMisconfiguredError; then any part of them may be stored: write all again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Latest:
    """The last point of a series, and the last value with its own time: they differ when the last point is missing.

    `value` and `value_ms` are None when no point since the asked-for time has a value.
    """

    time_ms: int
    value: float | None
    flag: int
    value_ms: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Points of one series between two times, in order, thinned to buckets where there are more than asked for.

    When thinned, `value` is the bucket's mean, `low` and `high` its least and greatest value, `flag` its worst flag (9 only
    when every point in it is missing) and `time_ms` the bucket's start; else low = high = value. Columns of equal length; a
    missing value is None. `bucket_ms` is the width of the buckets, 0 when not thinned; buckets start at whole multiples of
    it since 1970, so the first one may start before the time asked for.
    """

    time_ms: list[int]
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]
    flag: list[int]
    bucket_ms: int


class PointReader(Protocol):
    """Reads points; the page never asks which store it is. Open and close it with `async with`."""

    async def latest(self, since_ms: int) -> dict[SeriesKey, Latest]:
        """The last point of every series that has one at or after `since_ms`."""
        ...

    async def history(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> History:
        """Points with start <= time < end, thinned to about `most`."""
        ...

    async def deliveries(self, upto_ms: int | None = None) -> dict[str, str]:
        """The newest body of measurement `delivery` for each gateway, or the newest that is not later than `upto_ms`.

        The embedded store keeps a month of them.
        """
        ...

    async def records_of(self, kind: str, start_ms: int, end_ms: int) -> list[RecordPoint]:
        """The records of this kind with start <= time < end, by gateway and time."""
        ...

    async def points(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> list[StoredPoint]:
        """The first `most` points with start <= time < end with all their fields, rising in time."""
        ...

    async def versions(self, key: SeriesKey, start_ms: int, end_ms: int) -> list[StoredPoint]:
        """What stood at start <= time < end before it was changed (measurement `history`), by time and rev."""
        ...

    async def tails(self, keys: list[SeriesKey], most: int) -> dict[SeriesKey, list[StoredPoint]]:
        """The newest `most` points of each of these series, rising in time; a series without points is left out."""
        ...

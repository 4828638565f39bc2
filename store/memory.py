"""The in-memory double of a store: writer and reader with the same answers as the real ones, and failures on demand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from store.buckets import bucket_width_ms, plain, thin
from store.checks import check
from store.lines import full_columns
from store.points import (
    DeliveryPoint,
    History,
    HistoryPoint,
    Latest,
    Points,
    RecordPoint,
    RefusedPoint,
    SeriesKey,
    SeriesPoints,
    StoredPoint,
    StoreMisconfiguredError,
    StoreUnavailableError,
)

Refuse = Callable[[Points, int], str | None]
"""Is given an item of the list to write and a row in it; answers why it is refused, or None."""


@dataclass(slots=True)
class Fields:
    """One stored point. Fields merge as in InfluxDB: what a later write leaves out stays."""

    value: float | None = None
    flag: int = 0
    raw: float | None = None
    tests: int | None = None
    rev: int | None = None


class MemoryStore:
    """Keeps points in dictionaries.

    `series[key][time_ms]`, `replaced[key, time_ms, rev]`, `records[gateway, kind, time_ms]` and `delivered[gateway]` may be
    looked into; `writes` counts the calls of write, the failed ones too.

    Failures: `refuse_if`, `fail` (before anything is stored), `fail_after_storing` (timed out, but carried out),
    `misconfigured` (until set to None), `hold` and `release` (writes wait).
    """

    def __init__(self) -> None:
        self.series: dict[SeriesKey, dict[int, Fields]] = {}
        self.replaced: dict[tuple[SeriesKey, int, int], StoredPoint] = {}
        self.records: dict[tuple[str, str, int], str] = {}
        self.delivered: dict[str, tuple[int, str]] = {}
        self._deliveries: dict[tuple[str, int], str] = {}
        self.writes = 0
        self.refuse_if: Refuse | None = None
        self.misconfigured: str | None = None
        self._failures: list[StoreUnavailableError] = []
        self._late_failures: list[StoreUnavailableError] = []
        self._open = asyncio.Event()
        self._open.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close: what was written can be looked at after."""

    def fail(self, times: int = 1, *, retry_after_s: float | None = None, timed_out: bool = False) -> None:
        """Be unavailable for the next writes, which store nothing."""
        error = StoreUnavailableError("told to fail", retry_after_s=retry_after_s, timed_out=timed_out)
        self._failures.extend([error] * times)

    def fail_after_storing(self, times: int = 1) -> None:
        """Time out at the next writes, which are carried out all the same."""
        self._late_failures.extend([StoreUnavailableError("told to time out", timed_out=True)] * times)

    def hold(self) -> None:
        """Let writes wait until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Let held writes go on."""
        self._open.set()

    def rows(self) -> int:
        """How many points of series are stored."""
        return sum(len(points) for points in self.series.values())

    async def write(self, points: list[Points]) -> list[RefusedPoint]:
        """Store these points. See PointWriter."""
        self.writes += 1
        await self._open.wait()
        if self.misconfigured is not None:
            raise StoreMisconfiguredError(self.misconfigured)
        if self._failures:
            raise self._failures.pop(0)
        refused = check(points)
        skip = {(one.item, one.row) for one in refused}
        for item, one in enumerate(points):
            for row in range(len(one.time_ms) if isinstance(one, SeriesPoints) else 1):
                if (item, row) in skip:
                    continue
                reason = self.refuse_if(one, row) if self.refuse_if else None
                if reason is None:
                    self._store(one, row)
                else:
                    refused.append(RefusedPoint(item, row, reason))
        if self._late_failures:
            raise self._late_failures.pop(0)
        return sorted(refused)

    def _store(self, one: Points, row: int) -> None:
        if isinstance(one, RecordPoint):
            self.records[one.gateway, one.kind, one.time_ms] = one.body
        elif isinstance(one, HistoryPoint):
            self.replaced[one.key, one.old.time_ms, one.old.rev] = one.old
        elif isinstance(one, DeliveryPoint):
            self._deliveries[one.gateway, one.time_ms] = one.body
            if one.time_ms >= self.delivered.get(one.gateway, (one.time_ms, ""))[0]:
                self.delivered[one.gateway] = (one.time_ms, one.body)
        else:
            fields = self.series.setdefault(one.key, {}).setdefault(one.time_ms[row], Fields())
            raw, tests, rev = full_columns(one)
            fields.flag = one.flag[row]
            for name, column in (("value", one.value), ("raw", raw), ("tests", tests), ("rev", rev)):
                if column[row] is not None:
                    setattr(fields, name, column[row])

    async def latest(self, since_ms: int) -> dict[SeriesKey, Latest]:
        """The last point of every series. See PointReader."""
        out: dict[SeriesKey, Latest] = {}
        for key, points in self.series.items():
            times = sorted(time_ms for time_ms in points if time_ms >= since_ms)
            if times:
                value_ms = next((time_ms for time_ms in reversed(times) if points[time_ms].value is not None), None)
                value = points[value_ms].value if value_ms is not None else None
                out[key] = Latest(times[-1], value, points[times[-1]].flag, value_ms)
        return out

    async def history(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> History:
        """Points of one series. See PointReader."""
        points = self.series.get(key, {})
        rows = [(t, points[t].value, points[t].flag) for t in sorted(points) if start_ms <= t < end_ms]
        return plain(rows) if len(rows) <= max(most, 1) else thin(rows, bucket_width_ms(start_ms, end_ms, most))

    async def deliveries(self, upto_ms: int | None = None) -> dict[str, str]:
        """The newest body of each gateway. See PointReader."""
        return {
            gateway: body
            for (gateway, time_ms), body in sorted(self._deliveries.items())
            if upto_ms is None or time_ms <= upto_ms
        }

    async def records_of(self, kind: str, start_ms: int, end_ms: int) -> list[RecordPoint]:
        """Records of one kind. See PointReader."""
        return [
            RecordPoint(gateway, one, time_ms, body)
            for (gateway, one, time_ms), body in sorted(self.records.items())
            if one == kind and start_ms <= time_ms < end_ms
        ]

    async def points(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> list[StoredPoint]:
        """Points of one series with all their fields. See PointReader."""
        points = self.series.get(key, {})
        times = [time_ms for time_ms in sorted(points) if start_ms <= time_ms < end_ms]
        return [_stored(time_ms, points[time_ms]) for time_ms in times[:most]]

    async def versions(self, key: SeriesKey, start_ms: int, end_ms: int) -> list[StoredPoint]:
        """Earlier points of one series. See PointReader."""
        found = [old for (of, time_ms, _), old in self.replaced.items() if of == key and start_ms <= time_ms < end_ms]
        return sorted(found, key=lambda one: (one.time_ms, one.rev))

    async def tails(self, keys: list[SeriesKey], most: int) -> dict[SeriesKey, list[StoredPoint]]:
        """The newest points of these series. See PointReader."""
        out: dict[SeriesKey, list[StoredPoint]] = {}
        for key in keys:
            points = self.series.get(key, {})
            newest = sorted(points)[-most:]
            if newest:
                out[key] = [_stored(time_ms, points[time_ms]) for time_ms in newest]
        return out


def _stored(time_ms: int, fields: Fields) -> StoredPoint:
    return StoredPoint(time_ms, fields.value, fields.flag, fields.raw, fields.tests, fields.rev or 0)

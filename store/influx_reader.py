"""Reading from InfluxDB in InfluxQL, the one language that 1.x, 2.x and 3 all answer."""

import json
from collections.abc import Iterable
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp

from store.buckets import MISSING, bucket_width_ms, plain
from store.influx_answers import message_of
from store.influx_http import open_session, transport_error
from store.lines import DELIVERY, HISTORY, RECORD, RESERVED
from store.points import (
    History,
    Latest,
    RecordPoint,
    SeriesKey,
    StoredPoint,
    StoreMisconfiguredError,
    StoreUnavailableError,
)
from store.settings import InfluxSettings

_NOT_EXECUTED = "not executed"
TAILS_AT_ONCE = 25
"""Statements of one request: a URL of some kilobytes."""


class _Series(NamedTuple):
    name: str
    tags: dict[str, str]
    rows: list[list[Any]]


def _identifier(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _string(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class InfluxReader:
    """A PointReader through `/query`, whichever API writes."""

    def __init__(self, settings: InfluxSettings) -> None:
        self._settings = settings
        self._url = settings.url.rstrip("/") + "/query"
        self._open = open_session(settings)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = await self._open.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None
        await self._open.__aexit__(kind, error, trace)

    async def latest(self, since_ms: int) -> dict[SeriesKey, Latest]:
        """The last point of every series. See PointReader."""
        tail = f'FROM /.*/ WHERE time >= {since_ms}ms GROUP BY "station", "sensor"'
        flags, values = await self._query(f'SELECT last("flag") {tail}', f'SELECT last("value") {tail}')
        last_values = {_key(series): series.rows[-1] for series in values}
        out: dict[SeriesKey, Latest] = {}
        for series in flags:
            if series.name not in RESERVED:
                time_ms, flag = series.rows[-1]
                value_ms, value = last_values.get(_key(series), (None, None))
                out[_key(series)] = Latest(time_ms, _float(value), int(flag), value_ms)
        return out

    async def history(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> History:
        """Points of one series. See PointReader."""
        tail = (
            f'FROM {_identifier(key.quantity)} WHERE "station" = {_string(key.station)}'
            f' AND "sensor" = {_string(key.sensor)} AND time >= {start_ms}ms AND time < {end_ms}ms'
        )
        (counted,) = await self._query(f'SELECT count("flag") {tail}')
        count = counted[0].rows[0][1] if counted else 0
        if count <= max(most, 1):
            (points,) = await self._query(f'SELECT "value", "flag" {tail}')
            rows = points[0].rows if points else []
            return plain((time_ms, _float(value), int(flag)) for time_ms, value, flag in rows if _is_whole(value, flag))
        width_ms = bucket_width_ms(start_ms, end_ms, most)
        group = f"GROUP BY time({width_ms}ms) fill(none)"
        buckets, flags = await self._query(
            f'SELECT mean("value"), min("value"), max("value"), count("flag") {tail} {group}',
            f'SELECT max("flag") {tail} AND "flag" < {MISSING} {group}',
        )
        worst = {time_ms: int(flag) for time_ms, flag in flags[0].rows} if flags else {}
        out = History([], [], [], [], [], width_ms)
        for time_ms, mean, low, high, inside in buckets[0].rows if buckets else []:
            if inside:
                out.time_ms.append(time_ms)
                out.value.append(_float(mean))
                out.low.append(_float(low))
                out.high.append(_float(high))
                out.flag.append(worst.get(time_ms, MISSING))
        return out

    async def deliveries(self, upto_ms: int | None = None) -> dict[str, str]:
        """The newest body of each gateway. See PointReader."""
        where = "" if upto_ms is None else f" WHERE time <= {upto_ms}ms"
        (found,) = await self._query(f'SELECT last("body") FROM {_identifier(DELIVERY)}{where} GROUP BY "gateway"')
        return {series.tags["gateway"]: series.rows[-1][1] for series in found}

    async def records_of(self, kind: str, start_ms: int, end_ms: int) -> list[RecordPoint]:
        """Records of one kind. See PointReader."""
        (found,) = await self._query(
            f'SELECT "body" FROM {_identifier(RECORD)} WHERE "kind" = {_string(kind)}'
            f' AND time >= {start_ms}ms AND time < {end_ms}ms GROUP BY "gateway"'
        )
        return [
            RecordPoint(series.tags["gateway"], kind, time_ms, body)
            for series in found
            for time_ms, body in series.rows
        ]

    async def points(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> list[StoredPoint]:
        """Points of one series with all their fields. See PointReader."""
        (found,) = await self._query(
            f'SELECT "value", "flag", "raw", "tests", "rev" FROM {_identifier(key.quantity)}'
            f' WHERE "station" = {_string(key.station)} AND "sensor" = {_string(key.sensor)}'
            f" AND time >= {start_ms}ms AND time < {end_ms}ms ORDER BY time LIMIT {most}"
        )
        return _all_stored(found[0].rows) if found else []

    async def versions(self, key: SeriesKey, start_ms: int, end_ms: int) -> list[StoredPoint]:
        """Earlier points of one series. See PointReader."""
        (found,) = await self._query(
            f'SELECT "value", "flag", "raw", "tests" FROM {_identifier(HISTORY)} WHERE "quantity" = {_string(key.quantity)}'
            f' AND "station" = {_string(key.station)} AND "sensor" = {_string(key.sensor)}'
            f' AND time >= {start_ms}ms AND time < {end_ms}ms GROUP BY "rev"'
        )
        out = _all_stored([*row, int(series.tags["rev"])] for series in found for row in series.rows)
        return sorted(out, key=lambda one: (one.time_ms, one.rev))

    async def tails(self, keys: list[SeriesKey], most: int) -> dict[SeriesKey, list[StoredPoint]]:
        """The newest points of these series. See PointReader."""
        out: dict[SeriesKey, list[StoredPoint]] = {}
        for at in range(0, len(keys), TAILS_AT_ONCE):
            some = keys[at : at + TAILS_AT_ONCE]
            statements = (
                f'SELECT "value", "flag", "raw", "tests", "rev" FROM {_identifier(key.quantity)}'
                f' WHERE "station" = {_string(key.station)} AND "sensor" = {_string(key.sensor)}'
                f" ORDER BY time DESC LIMIT {most}"
                for key in some
            )
            for key, found in zip(some, await self._query(*statements), strict=True):
                if found:
                    out[key] = _all_stored(reversed(found[0].rows))
        return out

    async def _query(self, *statements: str) -> list[list[_Series]]:
        """The series that each statement answers, times in milliseconds."""
        if self._session is None:
            raise RuntimeError("the store is not open: use it inside `async with`")
        params = {"db": self._settings.bucket, "epoch": "ms", "q": "; ".join(statements)}
        try:
            async with self._session.get(self._url, params=params, allow_redirects=False) as response:
                status, body = response.status, await response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise transport_error(error, self._url) from error
        if status != 200:
            said = f"{self._url}: HTTP {status}: {message_of(body)[:300]}"
            raise (
                StoreUnavailableError(said) if status in (408, 429) or status >= 500 else StoreMisconfiguredError(said)
            )
        try:
            results = json.loads(body)["results"]
            _raise_errors([str(result["error"]) for result in results if "error" in result], self._settings.bucket)
            return [_series(result) for result in results]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreMisconfiguredError(f"{self._url}: the answer is not one of InfluxDB's: {error!r}") from error


def _raise_errors(errors: list[str], bucket: str) -> None:
    """Tells the first reason. A missing bucket is sometimes only told by "not executed", without any reason."""
    reasons = [error for error in errors if error != _NOT_EXECUTED]
    if reasons:
        lasting = "not found" in reasons[0] or "not authorized" in reasons[0]
        raise StoreMisconfiguredError(reasons[0]) if lasting else StoreUnavailableError(reasons[0])
    if errors:
        raise StoreMisconfiguredError(f"the query was not executed: is there a bucket {bucket!r}?")


def _series(result: dict[str, Any]) -> list[_Series]:
    return [_Series(one["name"], one.get("tags", {}), one["values"]) for one in result.get("series", [])]


def _key(series: _Series) -> SeriesKey:
    return SeriesKey(series.name, series.tags.get("station", ""), series.tags.get("sensor", ""))


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)


def _is_whole(value: float | None, flag: float | None) -> bool:
    """InfluxDB shows the fields of a point one by one while it is written: without one of these it is not there yet."""
    return flag is not None and (value is not None or flag == MISSING)


def _all_stored(rows: Iterable[list[Any]]) -> list[StoredPoint]:
    return [_stored(row) for row in rows if _is_whole(row[1], row[2])]


def _stored(row: list[Any]) -> StoredPoint:
    time_ms, value, flag, raw, tests, rev = row
    mask = None if tests is None else int(tests)
    return StoredPoint(time_ms, _float(value), int(flag), _float(raw), mask, int(rev or 0))

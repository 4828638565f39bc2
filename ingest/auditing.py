"""Reads what an audit needs: points and gaps from the store, what waits and what is dead from the spool."""

import asyncio
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hydrology.accounting.periods import day_period
from hydrology.registry import Registry, Sensor, Station
from ingest.app import part_of
from ingest.audit import Gap, Known, Pool, SensorDay, audit
from ingest.body import BodyError
from ingest.gone import gone_in
from ingest.group_body import bodies_of
from ingest.holding import SpoolReader
from ingest.letters import Filter, open_letters
from ingest.received import count, parse_ranges
from ingest.settings import IngestSettings, spool_path
from store.open import open_reader
from store.points import PointReader, RecordPoint, SeriesKey
from wire.batch import Record
from wire.codec import decode_batch
from wire.ranges import RangeSet
from wire.reasons import WireError

ALL_POINTS = 1_000_000_000
LATER_MS = 31 * 86_400_000
"""A gap may be told long after: a gateway that was cut off, or restarted."""
STEP = 500


@dataclass(slots=True)
class Audit:
    """The days, and what people should know beside them."""

    days: list[SensorDay] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def audit_days(
    settings: IngestSettings,
    state: Path,
    registry: Registry,
    station: str | None,
    last: date | None,
    days: int,
    now_ms: int,
) -> Audit:
    """Audit so many local days up to `last` (yesterday, when it is None). Raises StoreError, OSError."""
    stations = [one for one in part_of(registry, settings.districts).stations if station in (None, one.id)]
    out = Audit()
    if not stations:
        return out
    spans = {one.id: _days(registry.zone_of(one), last, days, now_ms) for one in stations}
    start_ms = min(start for found in spans.values() for _, start, _ in found)
    end_ms = max(end for found in spans.values() for _, _, end in found)
    known: dict[str, Known] = {}
    spool = spool_path(state)
    if spool.exists():
        try:
            await asyncio.to_thread(_read_spool, spool, start_ms, end_ms, known)
        except sqlite3.Error as error:
            out.notes.append(f"Dead letters and what waits were not looked at: {spool}: {error}")
    else:
        out.notes.append(f"Dead letters and what waits were not looked at: there is no spool at {spool}.")
    async with open_reader(settings.store, state) as reader:
        read_gaps(await reader.records_of("gap", start_ms, min(end_ms + LATER_MS, now_ms + LATER_MS)), known)
        for one in stations:
            for sensor in one.sensors:
                for name, start, end in spans[one.id]:
                    out.days.append(
                        await _one(reader, one, sensor, name, (start, end), known.get(sensor.gateway) or Known())
                    )
    return out


async def _one(
    reader: PointReader, station: Station, sensor: Sensor, name: str, span: tuple[int, int], known: Known
) -> SensorDay:
    start_ms, end_ms = span
    interval_ms = max(1, round(sensor.interval * 1000))
    key = SeriesKey(sensor.quantity, station.id, sensor.id)
    found = await reader.history(key, start_ms - interval_ms, end_ms + interval_ms, ALL_POINTS)
    points = list(zip(found.time_ms, found.flag, strict=True))
    return audit(SensorDay(station.id, sensor.id, name, 0, 0), start_ms, end_ms, interval_ms, points, known)


def _days(zone: str, last: date | None, days: int, now_ms: int) -> list[tuple[str, int, int]]:
    """Name, start and end (or now) of each local day, those still to come left out."""
    if last is None:
        last = (datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(zone)) - timedelta(days=1)).date()
    out: list[tuple[str, int, int]] = []
    for back in reversed(range(days)):
        period = day_period(last - timedelta(days=back), zone)
        start_ms = round(period.start.timestamp() * 1000)
        out.append((period.name, start_ms, max(start_ms, min(round(period.end.timestamp() * 1000), now_ms))))
    return out


def read_gaps(records: Iterable[RecordPoint], known: dict[str, Known]) -> None:
    """What the gateways say they did not read, or no longer have."""
    for record in records:
        try:
            body = json.loads(record.body)
            of = known.setdefault(record.gateway, Known())
            if "from_ms" in body:
                sensors = frozenset(str(one) for one in body["sensors"])
                of.gaps.append(Gap(str(body["reason"]), int(body["from_ms"]), int(body["to_ms"]), sensors))
                continue
        except (KeyError, TypeError, ValueError):  # what another gateway says in a way of its own
            continue
        gone = gone_in(Record(1, record.time_ms, record.kind, body)) if isinstance(body, dict) else None
        if gone is not None:
            reason, _, ranges = gone
            of.pools.append(Pool(reason, record.time_ms, count(ranges)))


def _read_spool(path: Path, start_ms: int, end_ms: int, known: dict[str, Known]) -> None:
    with open_letters(path) as letters:
        after = 0
        while step := letters.after(after, Filter(since_ms=start_ms), STEP, 1 << 20):
            after = step[-1][0].id
            for letter, payload in step:
                if letter.epoch is None:
                    continue
                try:
                    batch = decode_batch(payload, letter.content_type)
                except WireError:
                    continue
                numbers = RangeSet(parse_ranges(letter.ranges))
                of = known.setdefault(letter.gateway, Known())
                for series in batch.series:
                    times = (t for t, seq in zip(series.time_ms, series.seq, strict=True) if seq in numbers)
                    of.dead.setdefault(series.sensor, []).extend(t for t in times if start_ms <= t < end_ms)
    reader = SpoolReader(path)
    try:
        after = 0
        while rows := reader.after(after, STEP, 1 << 20):
            after = rows[-1].id
            for row in rows:
                try:
                    bodies = bodies_of(row)
                except (BodyError, ValueError):
                    continue
                for sent, body in bodies:
                    of = known.setdefault(sent.gateway, Known())
                    for one in body.series:
                        inside = (t for t in one.time_ms if start_ms <= t < end_ms)
                        of.waiting.setdefault(one.target.sensor, []).extend(inside)
    finally:
        reader.close()
    for one_gateway in known.values():
        for column in (*one_gateway.dead.values(), *one_gateway.waiting.values()):
            column.sort()

"""What `aryk ingest audit` and ingest's counters say at the end of a run, beside the ledger, the gateway's log and the store.

`compare` and `compare_counters` are pure; `look` gathers what they need. Each answers with what does not agree, in words.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hydrology.load import load_registry
from ingest.audit import FLAG_9, GAP, NEVER, SensorDay
from ingest.auditing import audit_days
from ingest.settings import load_settings
from simulator.ledger import LedgerReader
from tests.faults import logged
from tests.faults.stored import Points
from tests.faults.world import World

LONG = 4
"""A silence of more intervals than this must be told; shorter ones may be a scan that came late on a busy machine."""
EDGE = 3
"""A gap may begin and end so many intervals beside the silence: the slots on its two sides, and the first scan after it is
told as late only from a whole interval on, when its device may wait some milliseconds more for a busy machine."""
ROUGHLY = 0.05
"""Late scans make and fill holes: of so many of the slots two clocks may think differently."""
FEW = 5

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Instrument:
    """One device by the ledger: when it served what the gateway logged, by the ledger's clock, and the gaps told of it."""

    counter: str
    served_ms: list[int]
    settled: int
    """Of these, how many surely reached the centre."""
    told: list[Span]


@dataclass(frozen=True, slots=True)
class Series:
    """One sensor as the store has it."""

    station: str
    sensor: str
    zone: str
    interval_ms: int
    points: Points


def compare(days: Sequence[SensorDay], series: Series, instrument: Instrument, ended_ms: int) -> list[str]:
    """What the audit of these days, the first before the run and the last after it, says otherwise of a sensor."""
    mine = [one for one in days if (one.station, one.sensor) == (series.station, series.sensor)]
    out = [found for one in mine for found in _day(one, series, ended_ms)]
    stored = sum(one.stored for one in mine)
    if series.sensor == instrument.counter and not instrument.settled <= stored <= len(instrument.served_ms):
        out.append(
            f"{series.sensor}: the audit has {stored} stored, of the ledger's serves {len(instrument.served_ms)} are logged"
            f" and {instrument.settled} of them are receipted"
        )
    return out + _missing(mine, series, instrument, ended_ms)


def _day(one: SensorDay, series: Series, ended_ms: int) -> list[str]:
    zone = ZoneInfo(series.zone)
    day = date.fromisoformat(one.day)
    start_ms, end_ms = (
        round(datetime(at.year, at.month, at.day, tzinfo=zone).timestamp() * 1000)
        for at in (day, day + timedelta(days=1))
    )
    flags = [flag for ms, (_, flag) in series.points.items() if start_ms <= ms < min(end_ms, ended_ms)]
    wanted = {
        "expected": max(0, round((min(end_ms, ended_ms) - start_ms) / series.interval_ms)),
        "stored": sum(flag != 9 for flag in flags),
        FLAG_9: sum(flag == 9 for flag in flags),
    }
    said = {"expected": one.expected, "stored": one.stored, FLAG_9: one.missing[FLAG_9]}
    return [
        f"{series.sensor} on {one.day}: the audit has {said[name]} {name}, it should be {wanted[name]}"
        for name in wanted
        if said[name] != wanted[name]
    ]


def _missing(days: Iterable[SensorDay], series: Series, instrument: Instrument, ended_ms: int) -> list[str]:
    out: list[str] = []
    interval_ms, times = series.interval_ms, sorted(instrument.served_ms)
    if not times:
        return [f"{series.sensor}: the ledger has nothing that the gateway logged"]
    silent = covered = 0
    for left, right in pairwise([*times, ended_ms]):
        number = max(0, (right - left + interval_ms // 2) // interval_ms - 1)
        inside = _inside(instrument.told, left, right)
        if number > LONG and right != ended_ms and (right - left) - inside > (1 + EDGE) * interval_ms:
            out.append(
                f"{series.sensor}: nothing was read from {left} to {right} ms, a gap tells {inside} ms of these {right - left}"
            )
        silent += number
        covered += min(number, round(inside / interval_ms))
    missing = {why: sum(one.missing[why] for one in days) for why in {why for one in days for why in one.missing}}
    first_ms = min(series.points, default=ended_ms)
    before = sum(_before(one, series, first_ms) for one in days)
    told = sum(number for why, number in missing.items() if why.startswith(GAP))
    never = missing.get(NEVER, 0) - before
    allowed = FEW + round(ROUGHLY * (len(times) + silent))
    for what, found, wanted in (
        ("in gaps", told, covered),
        ("never received", never, silent - covered),
        ("for any reason", told + never, silent),
    ):
        if abs(found - wanted) > allowed:
            out.append(
                f"{series.sensor}: the audit misses {found} {what}, by the ledger it is {wanted} (give or take {allowed})"
            )
    others = {why: number for why, number in missing.items() if why not in (NEVER, FLAG_9) and not why.startswith(GAP)}
    if others:
        out.append(f"{series.sensor}: the audit misses {others} after everything was drained")
    return out


def _before(one: SensorDay, series: Series, first_ms: int) -> int:
    """How many of a day were expected before the run began."""
    day = date.fromisoformat(one.day)
    start_ms = round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(series.zone)).timestamp() * 1000)
    return min(one.expected, max(0, (first_ms - start_ms) // series.interval_ms))


def _inside(spans: Iterable[Span], left: int, right: int) -> int:
    """How much of left to right lies in these spans, which may overlap."""
    total, reached = 0, left
    for start, end in sorted(spans):
        start, end = max(start, reached), min(end, right)
        if end > start:
            total, reached = total + end - start, end
    return total


def compare_counters(
    counters: Mapping[str, int], settled: int, entries: int, nameless: int, *, whole: bool
) -> list[str]:
    """`settled` of the gateway's `entries` are receipted; `nameless` letters have no identity; `whole`: no spool was lost."""
    out: list[str] = []
    parts = sum(counters.get(part, 0) for part in logged.PARTS)
    if counters.get("received", 0) != parts:
        out.append(f"received {counters.get('received', 0)} is not the sum {parts} of {dict(counters)}")
    if counters.get("waiting", 0):
        out.append(f"{counters['waiting']} readings count as waiting after the drain")
    once = parts - counters.get("repeated", 0) - nameless
    if whole and not settled <= once <= entries:
        out.append(f"the counters know {once} readings, the gateway logged {entries} and has receipts for {settled}")
    return out


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked at, and what does not agree."""

    sensors: int
    stored: int
    missing: int
    disagreements: list[str]

    def __str__(self) -> str:
        if self.disagreements:
            return "\n".join(["the audit or the counters do not agree with the ledger:", *self.disagreements])
        return (
            f"audit and counters agree with the ledger: {self.sensors} sensors, {self.stored} readings stored,"
            f" {self.missing} missing with reasons"
        )


async def look(world: World, *, spools_lost: int = 0) -> Found:
    """Compare all of a run that has settled: the gateway is down, and nothing waits."""
    settings = load_settings(world.ingest.config)
    registry = load_registry(settings.registry)
    zones = {one.id: registry.zone_of(one) for one in registry.stations}
    rows = [row for path in logged.readable_logs(world.log_folder) for row in logged.entries(path)]
    receipted = logged.settled(world.log_path)
    gaps = [body for body in await asyncio.to_thread(world.store.record_bodies) if "ranges" not in body]
    series: list[tuple[Series, Instrument]] = []
    with LedgerReader(world.ledger_path) as ledger:
        names = {one.device: one.sensor for one in ledger.series().values() if one.quantity == "count"}
        for device in ledger.devices():
            counter = names[device]
            numbers = {int(row.value): row.seq for row in rows if row.sensor == counter and row.value is not None}
            serves = [one for one in ledger.serves(device) if one.serve in numbers]
            instrument = Instrument(
                counter,
                sorted(one.requested_ms for one in serves),
                sum(numbers[one.serve] in receipted for one in serves),
                [_span(body) for body in gaps if _names(body, counter)],
            )
            station = next(one for one in world.scenario.stations if counter in {sensor.id for sensor in one.sensors})
            for sensor in station.sensors:
                points = await asyncio.to_thread(world.store.points, sensor.quantity, station.id, sensor.id)
                found = registry.sensors_by_gateway()[world.gateway_id][sensor.id][1]
                interval_ms = round(found.interval * 1000)
                series.append((Series(station.id, sensor.id, zones[station.id], interval_ms, points), instrument))
    ended_ms = max(ms for one, _ in series for ms in one.points) + 1
    # East of Greenwich it may be tomorrow already.
    last = datetime.fromtimestamp(ended_ms / 1000, UTC).date() + timedelta(days=1)
    told = await audit_days(settings, world.ingest_state, registry, None, last, 3, ended_ms)
    out = [*told.notes]
    for one, instrument in series:
        out += compare(told.days, one, instrument, ended_ms)
    letters = logged.dead_letters(world.spool_path)
    out += compare_counters(
        logged.counters(world.spool_path),
        sum(row.seq in receipted for row in rows),
        len(rows),
        sum(one.epoch is None for one in letters),
        whole=not spools_lost,
    )
    before = sum(
        _before(day, one, min(one.points, default=ended_ms))
        for one, _ in series
        for day in told.days
        if (day.station, day.sensor) == (one.station, one.sensor)
    )
    missing = sum(day.missing.total() for day in told.days) - before
    return Found(len(series), sum(day.stored for day in told.days), missing, out)


def _names(body: Mapping[str, object], sensor: str) -> bool:
    sensors = body.get("sensors")
    return isinstance(sensors, list) and sensor in sensors and "from_ms" in body


def _span(body: Mapping[str, object]) -> Span:
    return int(str(body["from_ms"])), int(str(body["to_ms"]))

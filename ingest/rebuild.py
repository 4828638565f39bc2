"""What the quality tests, the derived series and the alarms remember, at a start: the last readings of each series, from the
store and from what waits in the spool."""

import asyncio
import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ingest.alarms import Alarms
from ingest.body import Body, BodyError
from ingest.change import Row
from ingest.derive import Derive
from ingest.group_body import bodies_of
from ingest.holding import SpoolReader
from ingest.pipeline import Target
from ingest.quality import Need, Quality
from ingest.recall import FOR_EVER_S, ask
from store.points import PointReader, SeriesKey, StoredPoint

log = logging.getLogger(__name__)

Tails = dict[SeriesKey, tuple[list[StoredPoint], bool]]
"""The newest points of each series, rising in time, and whether there are none older."""

SERIES_AT_ONCE = 100
ASK_WHICH_FROM = 1_000
"""From so many series on the store is first asked which of them it has: a new one, or a wiped one, has none."""
FIRST_READINGS = 256
"""Asked for first; enough where no test looks back over more readings."""
MOST_READINGS = 16_384
"""Of one series: beyond it the early part of a long window is not seen."""
READ_ROWS, READ_BYTES = 500, 1_000_000


async def rebuild(
    quality: Quality, derive: Derive, alarms: Alarms, store: PointReader, spool: SpoolReader, patience_s: float
) -> dict[SeriesKey, Need]:
    """Read back what every series needs; what the alarms still need then (`recall_alarms`). A store that does not answer in
    time is left out: then the first readings of each series are judged without those before them, as if the series began,
    and nothing is paired with those before."""
    needs = {key: both(*pair) for key, pair in _pairs(quality.needs(), alarms.needs()).items()}
    needs = {key: both(*pair) for key, pair in _pairs(needs, derive.needs()).items()}
    if not needs:
        return {}
    tails, answered = await _last(needs, store, spool, patience_s, FIRST_READINGS)
    if not answered:
        log.warning("the quality tests and the alarms start without the readings that are in the store")
    quality.seed(tails)
    derive.seed(tails, known=answered)
    alarms.seed(tails)
    log.info("the quality tests and the alarms know the last readings of %d series", len(tails))
    return _further(alarms.undecided(), 4 * FIRST_READINGS) if answered else alarms.needs()


async def recall_alarms(alarms: Alarms, store: PointReader, spool: SpoolReader, lacking: dict[SeriesKey, Need]) -> None:
    """Read back what the alarms still need, further back each time, until their state is known; wait for the store."""
    most = FIRST_READINGS
    while lacking and most <= MOST_READINGS:
        tails, _ = await _last(lacking, store, spool, FOR_EVER_S, most)
        alarms.seed(tails)
        most *= 4
        lacking = _further(alarms.undecided(), most)


def both(one: Need, other: Need) -> Need:
    """What is enough for both."""
    return Need(max(one.readings, other.readings), max(one.window_ms, other.window_ms))


def _pairs(one: dict[SeriesKey, Need], other: dict[SeriesKey, Need]) -> dict[SeriesKey, tuple[Need, Need]]:
    nothing = Need(0, 0)
    return {key: (one.get(key, nothing), other.get(key, nothing)) for key in one | other}


def _further(keys: list[SeriesKey], most: int) -> dict[SeriesKey, Need]:
    return {key: Need(most - 4, 0) for key in keys}


async def _last(
    needs: dict[SeriesKey, Need], store: PointReader, spool: SpoolReader, patience_s: float, most: int
) -> tuple[Tails, bool]:
    """The last readings of these series; and whether the store answered."""
    keys = list(needs)
    tails: Tails = {}
    answered = True
    if len(keys) >= ASK_WHICH_FROM:
        there = await ask(lambda: store.latest(0), "which series it has", patience_s)
        if there is None:
            answered, keys = False, []
        else:
            tails = {key: ([], True) for key in keys if key not in there}
            keys = [key for key in keys if key in there]
    for at in range(0, len(keys), SERIES_AT_ONCE):
        some = {key: needs[key] for key in keys[at : at + SERIES_AT_ONCE]}
        found = await ask(lambda some=some: read_tails(store, some, most), "the last readings", patience_s)  # type: ignore[misc]
        if found is None:
            answered = False
            break
        tails.update(found)
    waiting = await asyncio.to_thread(lambda: waiting_points(_rows(spool), needs))
    for key, points in waiting.items():
        tails[key] = merged(*tails.get(key, ([], False)), points)
    return tails, answered


def merged(
    stored: list[StoredPoint], complete: bool, waiting: dict[int, StoredPoint]
) -> tuple[list[StoredPoint], bool]:
    """What waits comes later than what is stored."""
    merged = {point.time_ms: point for point in stored}
    since_ms = stored[0].time_ms if stored and not complete else -math.inf
    for time_ms, point in waiting.items():
        known = merged.get(time_ms)
        if time_ms >= since_ms:
            merged[time_ms] = point if known is None else replace(point, rev=max(point.rev, known.rev))
    return [merged[time_ms] for time_ms in sorted(merged)], complete and len(waiting) < MOST_READINGS


async def read_tails(store: PointReader, needs: dict[SeriesKey, Need], most: int = FIRST_READINGS) -> Tails:
    """What these series need of the store: so many readings of each at first, and more where that is not enough."""
    out: Tails = {}
    open_keys = list(needs)
    while open_keys:
        found = await store.tails(open_keys, most)
        for key in open_keys:
            points = found.get(key, [])
            if len(points) < most or most >= MOST_READINGS or _enough(points, needs[key]):
                out[key] = (points, len(points) < most)
        open_keys = [key for key in open_keys if key not in out]
        most *= 4
    return out


def _enough(points: list[StoredPoint], need: Need) -> bool:
    """Whether these newest points hold the window before those that are asked for, and a few more."""
    if len(points) <= need.readings + 3:
        return False
    return points[3].time_ms < points[-need.readings].time_ms - need.window_ms


def _rows(spool: SpoolReader) -> Iterator[Row]:
    row_id = 0
    while rows := spool.after(row_id, READ_ROWS, READ_BYTES):
        row_id = rows[-1].id
        yield from rows


def waiting_points(rows: Iterable[Row], needs: dict[SeriesKey, Need]) -> dict[SeriesKey, dict[int, StoredPoint]]:
    """The newest points of these series that wait in the spool, by time: later rows change earlier ones."""
    out: dict[SeriesKey, dict[int, StoredPoint]] = {key: {} for key in needs}
    for row in rows:
        if row.whole:
            _take(row, out)
    return {key: points for key, points in out.items() if points}


def _take(row: Row, out: dict[SeriesKey, dict[int, StoredPoint]]) -> None:
    try:
        bodies = [body for _, body in bodies_of(row)]
    except (BodyError, ValueError):
        return  # the drain sets it aside
    for body in bodies:
        _take_body(body, out)


def _take_body(body: Body, out: dict[SeriesKey, dict[int, StoredPoint]]) -> None:
    series, _, changed = body
    for target, _, times, values, flags, raws, tests in series:
        key = _key(target)
        points = out.get(key)
        if points is None:
            continue
        for at, time_ms in enumerate(times):
            raw = None if raws is None else raws[at]
            mask = None if tests is None else tests[at]
            points[time_ms] = StoredPoint(time_ms, values[at], flags[at], raw, mask)
        if len(points) > 2 * MOST_READINGS:
            for old in sorted(points)[:-MOST_READINGS]:
                del points[old]
    for one in changed:
        points = out.get(_key(one.target))
        if points is not None:
            points[one.new.time_ms] = one.new


def _key(target: Target) -> SeriesKey:
    return SeriesKey(target.quantity, target.station, target.sensor)

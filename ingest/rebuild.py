"""What the quality tests, the derived series and the alarms remember, at a start: the last readings of each series, from the
store and from what waits in the spool.

Read and given away some series at a time: as objects, those of 50,000 series would take gigabytes.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from ingest.alarms import Alarms
from ingest.change import Row
from ingest.derive import Derive
from ingest.holding import SpoolReader
from ingest.quality import Need, Quality
from ingest.recall import FOR_EVER_S, ask
from ingest.waiting import MOST_READINGS, Waiting, waiting_points
from store.points import PointReader, SeriesKey, StoredPoint

log = logging.getLogger(__name__)

Tails = dict[SeriesKey, tuple[list[StoredPoint], bool]]
"""The newest points of each series, rising in time, and whether there are none older."""

SERIES_AT_ONCE = 100
READERS = 3
"""So that the store works on one answer while another is taken in."""
ASK_WHICH_FROM = 1_000
"""From so many series on the store is first asked which of them it has: a new one, or a wiped one, has none."""
FIRST_READINGS = 256
"""Asked for first; enough where no test looks back over more readings."""
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
    count = 0

    def take(tails: Tails, unread: list[SeriesKey] | None = None) -> None:
        nonlocal count
        count += len(tails)
        quality.seed(tails)
        derive.seed(tails, known=unread is None, of=tails if unread is None else unread)
        alarms.seed(tails)

    ties = [*quality.ties(), *derive.ties(), *alarms.ties()]
    left = await _Reading(needs, store, spool, patience_s, FIRST_READINGS, take).run(ties)
    if left is not None:
        log.warning("the quality tests and the alarms start without the readings that are in the store")
        take(left.tails, left.keys)
    log.info("the quality tests and the alarms know the last readings of %d series", count)
    return _further(alarms.undecided(), 4 * FIRST_READINGS) if left is None else alarms.needs()


async def recall_alarms(alarms: Alarms, store: PointReader, spool: SpoolReader, lacking: dict[SeriesKey, Need]) -> None:
    """Read back what the alarms still need, further back each time, until their state is known; wait for the store."""
    most = FIRST_READINGS
    while lacking and most <= MOST_READINGS:
        await _Reading(lacking, store, spool, FOR_EVER_S, most, alarms.seed).run([*alarms.ties()])
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


def together(keys: Iterable[SeriesKey], ties: Iterable[tuple[SeriesKey, ...]], most: int) -> list[list[SeriesKey]]:
    """The series in batches of about so many. Those that are tied, over others too, are in one batch, however many they are."""
    heads: dict[SeriesKey, SeriesKey] = {}

    def head(key: SeriesKey) -> SeriesKey:
        while (above := heads.get(key, key)) != key:
            heads[key] = heads.get(above, above)
            key = above
        return key

    for first, *others in ties:
        for other in others:
            heads[head(other)] = head(first)
    groups: dict[SeriesKey, list[SeriesKey]] = {}
    for key in keys:
        groups.setdefault(head(key), []).append(key)
    out: list[list[SeriesKey]] = []
    for group in groups.values():
        if out and len(out[-1]) + len(group) <= most:
            out[-1] += group
        else:
            out.append(group)
    return out


@dataclass(slots=True)
class Left:
    """What was not read since the store did not answer: these series, and of them what waits in the spool."""

    keys: list[SeriesKey] = field(default_factory=list)
    tails: Tails = field(default_factory=dict)


@dataclass(slots=True)
class _Reading:
    """Reads what these series need, and gives it to `take` batch by batch."""

    needs: dict[SeriesKey, Need]
    store: PointReader
    spool: SpoolReader
    patience_s: float
    most: int
    take: Callable[[Tails], None]
    answered: bool = True

    async def run(self, ties: list[tuple[SeriesKey, ...]]) -> Left | None:
        """None when the store has answered all."""
        there = None
        if len(self.needs) >= ASK_WHICH_FROM:
            there = await ask(lambda: self.store.latest(0), "which series it has", self.patience_s)
            self.answered = there is not None
        known = None if there is None else there.keys() & self.needs.keys()
        waiting = await asyncio.to_thread(lambda: waiting_points(_rows(self.spool), self.needs))
        batches = together(self.needs, ties, SERIES_AT_ONCE)[::-1]
        if known:
            log.info("the last readings of %d series are read from the store", len(known))
        async with asyncio.TaskGroup() as tasks:
            for number in range(READERS):
                tasks.create_task(self._work(batches, known, waiting), name=f"rebuild-{number}")
        if self.answered:
            return None
        left = Left([key for batch in batches for key in batch])
        left.tails = {key: merged([], False, waiting[key]) for key in left.keys if key in waiting}
        return left

    async def _work(
        self, batches: list[list[SeriesKey]], known: set[SeriesKey] | None, waiting: dict[SeriesKey, Waiting]
    ) -> None:
        while batches and self.answered:
            batch = batches.pop()
            some = {key: self.needs[key] for key in batch if known is None or key in known}
            question = partial(read_tails, self.store, some, self.most)
            found = await ask(question, "the last readings", self.patience_s)
            if found is None:
                self.answered = False
                batches.append(batch)
                return
            tails = {key: found.get(key, ([], True)) for key in batch}
            for key in batch:
                if key in waiting:
                    tails[key] = merged(*tails[key], waiting.pop(key))
            self.take(tails)


def merged(stored: list[StoredPoint], complete: bool, waiting: Waiting) -> tuple[list[StoredPoint], bool]:
    """What waits comes later than what is stored."""
    later = waiting.points()
    merged = {point.time_ms: point for point in stored}
    since_ms = stored[0].time_ms if stored and not complete else -math.inf
    for time_ms, point in later.items():
        known = merged.get(time_ms)
        if time_ms >= since_ms:
            merged[time_ms] = point if known is None else replace(point, rev=max(point.rev, known.rev))
    return [merged[time_ms] for time_ms in sorted(merged)], complete and len(later) < MOST_READINGS


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

"""Drains the spool into the store: first in, first out, in lanes that each have one request under way.

    spool -> feeder -> lane 0..3 -> settler -> spool (trimmed, settled)

The feeder holds at most `WINDOW_BYTES` in memory, however long the store is away. Each request is tried again until
the store has answered; what it refuses for good becomes a dead letter in the transaction that trims the row.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ingest.body import BodyError
from ingest.change import Change, Row
from ingest.committer import Committer
from ingest.holding import SpoolReader
from ingest.lane import LANES, LaneCache
from ingest.lanes import InHand, Part, cut, passed
from ingest.received import Logs
from ingest.settling import Deliveries, settle
from mqtt.backoff import FIRST_S, backoff_s
from store.points import (
    PointWriter,
    RefusedPoint,
    StoreMisconfiguredError,
    StoreUnavailableError,
)

log = logging.getLogger(__name__)

WINDOW_BYTES = 5_000_000
"""Held in memory: rows of many messages stay packed (12,000 points of a message each, 90,000 in long columns); of others
4,000 points where each series of a message has one."""
REQUEST_POINTS = 5_000
READ_ROWS = 500
READ_BYTES = 100_000
"""So much may come on top of the window; in memory it is about ten times as large."""
SETTLE_ROWS = 5_000
DELIVERY_PAUSE_S = 1.0
DELIVERY_POINTS = 500
"""In one request: each has some hundred bytes to some kilobytes."""
MOST_RETRY_AFTER_S = 300.0
"""What a server may ask for: a proxy's nonsense (999999999) would stop a lane for ever."""


async def _nothing() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long the drain waits for what, in seconds.

    `linger`: a lane waits for company for its points, a request for each reading would be the server's dearest way.
    `settle`: what is written waits for company to leave the spool, each time costs an fsync.
    `timed_out`: after a request timed out the server may still carry it out for this long; only then the lane goes on.
    `misconfigured`: between two attempts at a store whose configuration must be mended. `delivery`: between two
    `delivery` points of one gateway.
    """

    linger: float = 0.05
    settle: float = 0.1
    timed_out: float = 10.0
    misconfigured: float = 10.0
    delivery: float = 10.0


def wait_s(error: StoreUnavailableError, own_s: float, timed_out_s: float) -> float:
    """How long to wait after this: our own back-off, or longer when the server says so."""
    asked_s = min(error.retry_after_s or 0.0, MOST_RETRY_AFTER_S)
    return max(own_s, asked_s, timed_out_s if error.timed_out else 0.0)


class StoreState:
    """What is known of the store: for metrics and the ready page."""

    def __init__(self) -> None:
        self.up = True
        self.misconfigured = ""
        self.why = ""


class Drain:
    """Run `run()` as a task; `rows_added()` wakes it; `idle` is set while nothing waits."""

    def __init__(
        self,
        reader: SpoolReader,
        committer: Committer,
        store: PointWriter,
        settled: Logs,
        *,
        topic_of: Callable[[str], str] = lambda gateway: "",
        on_damaged: Callable[[], Awaitable[None]] = _nothing,
        on_write: Callable[[str, float, int], None] = lambda outcome, seconds, points: None,
        jitter: Callable[[], float] = random.random,
        waits: Waits = Waits(),
    ) -> None:
        self._reader, self._committer, self._store, self._settled = reader, committer, store, settled
        self._topic_of, self._on_damaged, self._on_write, self._jitter = topic_of, on_damaged, on_write, jitter
        self._waits = waits
        self.state = StoreState()
        self.deliveries = Deliveries(settled, waits.delivery)
        self._cache = LaneCache()
        self._lanes: list[deque[Part]] = [deque() for _ in range(LANES)]
        self._lane_events = [asyncio.Event() for _ in range(LANES)]
        self._done: deque[InHand] = deque()
        self._unpassed: dict[int, None] = {}
        """Rows in hand that are not in `_done` yet, in order."""
        self._held: list[InHand] = []
        """Rows with changes that are written, while rows before them are not."""
        self._done_event = asyncio.Event()
        self._rows_event = asyncio.Event()
        self._answered = asyncio.Event()
        """The store has taken points since it was last away."""
        self._room_event = asyncio.Event()
        self._bytes_in_hand = 0
        self._cursor = 0
        self._next_delivery_s = 0.0
        self.idle = asyncio.Event()

    def rows_added(self) -> None:
        """The spool has new rows."""
        self.idle.clear()
        self._rows_event.set()

    async def run(self) -> None:
        """Drain until cancelled."""
        self._rows_event.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._feed(), name="drain feeder")
            for number in range(LANES):
                tasks.create_task(self._lane(number), name=f"drain lane {number}")
            tasks.create_task(self._settle(), name="drain settler")

    # feeder

    async def _feed(self) -> None:
        while True:
            if self._bytes_in_hand >= WINDOW_BYTES:
                self._room_event.clear()
                await self._room_event.wait()
                continue
            self._rows_event.clear()
            rows = await asyncio.to_thread(self._reader.after, self._cursor, READ_ROWS, READ_BYTES)
            if not rows:
                if not self._bytes_in_hand:
                    self.idle.set()
                await self._rows_event.wait()
                continue
            self._cursor = rows[-1].id
            await self._take(rows)

    async def _take(self, rows: list[Row]) -> None:
        damaged: list[tuple[Row, str]] = []
        for row in rows:
            if not row.whole:
                damaged.append((row, "its checksum is wrong"))
                continue
            try:
                hand, parts = cut(row, self._cache)
            except (BodyError, ValueError) as error:
                damaged.append((row, str(error)[:200]))
                continue
            self._bytes_in_hand += hand.memory_bytes
            self._unpassed[row.id] = None
            if not parts:
                self._finished([hand])
            for lane, part in parts.items():
                self._lanes[lane].append(part)
                self._lane_events[lane].set()
        if damaged:
            await self._set_aside(damaged)

    async def _set_aside(self, damaged: list[tuple[Row, str]]) -> None:
        change = Change()
        for row, why in damaged:
            log.error("spool row %s is damaged (%s): set aside, its readings will be asked for again", row.id, why)
            change.put_aside(row, why)
        await self._committer.commit(change)
        await self._on_damaged()

    # lanes

    async def _lane(self, number: int) -> None:
        queue, event = self._lanes[number], self._lane_events[number]
        while True:
            if not queue:
                event.clear()
                await event.wait()
                if sum(part.points for part in queue) < REQUEST_POINTS:
                    await asyncio.sleep(self._waits.linger)
            parts: list[Part] = []
            points = 0
            while queue and (not parts or points + queue[0].points <= REQUEST_POINTS):
                part = queue.popleft()
                parts.append(part)
                points += part.points
            self._finished(passed(parts, await self._write(parts, points)))

    async def _write(self, parts: list[Part], points: int) -> list[RefusedPoint]:
        """Write until the store has answered. A group's points are unpacked for each attempt, and not held during it."""
        failures = 0
        while True:
            started = time.perf_counter()
            try:
                refused = await self._store.write([item for part in parts for item in part.items(self._cache)])
            except StoreUnavailableError as error:
                failures += 1
                self._on_write("unavailable", time.perf_counter() - started, 0)
                self._down(str(error), "")
                await self._pause(error, backoff_s(failures, self._jitter()))
            except StoreMisconfiguredError as error:
                self._on_write("misconfigured", time.perf_counter() - started, 0)
                self._down(str(error), str(error))
                await asyncio.sleep(self._waits.misconfigured)
            else:
                self._on_write("ok", time.perf_counter() - started, points - len(refused))
                if not self.state.up:
                    log.info("the store takes points again")
                self.state.up, self.state.misconfigured, self.state.why = True, "", ""
                self._answered.set()
                return refused

    async def _pause(self, error: StoreUnavailableError, own_s: float) -> None:
        """Back off. Once another lane has had its answer the store is back: then no longer than after a first failure."""
        least_s = wait_s(error, min(own_s, FIRST_S), self._waits.timed_out)
        await asyncio.sleep(least_s)
        more_s = wait_s(error, own_s, self._waits.timed_out) - least_s
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(more_s):
                await self._answered.wait()

    def _down(self, why: str, misconfigured: str) -> None:
        self._answered.clear()
        if self.state.up or self.state.misconfigured != misconfigured:
            if misconfigured:
                log.error("the store's configuration must be mended, readings wait in the spool: %s", why)
            else:
                log.warning("the store is away, readings wait in the spool: %s", why)
        self.state.up, self.state.misconfigured, self.state.why = False, misconfigured, why

    def _finished(self, hands: list[InHand]) -> None:
        for hand in hands:
            if hand.changes:
                self._held.append(hand)
            else:
                self._let_go(hand)
        self._held.sort(key=lambda hand: hand.row.id)
        while self._held and self._held[0].row.id == next(iter(self._unpassed)):
            self._let_go(self._held.pop(0))

    def _let_go(self, hand: InHand) -> None:
        del self._unpassed[hand.row.id]
        self._done.append(hand)
        self._done_event.set()

    # settler

    async def _settle(self) -> None:
        while True:
            if not self._done:
                self._done_event.clear()
                try:
                    async with asyncio.timeout(1.0):
                        await self._done_event.wait()
                except TimeoutError:
                    await self._deliver()
                    continue
                if self._bytes_in_hand < WINDOW_BYTES // 2:
                    await asyncio.sleep(self._waits.settle)
            hands = [self._done.popleft() for _ in range(min(len(self._done), SETTLE_ROWS))]
            await self._committer.commit(settle(hands, self._settled, self._topic_of))
            self.deliveries.note(hands)
            self._bytes_in_hand -= sum(hand.memory_bytes for hand in hands)
            self._room_event.set()
            if not self._bytes_in_hand:
                self._rows_event.set()  # let the feeder look whether all is done
            await self._deliver()

    async def _deliver(self, *, all_of_them: bool = False) -> None:
        """Tell the store what it has accepted; best effort, the next time says it again."""
        now_s = asyncio.get_running_loop().time()
        if not self.state.up or (now_s < self._next_delivery_s and not all_of_them):
            return
        self._next_delivery_s = now_s + DELIVERY_PAUSE_S
        points = self.deliveries.due(now_s, time.time_ns() // 1_000_000, DELIVERY_POINTS, all_of_them=all_of_them)
        if not points:
            return
        try:
            refused = await self._store.write(list(points))
        except (StoreUnavailableError, StoreMisconfiguredError) as error:
            log.warning("the delivery ranges were not stored, they are written again: %s", error)
            self.deliveries.again(points)
            return
        for one in refused:
            log.warning("the store refused the delivery ranges of %s: %s", points[one.item].gateway, one.reason)

    async def finish(self, timeout_s: float) -> bool:
        """Wait a bounded time until the spool is empty, then tell the store all deliveries; False when rows are left."""
        try:
            async with asyncio.timeout(timeout_s):
                if not self.state.up:
                    return False
                await self.idle.wait()
                await self._deliver(all_of_them=True)
        except TimeoutError:
            return False
        return True

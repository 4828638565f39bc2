"""The drain against the in-memory store: partial refusals, outages, misconfiguration, order, bounded memory."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ingest.body import encode_body
from ingest.change import PARTS, Change, Count, make_row
from ingest.committer import Committer
from ingest.holding import SpoolReader
from ingest.intake import Group, Intake
from ingest.lane import LANES, LaneCache, lane_of
from ingest.lanes import cut
from ingest.letters import open_letters
from ingest.pipeline import Changed, Target
from ingest.settling import read_delivery
from ingest.spool import Spool
from ingest.writer import MOST_RETRY_AFTER_S, READ_BYTES, WINDOW_BYTES, Drain, Waits, wait_s
from store.memory import MemoryStore
from store.points import Points, RecordPoint, RefusedPoint, SeriesKey, SeriesPoints, StoredPoint, StoreUnavailableError
from tests.ingest.samples import EPOCH, NOW_MS, TOPIC, arrival, batch, level, make_intake
from tests.servers.wait import eventually
from wire.batch import Record
from wire.codec import decode_batch
from wire.ranges import RangeSet

LEVEL = SeriesKey("level", "k-12", "level")
FLOW = SeriesKey("discharge", "k-12", "flow")


class Bench:
    """A spool, its committer, a store, and the drain between them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = MemoryStore()
        self.intake: Intake = make_intake()
        self.damaged = 0
        self.outcomes: list[str] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        with Spool(self.path) as spool:
            holding = spool.load()
            self.settled = holding.settled
            async with Committer(spool) as committer:
                self.committer = committer
                reader = SpoolReader(self.path)
                self.drain = Drain(
                    reader,
                    committer,
                    self.store,
                    holding.settled,
                    topic_of=lambda gateway: TOPIC,
                    on_damaged=self.on_damaged,
                    on_write=lambda outcome, seconds, points: self.outcomes.append(outcome),
                    jitter=lambda: 0.0,
                    waits=Waits(linger=0.001, settle=0.0, timed_out=0.01, misconfigured=0.01, delivery=0.0),
                )
                yield
                reader.close()

    @asynccontextmanager
    async def draining(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.drain.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def on_damaged(self) -> None:
        self.damaged += 1

    async def spool(self, *messages: object) -> None:
        group = Group()
        for message in messages:
            self.intake.take(arrival(message), group)  # type: ignore[arg-type]
        await self.committer.commit(group.change)
        self.drain.rows_added()

    async def empty(self) -> None:
        await eventually(lambda: self.committer.totals.rows == 0)

    def conserves(self) -> bool:
        counters = self.committer.totals.counters
        return counters[Count.RECEIVED.value] == sum(counters.get(part.value, 0) for part in PARTS)


async def test_everything_reaches_the_store_and_the_spool_is_empty(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    async with bench.open(), bench.draining():
        flow = level([4, 5], sensor="flow", quantity="discharge", unit="m3/s")
        await bench.spool(batch(level([1, 2, 3]), flow), batch(level([6, 7])))
        await bench.empty()
        assert len(bench.store.series[LEVEL]) == 5
        assert len(bench.store.series[FLOW]) == 2
        assert bench.committer.totals.counters[Count.STORED.value] == 7
        assert list(bench.settled.of("gw1", EPOCH)) == [(1, 7)]
        assert bench.conserves()
    with Spool(bench.path) as spool:
        assert list(spool.load().settled.of("gw1", EPOCH)) == [(1, 7)]


async def test_what_was_spooled_before_the_start_is_drained(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    async with bench.open():
        await bench.spool(batch(level([1, 2, 3])))
    async with bench.open(), bench.draining():
        await bench.empty()
        assert len(bench.store.series[LEVEL]) == 3


async def test_a_refused_point_becomes_a_dead_letter_and_the_others_are_stored(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    bench.store.refuse_if = lambda points, row: (
        "outside retention" if isinstance(points, SeriesPoints) and points.value[row] == 1.02 else None
    )
    async with bench.open(), bench.draining():
        await bench.spool(batch(level([1, 2, 3], raw=[1.0, 9.0, None])), batch(level([4])))
        await bench.empty()
        assert len(bench.store.series[LEVEL]) == 3
        assert list(bench.settled.of("gw1", EPOCH)) == [(1, 1), (3, 4)]
        counters = bench.committer.totals.counters
        assert (counters[Count.STORED.value], counters[Count.DEAD.value]) == (3, 1)
        assert bench.conserves()
    with open_letters(bench.path) as letters:
        (one,) = letters.find()
        found = letters.get(one.id)
    assert found is not None
    letter, payload = found
    assert (letter.reason, letter.detail, letter.ranges, letter.sensor) == (
        "store_refused",
        "outside retention",
        "2-2",
        "level",
    )
    again = decode_batch(payload, letter.content_type)
    assert again.series == [level([2], raw=[9.0])]
    assert letter.topic == TOPIC
    with Spool(bench.path) as spool:  # dead is received: the gateway's repeat is not stored again
        assert list(spool.load().received.of("gw1", EPOCH)) == [(1, 4)]


async def test_a_refused_record_becomes_a_dead_letter(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    bench.store.refuse_if = lambda points, row: "no" if isinstance(points, RecordPoint) else None
    async with bench.open(), bench.draining():
        await bench.spool(batch(level([1]), records=[Record(2, NOW_MS, "gap", {"why": "restart"})]))
        await bench.empty()
        assert bench.conserves()
    with open_letters(bench.path) as letters:
        (one,) = letters.find()
        found = letters.get(one.id)
    assert found is not None
    assert decode_batch(found[1], found[0].content_type).records == [Record(2, NOW_MS, "gap", {"why": "restart"})]


async def test_records_are_stored_with_their_identity(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    async with bench.open(), bench.draining():
        await bench.spool(batch(records=[Record(2, NOW_MS, "gap", {"why": "restart"})]))
        await bench.empty()
    ((key, body),) = bench.store.records.items()
    assert key == ("gw1", "gap", NOW_MS)
    assert json.loads(body) == {"why": "restart", "identity": "00000000002a/2"}


async def test_an_outage_is_waited_out_and_nothing_is_lost(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    bench.store.fail(3)
    async with bench.open(), bench.draining():
        await bench.spool(batch(level([1, 2, 3])))
        await eventually(lambda: not bench.drain.state.up)
        assert bench.committer.totals.rows == 1
        await bench.empty()
        assert bench.drain.state.up
        assert bench.outcomes.count("unavailable") == 3
        assert len(bench.store.series[LEVEL]) == 3


async def test_a_write_that_timed_out_but_was_carried_out_doubles_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    bench.store.fail_after_storing(1)
    async with bench.open(), bench.draining():
        await bench.spool(batch(level([1, 2, 3])))
        await bench.empty()
        assert len(bench.store.series[LEVEL]) == 3
        assert bench.committer.totals.counters[Count.STORED.value] == 3


async def test_a_wrong_configuration_waits_and_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    bench.store.misconfigured = 'bucket "aryk" not found'
    async with bench.open(), bench.draining():
        await bench.spool(batch(level([1])))
        await eventually(lambda: bench.drain.state.misconfigured)
        assert bench.committer.totals.rows == 1
        bench.store.misconfigured = None
        await bench.empty()
        assert bench.drain.state.misconfigured == ""


async def test_memory_is_bounded_while_the_store_is_away(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    bench.store.hold()
    async with bench.open(), bench.draining():
        seqs = 0
        for _ in range(30):
            group = []
            for _ in range(5):
                numbers = list(range(seqs + 1, seqs + 1_001))
                group.append(batch(level(numbers, time_ms=[NOW_MS - number for number in numbers])))
                seqs += 1_000
            await bench.spool(*group)
        await eventually(lambda: bench.drain._bytes_in_hand >= WINDOW_BYTES)
        assert bench.drain._bytes_in_hand <= WINDOW_BYTES + 12 * READ_BYTES
        bench.store.release()
        await bench.empty()
        assert bench.store.rows() == seqs
        assert bench.conserves()


async def test_a_damaged_row_is_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    async with bench.open():
        group = Group()
        for seqs in ([1], [2], [3]):
            bench.intake.take(arrival(batch(level(seqs))), group)
        rows = group.change.rows
        rows[1] = rows[1]._replace(crc=rows[1].crc ^ 1)
        await bench.committer.commit(group.change)
        async with bench.draining():
            await bench.empty()
            await eventually(lambda: bench.damaged == 1)
        assert len(bench.store.series[LEVEL]) == 2
        assert bench.committer.totals.counters[Count.SET_ASIDE.value] == 1
        assert bench.conserves()


async def test_killed_between_store_and_trim_it_is_written_again_as_the_same_points(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    async with bench.open():
        await bench.spool(batch(level([1, 2, 3])))
        # The store took it, and then the process ended.
        await bench.store.write([SeriesPoints(LEVEL, *_columns())])
    async with bench.open(), bench.draining():
        await bench.empty()
        assert len(bench.store.series[LEVEL]) == 3


def _columns() -> tuple[list[int], list[float | None], list[int]]:
    one = level([1, 2, 3])
    return one.time_ms, one.value, one.flag


async def test_the_store_is_told_what_it_has_accepted(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    async with bench.open(), bench.draining():
        await bench.spool(batch(level([1, 2, 3])), batch(level([7])))
        await bench.empty()
        assert await bench.drain.finish(5)
    _, body = bench.store.delivered["gw1"]
    assert read_delivery(body) == {EPOCH: RangeSet([(1, 3), (7, 7)])}


async def test_finish_does_not_wait_for_a_store_that_is_away(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    bench.store.fail(1_000)
    async with bench.open(), bench.draining():
        await bench.spool(batch(level([1])))
        await eventually(lambda: not bench.drain.state.up)
        assert not await asyncio.wait_for(bench.drain.finish(60), 5)


def test_a_series_always_takes_the_same_lane() -> None:
    keys = [SeriesKey("level", f"station-{n}", "level") for n in range(200)]
    lanes = [lane_of(key) for key in keys]
    assert lanes == [lane_of(key) for key in keys]
    assert set(lanes) == set(range(LANES))
    assert lane_of(LEVEL) == 0  # in every process and version


def test_a_row_is_settled_by_its_last_lane() -> None:
    group = Group()
    flow = level([4, 5], sensor="flow", quantity="discharge", unit="m3/s")
    make_intake().take(arrival(batch(level([1]), flow)), group)
    hand, parts = cut(group.change.rows[0], LaneCache())
    assert hand.points == 3
    assert hand.lanes_left == len(parts) == len({lane_of(LEVEL), lane_of(FLOW)})


class Ordered(MemoryStore):
    """Notes in which order the points of a series come."""

    def __init__(self) -> None:
        super().__init__()
        self.order: dict[SeriesKey, list[int]] = {}
        self.under_way: dict[SeriesKey, int] = {}

    async def write(self, points: list[Points]) -> list:  # type: ignore[type-arg]
        keys = {one.key for one in points if isinstance(one, SeriesPoints)}
        for key in keys:
            assert not self.under_way.get(key), "two requests of one series at once"
            self.under_way[key] = 1
        await asyncio.sleep(0)
        answer = await super().write(points)
        for one in points:
            if isinstance(one, SeriesPoints):
                self.order.setdefault(one.key, []).extend(one.time_ms)
        for key in keys:
            self.under_way[key] = 0
        return answer


async def test_first_in_first_out_and_one_request_a_series(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    store = bench.store = Ordered()
    async with bench.open(), bench.draining():
        for step in range(50):
            flow = level([2 * step + 2], sensor="flow", quantity="discharge", unit="m3/s")
            await bench.spool(batch(level([2 * step + 1]), flow))
        await bench.empty()
    assert all(times == sorted(times) for times in store.order.values())
    assert len(store.order[LEVEL]) == len(store.order[FLOW]) == 50


def test_a_change_of_nothing_is_empty() -> None:
    assert not Change().counts


def test_a_server_may_ask_for_some_patience_only() -> None:
    assert wait_s(StoreUnavailableError("busy", retry_after_s=20.0), 1.0, 10.0) == 20.0
    assert wait_s(StoreUnavailableError("busy", retry_after_s=999_999_999.0), 1.0, 10.0) == MOST_RETRY_AFTER_S
    assert wait_s(StoreUnavailableError("late", timed_out=True), 1.0, 10.0) == 10.0


class SlowSeries(MemoryStore):
    """One series whose writes wait."""

    def __init__(self, key: SeriesKey) -> None:
        super().__init__()
        self.key = key
        self.open = asyncio.Event()

    async def write(self, points: list[Points]) -> list[RefusedPoint]:
        if any(isinstance(one, SeriesPoints) and one.key == self.key for one in points):
            await self.open.wait()
        return await super().write(points)


async def test_a_row_that_changes_a_point_leaves_the_spool_after_the_rows_before_it(tmp_path: Path) -> None:
    """Or a restart would write the earlier row again, and nothing the change."""
    assert lane_of(LEVEL) != lane_of(FLOW)
    bench = Bench(tmp_path / "spool.sqlite")
    bench.store = store = SlowSeries(FLOW)
    old = StoredPoint(NOW_MS, 1.0, 1)
    new = StoredPoint(NOW_MS, 1.0, 3, None, 8, 1)
    change = Changed(Target("k-12", "level", "level", ""), old, new)
    async with bench.open(), bench.draining():
        flow = level([2], sensor="flow", quantity="discharge", unit="m3/s")
        await bench.spool(batch(level([1], start_ms=NOW_MS - 1_000), flow))
        body = encode_body([], [Record(3, NOW_MS, "gap", {})], [change])
        counts = Counter({Count.RECEIVED: 1, Count.WAITING: 1})
        await bench.committer.commit(Change(rows=[make_row(9, NOW_MS, "gw1", EPOCH, [(3, 3)], 1, body)], counts=counts))
        bench.drain.rows_added()
        await eventually(lambda: (LEVEL, NOW_MS, 0) in store.replaced and bench.store.records != {})
        assert bench.committer.totals.rows == 2
        store.open.set()
        await bench.empty()
        assert store.series[LEVEL][NOW_MS].flag == 3
        assert bench.conserves()


async def test_a_refused_change_is_no_dead_letter(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "spool.sqlite")
    bench.store.refuse_if = lambda one, row: None if isinstance(one, RecordPoint) else "no"
    point = StoredPoint(NOW_MS, 1.0, 1)
    async with bench.open(), bench.draining():
        changes = [Changed(Target("k-12", "level", "level", ""), point, point)]
        body = encode_body([], [Record(1, NOW_MS, "gap", {})], changes)
        counts = Counter({Count.RECEIVED: 1, Count.WAITING: 1})
        await bench.committer.commit(Change(rows=[make_row(1, NOW_MS, "gw1", EPOCH, [(1, 1)], 1, body)], counts=counts))
        bench.drain.rows_added()
        await bench.empty()
        assert bench.committer.totals.letters == 0
        assert bench.conserves()


async def test_a_store_that_answers_one_lane_is_back_for_the_others(tmp_path: Path) -> None:
    assert lane_of(LEVEL) != lane_of(FLOW)
    bench = Bench(tmp_path / "spool.sqlite")
    bench.store.fail(5)  # the next attempt would come after four seconds more
    async with bench.open(), bench.draining():
        await bench.spool(batch(level([1])))
        await eventually(lambda: bench.store.writes == 5)
        await bench.spool(batch(level([2], sensor="flow", quantity="discharge", unit="m3/s")))
        await eventually(lambda: FLOW in bench.store.series)
        await eventually(lambda: LEVEL in bench.store.series, 2.0)
        await bench.empty()
        assert bench.conserves()

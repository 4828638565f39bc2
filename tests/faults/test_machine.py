"""A state machine over gateway log, received ranges, spool and writer: kills, repeats, reorderings, a card rolled back, a lost
spool. After every step the design's rules hold; at the end everything arrives.

Time, network, and the moments of the kills are Hypothesis'; files are real SQLite files.
"""

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.clock import ManualClock
from gateway.log.file import begin_epoch, load_progress, set_aside
from gateway.log.progress import DROPPED, Progress
from gateway.log.reader import Reader
from gateway.log.retention import stamp, trim
from gateway.log.rows import NewRecord, Scan
from gateway.log.schema import connect, create
from gateway.log.writer import Writer
from gateway.readings import Reading
from gateway.times import Anchor
from gateway.uplink.batch import pack
from ingest.change import Change
from ingest.gateways import missing_of, received_of
from ingest.holding import SpoolReader
from ingest.intake import Arrival, Group, Intake
from ingest.lane import LaneCache
from ingest.lanes import cut, passed
from ingest.pipeline import Directory, Target, TimeBounds
from ingest.received import Logs
from ingest.settling import Deliveries, put_settled, read_delivery, settle
from ingest.spool import Spool
from store.points import DeliveryPoint, Points, RecordPoint, RefusedPoint, SeriesPoints
from tests.faults.logged import PARTS
from wire.codec import CONTENT_TYPES, Codec
from wire.messages import LogExtent, Receipt, State, Status
from wire.names import epoch_number, epoch_text
from wire.ranges import Range, RangeSet

GATEWAY, DISTRICT, STATION = "gw", "d", "s"
TOPIC = f"aryk/v1/{DISTRICT}/{GATEWAY}/readings"
SENSORS = ("a", "b")
REOPENED_S = 0.1
"""What setting a log aside, or a new card, takes at least. A log's times run ahead of the clock by a millisecond for each reading
of a series in the same millisecond, at most 40 here; the next log does not know them, so it must begin after them."""
REFUSED_VALUE = 13.0
"""The store never takes this value."""

KNOWN = Directory({GATEWAY: DISTRICT}, {GATEWAY: {name: Target(STATION, name, "level", "m") for name in SENSORS}})

Identity = tuple[int, int]


def numbers(ranges: Iterable[Range]) -> list[int]:
    """All numbers in these ranges."""
    return [number for first, last in ranges for number in range(first, last + 1)]


class GatewayHalf:
    """The log of one gateway with its clock, opened and killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "log.sqlite"
        self.clock = ManualClock()
        self.open()

    def open(self) -> None:
        """Start: another epoch."""
        new = not self.path.exists()
        self.writer_db = connect(self.path)
        if new:
            create(self.writer_db, GATEWAY)
        self.progress: Progress = load_progress(self.writer_db)
        begin_epoch(self.writer_db, self.progress, self.clock)
        self._reader_db = connect(self.path)
        self.writer = Writer(self.writer_db, self.progress, self.clock)
        self.reader = Reader(self._reader_db, self.progress)

    def close(self) -> None:
        """Whatever the moment: what is committed is on disk."""
        self._reader_db.close()
        self.writer_db.close()

    @property
    def anchor(self) -> Anchor:
        """The centre was reached: times are final."""
        now = self.clock.now()
        return Anchor(self.clock.boot, now.ms - now.boot_ns // 1_000_000, now.boot_ns, 0.0, 0)

    def status(self) -> Status:
        """What it says in its hello."""
        logs = [
            LogExtent(epoch=epoch_text(one.epoch), first=one.first, last=one.last) for one in self.progress.extents()
        ]
        return Status(state=State.ONLINE, logs=logs)


@dataclass
class StoreHalf:
    """Points as a store keeps them; every point remembers what was written to it."""

    points: dict[tuple[str, int], float | None] = field(default_factory=dict)
    records: dict[tuple[str, int], str] = field(default_factory=dict)
    deliveries: dict[str, str] = field(default_factory=dict)

    def write(self, items: Iterable[Points]) -> list[RefusedPoint]:
        refused = []
        for at, item in enumerate(items):
            if isinstance(item, SeriesPoints):
                for row, (ms, value) in enumerate(zip(item.time_ms, item.value, strict=True)):
                    if value == REFUSED_VALUE:
                        refused.append(RefusedPoint(at, row, "thirteen"))
                    else:
                        self.points[item.key.sensor, ms] = value
            elif isinstance(item, RecordPoint):
                self.records[item.kind, item.time_ms] = item.body
            elif isinstance(item, DeliveryPoint):
                self.deliveries[item.gateway] = item.body
        return refused


class CentreHalf:
    """Ingest's pure parts over a real spool, stepped by hand."""

    def __init__(self, folder: Path, store: StoreHalf) -> None:
        self.folder = folder
        self.store = store
        self.open()

    def open(self) -> None:
        """Start, as the composition root does."""
        self.spool = Spool(self.folder / "spool.sqlite")
        self.spool.__enter__()
        holding = self.spool.load()
        self.received: Logs = holding.received
        self.settled: Logs = holding.settled
        if self.spool.meta("recalled") is None:
            change = Change(meta={"recalled": "1", "refill": "1"})
            for gateway, body in self.store.deliveries.items():
                for epoch, ranges in read_delivery(body).items():
                    put_settled(change, self.settled, gateway, epoch, ranges)
                    self.received.add(gateway, epoch, ranges)
            self.spool.commit([change], 0)
        self.refill = self.spool.meta("refill") == "1"
        self.intake = Intake(
            KNOWN,
            lambda now_ms: TimeBounds(0, 1 << 60),
            received=self.received,
            dead_keys=holding.dead_keys,
            poison=set(),
            next_id=self.spool.next_id(),
        )
        self.reader = SpoolReader(self.spool.path)
        self.deliveries = Deliveries(self.settled)
        self.cursor = 0

    def close(self) -> None:
        """Whatever the moment."""
        self.reader.close()
        self.spool.__exit__(None, None, None)

    def lose(self) -> None:
        """The disk is gone."""
        self.close()
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def take(self, payloads: list[bytes]) -> Group:
        """A group of messages, not yet durable."""
        group = Group()
        for payload in payloads:
            self.intake.take(Arrival(TOPIC, payload, CONTENT_TYPES[Codec.CBOR], 0, 0.0), group)
        return group

    def drain(self, most: int, *, settle_it: bool, deliver: bool) -> None:
        """Write some rows into the store; a kill may come before they are trimmed."""
        rows = self.reader.after(self.cursor, most, 1 << 20)
        if not rows:
            return
        done = []
        for row in rows:
            assert row.whole
            hand, parts = cut(row, LaneCache())
            if not parts:
                done.append(hand)
            for part in parts.values():
                done += passed([part], self.store.write(part.items(LaneCache())))
        if not settle_it:
            return
        self.cursor = rows[-1].id
        self.spool.commit([settle(done, self.settled, lambda gateway: TOPIC)], 0)
        self.deliveries.note(done)
        if deliver:
            self.store.write(self.deliveries.due(0.0, 0, 10, all_of_them=True))

    def counters(self) -> dict[str, int]:
        """All counters."""
        return dict(self.spool.load().totals.counters)


class Aryk(RuleBasedStateMachine):
    """The whole path, one step at a time."""

    def __init__(self) -> None:
        super().__init__()
        shared_memory = Path("/dev/shm")
        base = shared_memory if shared_memory.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="aryk-machine-", dir=base))
        for name in ("gateway", "spool"):
            (self.folder / name).mkdir()
        self.gateway = GatewayHalf(self.folder / "gateway")
        self.store = StoreHalf()
        self.centre = CentreHalf(self.folder / "spool", self.store)
        self.up: list[bytes] = []
        self.down: list[Receipt] = []
        self.logged: dict[Identity, tuple[str, int, float | None]] = {}
        """Every identity that was ever given, and what for."""
        self.kept: set[Identity] = set()
        """Those that the gateway's card still has."""
        self.snapshot: tuple[Path, set[Identity]] | None = None
        self.next_value = 100.0

    def teardown(self) -> None:
        try:
            self.everything_arrives()
        finally:
            self.gateway.close()
            self.centre.close()
            shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        self.scan(False, 1)

    # -- the gateway

    @rule(strange=st.booleans(), millis=st.integers(0, 2))
    def scan(self, strange: bool, millis: int) -> None:
        """A scan of two sensors; sometimes in the very millisecond of the last one."""
        self.gateway.clock.advance(millis / 1000)
        readings = []
        for name in SENSORS:
            self.next_value += 1
            value = REFUSED_VALUE if strange and name == "a" else self.next_value
            readings.append(Reading(name, "level", "m", value, 1))
        self._append(Scan(self.gateway.clock.now(), tuple(readings)))

    @rule()
    def two_records(self) -> None:
        """Two gaps of one moment."""
        gaps = tuple(NewRecord("gap", {"reason": reason}) for reason in ("restart", "overrun"))
        self._append(Scan(self.gateway.clock.now(), records=gaps))

    def _append(self, scan: Scan) -> None:
        commit = self.gateway.writer.append(scan, self.gateway.anchor)
        current = self.gateway.progress.current
        assert current is not None
        for row in self.gateway.reader.rows([(commit.first, commit.last)], 1000):
            identity = (current.epoch, row.seq)
            assert identity not in self.logged, "an identity was used twice"
            self.logged[identity] = (row.sensor or f"record {row.kind}", row.ms, row.value)
            self.kept.add(identity)

    @rule()
    def kill_the_gateway(self) -> None:
        self.gateway.close()
        self.gateway.open()

    @precondition(lambda self: self.snapshot is None)
    @rule()
    def copy_the_card(self) -> None:
        copy = self.folder / "card"
        self.gateway.close()
        shutil.copytree(self.gateway.folder, copy)
        self.gateway.open()
        self.snapshot = (copy, set(self.kept))

    @precondition(lambda self: self.snapshot is not None)
    @rule()
    def roll_the_card_back(self) -> None:
        """What was logged since the copy and not delivered is gone with the card: nobody can promise that."""
        assert self.snapshot is not None
        copy, kept = self.snapshot
        self.gateway.close()
        shutil.rmtree(self.gateway.folder)
        copy.rename(self.gateway.folder)
        self.snapshot = None
        self.kept = kept
        self.gateway.clock.advance(REOPENED_S)
        self.gateway.open()

    @rule()
    def time_takes_away_what_was_delivered(self) -> None:
        """Retention: what was stamped is trimmed, and only what was settled is stamped."""
        before = {(epoch, seq) for epoch, ranges in self.gateway.progress.pending() for seq in numbers(ranges)}
        # What was asked for again after it was trimmed is pending too, until a gap says that it is gone.
        before &= self.kept
        stamp(self.gateway.writer_db, self.gateway.progress, 1)
        while trim(self.gateway.writer_db, self.gateway.progress, 2):
            pass
        self.kept = {
            (state.epoch, seq)
            for state in self.gateway.progress.epochs.values()
            for seq in self.gateway.reader.present(max(state.first, state.given), state.last)
        }
        assert before <= self.kept, "something was trimmed that waits for its receipt"

    @rule()
    def set_the_log_aside(self) -> None:
        """The file was damaged: a new log begins beside it. What was only in the old one waits for its salvage."""
        self.gateway.close()
        set_aside(self.gateway.path, self.gateway.clock.now().ms)
        self.gateway.clock.advance(REOPENED_S)
        self.kept = set()
        self.gateway.open()

    # -- the network

    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        """Any part of what is pending, in any order."""
        pending = self.gateway.progress.pending()
        if not pending:
            return
        epoch, ranges = data.draw(st.sampled_from(pending))
        first, last = data.draw(st.sampled_from(ranges))
        start = data.draw(st.integers(first, last))
        self._send(epoch, [(start, last)])

    def _send(self, epoch: int, ranges: list[Range]) -> None:
        rows = self.gateway.reader.rows(ranges, 1000)
        holes = RangeSet(ranges)
        for row in rows:
            holes.remove(row.seq)
        if holes:
            # Asked for again, and trimmed since: a gap says so, and they are not looked for any more.
            gone = [list(one) for one in holes]
            self._append(
                Scan(self.gateway.clock.now(), records=(NewRecord("gap", {"reason": "missing", "ranges": gone}),))
            )
            self.gateway.reader.settle(DROPPED, epoch, list(holes))
        if rows:
            self.up.append(pack(GATEWAY, epoch, rows, Codec.CBOR).payload)

    @precondition(lambda self: self.up)
    @rule(data=st.data(), again=st.booleans(), durable=st.booleans(), told=st.booleans())
    def arrive(self, data: st.DataObject, again: bool, durable: bool, told: bool) -> None:
        """Some messages reach ingest, out of order, perhaps twice; ingest may die before its commit, or before it tells."""
        chosen = data.draw(st.lists(st.integers(0, len(self.up) - 1), min_size=1, max_size=3))
        payloads = [self.up[at] for at in chosen]
        if not again:
            self.up = [payload for at, payload in enumerate(self.up) if at not in chosen]
        group = self.centre.take(payloads)
        if not durable:
            self.kill_ingest()
            return
        self.centre.spool.commit([group.change], 0)
        if not told:
            self.kill_ingest()
            return
        for due in group.due:
            if due.epoch is not None:
                ranges = [[first, last] for first, last in due.ranges]
                self.down.append(Receipt(durable={epoch_text(due.epoch): ranges}))

    @rule()
    def the_network_forgets(self) -> None:
        self.up.clear()
        self.down.clear()

    @precondition(lambda self: self.down)
    @rule(data=st.data(), again=st.booleans())
    def receipt(self, data: st.DataObject, again: bool) -> None:
        at = data.draw(st.integers(0, len(self.down) - 1))
        self._take_receipt(self.down[at] if again else self.down.pop(at))

    def _take_receipt(self, receipt: Receipt) -> None:
        durable = {
            epoch_number(epoch): [(first, last) for first, last in ranges] for epoch, ranges in receipt.durable.items()
        }
        self.gateway.reader.receipt(durable)

    @rule()
    def hello(self) -> None:
        """The gateway says what it has; the centre says what it has of that, and asks for the rest if its spool is new."""
        status = self.gateway.status()
        for epoch, ranges in received_of(status, GATEWAY, self.centre.received).items():
            self.down.append(Receipt(durable={epoch_text(epoch): [[first, last] for first, last in ranges]}))
        if self.centre.refill:
            for epoch, ranges in missing_of(status, GATEWAY, self.centre.received, Logs()).items():
                self._send_again(epoch, ranges)

    def _send_again(self, epoch: int, ranges: list[Range]) -> None:
        state = self.gateway.progress.epochs.get(epoch)
        if state is not None:
            kept = [(max(first, state.first), min(last, state.last)) for first, last in ranges]
            self.gateway.reader.reopen(epoch, [(first, last) for first, last in kept if first <= last])

    # -- the centre

    @rule()
    def kill_ingest(self) -> None:
        self.centre.close()
        self.centre.open()

    @rule()
    def lose_the_spool(self) -> None:
        self.centre.lose()
        # Receipts of the lost spool that are still under way are the old session's: a clean start has dropped its messages,
        # and what is on its way down is followed by the hello that every connection begins with.
        self.centre.open()

    @rule(most=st.integers(1, 5), settle_it=st.booleans(), deliver=st.booleans())
    def drain(self, most: int, settle_it: bool, deliver: bool) -> None:
        self.centre.drain(most, settle_it=settle_it, deliver=deliver)
        if not settle_it:
            self.kill_ingest()

    # -- the rules

    @invariant()
    def counters_add_up(self) -> None:
        counters = self.centre.counters()
        assert counters.get("received", 0) == sum(counters.get(part, 0) for part in PARTS), counters

    @invariant()
    def what_is_stored_was_logged_so(self) -> None:
        logged = {(sensor, ms): [] for sensor, ms, _ in self.logged.values()}  # type: dict[tuple[str, int], list[object]]
        for sensor, ms, value in self.logged.values():
            logged[sensor, ms].append(value)
        for place, value in self.store.points.items():
            assert value in logged[place]

    @invariant()
    def no_value_stands_at_two_times(self) -> None:
        values = [value for value in self.store.points.values() if value != REFUSED_VALUE]
        assert len(values) == len(set(values))

    @invariant()
    def received_is_what_is_durable(self) -> None:
        """In memory and on disk the same: nothing is receipted that a restart would not know."""
        on_disk = {log: list(numbers) for log, numbers in self.centre.spool.load().received if numbers}
        in_memory = {log: list(numbers) for log, numbers in self.centre.received if numbers}
        assert on_disk == in_memory

    def everything_arrives(self) -> None:
        """In the end: connections hold, nobody dies. All that the gateway's card has is in the store or a dead letter."""
        for turn in range(6):
            for receipt in self.down:
                self._take_receipt(receipt)
            self.down.clear()
            if turn < 3:  # each may ask for what is gone, and be told so in a gap that is to be sent as well
                self.hello()
            for receipt in self.down:
                self._take_receipt(receipt)
            self.down.clear()
            for epoch, ranges in self.gateway.progress.pending():
                for one in ranges:
                    self._send(epoch, [one])
            while self.up:
                group = self.centre.take(self.up[:50])
                del self.up[:50]
                self.centre.spool.commit([group.change], 0)
                for due in group.due:
                    if due.epoch is not None:
                        self._take_receipt(
                            Receipt(durable={epoch_text(due.epoch): [[first, last] for first, last in due.ranges]})
                        )
        while self.centre.reader.after(self.centre.cursor, 1, 1):
            self.centre.drain(50, settle_it=True, deliver=True)
        assert not self.gateway.progress.pending()
        self.counters_add_up()
        self.what_is_stored_was_logged_so()
        dead = {
            (epoch, seq)
            for gateway, epoch, ranges in self._dead_letters()
            for first, last in ranges
            for seq in range(first, last + 1)
        }
        bodies = set(self.store.records.values())
        for identity in self.kept:
            sensor, ms, value = self.logged[identity]
            if sensor.startswith("record"):
                name = f"{epoch_text(identity[0])}/{identity[1]}"
                assert any(name in body for body in bodies), f"record {name} is lost"
            elif value == REFUSED_VALUE:
                assert identity in dead, f"{identity} is neither stored nor dead"
            else:
                assert self.store.points.get((sensor, ms)) == value, f"{identity} {sensor} at {ms} is lost"

    def _dead_letters(self) -> list[tuple[str, int, list[Range]]]:
        from tests.faults.logged import dead_letters

        return [
            (one.gateway, one.epoch, list(one.ranges))
            for one in dead_letters(self.centre.spool.path)
            if one.epoch is not None
        ]


TestAryk = Aryk.TestCase
TestAryk.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

"""Dead letters looked after: replayed, exported, kept within bounds, brought back; after each step the counters add up."""

import asyncio
import gzip
import random
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from hydrology.registry import Registry
from ingest.alone import alone
from ingest.caretaker import Caretaker, exports_folder
from ingest.change import PARTS, Count
from ingest.exports import NotAnExportError, read_export, write_export
from ingest.holding import SpoolReader
from ingest.intake import Group
from ingest.lane import LaneCache
from ingest.lanes import cut
from ingest.letters import ALL, Filter, KeptLetter, open_letters
from ingest.pipeline import Accepted
from ingest.settings import IngestSettings, LimitSettings
from ingest.spool import Spool
from tests.ingest.samples import EPOCH, NOW_MS, arrival, batch, level, make_intake, registry, spoilt
from wire.batch import Batch, Record
from wire.ranges import RangeSet
from wire.reasons import Reason


class Desk:
    """A spool at rest, and what an operator does with it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ingest" / "spool.sqlite"
        self.settings = IngestSettings(registry=folder / "registry.toml")
        self.registry = registry()
        self.now_ms = NOW_MS

    def came(
        self, *messages: Batch | bytes, topic: str = "aryk/v1/karatal/gw1/readings", received_ms: int = NOW_MS
    ) -> None:
        """Ingest took these in."""
        with Spool(self.path) as spool:
            holding = spool.load()
            intake = make_intake(holding.received)
            intake.dead_keys, intake._next_id = holding.dead_keys, spool.next_id()
            group = Group()
            for one in messages:
                intake.take(arrival(one, topic, received_ms=received_ms), group)
            spool.commit([group.change], received_ms)

    def alone(self) -> AbstractAsyncContextManager[Caretaker]:
        return alone(self.path, self.settings, self.registry, lambda: self.now_ms)

    def letters(self, which: Filter = ALL) -> list[KeptLetter]:
        with open_letters(self.path) as letters:
            return letters.find(which)

    def counters(self) -> dict[str, int]:
        reader = SpoolReader(self.path)
        try:
            totals = reader.holding().totals
        finally:
            reader.close()
        out = totals.counters
        assert out.get("received", 0) == sum(out.get(part.value, 0) for part in PARTS)
        dead = self.letters()
        assert out.get("dead", 0) == sum(one.readings for one in dead)
        assert totals.letters == len(dead)
        assert totals.letter_bytes == sum(one.bytes for one in dead)
        return {name: number for name, number in out.items() if number and "." not in name}

    def spooled(self) -> dict[str, list[int]]:
        """The numbers that wait, by sensor."""
        out: dict[str, list[int]] = {}
        reader = SpoolReader(self.path)
        for row in reader.after(0, 10_000, 1 << 30):
            assert row.whole
            _, parts = cut(row, LaneCache())
            for part in parts.values():
                for source in part.sources:
                    if isinstance(source, Accepted):
                        out.setdefault(source.target.sensor, []).extend(source.seq)
                    elif isinstance(source, Record):
                        out.setdefault("", []).append(source.seq)
        reader.close()
        return out

    def received(self) -> RangeSet:
        with Spool(self.path) as spool:
            return spool.load().received.of("gw1", EPOCH)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def with_sensor(name: str) -> Registry:
    one = registry()
    station = one.stations[0]
    new = station.sensors[0].model_copy(update={"id": name})
    stations = [station.model_copy(update={"sensors": [*station.sensors, new]}), *one.stations[1:]]
    return one.model_copy(update={"stations": stations})


async def test_a_letter_is_stored_once_its_sensor_is_registered(desk: Desk) -> None:
    desk.came(batch(level([1, 2]), level([3, 4], sensor="new")))
    async with desk.alone() as caretaker:
        assert (await caretaker.replay(Filter())).document() == {
            "letters": 1,
            "stored": 0,
            "repeated": 0,
            "refused": {"unknown_sensor": 2},
        }
    (letter,) = desk.letters()
    assert (letter.replays, letter.replayed_ms) == (1, NOW_MS)
    desk.registry = with_sensor("new")
    for stored in (2, 0):
        async with desk.alone() as caretaker:
            assert (await caretaker.replay(Filter())).stored == stored
        assert desk.counters() == {"received": 4, "waiting": 4}
    assert desk.spooled() == {"level": [1, 2], "new": [3, 4]}
    assert desk.received() == RangeSet([(1, 4)])
    with open_letters(desk.path) as letters:
        (mark,) = letters.replayed(10)
    assert (mark.reason, mark.stored, mark.refused) == ("unknown_sensor", 2, 0)


async def test_what_is_still_wrong_stays_a_letter_with_its_new_reason(desk: Desk) -> None:
    future_ms = NOW_MS + 3 * 86_400_000
    one = level([1, 2, 3], sensor="new", time_ms=[NOW_MS, future_ms, NOW_MS + 1])
    desk.came(batch(one))
    desk.registry = with_sensor("new")
    async with desk.alone() as caretaker:
        tally = await caretaker.replay(Filter())
    assert (tally.stored, dict(tally.refused)) == (2, {"time_future": 1})
    (letter,) = desk.letters()
    assert (letter.reason, letter.ranges, letter.sensor) == ("time_future", "2-2", "new")
    assert desk.counters() == {"received": 3, "waiting": 2, "dead": 1}
    desk.settings = desk.settings.model_copy(update={"limits": LimitSettings(future=10 * 86_400.0)})
    async with desk.alone() as caretaker:
        assert (await caretaker.replay(Filter())).stored == 1
    assert desk.counters() == {"received": 3, "waiting": 3}
    assert desk.received() == RangeSet([(1, 3)])


async def test_a_replay_writes_no_new_refusals(desk: Desk) -> None:
    desk.came(spoilt(sensor="nosuch"), b"junk")
    for _ in range(2):
        async with desk.alone() as caretaker:
            await caretaker.replay(Filter())
    with Spool(desk.path) as spool:
        counters = spool.load().totals.counters
    assert counters["dead.bad_json"] == counters["dead.unknown_sensor"] == 1
    assert [one.replays for one in desk.letters()] == [2, 2]


async def test_a_message_that_can_be_read_now_is_received_now(desk: Desk) -> None:
    """Such as one that the broker's other end wrote under the wrong topic, or of a version that was not known."""
    desk.came(batch(level([5, 6])))
    desk.came(batch(level([5, 6, 7, 8])), topic="aryk/v1/karatal/gw2/readings")
    (letter,) = desk.letters()
    assert letter.reason == "topic_mismatch"
    with Spool(desk.path) as spool:
        db = spool._open_db
        db.execute("UPDATE letters SET topic = 'aryk/v1/karatal/gw1/readings'")
        spool.commit([], NOW_MS)
    async with desk.alone() as caretaker:
        tally = await caretaker.replay(Filter())
    assert (tally.stored, tally.repeated) == (2, 2)
    assert desk.counters() == {"received": 6, "waiting": 4, "repeated": 2}
    assert desk.letters() == []


async def test_filters_choose(desk: Desk) -> None:
    desk.came(spoilt(sensor="nosuch"), b"junk")
    desk.came(b"more", received_ms=NOW_MS + 10)
    for which, count in (
        (Filter(reasons=("bad_json",)), 2),
        (Filter(reasons=("bad_json", "unknown_sensor")), 3),
        (Filter(gateways=("gw2",)), 0),
        (Filter(sensors=("nosuch",)), 1),
        (Filter(since_ms=NOW_MS + 1), 1),
        (Filter(until_ms=NOW_MS + 1), 2),
        (Filter(ids=(1, 3)), 2),
    ):
        async with desk.alone() as caretaker:
            assert (await caretaker.replay(which)).letters == count, which
        with open_letters(desk.path) as letters:
            assert sum(one.letters for one in letters.stats(which)) == count


async def test_what_is_purged_is_exported_and_comes_back(desk: Desk) -> None:
    payloads = [spoilt(sensor="new"), bytes(random.Random(1).randbytes(500))]
    desk.came(*payloads)
    before = desk.letters()
    async with desk.alone() as caretaker:
        number, files = await caretaker.purge(Filter())
    assert (number, len(files)) == (2, 1)
    assert desk.letters() == []
    assert desk.counters() == {"received": 4, "exported": 4}
    assert desk.received() == RangeSet([(1, 3)])
    assert [(one.reason.value, one.payload) for one in read_export(Path(files[0]))] == [
        ("unknown_sensor", payloads[0]),
        ("bad_json", payloads[1]),
    ]
    for _ in range(2):
        async with desk.alone() as caretaker:
            await caretaker.bring(Path(files[0]))
    after = [replace(one, id=old.id) for one, old in zip(desk.letters(), before, strict=True)]
    assert after == before
    counters = desk.counters()
    # What had no identity came again, as far as anybody can tell.
    assert counters["dead"] == 4
    assert counters["exported"] == 1
    desk.registry = with_sensor("new")
    async with desk.alone() as caretaker:
        assert (await caretaker.replay(Filter())).stored == 3
    assert desk.spooled() == {"new": [1, 2, 3]}
    desk.counters()


async def test_an_export_of_another_spool_becomes_letters_here(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    other.came(batch(level([1, 2, 3, 4], sensor="new")), b"junk")
    desk.came(batch(level([3, 4])))
    async with other.alone() as caretaker:
        _, (file,) = await caretaker.purge(Filter())
    async with desk.alone() as caretaker:
        brought = await caretaker.bring(Path(file))
    assert (brought.letters, brought.kept) == (2, 2)
    assert [one.ranges for one in desk.letters()] == ["1-2", ""]
    assert desk.counters() == {"received": 7, "waiting": 2, "dead": 3, "repeated": 2}


@pytest.mark.parametrize("spoil", ["cut", "text", "other", "empty"])
async def test_a_file_that_is_no_export_is_named_and_changes_nothing(desk: Desk, tmp_path: Path, spoil: str) -> None:
    desk.came(b"junk")
    path = tmp_path / "letters.jsonl.gz"
    with open_letters(desk.path) as letters:
        write_export(path, letters.after(0, Filter(), 10, 1 << 20), NOW_MS)
    whole = path.read_bytes()
    wrong = {"cut": whole[:-12], "text": b"hello", "other": gzip.compress(b'{"a": 1}\n'), "empty": b""}
    path.write_bytes(wrong[spoil])
    async with desk.alone() as caretaker:
        with pytest.raises(NotAnExportError):
            await caretaker.bring(path)
    assert desk.counters() == {"received": 1, "dead": 1}


async def test_the_largest_sender_gives_way_and_nobody_else(desk: Desk) -> None:
    desk.came(*(b"a" * 5_000 + bytes([n]) for n in range(3)), topic="aryk/v1/aksu/gw2/readings")
    dice = random.Random(2)
    desk.came(*(dice.randbytes(20_000) for n in range(30)))
    for at in range(10):
        desk.came(dice.randbytes(3_000), topic=f"aryk/v1/aksu/unknown-{at}/readings")
    sizes = desk.letters()
    total = sum(one.bytes for one in sizes)
    bound = total // 3
    async with desk.alone() as caretaker:
        number = await caretaker.bound_size(bound, lambda: sum(one.bytes for one in desk.letters()))
    kept = desk.letters()
    assert sum(one.bytes for one in kept) <= bound
    assert number == len(sizes) - len(kept)
    assert [one.gateway for one in kept if one.gateway == "gw2"] == ["gw2"] * 3
    assert sum(one.gateway.startswith("unknown") for one in kept) == 10
    gone = [letter for file in sorted(exports_folder(desk.path).iterdir()) for letter in read_export(file)]
    assert {one.gateway for one in gone} == {"gw1"}
    # The oldest went.
    assert min(one.id for one in kept if one.gateway == "gw1") == 4 + len(gone)
    assert desk.counters()["exported"] == len(gone)


async def test_unknown_senders_share_one_account(desk: Desk) -> None:
    dice = random.Random(3)
    desk.came(*(dice.randbytes(8_000) for _ in range(5)))
    for at in range(40):
        desk.came(dice.randbytes(3_000), topic=f"aryk/v1/aksu/unknown-{at}/readings")
    async with desk.alone() as caretaker:
        await caretaker.bound_size(100_000, lambda: sum(one.bytes for one in desk.letters()))
    assert sum(one.gateway == "gw1" for one in desk.letters()) == 5


async def test_old_letters_are_exported(desk: Desk) -> None:
    desk.came(b"old")
    desk.came(b"new", received_ms=NOW_MS + 50_000)
    desk.now_ms = NOW_MS + 60_000
    async with desk.alone() as caretaker:
        assert await caretaker.bound_age(30.0) == 1
        assert await caretaker.bound_age(30.0) == 0
    assert [one.received_ms for one in desk.letters()] == [NOW_MS + 50_000]


async def test_bounds_are_kept_while_it_runs_and_not_while_the_disk_is_full(desk: Desk) -> None:
    desk.came(*(bytes([n]) * 1000 for n in range(20)))
    looked = 0
    twice = asyncio.Event()
    may = False

    async def sleep(seconds: float) -> None:
        nonlocal looked
        looked += 1
        if looked == 2:
            twice.set()
            await asyncio.Event().wait()

    from ingest.caretaker import Bounds

    async with desk.alone() as caretaker:

        def may_write() -> bool:
            nonlocal may
            before, may = may, True
            return before

        bounds = Bounds(10_000, 1e6)
        keeping = asyncio.create_task(
            caretaker.keep_bounds(bounds, lambda: sum(one.bytes for one in desk.letters()), may_write, sleep)
        )
        await asyncio.wait_for(twice.wait(), 10)
        keeping.cancel()
        assert caretaker.export_bytes > 0
    assert sum(one.bytes for one in desk.letters()) <= 10_000


async def test_an_old_spool_is_imported_once(desk: Desk, tmp_path: Path) -> None:
    old = Desk(tmp_path / "old")
    old.came(batch(level([1, 2, 3, 4])), batch(level([5, 6], sensor="new")), b"junk", batch(level([7])))
    desk.came(batch(level([3, 4])))
    for times in (1, 2):
        async with desk.alone() as caretaker:
            brought = await caretaker.bring(old.path)
        assert (brought.rows, brought.readings) == (2, 5)
        assert (brought.waiting, brought.kept) == ((3, 2) if times == 1 else (0, 0))
    assert sorted(desk.spooled()["level"]) == [1, 2, 3, 4, 7]
    assert [one.reason for one in desk.letters()] == ["unknown_sensor", "bad_json"]
    assert desk.received() == RangeSet([(1, 7)])
    desk.counters()
    assert sorted(old.spooled()["level"]) == [1, 2, 3, 4, 7]


async def test_a_spool_in_use_is_not_imported(desk: Desk, tmp_path: Path) -> None:
    from ingest.old_spool import NotASpoolError

    old = Desk(tmp_path / "old")
    old.came(b"junk")
    desk.came(b"junk")
    with Spool(old.path):
        async with desk.alone() as caretaker:
            with pytest.raises(NotASpoolError, match="in use"):
                await caretaker.bring(old.path)


async def test_poison_is_marked_before_it_is_decoded(desk: Desk) -> None:
    payload = spoilt()
    desk.came(b"x")
    from wire.names import digest

    with Spool(desk.path) as spool:
        intake, group = make_intake(spool.load().received, {digest(payload)}), Group()
        intake._next_id = spool.next_id()
        intake.take(arrival(payload), group)
        spool.commit([group.change], NOW_MS)
        spool._open_db.execute("INSERT INTO suspects VALUES (?, 2, 0)", (digest(payload),))
    async with desk.alone() as caretaker:
        tally = await caretaker.replay(Filter(reasons=(Reason.POISON.value,)))
    assert tally.stored == 3
    with Spool(desk.path) as spool:
        assert spool.poison() == set()
    assert desk.counters() == {"received": 4, "waiting": 3, "dead": 1}


async def test_work_on_a_spool_leaves_a_clean_stop_clean_and_an_unclean_one_unclean(desk: Desk) -> None:
    from ingest.change import Change

    desk.came(b"junk")
    async with desk.alone() as caretaker:
        await caretaker.replay(Filter())
    with Spool(desk.path) as spool:
        assert not spool.was_clean
        spool.commit([Change(meta={"clean": "1"})], NOW_MS)
    async with desk.alone() as caretaker:
        await caretaker.replay(Filter())
    with Spool(desk.path) as spool:
        assert spool.was_clean


async def test_a_spool_of_version_1_is_taken_over(desk: Desk) -> None:
    desk.came(spoilt(value=[float("nan"), "text", 1.0]), b"junk")
    with Spool(desk.path) as spool:
        db = spool._open_db
        for column in ("bytes", "replays", "replayed_ms"):
            db.execute(f"ALTER TABLE letters DROP COLUMN {column}")
        for table in ("exported", "gone", "replayed"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 1")
    with Spool(desk.path):
        pass
    assert desk.counters() == {"received": 4, "waiting": 1, "dead": 3}
    assert [one.bytes for one in desk.letters()][1] == 512


def test_counts_have_their_parts() -> None:
    assert Count.EXPORTED in PARTS

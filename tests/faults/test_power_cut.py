"""Power cut during a commit; card cloned or rolled back: the log opens again, and no identity is used twice.

An imitation: files as they stood at each write are cut short and put back. A real power cut may do more.
"""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock import ManualClock
from gateway.log import NewRecord, Scan, open_log
from gateway.readings import Reading
from tests.faults import logged
from tests.faults.verdict import in_gaps
from tests.faults.world import World
from tests.servers.wait import eventually
from wire.ranges import RangeSet

GATEWAY = "gw"
WAL_HEADER = 32
FRAME_HEADER = 24

Identity = tuple[int, int]


def readings(value: float) -> tuple[Reading, ...]:
    return tuple(Reading(name, "level", "m", value, 1) for name in ("a", "b", "c"))


async def fill(state: Path, scans: int, clock: ManualClock, first_value: float = 0.0) -> list[Identity]:
    """Open the log, commit scans, close; the identities given."""
    given: list[Identity] = []
    async with open_log(state, GATEWAY, clock) as log:
        for number in range(scans):
            clock.advance(1.0)
            commit = await log.append(Scan(clock.now(), readings(first_value + number)))
            given += [(log.epoch, seq) for seq in range(commit.first, commit.last + 1)]
    return given


def folder(state: Path) -> Path:
    return state / "gateway" / GATEWAY


async def snapshot_with_wal(tmp_path: Path) -> tuple[Path, list[Identity]]:
    """A copy of a log in use, its last commits only in the write-ahead log."""
    state = tmp_path / "original"
    clock = ManualClock()
    given = await fill(state, 5, clock)
    async with open_log(state, GATEWAY, clock) as log:
        for number in range(20):
            clock.advance(1.0)
            commit = await log.append(Scan(clock.now(), readings(100.0 + number)))
            given += [(log.epoch, seq) for seq in range(commit.first, commit.last + 1)]
        copy = tmp_path / "copy"
        shutil.copytree(folder(state), copy)
    return copy, given


def offsets(wal: bytes, page_size: int, dice: random.Random) -> Iterator[tuple[str, int]]:
    """One or more places of every class at which a write-ahead log can be cut."""
    frame = FRAME_HEADER + page_size
    frames = (len(wal) - WAL_HEADER) // frame
    yield "nothing at all", 0
    yield "within the header", WAL_HEADER // 2
    yield "the header only", WAL_HEADER
    for number in sorted({0, 1, frames // 2, frames - 2, frames - 1}):
        start = WAL_HEADER + number * frame
        yield f"between frames, before {number}", start
        yield f"within the frame header of {number}", start + dice.randrange(1, FRAME_HEADER)
        yield f"after the frame header of {number}", start + FRAME_HEADER
        yield f"within the page of {number}", start + FRAME_HEADER + dice.randrange(1, page_size)
        yield f"one byte short of the end of {number}", start + frame - 1
    yield "whole", len(wal)


async def test_a_write_ahead_log_cut_short_anywhere_opens_with_a_whole_prefix(tmp_path: Path) -> None:
    copy, given = await snapshot_with_wal(tmp_path)
    wal = (copy / "log.sqlite-wal").read_bytes()
    page_size = int.from_bytes((copy / "log.sqlite").read_bytes()[16:18], "big")
    dice = random.Random(1)
    all_given = set(given)
    counts = set()
    for number, (name, length) in enumerate(offsets(wal, page_size, dice)):
        for tail in (b"", b"\0" * 5000, dice.randbytes(5000)):
            state = tmp_path / f"cut-{number}-{len(tail)}-{tail[:1].hex()}"
            shutil.copytree(copy, folder(state))
            (folder(state) / "log.sqlite-shm").unlink(missing_ok=True)
            (folder(state) / "log.sqlite-wal").write_bytes(wal[:length] + tail)
            fresh = await fill(state, 2, ManualClock(ms=1_800_000_000_000), 1000.0)
            there = logged.entries(folder(state) / "log.sqlite")
            kept = [(one.epoch, one.seq) for one in there if one.value is not None and one.value < 1000]
            assert kept == given[: len(kept)], f"{name}: not a prefix"
            assert len(kept) % 3 == 0, f"{name}: half a scan"
            assert not set(fresh) & all_given, f"{name}: an identity was used twice"
            all_given |= set(fresh)
            counts.add(len(kept))
    # The cuts do make a difference.
    assert min(counts) < max(counts) == len(given)


async def test_a_damaged_file_is_set_aside_and_sampling_goes_on(tmp_path: Path) -> None:
    state = tmp_path / "state"
    given = await fill(state, 200, ManualClock())
    path = folder(state) / "log.sqlite"
    data = bytearray(path.read_bytes())
    for at in range(4096, min(len(data), 16384)):
        data[at] ^= 0x5A
    path.write_bytes(data)
    fresh = await fill(state, 3, ManualClock(ms=1_800_000_000_000), 1000.0)
    assert not set(fresh) & set(given)
    told = [
        one for one in logged.entries(path) if one.kind == "event" and one.body and one.body["event"] == "log_set_aside"
    ]
    assert told
    assert len(logged.log_files(folder(state))) == 2


async def test_a_cloned_card_never_answers_for_the_others_rows(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    clock = ManualClock()
    before = await fill(one, 10, clock)
    shutil.copytree(one, other)
    mine = await fill(one, 10, clock, 100.0)
    theirs = await fill(other, 10, ManualClock(ms=clock.now().ms), 200.0)
    assert not set(mine) & set(theirs)
    assert not set(before) & (set(mine) | set(theirs))


async def test_a_card_rolled_back_uses_no_identity_twice(tmp_path: Path) -> None:
    state, backup = tmp_path / "state", tmp_path / "backup"
    clock = ManualClock()
    given = set(await fill(state, 10, clock))
    shutil.copytree(state, backup)
    given |= set(await fill(state, 10, clock, 100.0))
    for turn in range(3):
        shutil.rmtree(state)
        shutil.copytree(backup, state)
        fresh = set(await fill(state, 10, clock, 1000.0 * (turn + 1)))
        assert not fresh & given
        given |= fresh


async def test_a_half_made_log_is_begun_anew(tmp_path: Path) -> None:
    """Killed between making the file and its first commit."""
    state = tmp_path / "state"
    folder(state).mkdir(parents=True)
    (folder(state) / "log.sqlite").touch()
    assert await fill(state, 1, ManualClock())


async def test_a_record_survives_the_cut_as_readings_do(tmp_path: Path) -> None:
    state = tmp_path / "state"
    clock = ManualClock()
    async with open_log(state, GATEWAY, clock) as log:
        await log.record(NewRecord("gap", {"reason": "restart"}))
        copy = tmp_path / "copy"
        shutil.copytree(folder(state), folder(copy))
    (folder(copy) / "log.sqlite-shm").unlink(missing_ok=True)
    db = sqlite3.connect(folder(copy) / "log.sqlite")
    assert db.execute("SELECT count(*) FROM entry WHERE kind = 'gap'").fetchone() == (1,)
    db.close()


@pytest.mark.server
async def test_the_whole_path_with_a_card_that_was_rolled_back(tmp_path: Path) -> None:
    """The new rows have old numbers: the centre must not take them for repeats."""
    async with World(tmp_path) as world:
        await world.kill("gateway")
        backup = tmp_path / "backup"
        shutil.copytree(world.log_folder, backup)
        old_last = logged.last_seq(world.log_path)
        await world.start("gateway")
        await world.flowing()
        await world.receipted()
        await world.kill("gateway")
        shutil.rmtree(world.log_folder)
        shutil.copytree(backup, world.log_folder)
        assert logged.last_seq(world.log_path) == old_last
        await world.start("gateway")
        await world.flowing()
        verdict = await world.settle()
        assert not verdict.lost, str(verdict)
        assert not verdict.doubled, str(verdict)
        assert not verdict.wrong, str(verdict)


@pytest.mark.server
async def test_the_whole_path_with_a_log_that_is_damaged(tmp_path: Path) -> None:
    """What was not delivered is read out of the damaged file and sent under its old identity; what is lost is told."""
    async with World(tmp_path) as world:
        await world.receipted()
        await world.kill("ingest")
        before = logged.last_seq(world.log_path)
        await eventually(lambda: logged.last_seq(world.log_path) > before + 400, 60.0, "a backlog")
        assert await world.stop("gateway") == 0
        given = [(one.epoch, one.seq) for one in logged.entries(world.log_path)]
        pages = leaf_pages(world.log_path)
        with world.log_path.open("r+b") as file:
            for page in (1, pages[-2]):
                file.seek((page - 1) * 4096)
                file.write(random.Random(page).randbytes(4096))
        await world.start("gateway")
        await eventually(lambda: logged.last_seq(world.log_path) > 20, 30.0, "sampling goes on at once")
        await world.start("ingest")
        await world.flowing()
        salvaged = await eventually(lambda: list(world.log_folder.glob("salvaged-*.sqlite")), 30.0, "it is salvaged")
        await eventually(lambda: logged.unsettled(salvaged[0], 1 << 60) == 0, 60.0, "receipts for what was salvaged")
        verdict = await world.settle()
        assert verdict.clean, str(verdict)
        there = {
            (one.epoch, one.seq) for path in logged.readable_logs(world.log_folder) for one in logged.entries(path)
        }
        gaps = in_gaps(world.store.record_bodies())
        lost = [one for one in given if one not in there]
        assert lost, "the damage made a difference"
        assert len(lost) < len(given) / 2
        silent = [(epoch, seq) for epoch, seq in lost if seq not in gaps.get(epoch, RangeSet())]
        # What was delivered before is lost to the gateway only.
        assert all(seq <= before for _, seq in silent), silent[:5]


def leaf_pages(path: Path) -> list[int]:
    db = sqlite3.connect(path)
    try:
        found = db.execute("SELECT pageno FROM dbstat WHERE name = 'entry' AND pagetype = 'leaf' ORDER BY path")
        return [page for (page,) in found]
    finally:
        db.close()

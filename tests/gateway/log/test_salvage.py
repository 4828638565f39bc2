"""A damaged log is salvaged: rows keep their identity, holes are told, nothing stops, no identity is used twice."""

import asyncio
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.clock import ManualClock
from gateway.log import Log, NewRecord
from gateway.log.aside import names_path, salvaged_files, set_aside_files
from gateway.log.file import log_path
from gateway.log.rows import Row
from gateway.log.salvage import Salvaged
from tests.gateway.build import scan
from tests.gateway.log.helpers import GATEWAY, anchor_of, opened, query
from wire.ranges import RangeSet

PAGE = 4096
Content = dict[tuple[int, int], tuple[Any, ...]]
"""What each identity stands for."""


def content(row: Row) -> tuple[Any, ...]:
    return row.sensor, row.ms, row.value, row.kind, row.body


async def filled(state: Path, scans: int, clock: ManualClock, *, final: bool = True, openings: int = 1) -> Content:
    """A log of so many scans of three sensors, and a record now and then; what is in it."""
    out: Content = {}
    for opening in range(openings):
        async with opened(state, clock) as log:
            if final:
                await log.settle_times(anchor_of(clock))
            for number in range(scans):
                clock.advance(1)
                await log.append(scan(clock.now(), number + 0.25, float(number), None))
                if number % 50 == 0:
                    body = {"reason": "overrun", "number": number, "long": "x" * (9_000 if number % 100 == 0 else 5)}
                    await log.record(NewRecord("gap", body))
            if final:
                last = log.progress.last
                for row in await log.rows([(1, last)], last):
                    if (opening_of := log.progress.current) and row.seq >= opening_of.given:
                        out[log.epoch, row.seq] = content(row)
            assert opening < openings
    return out


def damage(path: Path, pages: list[int], dice: random.Random | None = None) -> None:
    dice = dice or random.Random(1)
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(dice.randbytes(PAGE))


async def salvaged(log: Log) -> list[Salvaged]:
    return [result async for _, result in log.salvage()]


async def rows_of_salvaged(log: Log) -> dict[tuple[int, int], Row]:
    out = {}
    for old in log.salvaged:
        for state in old.progress.epochs.values():
            for row in await log.rows([(state.given, state.last)], 1 << 30, state.epoch):
                out[state.epoch, row.seq] = row
    return out


async def told(log: Log, kind: str) -> list[dict[str, Any]]:
    await log.settle_times(log.anchor or anchor_of(ManualClock()))
    rows = await log.rows([(1, log.progress.last)], 1 << 30)
    return [row.body for row in rows if row.kind == kind and row.body]


async def told_holes(log: Log) -> dict[int, RangeSet]:
    out: dict[int, RangeSet] = {}
    for body in await told(log, "gap"):
        if body["reason"] == "damaged":
            out.setdefault(int(body["epoch"], 16), RangeSet()).update(tuple(one) for one in body["ranges"])
    return out


def pages_of(state: Path, table: str) -> list[int]:
    """Pages of this table, but its root."""
    found = query(state, f"SELECT pageno FROM dbstat WHERE name = '{table}' AND pagetype = 'leaf'")
    return [page for (page,) in found]


async def test_what_pages_are_left_is_salvaged_and_the_holes_are_told(tmp_path: Path) -> None:
    clock = ManualClock()
    known = await filled(tmp_path, 600, clock, openings=2)
    path = log_path(tmp_path, GATEWAY)
    damage(path, pages_of(tmp_path, "entry")[3:6])
    async with opened(tmp_path, clock) as log:
        assert log.set_aside
        log.anchor = anchor_of(clock)
        (result,) = await salvaged(log)
        assert result.lost > 0
        assert result.nameless == 0
        found, holes = await rows_of_salvaged(log), await told_holes(log)
        for (epoch, seq), expected in known.items():
            if (epoch, seq) in found:
                assert content(found[epoch, seq]) == expected
                assert seq not in holes.get(epoch, RangeSet())
            else:
                assert seq in holes[epoch]
        assert len(found) + result.lost == len(known)
        (event,) = [body for body in await told(log, "event") if body["event"] == "log_salvaged"]
        assert event["lost"] == result.lost
        assert event["file"] == set_aside_files(path.parent)[0].name
        # The new log goes on by itself.
        assert (await log.append(scan(clock.now(), 1.0))).first == log.progress.last
    async with opened(tmp_path, clock) as log:
        assert len(log.salvaged) == 1
        assert await salvaged(log) == []
        assert await rows_of_salvaged(log) == found


@pytest.mark.parametrize("pages", [[1], [2, 3, 4], [7, 8], [9], [1, 2, 3, 4, 5, 6, 7, 8], [10, 11, 12]])
async def test_no_page_of_names_is_beyond_repair(tmp_path: Path, pages: list[int]) -> None:
    """The file's head, the tables of epochs and series, indexes: what they say is known from elsewhere too."""
    clock = ManualClock()
    known = await filled(tmp_path, 300, clock)
    damage(log_path(tmp_path, GATEWAY), pages)
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        if log.set_aside:
            (result,) = await salvaged(log)
            found, holes = await rows_of_salvaged(log), await told_holes(log)
            assert result.nameless == 0
            assert {key: content(row) for key, row in found.items()} == {key: known[key] for key in found}
            assert all(key in found or key[1] in holes[key[0]] for key in known)
            assert len(found) > 0.9 * len(known)


async def test_a_torn_tail_costs_the_tail(tmp_path: Path) -> None:
    clock = ManualClock()
    known = await filled(tmp_path, 400, clock)
    path = log_path(tmp_path, GATEWAY)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 100)
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        (result,) = await salvaged(log)
        found = await rows_of_salvaged(log)
        assert {key: content(row) for key, row in found.items()} == {key: known[key] for key in found}
        assert result.rows == len(found) > len(known) // 4


async def test_what_was_delivered_stays_delivered(tmp_path: Path) -> None:
    clock = ManualClock()
    await filled(tmp_path, 10, clock)
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        for _ in range(400):
            clock.advance(1)
            await log.append(scan(clock.now(), 1.0, 2.0))
        epoch = log.epoch
        first = log.progress.last - 799
        await log.receipt({epoch: [(first, first + 499)]})
    damage(log_path(tmp_path, GATEWAY), pages_of(tmp_path, "entry")[1:2])
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        await salvaged(log)
        pending = dict(log.pending())
        assert pending[epoch][0][0] >= first + 500
        # Receipts are kept: after the next start nothing of it is sent again.
        await log.receipt({one: ranges for one, ranges in pending.items() if one != log.epoch})
        assert not [one for one, _ in log.pending() if one != log.epoch]
    async with opened(tmp_path, clock) as log:
        assert not log.salvaged[0].unsettled
        # What the centre asks for again is answered from it.
        await log.reopen(epoch, [(first + 600, first + 601)])
        assert (epoch, [(first + 600, first + 601)]) in log.pending()
        assert [row.seq for row in await log.rows([(first + 600, first + 601)], 10, epoch)] == [
            first + 600,
            first + 601,
        ]


async def test_held_rows_are_salvaged_and_put_right(tmp_path: Path) -> None:
    clock = ManualClock()
    await filled(tmp_path, 300, clock, final=False)
    damage(log_path(tmp_path, GATEWAY), [1, 2])
    async with opened(tmp_path, clock) as log:
        (result,) = await salvaged(log)
        assert result.rows > 800
        assert log.held >= result.rows
        await log.settle_times(anchor_of(clock, skew_ms=86_400_000))
        found = await rows_of_salvaged(log)
        assert len(found) == result.rows
        assert min(row.ms for row in found.values()) > clock.now().ms + 80_000_000


async def test_files_go_when_all_is_delivered_and_retention_is_over(tmp_path: Path) -> None:
    clock = ManualClock()
    await filled(tmp_path, 300, clock)
    folder = log_path(tmp_path, GATEWAY).parent
    damage(log_path(tmp_path, GATEWAY), pages_of(tmp_path, "entry")[1:2])
    keep_s = 86_400.0
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await salvaged(log)
        clock.advance(2 * keep_s)
        log.anchor = anchor_of(clock)
        await log.keep_tidy(keep_s)
        assert log.salvaged, "it is not delivered yet"
        await log.receipt(dict(log.pending()))
        await log.keep_tidy(keep_s)
        assert log.salvaged, "it was delivered just now"
        clock.advance(2 * keep_s)
        log.anchor = anchor_of(clock)
        await log.keep_tidy(keep_s)
        assert not log.salvaged
        assert salvaged_files(folder) == set_aside_files(folder) == []
        assert sorted(path.name for path in folder.iterdir() if not path.name.startswith("log.sqlite")) == [
            "lock",
            "names.json",
        ]


async def test_a_salvage_cut_short_is_begun_anew(tmp_path: Path) -> None:
    clock = ManualClock()
    known = await filled(tmp_path, 600, clock)
    damage(log_path(tmp_path, GATEWAY), pages_of(tmp_path, "entry")[1:2])
    async with opened(tmp_path, clock) as log:
        task = asyncio.ensure_future(salvaged(log))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not log.salvaged
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        (result,) = await salvaged(log)
        assert result.rows + result.lost == len(known)


async def test_a_damaged_salvage_is_salvaged_too(tmp_path: Path) -> None:
    clock = ManualClock()
    await filled(tmp_path, 600, clock)
    folder = log_path(tmp_path, GATEWAY).parent
    damage(log_path(tmp_path, GATEWAY), pages_of(tmp_path, "entry")[1:2])
    async with opened(tmp_path, clock) as log:
        await salvaged(log)
        before = await rows_of_salvaged(log)
    damage(salvaged_files(folder)[0], [20, 21])
    async with opened(tmp_path, clock) as log:
        assert not log.salvaged
        await salvaged(log)
        assert await rows_of_salvaged(log) == before, "from the first file once more"
    damage(salvaged_files(folder)[0], [20, 21])
    for path in set_aside_files(folder):
        path.unlink()
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        (result,) = await salvaged(log)
        after = await rows_of_salvaged(log)
        assert result.lost > 0
        assert 0 < len(after) < len(before)
        assert all(content(row) == content(before[key]) for key, row in after.items())


def spoil(path: Path, dice: random.Random, kind: str) -> None:
    """Damage the file or its write-ahead log."""
    data = bytearray(path.read_bytes())
    if not data:
        return
    if kind == "bit":
        at = dice.randrange(len(data))
        data[at] ^= 1 << dice.randrange(8)
    elif kind == "sector":
        at = dice.randrange(len(data)) // 512 * 512
        data[at : at + 512] = dice.randbytes(len(data[at : at + 512]))
    elif kind == "zeros":
        at = dice.randrange(len(data)) // 4096 * 4096
        length = 4096 * dice.randrange(1, 6)
        data[at : at + length] = bytes(len(data[at : at + length]))
    else:
        del data[dice.randrange(len(data)) :]
    path.write_bytes(data)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, tuple[Path, Content]]:
    """A closed log, and one copied in use, whose newest commits are in its write-ahead log."""

    async def make() -> dict[bool, tuple[Path, Content]]:
        folder = tmp_path_factory.mktemp("templates")
        clock = ManualClock()
        known = await filled(folder / "closed", 150, clock, openings=2)
        shutil.copytree(folder / "closed", folder / "again")
        async with opened(folder / "again", clock) as log:
            await log.settle_times(anchor_of(clock))
            for number in range(40):
                clock.advance(1)
                await log.append(scan(clock.now(), 1000.0 + number, 1.0))
            more = {
                (log.epoch, row.seq): content(row)
                for row in await log.rows([(1, log.progress.last)], 1 << 30)
                if log.progress.current and row.seq >= log.progress.current.given
            }
            shutil.copytree(folder / "again", folder / "used")
        return {False: (folder / "closed", known), True: (folder / "used", {**known, **more})}

    return asyncio.run(make())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    used=st.booleans(),
    wal=st.booleans(),
    kinds=st.lists(st.sampled_from(["bit", "sector", "zeros", "cut"]), min_size=1, max_size=3),
    names=st.booleans(),
    seed=st.integers(0, 1 << 30),
)
def test_whatever_the_damage_no_identity_is_used_twice(
    templates: dict[bool, tuple[Path, Content]],
    tmp_path_factory: pytest.TempPathFactory,
    used: bool,
    wal: bool,
    kinds: list[str],
    names: bool,
    seed: int,
) -> None:
    """Sampling goes on; a row is what it was or is flagged; numbers of old epochs are never given again."""
    source, known = templates[used]
    state = tmp_path_factory.mktemp("state") / "state"
    shutil.copytree(source, state)
    dice = random.Random(seed)
    path = log_path(state, GATEWAY)
    for kind in kinds:
        spoil(path.with_name(path.name + "-wal") if wal and used else path, dice, kind)
    if not names:
        names_path(path).unlink(missing_ok=True)

    async def reopen() -> None:
        clock = ManualClock(ms=1_800_000_000_000)
        given_now: set[tuple[int, int]] = set()
        for _ in range(2):
            async with opened(state, clock) as log:
                log.anchor = anchor_of(clock)
                await salvaged(log)
                clock.advance(1)
                commit = await log.append(scan(clock.now(), 1.0, 2.0))
                for seq in range(commit.first, commit.last + 1):
                    assert (log.epoch, seq) not in known
                    assert (log.epoch, seq) not in given_now
                    given_now.add((log.epoch, seq))
                epochs = {one.epoch for one in log.extents()}
                assert len(epochs) == len(log.extents()), "an epoch is in two logs"
                found = await rows_of_salvaged(log)
                if "bit" not in kinds:  # a bit that flips in a value shows nowhere
                    for key, row in found.items():
                        if row.flag not in (3, 4) and key in known and row.sensor is not None:
                            assert content(row) == known[key]

    try:
        asyncio.run(reopen())
    finally:
        shutil.rmtree(state)

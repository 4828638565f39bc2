"""A disk that runs short: what was delivered goes first, then the oldest is thinned, then it goes; all of it is told."""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import ManualClock
from gateway.log import Log, LogFullError, NewRecord
from gateway.log.aside import salvaged_files, set_aside_files
from gateway.log.ballast import BALLAST_BYTES
from gateway.log.file import log_path
from gateway.log.retention import room_bytes
from gateway.log.rows import Row
from gateway.log.writer import LogUnavailableError
from tests.faults.small_disk import MEGABYTE, mounted_disk
from tests.gateway.build import scan
from tests.gateway.log.helpers import GATEWAY, anchor_of, opened
from wire.names import thinned_from
from wire.ranges import RangeSet

KEEP_S = 30 * 86_400.0
HOUR_MS = 3_600_000


async def hours(state: Path, clock: ManualClock, count: int, *, delivered: int = 0) -> int:
    """A log of a reading of two sensors each ten seconds for some hours, the first of them delivered; its epoch."""
    async with opened(state, clock) as log:
        await log.settle_times(anchor_of(clock))
        for number in range(count * 360):
            clock.advance(10)
            log.anchor = anchor_of(clock)
            await log.append(scan(clock.now(), float(number), -float(number)))
            if number == count * 180:
                await log.record(NewRecord("gauge", {"level": 1.0}))
        if delivered:
            await log.receipt({log.epoch: [(1, delivered * 720)]})
        return log.epoch


async def rows(log: Log) -> list[Row]:
    return await log.rows([(1, log.progress.last)], 1 << 30)


def gaps_of(found: list[Row]) -> list[dict[str, Any]]:
    return [row.body for row in found if row.kind == "gap" and row.body]


def named(found: list[Row], epoch: int) -> RangeSet:
    return RangeSet(tuple(one) for body in gaps_of(found) if int(body["epoch"], 16) == epoch for one in body["ranges"])


def room(log: Log) -> int:
    return room_bytes(log._uplink_db, log.path)


async def test_delivered_first_then_the_oldest_hours_are_thinned(tmp_path: Path) -> None:
    clock = ManualClock()
    with mounted_disk(tmp_path / "disk", 64) as disk:  # nobody else writes there
        await thin_some(disk.folder, clock)


async def thin_some(state: Path, clock: ManualClock) -> None:
    epoch = await hours(state, clock, 30, delivered=3)
    async with opened(state, clock) as log:
        log.anchor = anchor_of(clock)
        log._reserve_bytes = room(log) + 300_000
        gone = await log.keep_tidy(KEEP_S)
        found = await rows(log)
        raw = [row for row in found if row.sensor is not None and thinned_from(row.sensor) is None]
        hourly = [row for row in found if row.sensor is not None and thinned_from(row.sensor) is not None]
        assert min(row.seq for row in raw) > 3 * 720 + 1, "the delivered ones are gone"
        assert gone >= 3 * 720
        lost = named(found, epoch)
        assert lost.lowest == 3 * 720 + 1
        assert lost.highest is not None
        assert lost.highest < min(row.seq for row in raw)
        assert not {row.seq for row in found} & {seq for first, last in lost for seq in range(first, last + 1)}
        # Each thinned hour has its three values of each sensor.
        assert len(hourly) == 6 * len({row.ms for row in hourly})
        first_hour = [row for row in hourly if row.ms == min(row.ms for row in hourly) + HOUR_MS]
        by_name = {row.sensor: row for row in first_hour}
        low, mean, high = (by_name[f"level.hourly_{name}"].value for name in ("min", "mean", "max"))
        assert low is not None
        assert mean is not None
        assert high == low + 359
        assert mean == pytest.approx(low + 179.5)
        assert [row.kind for row in found if row.kind == "gauge"] == ["gauge"]
        assert {body["reason"] for body in gaps_of(found)} == {"disk_full"}
        assert {body["kept"] for body in gaps_of(found)} == {"hourly"}
        # What was thinned is not sent and not sent again.
        assert not any(first <= lost.highest for one, ranges in log.pending() if one == epoch for first, _ in ranges)


async def test_then_thinned_ones_and_the_newest_hour_go_too_but_never_records(tmp_path: Path) -> None:
    clock = ManualClock()
    epoch = await hours(tmp_path, clock, 5)
    async with opened(tmp_path, clock, reserve_bytes=1 << 62) as log:
        log.anchor = anchor_of(clock)
        await log.append(scan(clock.now(), 1.0))
        await log.keep_tidy(KEEP_S)
        found = await rows(log)
        assert not [row for row in found if row.seq <= 5 * 720 and row.sensor]
        assert [row.kind for row in found if row.kind == "gauge"] == ["gauge"]
        assert named(found, epoch).size == 5 * 720
        await log.keep_tidy(KEEP_S)
        left = [row for row in await rows(log) if row.sensor is not None]
        assert len(left) <= 1, "thinned readings were dropped next"
        assert named(await rows(log), log.epoch)


async def test_readings_of_unknown_time_go_last_and_are_named(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock, reserve_bytes=1 << 62) as log:
        for number in range(1000):
            clock.advance(10)
            await log.append(scan(clock.now(), float(number)))
        epoch = log.epoch
        await log.keep_tidy(KEEP_S)
        assert log.progress.held.size <= 3 + 1000 // 500
        await log.settle_times(anchor_of(clock))
        found = await rows(log)
        assert named(found, epoch).size == 999
        assert len([row for row in found if row.sensor]) == 1


async def test_a_kill_in_between_leaves_no_hole_untold(tmp_path: Path) -> None:
    """Deletion, what is settled, thinned values and the gap are one transaction: every prefix of the commits is whole."""
    clock = ManualClock()
    state, copy = tmp_path / "state", tmp_path / "copy"
    epoch = await hours(state, clock, 4)
    async with opened(state, clock) as log:
        log.anchor = anchor_of(clock)
        log._writer_db.execute("PRAGMA wal_autocheckpoint = 0")
        log._uplink_db.execute("PRAGMA wal_autocheckpoint = 0")
        log._reserve_bytes = 1 << 62
        await log.keep_tidy(KEEP_S)
        shutil.copytree(log_path(state, GATEWAY).parent, copy)
    wal = (copy / "log.sqlite-wal").read_bytes()
    dice = random.Random(1)
    seen = set()
    for number in range(25):
        cut = tmp_path / f"cut-{number}"
        folder = log_path(cut, GATEWAY).parent
        shutil.copytree(copy, folder)
        (folder / "log.sqlite-shm").unlink(missing_ok=True)
        (folder / "log.sqlite-wal").write_bytes(
            wal[: len(wal) * number // 24 - dice.randrange(1, 3000) if number else 0]
        )
        async with opened(cut, clock) as log:
            assert not log.set_aside
            await log.settle_times(anchor_of(clock))
            found = await rows(log)
            there = RangeSet.of(row.seq for row in found)
            told = named(found, epoch)
            for first, last in there.missing(1, 4 * 720):
                assert told.covers(first, last), f"{first} to {last} are gone and not told"
            state_of_epoch = log.state_of(epoch)
            assert state_of_epoch is not None
            assert state_of_epoch.settled["dropped"] == RangeSet(
                (first, min(last, state_of_epoch.last)) for first, last in told if first <= state_of_epoch.last
            )
            seen.add(told.size)
        shutil.rmtree(cut)
    assert {0} < seen, "the cuts make a difference"


async def test_salvaged_logs_give_way_too(tmp_path: Path) -> None:
    clock = ManualClock()
    epoch = await hours(tmp_path, clock, 6)
    folder = log_path(tmp_path, GATEWAY).parent
    with (folder / "log.sqlite").open("r+b") as file:
        file.write(bytes(100))
    async with opened(tmp_path, clock, reserve_bytes=1 << 62) as log:
        log.anchor = anchor_of(clock)
        results = [result async for _, result in log.salvage()]
        assert results[0].lost == 0
        (salvaged,) = salvaged_files(folder)
        size = salvaged.stat().st_size
        await log.append(scan(clock.now(), 1.0))
        await log.keep_tidy(KEEP_S)
        assert set_aside_files(folder) == [], "the damaged original goes before any reading does"
        found = await rows(log)
        assert named(found, epoch).size == 6 * 720
        assert salvaged.stat().st_size < size / 4, "its room is given back"
        assert [one for one, _ in log.pending()] == [epoch, log.epoch], "the record in it is still to be sent"
        await log.receipt({epoch: [(1, 6 * 720 + 2)]})
        await log.keep_tidy(KEEP_S)
        assert not salvaged.exists()


async def test_a_full_disk_at_the_start_is_made_room_on(tmp_path: Path) -> None:
    clock = ManualClock()
    with mounted_disk(tmp_path / "disk", 64) as disk:
        state = disk.folder
        epoch = await hours(state, clock, 12)
        async with opened(state, clock, reserve_bytes=16 * MEGABYTE):
            pass
        disk.fill()
        async with opened(state, clock, reserve_bytes=16 * MEGABYTE) as log:
            log.anchor = anchor_of(clock)
            before = room(log)
            assert before <= BALLAST_BYTES
            await log.keep_tidy(KEEP_S)
            assert room(log) > before
            assert named(await rows(log), epoch).lowest == 1
            await log.append(scan(clock.now(), 1.0))
        disk.free()
        async with opened(state, clock, reserve_bytes=16 * MEGABYTE):
            pass
        assert (log_path(state, GATEWAY).parent / "ballast").stat().st_size == BALLAST_BYTES


async def test_a_disk_without_any_room_is_an_error_of_its_own(tmp_path: Path) -> None:
    with mounted_disk(tmp_path / "disk", 16) as disk:
        disk.fill()
        (disk.folder / "ballast").touch()
        with pytest.raises(LogFullError):
            opened(disk.folder, ManualClock(), reserve_bytes=MEGABYTE)


async def test_a_disk_that_fills_up_meanwhile_asks_for_room(tmp_path: Path) -> None:
    clock = ManualClock()
    with mounted_disk(tmp_path / "disk", 64) as disk:
        await hours(disk.folder, clock, 12)
        async with opened(disk.folder, clock, reserve_bytes=16 * MEGABYTE) as log:
            log.anchor = anchor_of(clock)
            disk.fill()

            async def until_full() -> None:
                for _ in range(10_000):
                    clock.advance(1)
                    await log.append(scan(clock.now(), *[1.0] * 50))

            with pytest.raises(LogUnavailableError):
                await until_full()
            assert log.short.is_set()
            await log.keep_tidy(KEEP_S)
            assert not log.short.is_set()
            await log.append(scan(clock.now(), *[1.0] * 50))

from pathlib import Path

from gateway.clock import ManualClock
from gateway.log import NewRecord, Scan
from tests.gateway.build import gap, reading, scan
from tests.gateway.log.helpers import anchor_of, opened, pending, query

NOW_MS = 1_700_000_000_000
DAY_MS = 86_400_000


async def test_held_readings_of_a_right_clock_keep_their_time(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    async with opened(tmp_path, clock) as log:
        await log.append(scan(clock.now(), 1.0))
        clock.advance(60)
        assert await log.settle_times(anchor_of(clock, skew_ms=1500)) == 1
        row = (await log.rows([(1, 1)], 1))[0]
        assert (row.ms, row.flag) == (NOW_MS, 1)
    assert query(tmp_path, "SELECT original_ms, final FROM entry") == [(None, 1)]


async def test_held_readings_of_a_wrong_clock_are_put_right_once(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS - 3 * DAY_MS)
    async with opened(tmp_path, clock) as log:
        for _ in range(3):
            clock.advance(10)
            await log.append(scan(clock.now(), 1.0, None))
        logged = clock.now().ms
        clock.advance(5)
        # In the meantime the clock was set, so that only the boot clock knows when the readings were taken.
        clock.step_wall(3 * 86_400)
        await log.settle_times(anchor_of(clock))
        rows = await log.rows([(1, 6)], 10)
        assert [row.ms - NOW_MS for row in rows] == [10_000, 10_000, 20_000, 20_000, 30_000, 30_000]
        assert [row.flag for row in rows] == [3, 9] * 3
        # A later anchor changes nothing any more.
        await log.settle_times(anchor_of(clock, skew_ms=100_000))
        assert await log.rows([(1, 6)], 10) == rows
    assert query(tmp_path, "SELECT original_ms FROM entry WHERE seq = 6") == [(logged,)]


async def test_with_a_fresh_anchor_a_wrong_clock_is_put_right_at_once(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS - DAY_MS)
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock, skew_ms=DAY_MS))
        clock.advance(1)
        await log.append(scan(clock.now(), 1.0))
        row = (await log.rows([(1, 1)], 1))[0]
        assert (row.ms, row.flag) == (NOW_MS + 1000, 3)
        clock.advance(3 * 3600)
        await log.append(scan(clock.now(), 2.0))
        assert pending(log) == [(1, 1)]


async def test_only_a_time_that_was_moved_far_makes_a_reading_suspect(tmp_path: Path) -> None:
    for minutes, flags in ((4, [1, 1]), (-6, [3, 3])):
        clock = ManualClock(NOW_MS)
        async with opened(tmp_path / str(minutes), clock) as log:
            await log.append(scan(clock.now(), 1.0))
            await log.settle_times(anchor_of(clock, skew_ms=minutes * 60_000))
            clock.advance(1)
            await log.append(scan(clock.now(), 2.0))
            assert [row.flag for row in await log.rows([(1, 2)], 2)] == flags


async def test_a_second_process_of_the_same_boot_settles_the_first_ones_readings(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS - DAY_MS)
    async with opened(tmp_path, clock) as log:
        await log.append(scan(clock.now(), 1.0))
    clock.advance(60)
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock, skew_ms=DAY_MS))
        assert (await log.rows([(1, 1)], 1))[0].ms == NOW_MS


async def test_contact_in_an_earlier_boot_settles_what_came_after_it(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS - DAY_MS)
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock, skew_ms=DAY_MS))
        clock.advance(3 * 3600)
        await log.append(scan(clock.now(), 1.0))
    clock.reboot("boot-2", NOW_MS + 10 * 3_600_000)
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        row = (await log.rows([(1, 1)], 1))[0]
        assert (row.ms, row.flag) == (NOW_MS + 3 * 3_600_000, 3)


async def test_a_boot_without_contact_is_placed_between_its_neighbours(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await log.append(scan(clock.now(), 1.0))
    clock.reboot("boot-2", 1_000_000)  # 1970
    async with opened(tmp_path, clock) as log:
        for value in (2.0, None, 4.0):
            clock.advance(10)
            await log.append(scan(clock.now(), value))
    clock.reboot("boot-3", NOW_MS + DAY_MS, boot_ns=0)
    async with opened(tmp_path, clock) as log:
        await log.append(scan(clock.now(), 5.0))
        assert await log.settle_times(anchor_of(clock)) == 4
        rows = await log.rows([(1, 5)], 10)
        assert [row.ms - NOW_MS for row in rows] == [0, 1, 10_001, 20_001, DAY_MS]
        assert [row.flag for row in rows] == [1, 3, 9, 3, 1]


async def test_a_clock_restored_to_yesterday_pushes_nothing_aside(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await log.append(scan(clock.now(), 1.0))
    clock.reboot("boot-2", NOW_MS)
    async with opened(tmp_path, clock) as log:
        await log.append(scan(clock.now(), 2.0))
        clock.advance(1)
        await log.settle_times(anchor_of(clock, skew_ms=DAY_MS))
        row = (await log.rows([(2, 2)], 1))[0]
        assert (row.ms, row.flag) == (NOW_MS + DAY_MS, 3)


async def test_two_readings_put_to_the_same_millisecond_stay_two(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    async with opened(tmp_path, clock) as log:
        await log.append(scan(clock.now(), 1.0))
        clock.step_wall(-0.5)
        await log.append(scan(clock.now(), 2.0))
        clock.step_wall(0.5)
        await log.append(scan(clock.now(), 3.0))
        await log.settle_times(anchor_of(clock))
        rows = await log.rows([(1, 3)], 10)
        assert [(row.ms - NOW_MS, row.flag) for row in rows] == [(0, 1), (-500, 1), (1, 3)]


async def test_the_times_in_a_gap_move_with_it(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await log.append(scan(clock.now(), 1.0))
    clock.reboot("boot-2", NOW_MS - DAY_MS)
    now_ms = clock.now().ms
    async with opened(tmp_path, clock) as log:
        restart = gap("restart", from_ms=now_ms, to_ms=now_ms, sensors=["level"])
        overrun = gap("overrun", from_ms=now_ms - 10, to_ms=now_ms, sensors=["level"])
        await log.append(Scan(clock.now(), (reading(2.0),), (restart, overrun)))
        await log.settle_times(anchor_of(clock, skew_ms=2 * DAY_MS))
        gaps = [row.body for row in await log.rows([(2, 3)], 10)]
        true_ms = NOW_MS + DAY_MS
        assert gaps[0] == {"reason": "restart", "from_ms": NOW_MS, "to_ms": true_ms, "sensors": ["level"]}
        assert gaps[1] == {"reason": "overrun", "from_ms": true_ms - 10, "to_ms": true_ms, "sensors": ["level"]}


async def test_with_a_fresh_anchor_the_times_in_a_gap_are_put_right_at_once(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await log.append(scan(clock.now(), 1.0))
    clock.advance(600)
    clock.step_wall(-86_400)
    async with opened(tmp_path, clock) as log:
        now_ms = clock.now().ms
        await log.settle_times(anchor_of(clock, skew_ms=DAY_MS))
        restart = gap("restart", from_ms=now_ms - 600_000, to_ms=now_ms, sensors=["level"])
        hung = gap("hung", from_ms=now_ms - 10, to_ms=now_ms, sensors=["level"])
        clock.advance(1)
        await log.append(Scan(clock.now(), (reading(2.0),), (restart, hung)))
        found = [row.body for row in await log.rows([(2, 3)], 10)]
        true_ms = NOW_MS + 600_000
        assert found[0] == {"reason": "restart", "from_ms": NOW_MS, "to_ms": true_ms, "sensors": ["level"]}
        assert found[1] == {"reason": "hung", "from_ms": true_ms - 10, "to_ms": true_ms, "sensors": ["level"]}


async def test_a_pause_after_readings_whose_time_is_not_known_yet_waits_for_it(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS - DAY_MS)
    async with opened(tmp_path, clock) as log:
        await log.append(scan(clock.now(), 1.0))
    clock.advance(600)
    async with opened(tmp_path, clock) as log:
        now_ms = clock.now().ms
        log.anchor = anchor_of(clock, skew_ms=DAY_MS)  # found; the held readings are still to be settled
        restart = gap("restart", from_ms=now_ms - 600_000, to_ms=now_ms, sensors=["level"])
        await log.append(Scan(clock.now(), (reading(2.0),), (restart,)))
        assert pending(log) == []
        await log.settle_times(log.anchor)
        (row,) = await log.rows([(2, 2)], 10)
        assert row.body is not None
        assert (row.body["from_ms"], row.body["to_ms"]) == (NOW_MS, NOW_MS + 600_000)


async def test_a_gap_that_names_numbers_has_the_times_of_readings_and_keeps_them(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS - DAY_MS)
    body = {"reason": "disk_full", "ranges": [[1, 2]], "from_ms": NOW_MS - 900, "to_ms": NOW_MS - 800}
    async with opened(tmp_path, clock) as log:
        await log.append(Scan(clock.now(), (), (NewRecord("gap", body),)))
        await log.settle_times(anchor_of(clock, skew_ms=DAY_MS))
        await log.append(Scan(clock.now(), (), (NewRecord("gap", body),)))
        assert [row.body for row in await log.rows([(1, 2)], 10)] == [body, body]


async def test_a_long_time_without_contact_is_settled_in_steps(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS - DAY_MS)
    async with opened(tmp_path, clock) as log:
        for _ in range(120):
            clock.advance(1)
            await log.append(scan(clock.now(), *[1.0] * 10))
        assert await log.settle_times(anchor_of(clock, skew_ms=DAY_MS)) == 1200
        assert not log.progress.held
        assert pending(log) == [(1, 1200)]

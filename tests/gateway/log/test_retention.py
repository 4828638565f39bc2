from pathlib import Path

import pytest

from gateway.clock import ManualClock
from gateway.log import Log
from tests.gateway.build import scan
from tests.gateway.log.helpers import anchor_of, opened, pending, query

KEEP_S = 30 * 86_400.0


async def logged(log: Log, clock: ManualClock, scans: int) -> None:
    for _ in range(scans):
        clock.advance(1)
        await log.append(scan(clock.now(), 1.0, 2.0))


async def test_what_was_delivered_stays_for_its_time_and_goes_then(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await logged(log, clock, 1000)
        await log.receipt({log.epoch: [(1, 1500)]})
        assert await log.keep_tidy(KEEP_S) == 0
        clock.advance(KEEP_S - 60)
        await log.settle_times(anchor_of(clock))
        assert await log.keep_tidy(KEEP_S) == 0
        clock.advance(120)
        await log.settle_times(anchor_of(clock))
        assert await log.keep_tidy(KEEP_S) == 1500
        assert pending(log) == [(1501, 2000)]
        assert [(extent.first, extent.last) for extent in log.extents()] == [(1501, 2000)]
    assert query(tmp_path, "SELECT min(seq), max(seq), count(*) FROM entry") == [(1501, 2000, 500)]


async def test_what_was_not_delivered_is_never_taken_for_its_age(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await logged(log, clock, 10)
        await log.keep_tidy(KEEP_S)
        clock.advance(100 * KEEP_S)
        await log.settle_times(anchor_of(clock))
        assert await log.keep_tidy(KEEP_S) == 0


async def test_numbers_go_on_after_everything_was_taken(tmp_path: Path) -> None:
    clock = ManualClock()
    for _ in range(2):
        async with opened(tmp_path, clock) as log:
            await log.settle_times(anchor_of(clock))
            await logged(log, clock, 10)
            await log.receipt({log.epoch: [(1, log.progress.last)]})
            await log.keep_tidy(KEEP_S)
        clock.advance(2 * KEEP_S)
        async with opened(tmp_path, clock) as log:
            await log.settle_times(anchor_of(clock))
            await log.keep_tidy(KEEP_S)
    async with opened(tmp_path, clock) as log:
        assert log.progress.last == 40


async def test_a_wrong_clock_takes_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await logged(log, clock, 10)
        await log.receipt({log.epoch: [(1, 20)]})
        await log.keep_tidy(KEEP_S)
    clock.step_wall(10 * KEEP_S)
    async with opened(tmp_path, clock) as log:
        assert await log.keep_tidy(KEEP_S) == 0
        await log.settle_times(anchor_of(clock, skew_ms=-round(10 * KEEP_S * 1000)))
        assert await log.keep_tidy(KEEP_S) == 0


@pytest.mark.parametrize("jump_s", [400 * 86_400.0, -400 * 86_400.0])
@pytest.mark.parametrize("ours_too", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_centre_with_a_wrong_clock_takes_nothing(
    tmp_path: Path, jump_s: float, ours_too: bool, restarted: bool
) -> None:
    clock, kept = ManualClock(), list(range(1, 21))

    async def hour(log: Log, wrong_s: float) -> None:
        clock.advance(3600)
        if ours_too:
            clock.step_wall(wrong_s)
        await log.settle_times(anchor_of(clock, skew_ms=0 if ours_too else round(wrong_s * 1000)))
        assert await log.keep_tidy(KEEP_S) == 0
        assert await log.present(1, 20) == kept
        if ours_too:
            clock.step_wall(-wrong_s)

    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await logged(log, clock, 10)
        await log.receipt({log.epoch: [(1, 20)]})
        await log.keep_tidy(KEEP_S)
        if not restarted:
            await hour(log, jump_s)
            await hour(log, 0.0)
    async with opened(tmp_path, clock) as log:
        await hour(log, jump_s)
        await hour(log, 0.0)
        # What is due goes when it is due again.
        clock.advance(KEEP_S + 60)
        await log.settle_times(anchor_of(clock))
        assert await log.keep_tidy(KEEP_S) >= 19


async def test_what_is_asked_for_again_counts_from_its_new_delivery(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await logged(log, clock, 10)
        await log.receipt({log.epoch: [(1, 20)]})
        await log.keep_tidy(KEEP_S)
        await log.reopen(log.epoch, [(5, 6)])
        clock.advance(KEEP_S / 2)
        await log.settle_times(anchor_of(clock))
        await log.receipt({log.epoch: [(5, 6)]})
        await log.keep_tidy(KEEP_S)
        clock.advance(KEEP_S * 0.6)
        await log.settle_times(anchor_of(clock))
        await log.keep_tidy(KEEP_S)
        assert {5, 6} <= set(await log.present(1, 20))


async def test_a_short_disk_costs_the_oldest_delivered_first_and_tells_of_the_rest(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        await logged(log, clock, 2000)
        await log.receipt({log.epoch: [(2001, 4000)]})
    # As if the disk had only what the file itself can give back.
    async with opened(tmp_path, clock, reserve_bytes=1 << 62) as log:
        await log.settle_times(anchor_of(clock))
        await logged(log, clock, 1)
        old = next(iter(log.progress.epochs))
        await log.keep_tidy(KEEP_S)
        kept = await log.present(1, 4000)
        assert kept == []
        rows = await log.rows([(4001, log.progress.last)], 1000)
        gaps = [row.body for row in rows if row.kind == "gap" and row.body]
        assert {body["reason"] for body in gaps} == {"disk_full"}
        named = [tuple(one) for body in gaps if body["epoch"] == f"{old:012x}" for one in body["ranges"]]
        assert sum(last - first + 1 for first, last in named) == 2000

import os
from pathlib import Path

import pytest

from gateway.clock import ManualClock, Moment
from gateway.log import LogError, NewRecord, Scan, open_log
from gateway.log.file import log_path
from gateway.log.writer import LogUnavailableError
from tests.gateway.build import gap, reading, scan
from tests.gateway.log.helpers import GATEWAY, anchor_of, opened, pending, query


async def test_a_scan_gets_numbers_in_one_commit(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        commit = await log.append(scan(clock.now(), 1.25, None))
        assert (commit.first, commit.last) == (1, 2)
        rows = await log.rows([(1, 2)], 10)
        assert [(row.sensor, row.value, row.flag, row.raw) for row in rows] == [
            ("level", 1.25, 1, None),
            ("level-1", None, 9, None),
        ]
        assert {row.ms for row in rows} == {clock.now().ms}
        assert pending(log) == [(1, 2)]


async def test_numbers_continue_over_openings_and_epochs_do_not(tmp_path: Path) -> None:
    clock = ManualClock()
    epochs = []
    for opening in range(3):
        async with opened(tmp_path, clock) as log:
            log.anchor = anchor_of(clock)
            epochs.append(log.epoch)
            clock.advance(1)
            commit = await log.append(scan(clock.now(), 1.0))
            assert commit.first == opening + 1
    assert len(set(epochs)) == 3
    async with opened(tmp_path, clock) as log:
        assert [epoch for epoch, _ in log.progress.pending()] == epochs


async def test_an_epoch_in_which_nothing_was_logged_is_forgotten(tmp_path: Path) -> None:
    for _ in range(5):
        async with opened(tmp_path):
            pass
    assert query(tmp_path, "SELECT count(*) FROM epoch") == [(1,)]


async def test_a_second_reading_of_one_millisecond_takes_the_next(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        for value in (1.0, None, 3.0):
            await log.append(scan(clock.now(), value))
        rows = await log.rows([(1, 3)], 10)
        ms = clock.now().ms
        assert [(row.ms, row.value, row.flag) for row in rows] == [(ms, 1.0, 1), (ms + 1, None, 9), (ms + 2, 3.0, 3)]


async def test_without_contact_readings_are_held(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        await log.append(scan(clock.now(), 1.0))
        assert pending(log) == []
        assert await log.rows([(1, 1)], 10) == []
        assert log.progress.unsettled() == (1, 1)


async def test_a_receipt_moves_the_cursor_and_stays_moved(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        epoch = log.epoch
        for _ in range(5):
            clock.advance(1)
            await log.append(scan(clock.now(), 1.0))
        assert await log.receipt({epoch: [(2, 3), (5, 5)]}) == 3
        assert await log.receipt({epoch: [(2, 3)]}) == 0
        assert pending(log) == [(1, 1), (4, 4)]
    async with opened(tmp_path, clock) as log:
        assert pending(log) == [(1, 1), (4, 4)]
        assert [extent.epoch for extent in log.extents()] == [epoch, log.epoch]
        await log.receipt({epoch: [(1, 5)]})
        assert pending(log) == []
        # Finished, and named all the same: a centre that lost its spool has lost what it gave its receipts for.
        assert [extent.epoch for extent in log.extents()] == [epoch, log.epoch]


async def test_two_records_of_one_kind_and_moment_stand_at_two_milliseconds(tmp_path: Path) -> None:
    """The store has one point for a gateway, a kind and a time."""
    clock = ManualClock()
    gaps = (NewRecord("gap", {"reason": "restart"}), NewRecord("gap", {"reason": "overrun"}))
    async with opened(tmp_path, clock) as log:
        await log.append(Scan(clock.now(), records=gaps))
        log.anchor = anchor_of(clock)
        await log.append(Scan(clock.now(), records=gaps))
        await log.settle_times(anchor_of(clock))
        times = [row.ms for row in await log.rows([(1, 4)], 10)]
        assert len(set(times)) == 4
        assert max(times) - min(times) == 3


async def test_a_receipt_for_what_was_never_given_settles_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        await log.append(scan(clock.now(), 1.0))
        await log.receipt({log.epoch: [(1, 1000)], 12345: [(1, 1)]})
        clock.advance(1)
        await log.append(scan(clock.now(), 2.0))
        assert pending(log) == [(2, 2)]


async def test_a_receipt_in_an_older_epoch_does_not_reach_into_the_next(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        old = log.epoch
        await log.append(scan(clock.now(), 1.0))
    async with opened(tmp_path, clock) as log:
        await log.settle_times(anchor_of(clock))
        clock.advance(1)
        await log.append(scan(clock.now(), 2.0))
        await log.receipt({old: [(1, 2)]})
        assert pending(log) == [(2, 2)]


async def test_ranges_can_be_opened_again(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        epoch = log.epoch
        await log.append(scan(clock.now(), *[1.0] * 10))
        await log.receipt({epoch: [(1, 10)]})
        await log.reopen(epoch, [(3, 4), (8, 8)])
        assert pending(log) == [(3, 4), (8, 8)]
    async with opened(tmp_path, clock) as log:
        assert pending(log) == [(3, 4), (8, 8)]


async def test_what_was_refused_counts_as_finished(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        await log.append(scan(clock.now(), 1.0, 2.0))
        await log.refuse(log.epoch, [(1, 2)], "d" * 32, "bad_cbor", "cut short")
        assert pending(log) == []
    async with opened(tmp_path, clock) as log:
        assert pending(log) == []
    assert query(tmp_path, "SELECT digest, reason FROM refused") == [("d" * 32, "bad_cbor")]


async def test_records_share_the_numbers(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        log.anchor = anchor_of(clock)
        await log.append(Scan(clock.now(), (reading(),), (gap(),)))
        await log.record(NewRecord("gauge", {"level_m": 1.2}))
        rows = await log.rows([(1, 3)], 10)
        assert [(row.seq, row.kind) for row in rows] == [(1, "gap"), (2, ""), (3, "gauge")]
        assert rows[2].body == {"level_m": 1.2}


async def test_a_record_that_is_too_long_leaves_nothing_behind(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        with pytest.raises(ValueError, match="at most"):
            await log.append(Scan(clock.now(), (reading(),), (gap(text="x" * 20_000),)))
        commit = await log.append(scan(clock.now(), 1.0))
        assert commit.first == 1


async def test_two_processes_cannot_open_one_log(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(LogError, match="another process"):
            opened(tmp_path)
    async with opened(tmp_path):
        pass


async def test_another_gateways_log_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    path = log_path(tmp_path, GATEWAY)
    other = log_path(tmp_path, "gw-2")
    other.parent.mkdir(parents=True)
    path.rename(other)
    with pytest.raises(LogError, match="the log of gateway gw-1, not of gw-2"):
        open_log(tmp_path, "gw-2", ManualClock())


async def test_a_newer_log_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    query(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(LogError, match="version 99"):
        opened(tmp_path)
    assert os.listdir(log_path(tmp_path, GATEWAY).parent).count("log.sqlite") == 1


@pytest.mark.parametrize("damage", ["not a database", "a flipped page", "empty header"])
async def test_a_damaged_file_is_set_aside_and_reported(tmp_path: Path, damage: str) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        old = log.epoch
        for _ in range(300):
            clock.advance(1)
            await log.append(scan(clock.now(), 1.0, 2.0, 3.0))
    path = log_path(tmp_path, GATEWAY)
    with path.open("r+b") as file:
        if damage == "not a database":
            file.write(b"hello, this is no database at all")
        elif damage == "a flipped page":
            for page in range(4, 12):
                file.seek(page * 4096)
                file.write(os.urandom(4096))
        else:
            file.write(bytes(100))
    async with opened(tmp_path, clock) as log:
        assert log.epoch != old
        assert log.progress.last == 1
        await log.settle_times(anchor_of(clock))
        event = (await log.rows([(1, 1)], 1))[0]
        assert event.kind == "event"
        assert event.body is not None
        assert event.body["event"] == "log_set_aside"
        aside = path.with_name(str(event.body["file"]))
        assert aside.exists()
        assert ".corrupt-" in aside.name
        await log.append(scan(clock.now(), 1.0))


async def test_a_full_disk_is_an_error_of_its_own_and_passes(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock) as log:
        await log.append(scan(clock.now(), 1.0))
        pages = log._writer_db.execute("PRAGMA page_count").fetchone()[0]
        log._writer_db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(LogUnavailableError):
            await log.append(scan(clock.now(), *[1.0] * 1000))
        last = log.progress.last
        log._writer_db.execute("PRAGMA max_page_count = 1000000")
        commit = await log.append(scan(Moment(1, 1), 1.0))
        assert commit.first == last + 1

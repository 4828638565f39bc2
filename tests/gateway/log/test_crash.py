"""A power cut is imitated: copies of the file and its write-ahead log, the latter cut short in mid-commit."""

import asyncio
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import ManualClock
from gateway.log.file import log_path
from tests.gateway.build import scan
from tests.gateway.log.helpers import GATEWAY, anchor_of, opened, query

SCANS = 30


async def copies_after_each_commit(state: Path, copies: Path, clock: ManualClock) -> int:
    """Log scans; after each, copy the files as they stand. The answer is the epoch."""
    async with opened(state, clock) as log:
        log.anchor = anchor_of(clock)
        for number in range(1, SCANS + 1):
            clock.advance(1)
            await log.append(scan(clock.now(), float(number), float(-number)))
            copy_files(state, copies / str(number))
        return log.epoch


def copy_files(state: Path, to: Path) -> None:
    source, target = log_path(state, GATEWAY), log_path(to, GATEWAY)
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal"):
        part = source.with_name(source.name + suffix)
        if part.exists():
            shutil.copyfile(part, target.with_name(target.name + suffix))


async def test_what_was_committed_is_there_after_a_kill(tmp_path: Path) -> None:
    clock = ManualClock()
    epoch = await copies_after_each_commit(tmp_path / "live", tmp_path / "copies", clock)
    for number in range(1, SCANS + 1):
        state = tmp_path / "copies" / str(number)
        async with opened(state, clock) as log:
            assert log.epoch != epoch
            assert log.progress.last == 2 * number
        rows = query(state, "SELECT seq, value FROM entry ORDER BY seq")
        assert rows == [(seq, float((seq + 1) // 2) * (1 if seq % 2 else -1)) for seq in range(1, 2 * number + 1)]


@pytest.mark.parametrize("part", [0.0, 0.1, 0.35, 0.5, 0.77, 0.95, 0.999])
async def test_a_log_cut_short_in_mid_commit_keeps_whole_scans(tmp_path: Path, part: float) -> None:
    clock = ManualClock()
    await copies_after_each_commit(tmp_path / "live", tmp_path / "copies", clock)
    state = tmp_path / "copies" / str(SCANS)
    wal = log_path(state, GATEWAY).with_name("log.sqlite-wal")
    data = wal.read_bytes()
    wal.write_bytes(data[: int(len(data) * part)])
    async with opened(state, clock) as log:
        kept = log.progress.last
        assert kept % 2 == 0
        before = log.epoch
        log.anchor = anchor_of(clock)
        commit = await log.append(scan(clock.now(), 1.0))
        assert commit.first == kept + 1
    rows = query(state, "SELECT seq, epoch.epoch FROM entry JOIN epoch ON epoch.id = entry.epoch ORDER BY seq")
    assert [seq for seq, _ in rows] == list(range(1, kept + 2))
    # The numbers that were lost are given again, but under another epoch: no identity is used twice.
    assert rows[-1][1] == before
    assert before not in {epoch for _, epoch in rows[:-1]}


async def test_two_cards_from_one_image_never_answer_for_each_other(tmp_path: Path) -> None:
    clock = ManualClock()
    await copies_after_each_commit(tmp_path / "live", tmp_path / "copies", clock)
    shutil.copytree(tmp_path / "copies" / "10", tmp_path / "clone")
    async with opened(tmp_path / "copies" / "10", clock) as one, opened(tmp_path / "clone", clock) as other:
        assert one.epoch != other.epoch
        assert one.progress.last == other.progress.last


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(1, 5)),
            st.tuples(st.just("kill"), st.floats(0, 1)),
            st.tuples(st.just("back up"), st.integers(0, 2)),
            st.tuples(st.just("roll back"), st.integers(0, 2)),
            st.tuples(st.just("clone"), st.integers(0, 2)),
        ),
        max_size=12,
    )
)
def test_no_identity_is_given_twice_whatever_becomes_of_the_card(steps: list[tuple[str, int | float]]) -> None:
    """Killed with its newest commit cut short, rolled back to an old image, run on two gateways: in any order."""

    async def write(state: Path, scans: int, cut: float | None, given_before: set[tuple[int, int]]) -> None:
        clock = ManualClock()
        async with opened(state, clock) as log:
            for _ in range(scans):
                clock.advance(1)
                commit = await log.append(scan(clock.now(), 1.0, 2.0))
                for seq in range(commit.first, commit.last + 1):
                    assert (log.epoch, seq) not in given_before
                    given_before.add((log.epoch, seq))
            if cut is not None:
                copy_files(state, state.with_name("killed"))
        if cut is not None:
            shutil.rmtree(state)
            state.with_name("killed").rename(state)
            wal = log_path(state, GATEWAY).with_name("log.sqlite-wal")
            wal.write_bytes(wal.read_bytes()[: int(wal.stat().st_size * cut)])

    with TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        given_before: set[tuple[int, int]] = set()
        asyncio.run(write(state, 1, None, given_before))
        for what, much in steps:
            image = Path(folder) / f"image-{much}"
            if what == "write":
                asyncio.run(write(state, int(much), None, given_before))
            elif what == "kill":
                asyncio.run(write(state, 3, float(much), given_before))
            elif what == "back up" and not image.exists():
                shutil.copytree(state, image)
            elif what == "roll back" and image.exists():
                shutil.rmtree(state)
                shutil.copytree(image, state)
            elif what == "clone" and image.exists():
                asyncio.run(write(image, 2, None, given_before))

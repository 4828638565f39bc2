import asyncio
import resource
import sqlite3
import threading
from functools import partial
from pathlib import Path

import pytest

from ingest.change import Change, Count
from ingest.committer import Committer, CommitterStoppedError
from ingest.spool import Spool, SpoolGoneError
from tests.ingest.samples import batch, level
from tests.ingest.test_spool import taken
from tests.servers.wait import eventually


def change(number: int) -> Change:
    return taken(batch(level([number])), first_id=number)


async def test_changes_that_wait_share_one_commit(tmp_path: Path) -> None:
    commits: list[float] = []
    with Spool(tmp_path / "spool.sqlite") as spool:
        spool.load()
        async with Committer(spool, on_commit=commits.append) as committer:
            await asyncio.gather(*(committer.submit(change(n)) for n in range(1, 101)))
            assert committer.totals.counters[Count.WAITING.value] == 100
        assert len(commits) < 100


def _note(order: list[int], number: int, future: "asyncio.Future[None]") -> None:
    order.append(number)


async def test_changes_become_durable_in_order(tmp_path: Path) -> None:
    order: list[int] = []
    with Spool(tmp_path / "spool.sqlite") as spool:
        async with Committer(spool) as committer:
            futures = [committer.submit(change(n)) for n in range(1, 51)]
            for number, future in enumerate(futures, 1):
                future.add_done_callback(partial(_note, order, number))
            await asyncio.gather(*futures)
    assert order == list(range(1, 51))


class FullDisk:
    """A limit on the size of files, as a full disk would be."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._old = resource.getrlimit(resource.RLIMIT_FSIZE)

    def __enter__(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._old[1]))

    def __exit__(self, *args: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._old)


async def test_a_commit_that_the_disk_refuses_is_tried_again_until_it_goes_through(tmp_path: Path) -> None:
    failures: list[str] = []
    with Spool(tmp_path / "spool.sqlite") as spool:
        spool.load()
        async with Committer(spool, on_failure=failures.append, retry_s=0.01) as committer:
            big = change(1)
            big.rows[0] = big.rows[0]._replace(body=bytes(3_000_000))
            with FullDisk(1_000_000):
                future = committer.submit(big)
                await eventually(lambda: len(failures) >= 2)
                assert committer.failing
                assert not future.done()
            await asyncio.wait_for(future, 10)
            assert committer.failing == ""
            assert committer.totals.rows == 1


async def test_stopping_gives_up_on_a_disk_that_refuses(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        spool.load()
        committer = Committer(spool, retry_s=60)
        await committer.__aenter__()
        big = change(1)
        big.rows[0] = big.rows[0]._replace(body=bytes(3_000_000))
        with FullDisk(1_000_000):
            future = committer.submit(big)
            await eventually(lambda: committer.failing)
            await committer.__aexit__(None, None, None)
        with pytest.raises(CommitterStoppedError):
            await future
        assert spool.load().totals.rows == 0


async def test_what_is_no_trouble_of_the_disk_is_raised(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        async with Committer(spool) as committer:
            await committer.commit(change(1))
            with pytest.raises(sqlite3.IntegrityError):
                await committer.commit(change(1))


async def test_the_thread_ends_with_it(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        async with Committer(spool):
            assert any(thread.name == "spool" for thread in threading.enumerate())
        assert not any(thread.name == "spool" for thread in threading.enumerate())


async def test_a_spool_file_that_is_deleted_ends_everything_that_waits(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    with Spool(path) as spool:
        async with Committer(spool) as committer:
            await committer.commit(change(1))
            for ending in ("", "-wal", "-shm"):
                (tmp_path / f"spool.sqlite{ending}").unlink()
            with pytest.raises(SpoolGoneError):
                await asyncio.wait_for(committer.commit(change(2)), 10)
            with pytest.raises(SpoolGoneError):
                await asyncio.wait_for(committer.watch(), 10)
            with pytest.raises(SpoolGoneError):
                await asyncio.wait_for(committer.commit(change(3)), 10)


async def test_a_spool_file_that_is_replaced_is_not_written_past(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    with Spool(path) as spool:
        async with Committer(spool) as committer:
            path.rename(tmp_path / "away.sqlite")
            path.touch()
            with pytest.raises(SpoolGoneError):
                await asyncio.wait_for(committer.commit(change(1)), 10)

"""What only the embedded store has: a file, a thread, another process that reads."""

import asyncio
import os
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from store.open import open_reader, open_writer, sqlite_path
from store.points import DeliveryPoint, Points, SeriesKey, SeriesPoints, StoreMisconfiguredError, StoreUnavailableError
from store.settings import SqliteSettings
from store.sqlite import SCHEMA_VERSION, SqliteReader, SqliteWriter
from tests.servers.wait import eventually

KEY = SeriesKey("level", "kok-su-1", "radar")
FAR_MS = 4_000_000_000_000


def one(time_ms: int, value: float = 1.0) -> SeriesPoints:
    return SeriesPoints(KEY, [time_ms], [value], [1])


async def start(program: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdin=pipe, stdout=pipe)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


async def test_all_fields_are_kept_and_merged(tmp_path: Path) -> None:
    async with SqliteWriter(tmp_path / "s" / "points.sqlite") as writer:
        await writer.write([SeriesPoints(KEY, [5, 6], [1.0, 2.0], [3, 1], raw=[0.5, 2.0], tests=[4, None])])
        await writer.write([SeriesPoints(KEY, [5], [1.5], [1], rev=[1])])
    found = rows(tmp_path / "s" / "points.sqlite", "SELECT time_ms, value, flag, raw, tests, rev FROM points")
    assert found == [(5, 1.5, 1, 1.5, 0, 1), (6, 2.0, 1, None, None, None)]


async def test_it_is_where_the_settings_say(tmp_path: Path) -> None:
    assert sqlite_path(SqliteSettings(), tmp_path) == tmp_path / "store" / "points.sqlite"
    settings = SqliteSettings(path=tmp_path / "elsewhere.sqlite")
    async with open_writer(settings, tmp_path) as writer, open_reader(settings, tmp_path) as reader:
        await writer.write([one(5)])
        assert await reader.latest(0)
    assert (tmp_path / "elsewhere.sqlite").exists()
    assert not (tmp_path / "store").exists()


async def test_who_may_only_read_reads_with_a_writer_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "points.sqlite"
    # Root may write everything: here the mode decides, and nothing is made beside the file.
    monkeypatch.setattr("os.access", lambda at, mode: bool(Path(at).stat().st_mode & 0o222))
    async with SqliteWriter(path) as writer:
        await writer.write([one(5)])
        path.chmod(0o444)
        async with SqliteReader(path) as reader:
            assert (await reader.latest(0))[KEY].time_ms == 5
    assert os.listdir(tmp_path) == [path.name]
    async with SqliteReader(path) as reader:
        assert (await reader.latest(0))[KEY].time_ms == 5
        assert os.listdir(tmp_path) == [path.name]


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "points.sqlite"
    for n in range(3):
        async with SqliteWriter(path) as writer:
            await writer.write([one(n)])
    async with SqliteReader(path) as reader:
        assert (await reader.history(KEY, 0, 10, 10)).time_ms == [0, 1, 2]


async def test_another_process_reads_while_this_one_writes(tmp_path: Path) -> None:
    path = tmp_path / "points.sqlite"
    program = f"""
import asyncio, sys
from pathlib import Path
from store.sqlite import SqliteReader
from store.points import SeriesKey
async def main():
    async with SqliteReader(Path({str(path)!r})) as reader:
        for line in sys.stdin:
            history = await reader.history(SeriesKey(*{tuple(KEY)!r}), 0, {FAR_MS}, 10**6)
            print(len(history.time_ms), flush=True)
asyncio.run(main())
"""
    async with SqliteWriter(path) as writer:
        await writer.write([one(0)])
        other = await start(program)
        assert other.stdin is not None
        assert other.stdout is not None
        for n in range(1, 50):
            other.stdin.write(b"\n")
            _, seen = await asyncio.gather(writer.write([one(n)]), other.stdout.readline())
            assert n <= int(seen) <= n + 1
        await other.communicate(b"")


async def test_kill_9_in_the_middle_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "points.sqlite"
    program = f"""
import asyncio
import os
from pathlib import Path
from store.sqlite import SqliteWriter
from store.points import SeriesKey, SeriesPoints
async def main():
    async with SqliteWriter(Path({str(path)!r})) as writer:
        for n in range(10**9):
            times = [n * 10 + i for i in range(10)]
            await writer.write([SeriesPoints(SeriesKey(*{tuple(KEY)!r}), times, [1.0] * 10, [1] * 10)])
            print(n, flush=True)
asyncio.run(main())
"""
    other = await start(program)
    assert other.stdout is not None
    answered = -1
    while answered < 30:
        answered = int(await other.stdout.readline())
    other.kill()
    rest, _ = await other.communicate()
    complete = rest.split(b"\n")[:-1]
    answered = int(complete[-1]) if complete else answered
    async with SqliteReader(path) as reader:
        times = (await reader.history(KEY, 0, FAR_MS, 10**9)).time_ms
    assert len(times) % 10 == 0
    assert times == list(range(len(times)))
    assert len(times) >= (answered + 1) * 10


async def test_no_store_yet_may_pass(tmp_path: Path) -> None:
    async with SqliteReader(tmp_path / "points.sqlite") as reader:
        with pytest.raises(StoreUnavailableError, match="there is no store yet"):
            await reader.latest(0)
        assert not (tmp_path / "points.sqlite").exists()
        async with SqliteWriter(tmp_path / "points.sqlite") as writer:
            await writer.write([one(5)])
            assert list(await reader.latest(0)) == [KEY]


async def test_a_file_that_is_no_database_must_be_seen_to(tmp_path: Path) -> None:
    path = tmp_path / "points.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreMisconfiguredError, match=r"points\.sqlite"):
        async with SqliteWriter(path):
            pass
    async with SqliteReader(path) as reader:
        with pytest.raises(StoreMisconfiguredError, match=r"points\.sqlite"):
            await reader.latest(0)


async def test_a_newer_schema_must_be_seen_to(tmp_path: Path) -> None:
    path = tmp_path / "points.sqlite"
    async with SqliteWriter(path):
        pass
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(StoreMisconfiguredError, match="made by a newer Aryk"):
        async with SqliteWriter(path):
            pass


async def test_a_full_disk_may_pass_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    path = tmp_path / "points.sqlite"
    async with SqliteWriter(path) as writer:
        await writer.write([one(1)])
        pages = await writer._run(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
        await writer._run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + 1}").fetchone())
        large: list[Points] = [DeliveryPoint("a", 1, "x"), one(2), DeliveryPoint("b", 1, "x" * 900_000)]
        with pytest.raises(StoreUnavailableError, match="full"):
            await writer.write(large)
        assert rows(path, "SELECT time_ms FROM points") == [(1,)]
        assert rows(path, "SELECT count(*) FROM delivery") == [(0,)]
        await writer._run(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone())
        assert await writer.write(large) == []
        assert rows(path, "SELECT time_ms FROM points") == [(1,), (2,)]


async def test_a_new_series_of_a_write_that_failed_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "points.sqlite"
    new = SeriesPoints(SeriesKey("level", "new", "radar"), [1], [1.0], [1])
    async with SqliteWriter(path) as writer:
        await writer._run(
            lambda connection: connection.execute(
                "CREATE TRIGGER t BEFORE INSERT ON points BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        )
        with pytest.raises(StoreUnavailableError):
            await writer.write([new])
        await writer._run(lambda connection: connection.execute("DROP TRIGGER t"))
        await writer.write([one(1), new])
    async with SqliteReader(path) as reader:
        assert set(await reader.latest(0)) == {KEY, new.key}


async def test_the_loop_runs_on_while_the_file_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "points.sqlite"
    async with SqliteWriter(path) as writer:
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(writer.write([one(1)]), name="blocked write")
        started = time.monotonic()
        await asyncio.sleep(0)
        assert not task.done()
        assert time.monotonic() - started < 1
        blocker.execute("COMMIT")
        blocker.close()
        assert await eventually(task.done)
        assert await task == []


async def test_a_cancelled_write_does_not_break_the_writer(tmp_path: Path) -> None:
    async with SqliteWriter(tmp_path / "points.sqlite") as writer:
        task = asyncio.create_task(writer.write([one(1)]), name="cancelled write")
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await writer.write([one(2)]) == []


async def test_it_is_used_inside_async_with(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await SqliteWriter(tmp_path / "points.sqlite").write([one(1)])


async def test_a_store_of_version_1_keeps_its_deliveries(tmp_path: Path) -> None:
    path = tmp_path / "points.sqlite"
    async with SqliteWriter(path) as writer:
        await writer.write([DeliveryPoint("a", 5, "{}")])
    connection = sqlite3.connect(path)
    connection.executescript(
        "DROP TABLE delivery; CREATE TABLE delivery (gateway TEXT PRIMARY KEY, time_ms INTEGER NOT NULL, body TEXT NOT NULL)"
        " WITHOUT ROWID; INSERT INTO delivery VALUES ('a', 5, 'old'); PRAGMA user_version = 1;"
    )
    connection.close()
    async with SqliteWriter(path) as writer, SqliteReader(path) as reader:
        assert await reader.deliveries() == {"a": "old"}
        await writer.write([DeliveryPoint("a", 6, "new")])
        assert await reader.deliveries() == {"a": "new"}
        assert await reader.deliveries(5) == {"a": "old"}


async def test_deliveries_of_a_month_are_kept(tmp_path: Path) -> None:
    day_ms = 86_400_000
    async with SqliteWriter(tmp_path / "points.sqlite") as writer, SqliteReader(tmp_path / "points.sqlite") as reader:
        await writer.write([DeliveryPoint("a", 0, "old"), DeliveryPoint("b", 0, "b")])
        await writer.write([DeliveryPoint("a", 31 * day_ms, "new")])
        assert await reader.deliveries(day_ms) == {"b": "b"}


async def test_a_file_deleted_while_in_use_takes_nothing_and_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "points.sqlite"
    async with SqliteWriter(path) as writer:
        await writer.write([one(5)])
        for ending in ("", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        with pytest.raises(StoreUnavailableError, match="deleted or replaced"):
            await writer.write([one(6)])
        await writer.write([one(6)])
    assert rows(path, "SELECT time_ms FROM points JOIN series ON series = id") == [(6,)]

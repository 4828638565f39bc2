import asyncio
import os
import signal
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from simulator.ledger import Ledger, LedgerError, LedgerReader, Published, Series, Serve, Served, State

SERIES = Series("", "canal", "aksu-canal", "canal-level", "level")


async def test_a_serve_stands_in_the_ledger_before_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.sqlite"
    async with Ledger(path) as ledger:
        number = ledger.series_id(SERIES)
        serve = Serve("canal", 1, 1000, None, State.SENDING, (Served(number, 1234, 1.234),))
        row = await ledger.record_serve(serve)
        with LedgerReader(path) as reader:
            assert reader.serves("canal") == [serve]
            assert reader.series() == {number: SERIES}
            assert reader.counts() == (0, 0)
        ledger.settle(row, 1005, State.SENT)
    with LedgerReader(path) as reader:
        assert reader.serves("canal") == [serve._replace(answered_ms=1005, state=State.SENT)]
        assert reader.devices() == ["canal"]
        assert reader.counts() == (1, 0)


async def test_numbers_go_on_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    for serve in (1, 2):
        async with Ledger(path) as ledger:
            assert ledger.last_serve("canal") == serve - 1
            number = ledger.series_id(SERIES)
            await ledger.record_serve(Serve("canal", serve, 0, None, State.SENDING, (Served(number, 1, 1.0),)))
    with LedgerReader(path) as reader:
        assert [one.serve for one in reader.serves("canal")] == [1, 2]
        assert len(reader.series()) == 1


async def test_published_readings_come_back_by_series_and_time(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    async with Ledger(path) as ledger:
        first = ledger.series_id(Series("g", "", "g", "level", "level"))
        second = ledger.series_id(Series("g", "", "g", "discharge", "discharge"))
        rows = [Published(number, 5, seq, 100 - seq, seq / 2, 1) for seq in (1, 3, 5) for number in (first, second)]
        await ledger.record_published(rows)
        await ledger.record_published([Published(second, 5, 9, 99, None, 9)])
    with LedgerReader(path) as reader:
        published = dict(reader.published())
    assert [row.time_ms for row in published[first]] == [95, 97, 99]
    assert published[second][-1] in (Published(second, 5, 1, 99, 0.5, 1), Published(second, 5, 9, 99, None, 9))
    assert len(published[second]) == 4


async def test_it_keeps_up_with_many_writers(tmp_path: Path) -> None:
    """Ten times the 2,000 rows a second that it must bear, in many small commits, and readers meanwhile."""
    path = tmp_path / "ledger.sqlite"
    async with Ledger(path) as ledger:
        number = ledger.series_id(SERIES)

        async def write(start: int) -> None:
            for seq in range(start, start + 50):
                await ledger.record_published([Published(number, 1, seq, seq, 1.0, 1)] * 10)

        started = time.monotonic()
        with LedgerReader(path) as reader:
            await asyncio.gather(*(write(50 * n) for n in range(40)), asyncio.to_thread(reader.counts))
        took_s = time.monotonic() - started
    with LedgerReader(path) as reader:
        assert reader.counts() == (0, 20_000)
    assert took_s < 5.0


async def test_a_ledger_that_cannot_be_written_says_so_and_takes_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    async with Ledger(path) as ledger:
        number = ledger.series_id(SERIES)
        with sqlite3.connect(path) as other:
            other.execute("DROP TABLE published")
        other.close()
        with pytest.raises(LedgerError, match="no such table"):
            await ledger.record_published([Published(number, 1, 1, 1, 1.0, 1)])
        with pytest.raises(LedgerError, match="no such table"):
            await ledger.record_published([Published(number, 1, 1, 1, 1.0, 1)])


async def test_what_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger"), LedgerReader(tmp_path / "missing.sqlite"):
        pass
    (tmp_path / "text").write_text("hello " * 1000)
    with pytest.raises(LedgerError, match="not a ledger"), LedgerReader(tmp_path / "text"):
        pass
    with pytest.raises(LedgerError, match="does not open"):
        async with Ledger(tmp_path / "text"):
            pass
    async with Ledger(tmp_path / "newer.sqlite"):
        pass
    with sqlite3.connect(tmp_path / "newer.sqlite") as db:
        db.execute("UPDATE meta SET value = '2'")
    db.close()
    with pytest.raises(LedgerError, match="version 2"), LedgerReader(tmp_path / "newer.sqlite"):
        pass
    with pytest.raises(LedgerError, match="version 2"):
        async with Ledger(tmp_path / "newer.sqlite"):
            pass


READ_FOR_EVER = """
import sys, pathlib
from simulator.ledger import LedgerReader
with LedgerReader(pathlib.Path(sys.argv[1])) as reader:
    while True:
        reader.counts()
        rows = reader.published()
        next(rows, None)  # a statement left open holds its snapshot
        print("reading", flush=True)
"""


async def test_a_reader_killed_in_the_middle_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    async with Ledger(path) as ledger:
        number = ledger.series_id(SERIES)
        await ledger.record_published([Published(number, 1, 1, 1, 1.0, 1)])
        for seq in range(2, 5):
            reader = await asyncio.create_subprocess_exec(
                sys.executable, "-c", READ_FOR_EVER, str(path), stdout=asyncio.subprocess.PIPE
            )
            assert reader.stdout is not None
            assert await reader.stdout.readline() == b"reading\n"
            reader.kill()
            await ledger.record_published([Published(number, 1, seq, seq, 1.0, 1)])
            await reader.communicate()
    with LedgerReader(path) as rows:
        assert rows.counts() == (0, 4)


SERVE = """
import asyncio, pathlib, sys
from simulator.app import run_devices
from simulator.settings import DevicesSettings

settings = DevicesSettings(port=0, ledger=pathlib.Path(sys.argv[1]))
say = lambda emulator: print(emulator.addresses.port, flush=True)
asyncio.run(run_devices(settings, pathlib.Path(sys.argv[1]).parent, asyncio.Event(), say))
"""


async def test_what_left_a_device_stands_in_the_ledger_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    seen: list[int] = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVE, str(path), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        port = int(await process.stdout.readline())

        def read_and_kill(port: int = port, pid: int = process.pid) -> None:
            client = ModbusTcpClient("127.0.0.1", port=port, timeout=5)
            assert client.connect()  # type: ignore[no-untyped-call]
            for _ in range(20):
                registers = client.read_holding_registers(0, count=12, device_id=2).registers
                seen.append(registers[0] << 16 | registers[1])
            os.kill(pid, signal.SIGKILL)
            client.close()  # type: ignore[no-untyped-call]

        await asyncio.to_thread(read_and_kill)
        await process.communicate()
    with LedgerReader(path) as ledger:
        serves = ledger.serves("aksu-reservoir")
    assert seen == list(range(1, 41)), "the counter goes on"
    assert [serve.serve for serve in serves] == seen
    assert all(len(serve.readings) == 7 for serve in serves)
    assert all(serve.state in (State.SENT, State.SENDING) for serve in serves)

"""`aryk simulate` as it is typed."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import typer
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from typer.testing import CliRunner

from aryk.commands import simulate
from gateway.settings import RtuDevice, TcpDevice, load_settings
from hydrology.load import load_registry
from simulator.ledger import Ledger, LedgerReader, Published, Series
from store.points import SeriesKey, SeriesPoints
from store.sqlite import SqliteWriter
from tests.servers.mosquitto import Mosquitto
from tests.simulator.fleet.centre import open_centre

MAIN = """
import typer
from aryk.commands import simulate
app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
simulate.add_to(app)
app.callback()(lambda: None)
app()
"""


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)
    simulate.add_to(app)
    app.callback()(lambda: None)
    return app


@asynccontextmanager
async def command(*arguments: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        MAIN,
        "simulate",
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PYTHONUNBUFFERED": "1", "PATH": "/usr/bin:/bin"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def read_until(process: asyncio.subprocess.Process, text: str) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(30.0):
        while not lines or text not in lines[-1]:
            line = await process.stdout.readline()
            assert line, f"it ended before {text!r}: {lines}"
            lines.append(line.decode())
    return lines


async def test_devices_answer_until_a_signal(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    where = ("--write-config", tmp_path, "--broker", "10.0.0.9:1884", "--advertise", "localhost")
    options = ("--port", "0", "--rtu", "--ledger", ledger, "--state", tmp_path / "state", *where)
    async with command("devices", *options) as process:
        lines = await read_until(process, "Ctrl-C stops")
        assert lines[0].startswith("Modbus TCP   127.0.0.1:")
        assert any(line.startswith("Modbus RTU") for line in lines)
        settings = load_settings(tmp_path / "gateway.toml")
        assert (settings.broker.host, settings.broker.port) == ("10.0.0.9", 1884)
        canal, reservoir = settings.devices
        assert isinstance(reservoir, TcpDevice)
        assert reservoir.host == "localhost"
        assert load_registry(tmp_path / "registry.toml").stations
        assert isinstance(canal, RtuDevice)
        tcp = AsyncModbusTcpClient(reservoir.host, port=reservoir.port, timeout=5)
        rtu = AsyncModbusSerialClient(canal.port, timeout=5)
        assert await tcp.connect()
        assert await rtu.connect()
        assert (await tcp.read_holding_registers(0, count=12, device_id=2)).registers[1] == 1
        assert (await rtu.read_holding_registers(0, count=8, device_id=1)).registers[1] == 1
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(3.0):
            assert await process.wait() == 0
        tcp.close()
        rtu.close()
    with LedgerReader(ledger) as rows:
        assert rows.counts() == (2, 0)


async def test_a_port_that_is_taken(app: typer.Typer) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with command("devices", "--port", str(port)) as process:
        assert await process.wait() == 1
        assert process.stdout is not None
        assert b"address already in use" in await process.stdout.read()
    server.close()


async def test_a_fleet_from_registry_to_summary(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with open_centre(mosquitto.host, mosquitto.port):
        options = ("--gateways", "10", "--sensors", "2", "--interval", "200ms", "--for", "1s", "--codec", "json")
        files = ("--ledger", tmp_path / "ledger.sqlite", "--write-registry", tmp_path / "registry.toml")
        async with command("fleet", "--broker", f"{mosquitto.host}:{mosquitto.port}", *options, *files) as process:
            (summary,) = (await read_until(process, "receipts p50"))[-1:]
            assert await process.wait() == 0
    assert summary.startswith("published ")
    assert "without receipt 0, never sent 0" in summary
    assert len(load_registry(tmp_path / "registry.toml").gateways) == 10
    with LedgerReader(tmp_path / "ledger.sqlite") as rows:
        assert f"published {rows.counts()[1]} readings" in summary


async def test_a_fleet_without_receipts_fails(mosquitto: Mosquitto) -> None:
    options = ("--gateways", "2", "--interval", "200ms")
    async with command("fleet", "--broker", f"{mosquitto.host}:{mosquitto.port}", *options) as process:
        await read_until(process, "connected")
        process.send_signal(signal.SIGINT)
        await read_until(process, "without receipt")
        assert await process.wait() == 1


def test_a_registry_alone(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "registry.toml"
    arguments = ["simulate", "fleet", "--gateways", "3", "--write-registry", str(path), "--only-registry"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert len(load_registry(path).stations) == 3


def test_wrong_options_exit_with_2(app: typer.Typer) -> None:
    for arguments in (["--interval", "soon"], ["--broker", "host:port"], ["--sensors", "1000", "--scans", "100"]):
        result = CliRunner().invoke(app, ["simulate", "fleet", *arguments])
        assert result.exit_code == 2, result.output


def test_history_then_audit(app: typer.Typer, tmp_path: Path) -> None:
    store = tmp_path / "points.sqlite"
    result = CliRunner().invoke(app, ["simulate", "history", "--store", str(store), "--days", "1"])
    assert (result.exit_code, result.output) == (0, f"{11 * 144} readings of 1 days written\n")
    ledger = tmp_path / "ledger.sqlite"
    key = SeriesKey("level", "g", "level")

    async def publish() -> None:
        async with Ledger(ledger) as rows, SqliteWriter(store) as writer:
            number = rows.series_id(Series("g", "", "g", "level", "level"))
            await rows.record_published([Published(number, 1, n, n * 1000, float(n), 1) for n in range(1, 4)])
            await writer.write([SeriesPoints(key, [1000, 2000], [1.0, 2.0], [1, 1])])

    asyncio.run(publish())
    result = CliRunner().invoke(app, ["simulate", "audit", "--ledger", str(ledger), "--store", str(store)])
    assert result.exit_code == 1
    assert result.output.splitlines() == ["lost: g/level at 3000", "scanned 3, stored 2, lost 1, doubled 0"]


def test_an_audit_of_nothing_says_what_is_missing(app: typer.Typer, tmp_path: Path) -> None:
    store = tmp_path / "points.sqlite"
    CliRunner().invoke(app, ["simulate", "history", "--store", str(store), "--days", "0.1"])
    result = CliRunner().invoke(
        app, ["simulate", "audit", "--ledger", str(tmp_path / "no.sqlite"), "--store", str(store)]
    )
    assert result.exit_code == 1
    assert "there is no ledger" in result.output


@pytest.mark.parametrize("name", ["devices", "fleet", "history", "audit"])
def test_help_has_examples(app: typer.Typer, name: str) -> None:
    result = CliRunner().invoke(app, ["simulate", name, "--help"])
    assert result.exit_code == 0
    assert f"aryk simulate {name}" in result.output

"""The emulated instruments against pymodbus's clients, on TCP and on a pty."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from simulator.devices import (
    BadChecksum,
    Emulator,
    Fault,
    HangUp,
    Late,
    Refuse,
    Silent,
    Truncated,
    WrongUnit,
)
from simulator.devices.register_map import RegisterMap, register_map
from simulator.ledger import Ledger, LedgerReader, Serve, State
from simulator.modbus.pdu import ExceptionCode
from simulator.scenario import build_scenario
from tests.servers.wait import eventually

CANAL, RESERVOIR = "aksu-canal", "aksu-reservoir"
SPOILED: list[Fault] = [WrongUnit(), Truncated(4), BadChecksum()]
UNANSWERED: list[Fault] = [Silent(), HangUp()]
TIMEOUT_S = 0.2
"""Of a read that gets no good answer."""
PATIENCE_S = 5.0
"""Of one that does."""


class Bench:
    """A reservoir on TCP and a canal on a pty, a ledger, and a client for each."""

    def __init__(self, emulator: Emulator, ledger: Path) -> None:
        self.emulator, self.ledger = emulator, ledger
        self.clients: list[AsyncModbusTcpClient | AsyncModbusSerialClient] = []

    async def client(
        self, station: str, timeout_s: float = PATIENCE_S
    ) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        """A client of its own: pymodbus gives a connection up after some faults, and a pty has but one reader."""
        self.close()
        where = self.emulator.addresses
        client = (
            AsyncModbusSerialClient(where.serial_port, timeout=timeout_s, retries=0)
            if station in where.serial
            else AsyncModbusTcpClient(where.host, port=where.port, timeout=timeout_s, retries=0)
        )
        self.clients.append(client)
        assert await client.connect()
        return client

    def close(self) -> None:
        while self.clients:
            self.clients.pop().close()

    def map(self, station: str) -> RegisterMap:
        return self.emulator.devices[station].map

    async def read(
        self,
        station: str,
        address: int = 0,
        count: int | None = None,
        table: str = "holding",
        timeout_s: float = PATIENCE_S,
    ) -> list[int]:
        """The registers. Raises ModbusIOException, or AssertionError on an exception code."""
        client, device = await self.client(station, timeout_s), self.emulator.devices[station]
        read = client.read_holding_registers if table == "holding" else client.read_input_registers
        answer = await read(address, count=count or device.map.size, device_id=device.unit)
        assert not answer.isError(), answer
        return list(answer.registers)

    def values(self, station: str, registers: list[int]) -> dict[str, float]:
        data = b"".join(word.to_bytes(2, "big") for word in registers)
        return {
            place.sensor.id: place.form.value(place.form.decode(data[2 * place.address : 2 * place.end]))
            for place in self.map(station).places
        }

    def serves(self, station: str) -> list[Serve]:
        with LedgerReader(self.ledger) as ledger:
            return ledger.serves(station)

    def sensor_ids(self) -> dict[int, str]:
        with LedgerReader(self.ledger) as ledger:
            return {number: series.sensor for number, series in ledger.series().items()}


@asynccontextmanager
async def open_bench(folder: Path, clock: Callable[[], float] = time.time) -> AsyncIterator[Bench]:
    ledger_file = folder / "ledger.sqlite"
    async with (
        Ledger(ledger_file) as ledger,
        Emulator(
            build_scenario(1),
            serial=frozenset({CANAL}),
            serial_link=folder / "serial",
            recorder=ledger,
            clock=clock,
        ) as emulator,
    ):
        bench = Bench(emulator, ledger_file)
        try:
            yield bench
        finally:
            bench.close()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with open_bench(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("station", [CANAL, RESERVOIR])
@pytest.mark.parametrize("table", ["holding", "input"])
async def test_a_client_reads_the_water_of_the_moment(tmp_path: Path, station: str, table: str) -> None:
    now = 1_795_400_000.0
    async with open_bench(tmp_path, clock=lambda: now) as bench:
        values = bench.values(station, await bench.read(station, table=table))
        truth = bench.emulator.scenario.values(now)
    prefix = station.removeprefix("aksu-")
    assert values.pop(f"{prefix}-serves") == 1
    assert values == {sensor: pytest.approx(truth[sensor], abs=1e-9) for sensor in values}


@pytest.mark.parametrize("station", [CANAL, RESERVOIR])
async def test_every_block_is_counted_and_written_down(bench: Bench, station: str) -> None:
    seen = [bench.values(station, await bench.read(station)) for _ in range(3)]
    names = bench.sensor_ids()
    serves = await eventually(lambda: _all_settled(bench.serves(station)))
    assert [serve.serve for serve in serves] == [1, 2, 3]
    assert [{names[one.series_id]: one.value for one in serve.readings} for serve in serves] == seen
    for serve in serves:
        assert serve.state is State.SENT
        assert serve.answered_ms is not None
        assert serve.requested_ms <= serve.answered_ms
    assert bench.emulator.devices[station].served == 3


async def test_a_part_of_the_block_serves_only_what_is_whole_in_it(bench: Bench) -> None:
    await bench.read(RESERVOIR, address=2, count=3)
    names = bench.sensor_ids()
    (serve,) = bench.serves(RESERVOIR)
    assert [names[one.series_id] for one in serve.readings] == ["reservoir-level"]


async def test_registers_that_are_not_there(bench: Bench) -> None:
    client = await bench.client(RESERVOIR)
    answer = await client.read_holding_registers(0, count=20, device_id=2)
    assert answer.exception_code == ExceptionCode.ILLEGAL_ADDRESS
    answer = await client.write_register(0, 1, device_id=2)
    assert answer.exception_code == ExceptionCode.ILLEGAL_FUNCTION
    assert bench.serves(RESERVOIR) == []


async def test_nobody_answers_for_a_unit_that_is_not_there(bench: Bench) -> None:
    for station, unit in ((RESERVOIR, 1), (CANAL, 2)):
        client = await bench.client(station, TIMEOUT_S)
        with pytest.raises(ModbusIOException):
            await client.read_holding_registers(0, count=2, device_id=unit)


@pytest.mark.parametrize("station", [CANAL, RESERVOIR])
@pytest.mark.parametrize("fault", SPOILED)
async def test_a_spoiled_answer_is_none_and_the_next_one_is_well(bench: Bench, station: str, fault: Fault) -> None:
    bench.emulator.devices[station].faults.inject(fault)
    with pytest.raises(ModbusIOException):
        await bench.read(station, timeout_s=TIMEOUT_S)
    assert bench.values(station, await bench.read(station))[f"{station.removeprefix('aksu-')}-serves"] == 2
    serves = await eventually(lambda: _all_settled(bench.serves(station)))
    assert [serve.state for serve in serves] == [State.SPOILED, State.SENT]


@pytest.mark.parametrize("station", [CANAL, RESERVOIR])
@pytest.mark.parametrize("fault", UNANSWERED)
async def test_what_gets_no_answer_was_not_served(bench: Bench, station: str, fault: Fault) -> None:
    bench.emulator.devices[station].faults.inject(fault)
    with pytest.raises(ModbusIOException):
        await bench.read(station, timeout_s=TIMEOUT_S)
    assert bench.serves(station) == []
    assert bench.values(station, await bench.read(station))[f"{station.removeprefix('aksu-')}-serves"] == 1


@pytest.mark.parametrize("station", [CANAL, RESERVOIR])
async def test_an_exception_code(bench: Bench, station: str) -> None:
    bench.emulator.devices[station].faults.inject(Refuse(ExceptionCode.BUSY), times=2)
    client, unit = await bench.client(station), bench.emulator.devices[station].unit
    for _ in range(2):
        answer = await client.read_holding_registers(0, count=2, device_id=unit)
        assert answer.exception_code == ExceptionCode.BUSY
    await bench.read(station)
    assert len(bench.serves(station)) == 1


@pytest.mark.parametrize("station", [CANAL, RESERVOIR])
async def test_a_late_answer_is_written_down_with_its_lateness(bench: Bench, station: str) -> None:
    bench.emulator.devices[station].faults.inject(Late(2 * TIMEOUT_S))
    with pytest.raises(ModbusIOException):
        await bench.read(station, timeout_s=TIMEOUT_S)
    (serve,) = await eventually(lambda: _all_settled(bench.serves(station)))
    assert serve.state is State.SENT
    assert serve.answered_ms is not None
    assert serve.answered_ms - serve.requested_ms >= 2000 * TIMEOUT_S


async def test_a_late_device_does_not_hold_up_the_line_for_others(tmp_path: Path) -> None:
    async with Emulator(build_scenario(1), serial=frozenset({CANAL, RESERVOIR})) as emulator:
        emulator.devices[CANAL].faults.inject(Late(60.0))
        bench = Bench(emulator, tmp_path)
        with pytest.raises(ModbusIOException):
            await bench.read(CANAL, timeout_s=TIMEOUT_S)
        assert await bench.read(RESERVOIR, count=2) == [0, 1]
        bench.close()


async def test_a_client_that_hangs_up_before_the_answer(bench: Bench) -> None:
    bench.emulator.devices[RESERVOIR].faults.inject(Late(0.2))
    where = bench.emulator.addresses
    _, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(bytes.fromhex("000100000006020300000002"))
    await eventually(lambda: len(bench.serves(RESERVOIR)) == 1)
    writer.close()
    (serve,) = await eventually(lambda: _all_settled(bench.serves(RESERVOIR)))
    assert serve.state is State.CUT


async def test_what_is_no_modbus_is_hung_up_on(bench: Bench) -> None:
    where = bench.emulator.addresses
    reader, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    assert await bench.read(RESERVOIR)


async def test_the_serve_counter_goes_on_after_a_restart(tmp_path: Path) -> None:
    for expected in (1, 2):
        async with open_bench(tmp_path) as bench:
            assert bench.values(RESERVOIR, await bench.read(RESERVOIR))["reservoir-serves"] == expected


async def test_a_line_that_nobody_reads_does_not_block(bench: Bench) -> None:
    """A pty holds a few thousand bytes; what does not fit is lost, as on a wire, and told so."""
    frame = bytes.fromhex("010300000008440c")
    port = os.open(bench.emulator.addresses.serial_port, os.O_WRONLY | os.O_NOCTTY)
    for _ in range(60):
        os.write(port, frame * 20)
        await asyncio.sleep(0)
    assert await bench.read(RESERVOIR)
    serves = await eventually(lambda: _all_settled(bench.serves(CANAL)))
    assert {serve.state for serve in serves} <= {State.SENT, State.CUT}
    os.close(port)


async def test_the_port_is_free_again_after_closing(tmp_path: Path) -> None:
    async with Emulator(build_scenario(1)) as emulator:
        port = emulator.addresses.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""
    writer.close()
    async with Emulator(build_scenario(1), port=port):
        pass
    async with Emulator(build_scenario(1), port=port) as emulator:
        with pytest.raises(OSError, match="in use"):
            async with Emulator(build_scenario(1), port=port):
                pass


def test_maps_have_no_holes() -> None:
    for station in build_scenario(3, canals=2).stations:
        places = register_map(station).places
        assert places[0].sensor.counts_serves
        assert [place.address for place in places[1:]] == [place.end for place in places[:-1]]


def _all_settled(serves: list[Serve]) -> list[Serve]:
    return serves if all(serve.state is not State.SENDING for serve in serves) else []

"""A scenario's stations as instruments: the servers, the devices on them, and where they are to be reached."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.devices.device import Clock, Device
from simulator.devices.serial_line import SerialLine
from simulator.devices.tasks import Requests
from simulator.devices.tcp import TcpConnection
from simulator.ledger.writer import NoLedger, Recorder
from simulator.scenario.parts import Scenario


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the instruments are. `serial` names the stations that answer on the serial line; the others are on TCP.

    Units are counted from 1 in the order of the scenario's stations, on TCP and serial alike.
    """

    host: str = "127.0.0.1"
    port: int = 0
    serial_port: str = ""
    serial: frozenset[str] = frozenset()


class Emulator:
    """The instruments of a scenario. Open and close it with `async with`; the failure of one request ends all of it."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        serial: frozenset[str] = frozenset(),
        serial_link: Path | None = None,
        recorder: Recorder | None = None,
        clock: Clock = time.time,
    ) -> None:
        recorder = recorder or NoLedger()
        self.scenario = scenario
        self.devices = {
            station.id: Device(station, unit, recorder, clock) for unit, station in enumerate(scenario.stations, 1)
        }
        self._host, self._port = host, port
        self._serial, self._serial_link = serial, serial_link
        self._clock = clock
        self._group = asyncio.TaskGroup()
        self._requests = Requests(self._group)
        self._server: asyncio.Server | None = None
        self._connections: set[TcpConnection] = set()
        self._line: SerialLine | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        try:
            await self._open()
        except BaseException:
            self._shut()
            await self._group.__aexit__(None, None, None)
            raise
        return self

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        on_tcp = {device.unit: device for name, device in self.devices.items() if name not in self._serial}
        on_serial = {device.unit: device for name, device in self.devices.items() if name in self._serial}
        self._server = await loop.create_server(
            lambda: TcpConnection(on_tcp, self._requests, self._clock, self._connections), self._host, self._port
        )
        if on_serial:
            self._line = SerialLine(on_serial, self._requests, self._clock, self._serial_link)
            self._line.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shut()
        await self._group.__aexit__(kind, error, trace)

    def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.hang_up()
        if self._line is not None:
            self._line.close()
        self._requests.cancel()

    @property
    def addresses(self) -> Addresses:
        """Where they are reached, once open."""
        if self._server is None:
            raise RuntimeError("the emulator is not open")
        port = self._server.sockets[0].getsockname()[1] if self._server.sockets else self._port
        return Addresses(self._host, port, self._line.path if self._line else "", self._serial)

"""One Modbus connection, a TCP socket or a serial port, and the devices that share it.

The only file that knows pymodbus. The library is kept to framing and transport: it neither retries nor reconnects by itself.
Modbus RTU has no transaction id, so an answer that comes late would be taken for the answer to the next question. Therefore,
after a timeout on a serial port, the port is kept silent until the answer cannot come any more and what came is thrown
away; and the device counts as out of step (see `modbus.py`) until it has proved otherwise.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.client.base import ModbusBaseClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from gateway.clock import Clock, Moment
from gateway.drivers.driver import DriverError, Trouble
from gateway.settings import RtuDevice, TableName, TcpDevice

log = logging.getLogger("gateway.modbus")

CONNECT_TIMEOUT_S = 5.0
RECONNECT_FIRST_S = 0.5
RECONNECT_LONGEST_S = 30.0
SILENCE_S = 0.05
"""A port without a byte for this long has nothing more to say."""
OPENING_SILENCE_S = 1.0
DRAIN_LONGEST_S = 1.0
"""A port that babbles on is given up after this."""
FRAME_GAP_CHARS = 3.5
BITS_A_CHAR = 11
ILLEGAL_ADDRESS = 2
_NEVER_S = 86400.0
_FUNCTION = {TableName.HOLDING: 3, TableName.INPUT: 4}
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal count",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    10: "gateway path unavailable",
    11: "gateway target did not answer",
}


class RefusedError(DriverError):
    """The device answered that it will not."""

    def __init__(self, code: int) -> None:
        super().__init__(
            Trouble.REFUSED, f"the device answered {code}, {_EXCEPTIONS.get(code, 'an unknown exception')}"
        )
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """Registers, and when they were asked for and came."""

    words: tuple[int, ...]
    asked: Moment
    answered: Moment


class Line:
    """Hold `lock` for as long as you ask; `ask` opens the connection where it is not open."""

    def __init__(self, name: str, device: TcpDevice | RtuDevice, clock: Clock) -> None:
        self.name = name
        self.lock = asyncio.Lock()
        self.is_serial = isinstance(device, RtuDevice)
        self._device = device
        self._clock = clock
        self._client: ModbusBaseClient | None = None
        self._lost: asyncio.Future[None] | None = None
        self._sent = clock.now()
        self._received = clock.now()
        self._received_s = 0.0
        self._backoff_s = RECONNECT_FIRST_S
        self._not_before_s = 0.0
        self._last_trouble = ""
        baudrate = device.baudrate if isinstance(device, RtuDevice) else 0
        self._frame_gap_s = max(FRAME_GAP_CHARS * BITS_A_CHAR / baudrate, 0.00175) if baudrate else 0.0

    async def ask(
        self, unit_id: int, table: TableName, start: int, count: int, timeout_s: float, latency_s: float
    ) -> Answer:
        """Read registers once. The caller holds `lock`.

        Raises DriverError; after one for NO_ANSWER or WRONG_ANSWER the line is silent again, or closed.
        """
        client = await self._open(latency_s)
        if self._frame_gap_s and (rest := self._received_s + self._frame_gap_s - self._clock.monotonic_s()) > 0:
            await asyncio.sleep(rest)
        read = client.read_holding_registers if table is TableName.HOLDING else client.read_input_registers
        asked_s = self._clock.monotonic_s()
        try:
            pdu = await self._request(lambda: read(start, count=count, device_id=unit_id), timeout_s)
            self._check(pdu, unit_id, table, count)
        except DriverError as error:
            if error.trouble is not Trouble.REFUSED:
                await self._quiet(asked_s + latency_s)
            raise
        return Answer(tuple(pdu.registers), self._sent, self._received)

    async def settle(self, latency_s: float) -> None:
        """Let answers that may still come pass by unheard. The caller holds `lock`."""
        await self._quiet(self._clock.monotonic_s() + latency_s)

    def close(self) -> None:
        """Close the connection; the next question opens it again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _request(self, send: Callable[[], Awaitable[ModbusPDU]], timeout_s: float) -> ModbusPDU:
        self._lost = asyncio.get_running_loop().create_future()
        try:
            task: asyncio.Future[ModbusPDU] = asyncio.ensure_future(send())
        except ModbusException as error:
            self.close()
            raise DriverError(Trouble.NOT_CONNECTED, f"{self.name}: {error}") from error
        try:
            waiting: set[asyncio.Future[Any]] = {task, self._lost}
            await asyncio.wait(waiting, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        except ModbusException as error:
            raise DriverError(Trouble.WRONG_ANSWER, f"an answer that is none: {error}") from error
        finally:
            task.cancel()
        if self._lost.done():
            self.close()
            raise DriverError(Trouble.NOT_CONNECTED, f"{self.name} closed the connection")
        raise DriverError(Trouble.NO_ANSWER, f"no answer within {timeout_s:g} s")

    def _check(self, pdu: ModbusPDU, unit_id: int, table: TableName, count: int) -> None:
        if unit_id and pdu.dev_id != unit_id:
            raise DriverError(Trouble.WRONG_ANSWER, f"unit {pdu.dev_id} answered for unit {unit_id}")
        if pdu.function_code & 0x7F != _FUNCTION[table]:
            raise DriverError(Trouble.WRONG_ANSWER, f"an answer to function {pdu.function_code & 0x7F}")
        if pdu.isError():
            raise RefusedError(pdu.exception_code)
        if len(pdu.registers) != count:
            raise DriverError(Trouble.WRONG_ANSWER, f"{len(pdu.registers)} registers where {count} were asked for")

    async def _quiet(self, until_s: float) -> None:
        """Nothing of a late answer may be left for the next question."""
        if not self.is_serial:
            self.close()  # takes what is queued behind a converter with it, and a connection that is dead unnoticed
            return
        give_up_s = until_s + DRAIN_LONGEST_S
        while (rest_s := until_s - self._clock.monotonic_s()) > 0:
            await asyncio.sleep(rest_s)
            until_s = min(max(until_s, self._received_s + SILENCE_S), give_up_s)

    async def _open(self, latency_s: float) -> ModbusBaseClient:
        if self._client is not None and self._client.connected:
            return self._client
        self.close()
        now_s = self._clock.monotonic_s()
        if now_s < self._not_before_s:
            wait_s = self._not_before_s - now_s
            raise DriverError(Trouble.NOT_CONNECTED, f"{self._last_trouble}; next try in {wait_s:.1f} s")
        client = self._make()
        trouble = f"cannot open {self.name}" if self.is_serial else f"cannot connect to {self.name}"
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                connected = await client.connect()
        except (TimeoutError, ModbusException, OSError, ValueError) as error:
            connected, trouble = False, f"{trouble}: {str(error) or 'no answer'}"
        if not connected:
            client.close()
            self._last_trouble = trouble
            self._not_before_s = self._clock.monotonic_s() + self._backoff_s * random.uniform(0.5, 1.0)
            self._backoff_s = min(2 * self._backoff_s, RECONNECT_LONGEST_S)
            raise DriverError(Trouble.NOT_CONNECTED, trouble)
        self._backoff_s = RECONNECT_FIRST_S
        self._client = client
        if self.is_serial:  # who had the port before may have left a question open
            await asyncio.sleep(min(latency_s, OPENING_SILENCE_S))
        return client

    def _make(self) -> ModbusBaseClient:
        device = self._device
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # what it would say stands in our errors
        if isinstance(device, RtuDevice):
            return AsyncModbusSerialClient(
                device.port,
                baudrate=device.baudrate,
                parity=device.parity,
                stopbits=device.stopbits,
                name=self.name,
                reconnect_delay=0,
                timeout=_NEVER_S,
                retries=0,
                trace_packet=self._on_packet,
                trace_connect=self._on_connect,
            )
        return AsyncModbusTcpClient(
            device.host,
            port=device.port,
            name=self.name,
            reconnect_delay=0,
            timeout=_NEVER_S,
            retries=0,
            trace_packet=self._on_packet,
            trace_connect=self._on_connect,
        )

    def _on_packet(self, sending: bool, data: bytes) -> bytes:
        if sending:
            self._sent = self._clock.now()
        else:
            self._received = self._clock.now()
            self._received_s = self._clock.monotonic_s()
        return data

    def _on_connect(self, connected: bool) -> None:
        if not connected and self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

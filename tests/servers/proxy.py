"""A TCP proxy on loopback that does to a connection what bad links and dying hosts do.

Directions are seen from the client: `UP` is what it sends, `DOWN` what it gets.
"""

import asyncio
import contextlib
import enum
import socket
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.servers.process import LOOPBACK, free_port

CHUNK_BYTES = 65_536

# A throttled link passes this much time's worth of bytes at once: short against what tests measure.
THROTTLE_SLICE_S = 0.02


class Direction(enum.Enum):
    """From the client or to it."""

    UP = "up"
    DOWN = "down"


UP = Direction.UP
DOWN = Direction.DOWN


class PacketType(enum.IntEnum):
    """MQTT's control packets."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


@dataclass(frozen=True, slots=True)
class Packet:
    """One MQTT control packet as it came; `body` is what follows the fixed header."""

    type: PacketType
    flags: int
    body: bytes
    raw: bytes

    @property
    def topic(self) -> str | None:
        """A PUBLISH's topic (empty where an alias stands for it); None for all others."""
        if self.type is not PacketType.PUBLISH:
            return None
        length = int.from_bytes(self.body[:2], "big")
        return self.body[2 : 2 + length].decode()


Swallow = Callable[[Packet], bool]


def of_type(*types: PacketType) -> Swallow:
    """Swallow the packets of these types."""
    return lambda packet: packet.type in types


def on_topic(ending: str) -> Swallow:
    """Swallow the PUBLISHes whose topic ends so, such as "/receipts"."""
    return lambda packet: packet.topic is not None and packet.topic.endswith(ending)


def split_packets(buffer: bytes) -> tuple[list[Packet], bytes]:
    """Cut whole MQTT packets off a buffer's start; return them and the rest."""
    packets: list[Packet] = []
    start = 0
    while True:
        length = shift = 0
        at = start + 1
        while True:
            if at >= len(buffer):
                return packets, buffer[start:]
            byte = buffer[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        if at + length > len(buffer):
            return packets, buffer[start:]
        first, end = buffer[start], at + length
        packets.append(Packet(PacketType(first >> 4), first & 0x0F, buffer[at:end], buffer[start:end]))
        start = end


class Proxy:
    """Listens while it is open (`async with`), and passes every connection on to the target.

    What it does beside is switched at run time, for open connections and new ones alike:

    - `stall(direction)` passes nothing until `flow(direction)`; what was sent waits. The connection stays open.
    - `throttle(direction, bytes_per_s)`, for each connection; None takes it off.
    - `swallow(direction, predicate)` takes MQTT packets out; None ends it. Needs `mqtt=True` from the start, because
      packets can be told apart only from a connection's first byte on. `swallowed` counts them by type.
    - `reset()` breaks all connections off with a TCP reset; `refuse()` does so too and takes no new ones until
      `accept()`.
    """

    def __init__(self, target_port: int, *, mqtt: bool = False, port: int | None = None) -> None:
        self.target_port = target_port
        self.mqtt = mqtt
        self.port = port or free_port()
        self.swallowed: Counter[PacketType] = Counter()
        self.passed_bytes: Counter[Direction] = Counter()
        self.connections = 0
        self._predicates: dict[Direction, Swallow | None] = {UP: None, DOWN: None}
        self._bytes_per_s: dict[Direction, float | None] = {UP: None, DOWN: None}
        self._flowing: dict[Direction, asyncio.Event] = {}
        for direction in Direction:
            self._flowing[direction] = asyncio.Event()
            self._flowing[direction].set()
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    @property
    def host(self) -> str:
        """Where it listens."""
        return LOOPBACK

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._open)

    def stall(self, *directions: Direction) -> None:
        """Let nothing pass, in both directions if none is named."""
        for direction in directions or Direction:
            self._flowing[direction].clear()

    def flow(self, *directions: Direction) -> None:
        """Let pass again what was stalled."""
        for direction in directions or Direction:
            self._flowing[direction].set()

    def throttle(self, direction: Direction, bytes_per_s: float | None) -> None:
        """Limit each connection's speed."""
        self._bytes_per_s[direction] = bytes_per_s

    def swallow(self, direction: Direction, predicate: Swallow | None) -> None:
        """Take out the MQTT packets that the predicate names."""
        assert self.mqtt or predicate is None, "only a Proxy(..., mqtt=True) knows packets"
        self._predicates[direction] = predicate

    async def reset(self) -> None:
        """Break off all connections; new ones are taken."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def refuse(self) -> None:
        """Break off all connections and stop listening: who connects is refused."""
        if self._server is not None:
            server, self._server = self._server, None
            server.close()
            await self.reset()
            await server.wait_closed()

    async def accept(self) -> None:
        """Listen again, on the same port."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.refuse()

    async def _serve(self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._server is None:
            # Taken in the moment before refuse().
            _reset(client_writer)
            return
        self.connections += 1
        writers = self._open[task] = [client_writer]
        broken_off = True
        try:
            target_reader, target_writer = await asyncio.open_connection(LOOPBACK, self.target_port)
            writers.append(target_writer)
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._pass_on(UP, client_reader, target_writer), name="proxy up")
                directions.create_task(self._pass_on(DOWN, target_reader, client_writer), name="proxy down")
            broken_off = False
        except* (OSError, asyncio.CancelledError):
            # The target is away, or one side broke off, or reset() did: so does the other. Only reset() cancels.
            pass
        finally:
            del self._open[task]
            for writer in writers:
                if broken_off:
                    _reset(writer)
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _pass_on(self, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = b""
        while data := await self._read(direction, reader):
            if self.mqtt:
                packets, kept = split_packets(kept + data)
                data = b"".join(packet.raw for packet in packets if not self._takes(direction, packet))
            # Stalled while it waited for this data: keep it.
            await self._flowing[direction].wait()
            writer.write(data)
            await writer.drain()
            self.passed_bytes[direction] += len(data)
        if writer.can_write_eof():
            writer.write_eof()

    async def _read(self, direction: Direction, reader: asyncio.StreamReader) -> bytes:
        await self._flowing[direction].wait()
        bytes_per_s = self._bytes_per_s[direction]
        if bytes_per_s is None:
            return await reader.read(CHUNK_BYTES)
        data = await reader.read(max(1, int(bytes_per_s * THROTTLE_SLICE_S)))
        await asyncio.sleep(len(data) / bytes_per_s)
        return data

    def _takes(self, direction: Direction, packet: Packet) -> bool:
        predicate = self._predicates[direction]
        if predicate is None or not predicate(packet):
            return False
        self.swallowed[packet.type] += 1
        return True


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset instead of a goodbye."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

"""A bad MQTT 5 broker: it ignores Receive Maximum and sends a subscriber all it has, as fast as the socket takes it.

mosquitto 2.0.11 does so to a session that is resumed.
"""

import asyncio
import contextlib
import struct
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.faults.raw_mqtt import packet, publish_packet
from tests.servers.process import LOOPBACK, free_port
from tests.servers.proxy import PacketType, split_packets

MOST_UNACKNOWLEDGED = 65_535


class FloodBroker:
    """Takes one subscriber at a time; `message(n)` is the n-th topic, payload and content type it is flooded with."""

    def __init__(self, message: Callable[[int], tuple[str, bytes, str]], count: int) -> None:
        self.port = free_port()
        self.count = count
        self.sent = 0
        self.acknowledged = 0
        self.most_unacknowledged = 0
        self._message = message
        self._room = asyncio.Event()
        self._floods: list[asyncio.Task[None]] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._floods:
            task.cancel()
        await asyncio.gather(*self._floods, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flooded = False
        kept = b""
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                packets, kept = split_packets(kept + data)
                for one in packets:
                    if one.type is PacketType.CONNECT:
                        writer.write(packet(PacketType.CONNACK, 0, b"\x00\x00\x00"))
                    elif one.type is PacketType.SUBSCRIBE:
                        filters = _filters(one.body)
                        writer.write(packet(PacketType.SUBACK, 0, one.body[:2] + b"\x00" + b"\x01" * filters))
                        if not flooded:
                            flooded = True
                            self._floods.append(asyncio.create_task(self._flood(writer), name="flood"))
                    elif one.type is PacketType.PUBACK:
                        self.acknowledged += 1
                        self._room.set()
                    elif one.type is PacketType.PUBLISH:
                        length = int.from_bytes(one.body[:2], "big")
                        writer.write(packet(PacketType.PUBACK, 0, one.body[2 + length : 4 + length]))
                    elif one.type is PacketType.PINGREQ:
                        writer.write(packet(PacketType.PINGRESP, 0, b""))
        writer.close()

    async def _flood(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while self.sent < self.count:
                while self.sent - self.acknowledged >= MOST_UNACKNOWLEDGED:
                    self._room.clear()
                    await self._room.wait()
                topic, payload, content_type = self._message(self.sent)
                self.sent += 1
                self.most_unacknowledged = max(self.most_unacknowledged, self.sent - self.acknowledged)
                writer.write(publish_packet(topic, payload, (self.sent - 1) % 65_535 + 1, content_type))
                await writer.drain()


def _filters(body: bytes) -> int:
    """How many filters a SUBSCRIBE has."""
    at = 2
    length = shift = 0
    while True:
        byte = body[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    at += length
    count = 0
    while at < len(body):
        (size,) = struct.unpack_from(">H", body, at)
        at += 2 + size + 1
        count += 1
    return count

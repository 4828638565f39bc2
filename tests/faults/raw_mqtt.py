"""A few lines of MQTT 5 by hand: clients that steal sessions, publish nonsense or never acknowledge, and a bad broker."""

import asyncio
import contextlib
import struct
from types import TracebackType
from typing import Self

from tests.servers.process import LOOPBACK
from tests.servers.proxy import Packet, PacketType, split_packets

CONTENT_TYPE = 0x03
SESSION_EXPIRY = 0x11


def text(value: str) -> bytes:
    """A string with its length before it."""
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def packet(kind: PacketType, flags: int, body: bytes) -> bytes:
    """A whole control packet."""
    length = bytearray()
    left = len(body)
    while True:
        left, digit = left >> 7, left & 0x7F
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes([kind << 4 | flags]) + bytes(length) + body


def publish_packet(topic: str, payload: bytes, packet_id: int, content_type: str | None = None) -> bytes:
    """A PUBLISH of QoS 1."""
    properties = bytes([CONTENT_TYPE]) + text(content_type) if content_type else b""
    assert len(properties) < 128
    body = text(topic) + struct.pack(">H", packet_id) + bytes([len(properties)]) + properties + payload
    return packet(PacketType.PUBLISH, 0x02, body)


class RawClient:
    """One connection; open it with `async with`."""

    def __init__(self, port: int, client_id: str, *, clean_start: bool = True, expiry_s: int = 0) -> None:
        self._port = port
        self._connect = self._connect_packet(client_id, clean_start, expiry_s)
        self._kept = b""
        self._packets: list[Packet] = []
        self._packet_id = 0
        self.session_present = False

    @staticmethod
    def _connect_packet(client_id: str, clean_start: bool, expiry_s: int) -> bytes:
        properties = struct.pack(">BI", SESSION_EXPIRY, expiry_s)
        flags = 0x02 if clean_start else 0x00
        body = text("MQTT") + bytes([5, flags, 0, 60, len(properties)]) + properties + text(client_id)
        return packet(PacketType.CONNECT, 0, body)

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(LOOPBACK, self._port)
        await self._send(self._connect)
        answer = await self.next(PacketType.CONNACK)
        assert answer.body[1] == 0, f"refused with {answer.body[1]:#x}"
        self.session_present = bool(answer.body[0] & 1)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def next(self, *types: PacketType, timeout_s: float = 10.0) -> Packet:
        """The next packet of these types (any, when none is named); others are passed over."""
        async with asyncio.timeout(timeout_s):
            while True:
                while self._packets:
                    found = self._packets.pop(0)
                    if not types or found.type in types:
                        return found
                data = await self._reader.read(65_536)
                if not data:
                    raise ConnectionError("the broker closed the connection")
                self._packets, self._kept = split_packets(self._kept + data)

    async def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1."""
        await self._send(packet(PacketType.SUBSCRIBE, 0x02, b"\x00\x01\x00" + text(topic_filter) + b"\x01"))
        await self.next(PacketType.SUBACK)

    async def publish(self, topic: str, payload: bytes, content_type: str | None = None) -> int:
        """Publish with QoS 1; the reason code of the answer."""
        self._packet_id = self._packet_id % 65_535 + 1
        await self._send(publish_packet(topic, payload, self._packet_id, content_type))
        answer = await self.next(PacketType.PUBACK)
        return answer.body[2] if len(answer.body) > 2 else 0

    async def acknowledge(self, message: Packet) -> None:
        """Acknowledge a PUBLISH that came in."""
        await self._send(packet(PacketType.PUBACK, 0, packet_id_of(message)))

    async def disconnect(self) -> None:
        """Say goodbye."""
        await self._send(packet(PacketType.DISCONNECT, 0, b""))


def packet_id_of(message: Packet) -> bytes:
    """The packet id of a PUBLISH of QoS 1, as its two bytes."""
    length = int.from_bytes(message.body[:2], "big")
    return message.body[2 + length : 4 + length]


def payload_of(message: Packet) -> bytes:
    """The payload of a PUBLISH of QoS 1 whose properties take less than 128 bytes."""
    length = int.from_bytes(message.body[:2], "big")
    return message.body[5 + length + message.body[4 + length] :]

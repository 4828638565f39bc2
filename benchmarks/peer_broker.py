"""The broker's side of MQTT 5 without a broker: it sends what was packed before, in the order and the window that ingest allows.

It costs so little that a measurement of ingest measures ingest. Nothing is kept, nothing is sent twice.
"""

import asyncio
from collections.abc import Sequence

from tests.faults.raw_mqtt import packet
from tests.servers.process import LOOPBACK, free_port
from tests.servers.proxy import PacketType, split_packets

WINDOW = 1_000
"""Of messages without their acknowledgement: ingest's own Receive Maximum."""


class PeerBroker:
    """`queues` has the packed PUBLISH packets of each district; a connection gets those of the districts it subscribes to."""

    def __init__(self, queues: dict[str, Sequence[bytes]]) -> None:
        self.port = free_port()
        self.queues = queues
        self.go = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), LOOPBACK, self.port)

    def begin(self) -> None:
        """Send to all that are subscribed now."""
        self.go.set()


class _Connection(asyncio.Protocol):
    def __init__(self, broker: PeerBroker) -> None:
        self._broker = broker
        self._kept = b""
        self._packets: Sequence[bytes] = []
        self._sent = self._acknowledged = 0
        self._transport: asyncio.Transport
        self._waiting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        packets, self._kept = split_packets(self._kept + data)
        acknowledged = 0
        for one in packets:
            if one.type is PacketType.PUBACK:
                acknowledged += 1
            elif one.type is PacketType.PUBLISH:
                length = int.from_bytes(one.body[:2], "big")
                self._transport.write(packet(PacketType.PUBACK, 0, one.body[2 + length : 4 + length]))
            elif one.type is PacketType.CONNECT:
                self._transport.write(packet(PacketType.CONNACK, 0, b"\x00\x00\x00"))
            elif one.type is PacketType.SUBSCRIBE:
                self._subscribed(one.body)
            elif one.type is PacketType.PINGREQ:
                self._transport.write(packet(PacketType.PINGRESP, 0, b""))
        if acknowledged:
            self._acknowledged += acknowledged
            self._send()

    def _subscribed(self, body: bytes) -> None:
        # The body has no properties: a byte of length 0 after the packet id.
        at, filters = 3, []
        while at < len(body):
            length = int.from_bytes(body[at : at + 2], "big")
            filters.append(body[at + 2 : at + 2 + length].decode())
            at += 3 + length
        self._transport.write(packet(PacketType.SUBACK, 0, body[:2] + b"\x00" + b"\x01" * len(filters)))
        districts = {one.split("/")[2] for one in filters}
        for district, packets in self._broker.queues.items():
            if districts & {district, "+"}:
                self._packets = [*self._packets, *packets]
        self._waiting = asyncio.ensure_future(self._begin())

    async def _begin(self) -> None:
        await self._broker.go.wait()
        self._send()

    def _send(self) -> None:
        if self._broker.go.is_set():
            upto = min(len(self._packets), self._acknowledged + WINDOW)
            if upto > self._sent:
                self._transport.write(b"".join(self._packets[self._sent : upto]))
                self._sent = upto

"""The Modbus TCP server: an asyncio protocol for each connection."""

import asyncio
from collections.abc import Mapping

from simulator.devices.device import Clock, Device
from simulator.devices.responder import respond
from simulator.devices.tasks import Requests, Tasks
from simulator.modbus.frames import BadStreamError, Request, TcpParser, tcp_frame


class TcpConnection(asyncio.Protocol):
    """One client's connection, and the line for its answers."""

    def __init__(
        self, devices: Mapping[int, Device], requests: Requests, clock: Clock, connections: "set[TcpConnection]"
    ) -> None:
        self._devices = devices
        self._requests = requests
        self._clock = clock
        self._connections = connections
        self._under_way: Tasks = set()
        self._parser = TcpParser()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Answers go nowhere any more."""
        self._transport = None
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        received_s = self._clock()
        try:
            requests = self._parser.feed(data)
        except BadStreamError:
            self.hang_up()
            return
        for request in requests:
            self._requests.start(
                self._under_way, respond(self._devices, request, received_s, self), f"modbus tcp, unit {request.unit}"
            )

    def frame(self, request: Request, unit: int, pdu: bytes) -> bytes:
        """See Line."""
        return tcp_frame(request.transaction, unit, pdu)

    def with_bad_checksum(self, frame: bytes) -> bytes:
        """See Line: TCP has a transaction number in place of a checksum."""
        return bytes((frame[0] ^ 0xFF,)) + frame[1:]

    def send(self, frame: bytes) -> bool:
        """See Line."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(frame)
        return True

    def hang_up(self) -> None:
        """See Line."""
        if self._transport is not None:
            self._transport.abort()

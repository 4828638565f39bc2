"""The session on an asyncio transport: moves bytes, keeps the connection alive, stops reading when told to."""

import asyncio
from collections.abc import Callable

from mqtt.session import Closed, Event, Session

WRITE_BUFFER_BYTES = 1024 * 1024
"""Beyond this much unwritten output `writable` is False: a broker that does not read must not fill our memory."""
CLOSE_TIMEOUT_S = 2.0


class Stream(asyncio.Protocol):
    """One connection. `on_events` is called with what came in; the last call of a connection ends with a Closed."""

    def __init__(self, session: Session, on_events: Callable[[list[Event]], None], *, clean_start: bool) -> None:
        self._session = session
        self._on_events = on_events
        self._clean_start = clean_start
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._over = False
        self.writable = True
        self.reading = True
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say CONNECT."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._session.open(self._loop.time(), clean_start=self._clean_start)
        self.flush()
        self._keep_alive()

    def data_received(self, data: bytes) -> None:
        """Hand the bytes to the session and its events to the client."""
        if not self._over:
            self._tell(self._session.receive(data, self._loop.time()))
            self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self._tell([Closed(f"connection lost: {exc}" if exc else "connection lost")])
        self._session.lost()
        if self._timer:
            self._timer.cancel()
        self.lost.set()

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self.writable = False

    def resume_writing(self) -> None:
        """The transport's buffer is empty enough."""
        self.writable = True

    def flush(self) -> None:
        """Write out what the session has to say."""
        output = self._session.take_output()
        if output and self._transport and not self._transport.is_closing():
            self._session.sent(self._loop.time())
            self._transport.write(output)

    def set_reading(self, reading: bool) -> None:
        """Stop or go on reading the socket: what the broker sends meanwhile waits in the kernel and then at the broker."""
        if self._transport and reading != self.reading and not self._transport.is_closing():
            self.reading = reading
            if reading:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def close(self) -> None:
        """Write what is still to be written, then close; a peer that takes nothing is left after two seconds."""
        if self._transport:
            self.flush()
            self._transport.close()
            self._loop.call_later(CLOSE_TIMEOUT_S, self._transport.abort)

    def abort(self) -> None:
        """Close at once."""
        if self._transport:
            self._transport.abort()

    def _tell(self, events: list[Event]) -> None:
        if self._over or not events:
            return
        self._over = isinstance(events[-1], Closed)
        self._on_events(events)
        if self._over:
            self.close()

    def _keep_alive(self) -> None:
        self._tell(self._session.poll(self._loop.time(), reading=self.reading))
        self.flush()
        if not self._over:
            self._timer = self._loop.call_later(self._session.poll_every_s, self._keep_alive)

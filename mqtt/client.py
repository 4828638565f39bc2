"""A session that connects, and connects again: its states are explicit, counted and observable.

    disconnected -> connecting -> subscribing -> live -> backing off -> connecting ...

Light enough for thousands in one process: one task and one timer each, no queue. What comes in is handed over by a call;
who is behind calls `pause()`, and the socket is no longer read.
"""

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import Callable, Sequence
from enum import Enum

from mqtt.backoff import backoff_s
from mqtt.session import Acknowledged, Closed, Connected, Event, Message, Session, SessionOptions, Subscribed
from mqtt.stream import Stream

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 10.0
STEADY_S = 10.0
"""A connection that lived this long was a good one: the next failure starts with the shortest wait again."""


class ConnectionState(Enum):
    """Where the client stands."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"
    LIVE = "live"
    BACKING_OFF = "backing off"


class Client:
    """Keeps one session connected while `run()` runs.

    `others` are further nodes of the same broker: when a connection fails or ends, the next one is tried, round and round.

    `on_messages` gets what came in, `on_acknowledged` the broker's answers to what was published, `on_state` every change
    of state with a word on why. None of them may block; all run in the event loop.
    """

    def __init__(
        self,
        host: str,
        port: int,
        options: SessionOptions,
        *,
        others: Sequence[tuple[str, int]] = (),
        tls: ssl.SSLContext | None = None,
        on_messages: Callable[[list[Message]], None] = lambda messages: None,
        on_acknowledged: Callable[[Acknowledged], None] = lambda acknowledged: None,
        on_state: Callable[[ConnectionState, str], None] = lambda state, why: None,
        clean_start: bool = False,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._nodes, self._node, self._tls = ((host, port), *others), 0, tls
        self.session = Session(options)
        self._on_messages, self._on_acknowledged, self._on_state = on_messages, on_acknowledged, on_state
        self._clean_start = clean_start
        self._jitter = jitter
        self.state = ConnectionState.DISCONNECTED
        self.why = ""
        self.connects = 0
        self.failures = 0
        self.sessions_lost = 0
        self._failures_in_a_row = 0
        self._stream: Stream | None = None
        self._flow = asyncio.Event()
        self._flow.set()
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Connect and stay connected until `close()`."""
        loop = asyncio.get_running_loop()
        try:
            while not self._closing.is_set():
                if not self._flow.is_set():  # behind: taking more from a new connection would not be bounded
                    await self._first_of(self._flow, self._closing)
                    continue
                started = loop.time()
                await self._connection()
                if self._closing.is_set():
                    break
                self.failures += 1
                self._node = (self._node + 1) % len(self._nodes)
                steady = loop.time() - started >= STEADY_S
                self._failures_in_a_row = 1 if steady else self._failures_in_a_row + 1
                delay_s = backoff_s(self._failures_in_a_row, self._jitter())
                self._change(ConnectionState.BACKING_OFF, f"{self.why}; next try in {delay_s:.1f} s")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), delay_s)
        finally:
            if self._stream:
                self._stream.abort()
                self._stream = None
            self._change(ConnectionState.DISCONNECTED, "stopped")

    @property
    def node(self) -> tuple[str, int]:
        """Host and port that it is connected to, or tries next."""
        return self._nodes[self._node]

    async def _connection(self) -> None:
        """One connection from beginning to end; `why` says how it ended."""
        self._change(ConnectionState.CONNECTING, "")
        host, port = self.node
        loop = asyncio.get_running_loop()
        stream = Stream(self.session, self._events, clean_start=self._clean_start)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await loop.create_connection(
                    lambda: stream,
                    host,
                    port,
                    ssl=self._tls,
                    server_hostname=host if self._tls else None,
                )
        except TimeoutError:
            self.why = f"no connection to {host}:{port} within {CONNECT_TIMEOUT_S:g} s"
            return
        except OSError as error:  # ssl.SSLError is one of them
            self.why = f"no connection to {host}:{port}: {error}"
            return
        self._stream = stream
        too_slow = loop.call_later(CONNECT_TIMEOUT_S, self._too_slow, stream)
        try:
            await stream.lost.wait()
        finally:
            too_slow.cancel()
            stream.abort()
            self._stream = None

    def _too_slow(self, stream: Stream) -> None:
        if self.state is not ConnectionState.LIVE:
            self.why = f"the broker did not take us in within {CONNECT_TIMEOUT_S:g} s"
            stream.abort()

    async def close(self) -> None:
        """Say goodbye and end `run()`; what was published before is written first. Takes at most two seconds."""
        self._closing.set()
        stream = self._stream
        if stream:
            self.session.close()
            stream.set_reading(True)
            stream.close()
            await stream.lost.wait()

    def drop(self, why: str) -> None:
        """Give this connection up without a goodbye, and make a new one."""
        if self._stream:
            self.why = why
            self._stream.abort()

    def pause(self) -> None:
        """Read nothing more until `resume()`."""
        self._flow.clear()
        if self._stream and self.state is ConnectionState.LIVE:
            self._stream.set_reading(False)

    def resume(self) -> None:
        """Read again."""
        self._flow.set()
        if self._stream:
            self._stream.set_reading(True)

    @property
    def live(self) -> bool:
        """Whether messages come in and can be published."""
        return self.state is ConnectionState.LIVE

    @property
    def room(self) -> int:
        """How many messages may be published now; 0 also while the broker does not read."""
        return self.session.window if self._stream and self._stream.writable else 0

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        content_type: str | None = None,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> int | None:
        """Send with QoS 1 and give the packet id, or None when there is no room. `flush()` writes it out."""
        if self.room <= 0:
            return None
        return self.session.publish(topic, payload, content_type=content_type, retain=retain, expiry_s=expiry_s)

    def acknowledge(self, message: Message) -> None:
        """Acknowledge this message and all that came before it on its connection. `flush()` writes it out."""
        self.session.acknowledge(message.connection, message.number)

    def flush(self) -> None:
        """Write out what was published and acknowledged."""
        if self._stream:
            self._stream.flush()

    def _events(self, events: list[Event]) -> None:
        messages: list[Message] = []
        for event in events:
            if type(event) is Message:
                messages.append(event)
            elif isinstance(event, Acknowledged):
                self._on_acknowledged(event)
            elif isinstance(event, Connected):
                self.connects += 1
                if self.connects > 1 and not event.session_present:
                    self.sessions_lost += 1
                self._change(ConnectionState.SUBSCRIBING, "session present" if event.session_present else "new session")
            elif isinstance(event, Subscribed):
                self._clean_start = False
                self._change(ConnectionState.LIVE, "")
            elif isinstance(event, Closed):
                self.why = self.why or event.why
        if messages:
            self._on_messages(messages)
        if not self._flow.is_set() and self._stream and self.state is ConnectionState.LIVE:
            self._stream.set_reading(False)

    def _change(self, state: ConnectionState, why: str) -> None:
        if state is ConnectionState.CONNECTING:
            self.why = ""
        if state is self.state:
            return
        self.state = state
        log.debug("%s: %s%s", self.session.options.client_id, state.value, f" ({why})" if why else "")
        self._on_state(state, why)

    @staticmethod
    async def _first_of(*events: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

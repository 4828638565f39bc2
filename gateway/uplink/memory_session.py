"""A broker in memory: the double of the MQTT client."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.uplink.session import EVENTS_KEPT, Arrived, Event, Lost, NobodyListens, SessionError


@dataclass(frozen=True, slots=True)
class Published:
    """A message that was handed to the broker."""

    topic: str
    payload: bytes
    content_type: str | None
    retain: bool


class MemoryConnector:
    """`on_publish` plays the centre: it is called with each message, and answers with `say`. `down` refuses connections."""

    def __init__(self, clock: Clock) -> None:
        self.published: list[Published] = []
        self.on_publish: Callable[[Published], None] = lambda message: None
        self.down = False
        self.connects = 0
        self.session: MemorySession | None = None
        self._clock = clock

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator["MemorySession"]:
        """A connection, or SessionError while `down`."""
        self.connects += 1
        if self.down:
            raise SessionError("unreachable", "the broker is down")
        self.session = MemorySession(self)
        try:
            yield self.session
        finally:
            self.session = None

    def say(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """A message from the centre; without a connection nobody hears it."""
        if self.session is not None:
            self.session.take(Arrived(topic, payload, self._clock.now(), retained))

    def say_nobody_listens(self) -> None:
        """PUBACK with reason 0x10."""
        if self.session is not None:
            self.session.take(NobodyListens())

    def cut(self) -> None:
        """Break the connection."""
        if self.session is not None:
            self.session.lost = True
            self.session.take(Lost("cut"))


class MemorySession:
    """One connection to the broker in memory."""

    def __init__(self, broker: MemoryConnector) -> None:
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self.lost = False
        self._broker = broker
        self._wake = asyncio.Event()

    def publish(self, topic: str, payload: bytes, *, content_type: str | None = None, retain: bool = False) -> None:
        """Hand a message to the broker."""
        if self.lost:
            raise SessionError("lost", "the connection is gone")
        message = Published(topic, payload, content_type, retain)
        self._broker.published.append(message)
        self._broker.on_publish(message)

    async def flush(self, timeout_s: float) -> bool:
        """The broker has everything at once."""
        del timeout_s
        return not self.lost

    async def wait(self, timeout_s: float | None) -> None:
        """Return on the next event, on `poke`, or after the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        self._wake.clear()

    def poke(self) -> None:
        """Make `wait` return."""
        self._wake.set()

    def take(self, event: Event) -> None:
        """Something happened."""
        self.events.append(event)
        self._wake.set()

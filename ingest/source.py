"""The queue between the broker's connection and the intake: bounded, and the socket is not read while it is full."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

import msgspec

from ingest.intake import Arrival
from mqtt import Message

HIGH_BYTES = 4 * 1024 * 1024
"""At this much the socket is left alone. One read of the socket may come on top: at most 256 KB."""
LOW_BYTES = 1024 * 1024
HIGH_MESSAGES = 5_000
LOW_MESSAGES = 1_000
MESSAGE_OVERHEAD_BYTES = 500
"""What a queued message takes beside its payload."""


class Queued(msgspec.Struct, frozen=True, gc=False):
    """A message and its acknowledgement's handle."""

    message: Message
    arrival: Arrival


class Source:
    """`deliver` is the client's callback; `take` is for one task."""

    def __init__(self, *, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._pause, self._resume = pause, resume
        self._queue: deque[Queued] = deque()
        self._bytes = 0
        self._event = asyncio.Event()
        self.empty = asyncio.Event()
        self.empty.set()
        self._full = False
        self._held = False
        self._paused = False

    @property
    def waiting(self) -> int:
        """How many messages are in the queue."""
        return len(self._queue)

    def deliver(self, messages: list[Message]) -> None:
        """Take these in; ask for a pause when the queue is full."""
        received_ms, arrived_s = time.time_ns() // 1_000_000, time.monotonic()
        for message in messages:
            payload = message.payload
            arrival = Arrival(
                message.topic,
                payload,
                message.content_type,
                received_ms,
                arrived_s,
                message.unreadable,
                message.too_large,
            )
            self._queue.append(Queued(message, arrival))
            self._bytes += len(payload) + MESSAGE_OVERHEAD_BYTES
        if self._bytes >= HIGH_BYTES or len(self._queue) >= HIGH_MESSAGES:
            self._full = True
            self._flow()
        self._event.set()
        self.empty.clear()

    def hold(self, held: bool) -> None:
        """Stop or go on reading the socket for another reason than the queue: a full disk, the end."""
        self._held = held
        self._flow()

    def _flow(self) -> None:
        stop = self._full or self._held
        if stop != self._paused:
            self._paused = stop
            if stop:
                self._pause()
            else:
                self._resume()

    async def take(self, most: int, most_bytes: int, window_s: float) -> list[Queued]:
        """At least one message; waits up to `window_s` after the first for more, so that they share one fsync."""
        while not self._queue:
            self._event.clear()
            await self._event.wait()
        if len(self._queue) < most and window_s:
            await asyncio.sleep(window_s)
        out: list[Queued] = []
        size = 0
        while self._queue and len(out) < most and size < most_bytes:
            queued = self._queue.popleft()
            out.append(queued)
            size += len(queued.message.payload)
            self._bytes -= len(queued.message.payload) + MESSAGE_OVERHEAD_BYTES
        if not self._queue:
            self.empty.set()
        if self._full and self._bytes <= LOW_BYTES and len(self._queue) <= LOW_MESSAGES:
            self._full = False
            self._flow()
        return out

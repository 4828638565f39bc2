"""The interface between the uplink and an MQTT client."""

from collections import deque
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from gateway.clock import Moment

EVENTS_KEPT = 1024


class SessionError(Exception):
    """The connection cannot be made, or is gone. `reason` is from a short list, for counting."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message from the centre."""

    topic: str
    payload: bytes
    at: Moment
    retained: bool = False
    """The broker had kept it from before this connection."""


@dataclass(frozen=True, slots=True)
class NobodyListens:
    """PUBACK with reason 0x10: the broker had no subscriber for a message."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone."""

    reason: str


Event = Arrived | NobodyListens | Lost


class Session(Protocol):
    """One connection, subscribed. Nothing of it outlives the connection."""

    events: "deque[Event]"
    """Bounded: when full the oldest goes, which at worst is a receipt, and then a batch is sent again."""

    def publish(self, topic: str, payload: bytes, *, content_type: str | None = None, retain: bool = False) -> None:
        """Hand a message to the client, QoS 1. Raises SessionError when the connection is gone."""
        ...

    async def flush(self, timeout_s: float) -> bool:
        """Wait until the broker has acknowledged all that was published; False when it took too long."""
        ...

    async def wait(self, timeout_s: float | None) -> None:
        """Return on the next event, on `poke`, or after the timeout."""
        ...

    def poke(self) -> None:
        """Make `wait` return. Only from the event loop."""
        ...


class Connector(Protocol):
    """Makes connections."""

    def connect(self) -> AbstractAsyncContextManager[Session]:
        """Connect and subscribe on entering (raises SessionError), disconnect on leaving."""
        ...

"""An MQTT 5 session: a pure state machine over the mqtt5 codec, and a thin asyncio shell round it."""

from mqtt.client import Client, ConnectionState
from mqtt.session import (
    Acknowledged,
    Closed,
    Connected,
    Event,
    Message,
    Session,
    SessionOptions,
    Subscribed,
    Subscription,
)

__all__ = [
    "Acknowledged",
    "Client",
    "Closed",
    "Connected",
    "ConnectionState",
    "Event",
    "Message",
    "Session",
    "SessionOptions",
    "Subscribed",
    "Subscription",
]

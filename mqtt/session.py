"""One MQTT 5 client over any number of connections, as a pure state machine: bytes and times in, events and bytes out.

The session is opened with Clean Start 0 and subscribes when the broker has none of it. What was received is acknowledged
when the caller says so, always in the order of arrival on the connection, as MQTT demands; an acknowledgement for a
connection that is gone is dropped (the broker will send that message again). What was published and not acknowledged when
the connection ended is forgotten here: whoever publishes keeps its own memory (receipts, a log).
"""

import struct
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import mqtt5
import msgspec

from mqtt.framing import Framing, ProtocolError, Unreadable

MAX_PACKET_ID = 65_535
KEEP_BYTES = 2 * 1024 * 1024
"""Larger messages are cut off here and told as unreadable: eight times the largest batch."""


class State(Enum):
    """Where the session stands on its connection."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    SUBSCRIBING = "subscribing"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic filter. `retained`: whether the broker shall send what it has retained, each time we subscribe."""

    topic_filter: str
    qos: int = 1
    retained: bool = True


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Who connects and how. `forget` are filters of earlier configurations, to be unsubscribed."""

    client_id: str
    username: str | None = None
    password: bytes | None = field(default=None, repr=False)
    subscriptions: tuple[Subscription, ...] = ()
    forget: tuple[str, ...] = ()
    session_expiry_s: int = 0
    keepalive_s: int = 60
    receive_maximum: int = 1_000
    send_window: int = 1_000
    will: mqtt5.Will | None = None


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message that came in. `connection` and `number` name it for the acknowledgement.

    `unreadable` says why the packet could not be taken apart (then `payload` is the packet's bytes), else it is "".
    """

    connection: int
    number: int
    topic: str
    payload: bytes
    content_type: str | None
    retained: bool
    unreadable: str = ""
    too_large: bool = False


class Connected(NamedTuple):
    """The broker took the connection. `session_present`: it still had our session."""

    session_present: bool


class Subscribed(NamedTuple):
    """All filters are in force; from here on the session is live. Comes after Connected also when nothing was to be done."""


class Acknowledged(NamedTuple):
    """The broker's word on what we published: a PUBACK's reason code."""

    packet_id: int
    reason: int


class Closed(NamedTuple):
    """The connection is of no use any more. `reason` is the broker's code where it gave one."""

    why: str
    reason: int | None = None


Event = Message | Connected | Subscribed | Acknowledged | Closed


class WindowFullError(Exception):
    """As many publishes are unacknowledged as may be; wait for an Acknowledged."""


class Session:
    """Call `open`, feed `receive` and `poll`, write out `take_output`; times are seconds of one monotonic clock."""

    def __init__(self, options: SessionOptions) -> None:
        self.options = options
        self.state = State.CLOSED
        self.connection = 0
        self.received = 0
        self._subscribed_before = False
        self._output: list[bytes] = []
        self._reset(0.0)

    def _reset(self, now: float) -> None:
        self._framing = Framing(KEEP_BYTES)
        self._output.clear()
        self._unacknowledged: deque[int] = deque()
        self._first_number = 1
        self._in_flight: set[int] = set()
        self._next_id = 1
        self._window = self.options.send_window
        self._keepalive_s = float(self.options.keepalive_s)
        self._last_sent = self._last_received = now
        self._ping_sent: float | None = None
        self._waiting_for: set[int] = set()

    def open(self, now: float, *, clean_start: bool = False) -> None:
        """Begin on a fresh connection."""
        self._reset(now)
        self.connection += 1
        self.state = State.CONNECTING
        options = self.options
        self._output.append(
            mqtt5.ConnectPacket(
                options.client_id,
                username=options.username,
                password=options.password,
                clean_start=clean_start,
                will=options.will,
                keep_alive=options.keepalive_s,
                session_expiry_interval=options.session_expiry_s,
                receive_max=options.receive_maximum,
            ).write()
        )

    def lost(self) -> None:
        """The connection is gone. Nothing of it counts any more."""
        self.state = State.CLOSED
        self._output.clear()
        self._in_flight.clear()

    def close(self) -> None:
        """Say goodbye, so that the broker does not send the will."""
        if self.state is not State.CLOSED:
            self._output.append(mqtt5.DisconnectPacket().write())
            self.state = State.CLOSED

    def take_output(self) -> bytes:
        """What is to be written to the connection now."""
        output = b"".join(self._output)
        self._output.clear()
        return output

    def receive(self, data: bytes, now: float) -> list[Event]:
        """What these bytes mean. After a Closed nothing follows."""
        self._last_received = now
        self._ping_sent = None
        events: list[Event] = []
        try:
            for packet in self._framing.feed(data):
                if type(packet) is mqtt5.PublishPacket:
                    events.append(self._publish(packet))
                elif self._other(packet, events):
                    break
        except ProtocolError as error:
            self._output.append(mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.PROTOCOL_ERROR).write())
            events.append(Closed(str(error)))
        if events and type(events[-1]) is Closed:
            self.state = State.CLOSED
        if self._output:
            self._last_sent = now
        return events

    def _publish(self, packet: mqtt5.PublishPacket) -> Message:
        if packet.qos == 2 or not packet.topic:
            raise ProtocolError("a PUBLISH with QoS 2 or a topic alias, neither of which was offered")
        number = self._arrived(packet.packet_id)
        return Message(self.connection, number, packet.topic, packet.payload, packet.content_type, packet.retain)

    def _arrived(self, packet_id: int | None) -> int:
        self.received += 1
        self._unacknowledged.append(packet_id or 0)
        return self._first_number + len(self._unacknowledged) - 1

    def _other(self, packet: mqtt5.Packet | Unreadable, events: list[Event]) -> bool:
        """Handle all but PUBLISH; True when the connection is over."""
        match packet:
            case mqtt5.PubAckPacket():
                self._in_flight.discard(packet.packet_id)
                events.append(Acknowledged(packet.packet_id, int(packet.reason_code)))
            case mqtt5.PingRespPacket():
                pass
            case Unreadable():
                number = self._arrived(packet.packet_id)
                events.append(
                    Message(
                        self.connection,
                        number,
                        packet.topic,
                        packet.raw,
                        None,
                        retained=False,
                        unreadable=packet.why,
                        too_large=packet.too_large,
                    )
                )
            case mqtt5.ConnAckPacket() if self.state is State.CONNECTING:
                return self._connack(packet, events)
            case mqtt5.SubAckPacket() | mqtt5.UnsubAckPacket():
                return self._suback(packet, events)
            case mqtt5.DisconnectPacket():
                code = packet.reason_code
                events.append(Closed(f"the broker closed: {_name(code)}{_said(packet.reason_str)}", int(code)))
                return True
            case _:
                raise ProtocolError(f"an unexpected {type(packet).__name__}")
        return False

    def _connack(self, packet: mqtt5.ConnAckPacket, events: list[Event]) -> bool:
        if packet.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            code = packet.reason_code
            events.append(Closed(f"the broker refused: {_name(code)}{_said(packet.reason_str)}", int(code)))
            return True
        self._window = min(self.options.send_window, packet.receive_max)
        if packet.server_keep_alive is not None:
            self._keepalive_s = float(packet.server_keep_alive)
        events.append(Connected(packet.session_present))
        self.state = State.SUBSCRIBING
        if not (packet.session_present and self._subscribed_before):
            # The first time also where a session is present: it may be one of an older configuration.
            self._subscribe()
        self._live_if_done(events)
        return False

    def _subscribe(self) -> None:
        options = self.options
        if options.subscriptions:
            packet_id = self._take_id()
            handling = mqtt5.RetainHandling
            filters = [
                mqtt5.TopicFilter(
                    one.topic_filter,
                    max_qos=mqtt5.QoS(one.qos),
                    retain_handling=handling.SEND_ALWAYS if one.retained else handling.SEND_NEVER,
                )
                for one in options.subscriptions
            ]
            self._output.append(mqtt5.SubscribePacket(packet_id, filters).write())
            self._waiting_for.add(packet_id)
        if options.forget:
            packet_id = self._take_id()
            self._output.append(mqtt5.UnsubscribePacket(packet_id, list(options.forget)).write())
            self._waiting_for.add(packet_id)

    def _suback(self, packet: mqtt5.SubAckPacket | mqtt5.UnsubAckPacket, events: list[Event]) -> bool:
        if packet.packet_id not in self._waiting_for:
            raise ProtocolError("an answer to a SUBSCRIBE that was not sent")
        if isinstance(packet, mqtt5.SubAckPacket):
            for one, code in zip(self.options.subscriptions, packet.reason_codes, strict=False):
                if int(code) != one.qos:
                    granted = f"QoS {int(code)}" if int(code) < 0x80 else _name(code)
                    self._output.append(mqtt5.DisconnectPacket().write())
                    events.append(Closed(f"asked for {one.topic_filter} with QoS {one.qos}, got {granted}", int(code)))
                    return True
        self._waiting_for.discard(packet.packet_id)
        self._in_flight.discard(packet.packet_id)
        self._live_if_done(events)
        return False

    def _live_if_done(self, events: list[Event]) -> None:
        if self.state is State.SUBSCRIBING and not self._waiting_for:
            self._subscribed_before = True
            self.state = State.LIVE
            events.append(Subscribed())

    def acknowledge(self, connection: int, number: int) -> None:
        """Acknowledge everything up to this message, in order; repeated calls and other connections' do nothing."""
        if connection != self.connection or self.state is State.CLOSED:
            return
        count = number - self._first_number + 1
        if count <= 0:
            return
        if count > len(self._unacknowledged):
            raise ValueError(f"message {number} has not arrived on this connection")
        waiting = self._unacknowledged
        self._output.append(_pubacks([waiting.popleft() for _ in range(count)]))
        self._first_number += count

    @property
    def unacknowledged(self) -> int:
        """How many messages of this connection wait for their acknowledgement."""
        return len(self._unacknowledged)

    @property
    def window(self) -> int:
        """How many more messages may be published now."""
        return self._window - len(self._in_flight) if self.state is State.LIVE else 0

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        content_type: str | None = None,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> int:
        """Send a message with QoS 1; its packet id comes back in an Acknowledged. Raises WindowFullError."""
        if self.window <= 0:
            raise WindowFullError
        packet_id = self._take_id()
        self._output.append(
            mqtt5.PublishPacket(
                topic,
                payload,
                qos=mqtt5.QoS.AT_LEAST_ONCE,
                packet_id=packet_id,
                retain=retain,
                content_type=content_type,
                message_expiry_interval=expiry_s,
            ).write()
        )
        return packet_id

    def _take_id(self) -> int:
        packet_id = self._next_id
        while packet_id in self._in_flight:
            packet_id = packet_id % MAX_PACKET_ID + 1
        self._in_flight.add(packet_id)
        self._next_id = packet_id % MAX_PACKET_ID + 1
        return packet_id

    def sent(self, now: float) -> None:
        """Something was written to the connection."""
        self._last_sent = now

    def poll(self, now: float, *, reading: bool = True) -> list[Event]:
        """Keep the connection alive: call it every `poll_every_s`. `reading`: whether answers can come at all."""
        if self.state is State.CLOSED or self._keepalive_s == 0:
            return []
        half = self._keepalive_s / 2
        if not reading:
            self._ping_sent = None
        elif self._ping_sent is not None and now - self._ping_sent >= half:
            self.state = State.CLOSED
            return [Closed(f"no answer to a ping for {half:g} s")]
        if now - min(self._last_sent, self._last_received if reading else self._last_sent) >= half and (
            self._ping_sent is None
        ):
            self._output.append(mqtt5.PingReqPacket().write())
            self._last_sent = now
            self._ping_sent = now if reading else None
        return []

    @property
    def poll_every_s(self) -> float:
        """How often `poll` must be called."""
        return max(self._keepalive_s, 1.0) / 8


def _pubacks(packet_ids: Iterable[int]) -> bytes:
    """PUBACK packets with reason Success, the short form; QoS 0 messages have no packet id and get none."""
    out = [word for packet_id in packet_ids if packet_id for word in (0x4002, packet_id)]
    return struct.pack(f">{len(out)}H", *out)


def _name(code: int) -> str:
    name = getattr(code, "name", None)
    return name.lower().replace("_", " ") if name else f"reason {code}"


def _said(text: str | None) -> str:
    return f" ({text[:200]})" if text else ""

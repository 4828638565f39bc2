"""The MQTT client: paho-mqtt 2 in its own thread. The only file that knows it.

A client lives for one connection: what it kept in memory (unsent messages, packet ids) dies with it, as the log is what is
sent from. Reconnecting is the uplink's decision.
"""

import asyncio
import contextlib
import logging
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.clock import Clock
from gateway.uplink.session import EVENTS_KEPT, Arrived, Event, Lost, NobodyListens, SessionError
from settings.broker import Address, BrokerSettings
from wire.messages import MAX_MESSAGE_BYTES

log = logging.getLogger("gateway.mqtt")

CONNECT_TIMEOUT_S = 10.0
SESSION_EXPIRY_S = 86400
WILL_DELAY_S = 10
"""A connection that is back within this time was not lost."""
RECEIVE_MAXIMUM = 64
MAX_PACKET_BYTES = MAX_MESSAGE_BYTES + 1024
NO_MATCHING_SUBSCRIBERS = 0x10
_STOP_TIMEOUT_S = 2.0


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]


def _end(client: Client) -> None:
    """Wait for the end of its thread, and close what it leaves open: the pair of sockets by which it is woken, the connection."""
    client.loop_stop()
    client.reinitialise()


class PahoConnector:
    """Connects as the gateway, with the session kept at the broker and `will` as the last will; each time to the next node."""

    def __init__(
        self,
        broker: BrokerSettings,
        client_id: str,
        subscriptions: list[str],
        will_topic: str,
        will: bytes,
        clock: Clock,
        will_delay_s: int = WILL_DELAY_S,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._subscriptions = subscriptions
        self._will_topic = will_topic
        self._will = will
        self._clock = clock
        self._will_delay_s = will_delay_s
        self._tries = 0

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator["PahoSession"]:
        """Connect and subscribe on entering (raises SessionError), disconnect on leaving."""
        nodes = self._broker.addresses
        node = nodes[self._tries % len(nodes)]
        self._tries += 1
        session = PahoSession(self._client(), self._clock)
        try:
            await session.open(node, self._broker.keepalive_s, self._subscriptions)
            log.info("connected to the broker at %s:%d", *node)
            yield session
        finally:
            await session.close()

    def _client(self) -> Client:
        broker = self._broker
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(0)  # the schedule's window is the bound
        try:
            password = broker.read_password()
            if broker.username is not None or password is not None:
                client.username_pw_set(broker.username or self._client_id, password)
            if broker.tls is not None:
                client.tls_set(
                    str(broker.tls.ca_file),
                    str(broker.tls.cert_file) if broker.tls.cert_file else None,
                    str(broker.tls.key_file) if broker.tls.key_file else None,
                )
        except (OSError, ValueError) as error:
            raise SessionError("credentials", f"password, certificate or key: {error}") from error
        will = _properties(PacketTypes.WILLMESSAGE)
        will.WillDelayInterval = self._will_delay_s
        will.ContentType = "application/json"
        client.will_set(self._will_topic, self._will, qos=1, retain=True, properties=will)
        return client


class PahoSession:
    """One connection. Callbacks run in paho's thread and only hand over to the event loop."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self.events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._client = client
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._subscribed: asyncio.Future[None] = self._loop.create_future()
        self._unacknowledged: set[int] = set()
        self._acknowledged = asyncio.Event()
        self._lost = False
        self._closed = False
        self._starting: asyncio.Future[None] | None = None

    async def open(self, node: Address, keepalive_s: int, subscriptions: list[str]) -> None:
        """Connect and subscribe. Raises SessionError."""
        client = self._client
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        host, port = node
        where = f"{host}:{port}"

        def start() -> None:
            client.connect(host, port, keepalive_s, clean_start=False, properties=properties)
            client.loop_start()
            if self._closed:  # nobody waits any more
                client.disconnect()

        try:
            async with asyncio.timeout(2 * CONNECT_TIMEOUT_S):
                self._starting = self._in_thread(start)
                await asyncio.shield(self._starting)
                await self._connected
                # At every connection, not only without a session: it costs 80 bytes and a broker may have lost it.
                options = SubscribeOptions(qos=1)
                client.subscribe([(topic, options) for topic in subscriptions])
                await self._subscribed
        except TimeoutError as error:
            raise SessionError("timeout", f"{where}: no answer") from error
        except (OSError, ValueError) as error:
            raise SessionError("unreachable", f"{where}: {error}") from error

    async def close(self) -> None:
        """Say goodbye, so that the will is not sent, and end the thread."""
        self._closed = True
        self._client.disconnect()
        if self._starting is None:
            return
        if not self._starting.done():  # a name look-up that hangs: it is ended when it comes back
            self._starting.add_done_callback(lambda _: self._in_thread(lambda: _end(self._client)))
            return
        stopped = self._in_thread(lambda: _end(self._client))
        done, _ = await asyncio.wait({stopped}, timeout=_STOP_TIMEOUT_S)
        if not done:
            # The network takes nothing any more: pull the socket from under the thread.
            sock: Any = self._client.socket()
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            self._client.drop_out_messages()
            await asyncio.wait({stopped}, timeout=_STOP_TIMEOUT_S)

    def publish(self, topic: str, payload: bytes, *, content_type: str | None = None, retain: bool = False) -> None:
        """Hand a message to paho, QoS 1. Raises SessionError when the connection is gone."""
        if self._lost:
            raise SessionError("lost", "the connection is gone")
        properties = None
        if content_type is not None:
            properties = _properties(PacketTypes.PUBLISH)
            properties.ContentType = content_type
        info = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise SessionError("lost", f"not sent: {info.rc}")
        self._unacknowledged.add(info.mid)

    async def flush(self, timeout_s: float) -> bool:
        """Wait until the broker has acknowledged all that was published; False when it took too long."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._unacknowledged and not self._lost:
                    self._acknowledged.clear()
                    await self._acknowledged.wait()
        except TimeoutError:
            return False
        return not self._unacknowledged

    async def wait(self, timeout_s: float | None) -> None:
        """Return on the next event, on `poke`, or after the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        self._wake.clear()

    def poke(self) -> None:
        """Make `wait` return."""
        self._wake.set()

    # -- called in the event loop

    def _take(self, event: Event) -> None:
        if isinstance(event, Lost):
            self._lost = True
            self._acknowledged.set()
        self.events.append(event)
        self._wake.set()

    def _take_ack(self, mid: int, code: int) -> None:
        self._unacknowledged.discard(mid)
        self._acknowledged.set()
        if code == NO_MATCHING_SUBSCRIBERS:
            self._take(NobodyListens())

    def _settle(self, future: "asyncio.Future[None]", error: Exception | None) -> None:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
                future.exception()  # looked at here, should nobody wait for it any more

    def _in_thread(self, work: Callable[[], object]) -> "asyncio.Future[None]":
        """Run it in a thread that nobody has to wait for: a name look-up can hang for longer than a stop may take."""
        future: asyncio.Future[None] = self._loop.create_future()

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001  # it is told to whoever waits for the future
                self._hand_over(self._settle, future, error)
            else:
                self._hand_over(self._settle, future, None)

        threading.Thread(target=run, name="mqtt-connect", daemon=True).start()
        return future

    # -- called in other threads

    def _hand_over(self, function: Any, *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(function, *arguments)

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        error = SessionError("refused", f"the broker refused: {reason}") if reason.is_failure else None
        self._hand_over(self._settle, self._connected, error)

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        error = SessionError("lost", f"the connection was lost: {reason}")
        self._hand_over(self._settle, self._connected, error)
        self._hand_over(self._settle, self._subscribed, error)
        self._hand_over(self._take, Lost(str(reason)))

    def _on_subscribe(
        self, client: Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        failed = [str(reason) for reason in reasons if reason.is_failure]
        if failed:
            log.error(
                "the broker grants no subscription to receipts and commands (%s): nothing can be receipted", failed[0]
            )
        self._hand_over(self._settle, self._subscribed, None)

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        arrived = Arrived(message.topic, bytes(message.payload), self._clock.now(), message.retain)
        self._hand_over(self._take, arrived)

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._hand_over(self._take_ack, mid, int(reason.value))

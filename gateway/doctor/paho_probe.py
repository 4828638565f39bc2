"""One connection to look at the broker with, by paho-mqtt. It leaves nothing behind, and acknowledges only what is its own."""

import contextlib
import queue
import secrets
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from doctor.broker import Greeting, ProbeError
from doctor.network import identity
from settings.broker import BrokerSettings

TIMEOUT_S = 10.0
_RECEIVE_MAXIMUM = 1_000


class Heard(NamedTuple):
    """A message that came."""

    topic: str
    payload: bytes


class _Answer(NamedTuple):
    mid: int
    codes: list[int]


class PahoProbe:
    """Open with `with`: raises ProbeError when the broker does not take it.

    With credentials the broker may hand us the gateway's own session (see doctor/role_session.py). So the session is asked
    for as the gateway does, and given back as it was; one of our own is dropped at the end.
    """

    def __init__(self, broker: BrokerSettings, role_id: str, session_expiry_s: int) -> None:
        self.greeting = Greeting()
        self._broker = broker
        self._role_id = role_id
        self._expiry_s = session_expiry_s if identity(broker, role_id) is not None else 0
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{role_id}-doctor-{secrets.token_hex(4)}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._client.connect_timeout = TIMEOUT_S
        self._connected: queue.Queue[Greeting | ProbeError] = queue.Queue()
        self._answers: queue.Queue[_Answer | None] = queue.Queue()
        self._messages: queue.Queue[Heard] = queue.Queue()

    def __enter__(self) -> Self:
        client, broker = self._client, self._broker
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        properties = _properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._expiry_s
        properties.ReceiveMaximum = _RECEIVE_MAXIMUM
        try:
            password = broker.read_password()
            if broker.username is not None or password is not None:
                client.username_pw_set(broker.username or self._role_id, password)
            if broker.tls is not None:
                own = broker.tls
                client.tls_set(
                    str(own.ca_file),
                    str(own.cert_file) if own.cert_file else None,
                    str(own.key_file) if own.key_file else None,
                )
            client.connect(broker.host, broker.port, broker.keepalive_s, clean_start=False, properties=properties)
        except (OSError, ValueError) as error:
            raise ProbeError(str(error)) from error
        client.loop_start()
        try:
            answer = self._connected.get(timeout=TIMEOUT_S)
        except queue.Empty:
            answer = ProbeError(f"no answer within {TIMEOUT_S:g} s")
        if isinstance(answer, ProbeError):
            client.loop_stop()
            raise answer
        self.greeting = answer
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        properties = _properties(PacketTypes.DISCONNECT)
        # What was there before us stays as the gateway wants it.
        properties.SessionExpiryInterval = self._expiry_s if self.greeting.session_present else 0
        self._client.disconnect(properties=properties)
        self._client.loop_stop()

    def subscribe(self, filters: Sequence[str]) -> list[int]:
        """The granted QoS of each, or the reason why not. Raises ProbeError."""
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE)
        result, mid = self._client.subscribe([(one, options) for one in filters])
        return self._answer(result, mid)

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Take subscriptions back. Raises ProbeError."""
        result, mid = self._client.unsubscribe(list(filters))
        self._answer(result, mid)

    def publish(self, topic: str, payload: bytes, content_type: str) -> int:
        """Publish with QoS 1, not retained; the reason in the broker's PUBACK. Raises ProbeError."""
        properties = _properties(PacketTypes.PUBLISH)
        properties.ContentType = content_type
        properties.MessageExpiryInterval = int(TIMEOUT_S)
        info = self._client.publish(topic, payload, qos=1, properties=properties)
        return self._answer(info.rc, info.mid)[0]

    def next(self, timeout_s: float) -> Heard | None:
        """The next message, or None when none comes in time."""
        try:
            return self._messages.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None

    def _answer(self, result: MQTTErrorCode, mid: int | None) -> list[int]:
        while result == MQTTErrorCode.MQTT_ERR_SUCCESS:
            try:
                answer = self._answers.get(timeout=TIMEOUT_S)
            except queue.Empty:
                raise ProbeError(f"no answer within {TIMEOUT_S:g} s") from None
            if answer is None:
                break
            if answer.mid == mid:
                return answer.codes
        raise ProbeError("the broker closed the connection")

    # -- called in paho's thread

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._connected.put(ProbeError(str(reason), int(reason.value)))
            return
        said = properties
        self._connected.put(
            Greeting(
                session_present=flags.session_present,
                receive_maximum=getattr(said, "ReceiveMaximum", 65_535),
                maximum_packet_size=getattr(said, "MaximumPacketSize", None),
                maximum_qos=getattr(said, "MaximumQoS", 2),
                retain_available=bool(getattr(said, "RetainAvailable", 1)),
                wildcards_available=bool(getattr(said, "WildcardSubscriptionAvailable", 1)),
                session_expiry_s=getattr(said, "SessionExpiryInterval", None),
            )
        )

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._connected.put(ProbeError(f"it closed the connection: {reason}"))
        self._answers.put(None)

    def _on_subscribe(
        self, client: Client, userdata: Any, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        self._answers.put(_Answer(mid, [int(reason.value) for reason in reasons]))

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._answers.put(_Answer(mid, [int(reason.value)]))

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        if not self.greeting.session_present:
            client.ack(message.mid, message.qos)
        with contextlib.suppress(UnicodeDecodeError):
            self._messages.put(Heard(message.topic, bytes(message.payload)))


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]

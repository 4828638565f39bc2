"""One connection to look at the broker with, by aiomqtt. It leaves nothing behind, and acknowledges only what is its own.

aiomqtt keeps neither the CONNACK's flags and properties nor manual acknowledgement; paho underneath has both.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from doctor.broker import SYS_TOPICS, SYS_WAIT_S, Greeting, ProbeError
from doctor.network import identity
from mqtt.tls import tls_context
from settings.broker import BrokerSettings

TIMEOUT_S = 10.0
_RECEIVE_MAXIMUM = 100
"""Readings that come while we are subscribed wait at the broker."""


class _Client(aiomqtt.Client):
    greeting = Greeting()

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.greeting = Greeting(
            session_present=flags.session_present,
            receive_maximum=getattr(properties, "ReceiveMaximum", 65_535),
            maximum_packet_size=getattr(properties, "MaximumPacketSize", None),
            maximum_qos=getattr(properties, "MaximumQoS", 2),
            retain_available=bool(getattr(properties, "RetainAvailable", 1)),
            wildcards_available=bool(getattr(properties, "WildcardSubscriptionAvailable", 1)),
            session_expiry_s=getattr(properties, "SessionExpiryInterval", None),
        )
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def acknowledge_nothing(self) -> None:
        self._client.manual_ack_set(True)

    async def leave(self, session_expiry_s: int) -> None:
        """Disconnect, the session to be kept for so long."""
        properties = _properties(PacketTypes.DISCONNECT)
        properties.SessionExpiryInterval = session_expiry_s
        self._client.disconnect(properties=properties)
        with contextlib.suppress(TimeoutError, aiomqtt.MqttError):
            async with asyncio.timeout(TIMEOUT_S):
                await asyncio.shield(self._disconnected)


class AiomqttProbe:
    """An open connection; from `open_probe`."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    @property
    def greeting(self) -> Greeting:
        """What the CONNACK said."""
        return self._client.greeting

    async def subscribe(self, filters: Sequence[str]) -> list[int]:
        """The granted QoS of each, or the reason why not; retained messages are left out. Raises ProbeError."""
        return await self._subscribe(filters, SubscribeOptions.RETAIN_DO_NOT_SEND)

    async def sys(self) -> dict[str, str]:
        """What the broker tells of itself: topic to text. Raises ProbeError."""
        await self._subscribe(SYS_TOPICS, SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE)
        heard: dict[str, str] = {}
        with contextlib.suppress(TimeoutError, aiomqtt.MqttError):
            async with asyncio.timeout(SYS_WAIT_S):
                async for message in self._client.messages:
                    if message.topic.value in SYS_TOPICS and isinstance(message.payload, bytes):
                        heard[message.topic.value] = message.payload.decode(errors="replace")
                    if len(heard) == len(SYS_TOPICS):
                        break
        return heard

    async def _subscribe(self, filters: Sequence[str], retained: int) -> list[int]:
        options = SubscribeOptions(qos=1, retainHandling=retained)
        try:
            codes = await self._client.subscribe([(one, options) for one in filters])
        except aiomqtt.MqttError as error:
            raise ProbeError(str(error)) from error
        return [code if isinstance(code, int) else int(code.value) for code in codes]


@asynccontextmanager
async def open_probe(broker: BrokerSettings, role_id: str, session_expiry_s: int) -> AsyncIterator[AiomqttProbe]:
    """Connect. Raises ProbeError when the broker does not take it.

    With credentials the broker may hand us ingest's own session (see doctor/role_session.py). So the session is asked for
    as ingest does, and given back as it was; one of our own is dropped at the end.
    """
    expiry_s = session_expiry_s if identity(broker, role_id) is not None else 0
    properties = _properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = expiry_s
    properties.ReceiveMaximum = _RECEIVE_MAXIMUM
    tls = broker.tls
    try:
        client = _Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.read_password(),
            identifier=f"{role_id}-doctor-{secrets.token_hex(4)}",
            protocol=aiomqtt.ProtocolVersion.V5,
            timeout=TIMEOUT_S,
            keepalive=broker.keepalive_s,
            clean_start=False,
            properties=properties,
            tls_context=tls_context(tls.ca_file, tls.cert_file, tls.key_file) if tls else None,
        )
    except (OSError, ValueError) as error:
        raise ProbeError(str(error)) from error
    client.acknowledge_nothing()
    try:
        await client.__aenter__()
    except MqttConnectError as error:
        code = error.rc if isinstance(error.rc, int) else int(error.rc.value) if error.rc is not None else None
        raise ProbeError(str(error), code) from error
    except aiomqtt.MqttError as error:
        raise ProbeError(str(error)) from error
    try:
        yield AiomqttProbe(client)
    finally:
        await client.leave(expiry_s if client.greeting.session_present else 0)
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]

"""What a fleet gateway needs of an MQTT session, and the in-memory double of it."""

from collections.abc import Callable
from itertools import count
from typing import NamedTuple, Protocol

import mqtt5

from mqtt import Acknowledged, Client, ConnectionState, Message, SessionOptions, Subscription
from mqtt.tls import tls_context
from settings.broker import BrokerSettings

_WINDOW = 64
_RECEIVE_MAXIMUM = 64


class Link(Protocol):
    """One gateway's session. `mqtt.Client` is one."""

    @property
    def live(self) -> bool:
        """Whether messages can be published."""
        ...

    @property
    def room(self) -> int:
        """How many messages may be published now."""
        ...

    async def run(self) -> None:
        """Stay connected until `close`."""
        ...

    async def close(self) -> None:
        """Say goodbye."""
        ...

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        content_type: str | None = None,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> int | None:
        """Send with QoS 1; None when there is no room."""
        ...

    def acknowledge(self, message: Message) -> None:
        """Acknowledge this message and all before it."""
        ...

    def flush(self) -> None:
        """Write it out."""
        ...


class LinkEvents(NamedTuple):
    """What a link tells its gateway."""

    on_messages: Callable[[list[Message]], None]
    on_acknowledged: Callable[[Acknowledged], None]
    on_state: Callable[[ConnectionState, str], None]


class LinkRequest(NamedTuple):
    """What a gateway wants of its link: who it is, what it reads, and its last will (topic and payload)."""

    client_id: str
    topics: tuple[str, ...]
    will_topic: str
    will_payload: bytes
    events: LinkEvents


MakeLink = Callable[[LinkRequest], Link]


def mqtt_links(broker: BrokerSettings) -> MakeLink:
    """Links to a real broker, each with the next node of it as its own. Raises OSError.

    A password without a user name is that of each gateway's own id.
    """
    tls = tls_context(broker.tls.ca_file, broker.tls.cert_file, broker.tls.key_file) if broker.tls else None
    password = broker.read_password()
    nodes, made = broker.addresses, count()

    def make(request: LinkRequest) -> Link:
        options = SessionOptions(
            request.client_id,
            username=broker.username or (request.client_id if password else None),
            password=password.encode() if password else None,
            subscriptions=tuple(Subscription(topic) for topic in request.topics),
            keepalive_s=broker.keepalive_s,
            receive_maximum=_RECEIVE_MAXIMUM,
            send_window=_WINDOW,
            will=mqtt5.Will(request.will_topic, payload=request.will_payload, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=True),
        )
        events = request.events
        own = next(made) % len(nodes)
        (host, port), *others = nodes[own:] + nodes[:own]
        return Client(
            host,
            port,
            options,
            others=others,
            tls=tls,
            on_messages=events.on_messages,
            on_acknowledged=events.on_acknowledged,
            on_state=events.on_state,
            clean_start=True,
        )

    return make

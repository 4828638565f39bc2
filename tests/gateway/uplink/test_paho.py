"""The MQTT client against a real mosquitto, and against sockets that are no broker."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from gateway.clock import SystemClock
from gateway.uplink.paho_session import PahoConnector, PahoSession
from gateway.uplink.session import Arrived, Event, Lost, NobodyListens, SessionError
from settings.broker import BrokerSettings
from tests.servers.mosquitto import Mosquitto
from tests.servers.wait import eventually

DOWN = ["t/receipts", "t/commands"]


def connector(port: int, client_id: str = "gw-1") -> PahoConnector:
    broker = BrokerSettings(port=port, keepalive_s=5)
    return PahoConnector(broker, client_id, DOWN, "t/status", b"lost", SystemClock(), will_delay_s=1)


@contextlib.asynccontextmanager
async def centre(broker: Mosquitto, *topics: str) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(broker.host, broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        for topic in topics:
            await client.subscribe(topic, qos=1)
        yield client


async def next_event(session: PahoSession, kind: type[Event]) -> Event:
    async with asyncio.timeout(20):
        while True:
            while session.events:
                event = session.events.popleft()
                if isinstance(event, kind):
                    return event
            await session.wait(1.0)


@contextlib.asynccontextmanager
async def listening(handler: str) -> AsyncIterator[int]:
    """Something that accepts connections and is no broker."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if handler == "closes":
            writer.close()
        elif handler == "garbage":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()


async def test_messages_both_ways(mosquitto: Mosquitto) -> None:
    async with centre(mosquitto, "t/readings") as client, connector(mosquitto.port).connect() as session:
        session.publish("t/readings", b"\x01\x02", content_type="cbor")
        assert await session.flush(10)
        async with asyncio.timeout(10):
            message = await anext(aiter(client.messages))
        assert message.payload == b"\x01\x02"
        assert message.qos == 1
        assert message.properties is not None
        assert getattr(message.properties, "ContentType", None) == "cbor"
        await client.publish("t/receipts", b"ok", qos=1)
        event = await next_event(session, Arrived)
        assert isinstance(event, Arrived)
        assert (event.topic, event.payload) == ("t/receipts", b"ok")


async def test_the_session_is_kept_over_a_lost_connection(mosquitto: Mosquitto) -> None:
    async with centre(mosquitto) as client:
        async with connector(mosquitto.port).connect():
            pass
        await client.publish("t/commands", b"while you were away", qos=1)
        async with connector(mosquitto.port).connect() as session:
            event = await next_event(session, Arrived)
            assert isinstance(event, Arrived)
            assert event.payload == b"while you were away"


async def test_only_what_the_broker_had_kept_counts_as_retained(mosquitto: Mosquitto) -> None:
    async with centre(mosquitto) as client:
        async with connector(mosquitto.port).connect() as session:
            await client.publish("t/commands", b"now", qos=1, retain=True)
            event = await next_event(session, Arrived)
            assert isinstance(event, Arrived)
            assert (event.payload, event.retained) == (b"now", False)
        async with connector(mosquitto.port).connect() as session:
            event = await next_event(session, Arrived)
            assert isinstance(event, Arrived)
            assert (event.payload, event.retained) == (b"now", True)
        await client.publish("t/commands", b"", qos=1, retain=True)


async def test_no_subscriber_is_told(mosquitto: Mosquitto) -> None:
    async with connector(mosquitto.port).connect() as session:
        session.publish("t/readings", b"x")
        await next_event(session, NobodyListens)


async def test_a_killed_broker_is_noticed_and_found_again(mosquitto: Mosquitto) -> None:
    with contextlib.suppress(SessionError):
        async with connector(mosquitto.port).connect() as session:
            mosquitto.kill()
            await next_event(session, Lost)
            with pytest.raises(SessionError):
                session.publish("t/readings", b"x")
    with pytest.raises(SessionError) as error:
        async with connector(mosquitto.port).connect():
            raise AssertionError("nobody is there")
    assert error.value.reason == "unreachable"
    await mosquitto.start_async()
    async with connector(mosquitto.port).connect() as session:
        session.publish("t/readings", b"x")
        assert await session.flush(10)


async def test_the_will_is_published_for_a_gateway_that_vanishes_and_not_for_one_that_leaves(
    mosquitto: Mosquitto,
) -> None:
    async with centre(mosquitto, "t/status") as client:
        async with connector(mosquitto.port, "leaves").connect():
            pass
        async with connector(mosquitto.port, "vanishes").connect() as session:
            sock = session._client.socket()
            assert sock is not None
            sock.close()
        async with asyncio.timeout(40):
            message = await anext(aiter(client.messages))
        assert message.payload == b"lost"


@pytest.mark.server
async def test_a_wrong_password_is_said(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, allow_anonymous=False) as broker:
        with pytest.raises(SessionError, match="the broker refused: Not authorized") as error:
            async with connector(broker.port).connect():
                raise AssertionError("it was let in")
        assert error.value.reason == "refused"


@pytest.mark.parametrize("handler", ["closes", "garbage"])
async def test_what_is_no_broker_is_an_error(handler: str) -> None:
    async with listening(handler) as port:
        with pytest.raises(SessionError):
            async with connector(port).connect():
                raise AssertionError("that was no broker")


async def test_waiting_for_a_broker_that_says_nothing_can_be_given_up_at_once() -> None:
    async with listening("nothing") as port:

        async def connect() -> None:
            async with connector(port).connect():
                raise AssertionError("that was no broker")

        task = asyncio.ensure_future(connect())
        await asyncio.sleep(0.2)
        loop = asyncio.get_running_loop()
        began = loop.time()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert loop.time() - began < 5


async def test_a_password_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    broker = BrokerSettings(password_file=tmp_path / "missing")
    one = PahoConnector(broker, "gw-1", DOWN, "t/status", b"lost", SystemClock())
    with pytest.raises(SessionError, match="missing") as error:
        async with one.connect():
            raise AssertionError("it has no password")
    assert error.value.reason == "credentials"


async def test_many_messages_from_the_centre_are_bounded_in_memory(mosquitto: Mosquitto) -> None:
    async with centre(mosquitto) as client, connector(mosquitto.port).connect() as session:
        for number in range(1500):
            await client.publish("t/receipts", str(number).encode(), qos=0)
        await eventually(lambda: session.events and _payload(session.events[-1]) == b"1499")
        assert len(session.events) <= 1024


def _payload(event: Event) -> bytes:
    return event.payload if isinstance(event, Arrived) else b""


async def test_each_connection_goes_to_the_next_node(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as other:
        broker = BrokerSettings(port=mosquitto.port, others=(("127.0.0.1", 1), (other.host, other.port)))
        sessions = PahoConnector(broker, "gw-1", DOWN, "t/status", b"lost", SystemClock())
        async with centre(other, "t/readings") as client:
            async with sessions.connect():
                mosquitto.kill()
            with pytest.raises(SessionError, match=r"127\.0\.0\.1:1: "):
                async with sessions.connect():
                    pass
            async with sessions.connect() as session:
                session.publish("t/readings", b"1")
                async with asyncio.timeout(10):
                    assert (await anext(aiter(client.messages))).payload == b"1"

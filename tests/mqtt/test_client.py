"""The client against a real mosquitto, a scripted broker, and a proxy that breaks things."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import mqtt5
import pytest

from mqtt import Client, ConnectionState, Message, SessionOptions, Subscription
from tests.servers.mosquitto import Mosquitto
from tests.servers.proxy import Proxy
from tests.servers.wait import eventually

SUBSCRIBER = SessionOptions("sub", subscriptions=(Subscription("a/+"),), session_expiry_s=600)


@asynccontextmanager
async def running(*clients: Client) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(client.run()) for client in clients]
    try:
        yield
    finally:
        for client in clients:
            await client.close()
        await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def is_live(client: Client) -> None:
    await eventually(lambda: client.live)


def send(client: Client, *payloads: bytes) -> None:
    for payload in payloads:
        assert client.publish("a/b", payload) is not None
    client.flush()


@pytest.mark.server
async def test_messages_come_and_are_acknowledged_when_we_say_so(mosquitto: Mosquitto) -> None:
    got: list[Message] = []
    answers: list[int] = []
    subscriber = Client(mosquitto.host, mosquitto.port, SUBSCRIBER, on_messages=got.extend)
    publisher = Client(
        mosquitto.host, mosquitto.port, SessionOptions("pub"), on_acknowledged=lambda one: answers.append(one.reason)
    )
    async with running(subscriber, publisher):
        await is_live(subscriber)
        await is_live(publisher)
        send(publisher, b"1", b"2")
        await eventually(lambda: len(got) == 2 and len(answers) == 2)
        assert answers == [0, 0]
        assert subscriber.session.unacknowledged == 2
        subscriber.acknowledge(got[-1])
        subscriber.flush()
        assert subscriber.session.unacknowledged == 0


@pytest.mark.server
async def test_what_was_not_acknowledged_comes_again_after_the_connection_is_cut(mosquitto: Mosquitto) -> None:
    got: list[Message] = []
    states: list[ConnectionState] = []
    async with Proxy(mosquitto.port) as proxy:
        subscriber = Client(
            proxy.host,
            proxy.port,
            SUBSCRIBER,
            on_messages=got.extend,
            on_state=lambda state, why: states.append(state),
            jitter=lambda: 0.0,
        )
        publisher = Client(mosquitto.host, mosquitto.port, SessionOptions("pub"))
        async with running(subscriber, publisher):
            await is_live(subscriber)
            await is_live(publisher)
            send(publisher, b"1", b"2", b"3")
            await eventually(lambda: len(got) == 3)
            subscriber.acknowledge(got[0])
            subscriber.flush()
            await asyncio.to_thread(lambda: None)
            await proxy.reset()
            await eventually(lambda: len(got) >= 5)
            assert [one.payload for one in got[-2:]] == [b"2", b"3"]
            assert {one.connection for one in got} == {1, 2}
            assert subscriber.sessions_lost == 0
            subscriber.acknowledge(got[2])  # of the old connection: nothing happens
            assert subscriber.session.unacknowledged == len(got) - 3
    assert states[:4] == [
        ConnectionState.CONNECTING,
        ConnectionState.SUBSCRIBING,
        ConnectionState.LIVE,
        ConnectionState.BACKING_OFF,
    ]
    assert states[-1] is ConnectionState.DISCONNECTED


@pytest.mark.server
async def test_a_broker_that_forgot_us_is_counted_and_subscribed_again(mosquitto: Mosquitto) -> None:
    got: list[Message] = []
    subscriber = Client(mosquitto.host, mosquitto.port, SUBSCRIBER, on_messages=got.extend, jitter=lambda: 0.0)
    publisher = Client(mosquitto.host, mosquitto.port, SessionOptions("pub"), jitter=lambda: 0.0)
    async with running(subscriber, publisher):
        await is_live(subscriber)
        await asyncio.to_thread(mosquitto.kill)
        await eventually(lambda: not subscriber.live and not publisher.live)
        await mosquitto.start_async()
        await is_live(subscriber)
        await is_live(publisher)
        assert subscriber.sessions_lost == 1
        assert subscriber.failures >= 1
        send(publisher, b"x")
        await eventually(lambda: got)


async def test_a_broker_that_is_not_there_is_tried_again_and_said() -> None:
    states: list[str] = []
    client = Client("127.0.0.1", 1, SUBSCRIBER, on_state=lambda state, why: states.append(why), jitter=lambda: 0.0)
    async with running(client):
        await eventually(lambda: client.failures >= 2)
        assert any("no connection to 127.0.0.1:1" in why for why in states)


@asynccontextmanager
async def scripted_broker(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A broker that takes anybody in, grants the first subscription, and then does as the script says."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(4096)
            writer.write(mqtt5.ConnAckPacket().write())
            data = await reader.read(4096)
            packet, _ = mqtt5.read(memoryview(data))
            assert isinstance(packet, mqtt5.SubscribePacket)
            granted = mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE
            writer.write(mqtt5.SubAckPacket(packet.packet_id, [granted] * len(packet.topic_filters)).write())
            await talk(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        server.close()


async def test_a_broker_that_ignores_receive_maximum_is_no_longer_read_when_paused() -> None:
    taken = 0
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for number in range(1, 60_001):
            packet = mqtt5.PublishPacket("a/b", bytes(1_000), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number)
            writer.write(packet.write())
            await writer.drain()
            sent += 1

    def behind(messages: list[Message]) -> None:
        nonlocal taken
        taken += len(messages)
        client.pause()

    async with scripted_broker(flood) as port:
        client = Client("127.0.0.1", port, SUBSCRIBER, on_messages=behind)
        async with running(client):
            await eventually(lambda: taken > 0)
            before = -1

            def stuck() -> bool:
                nonlocal before
                same, before = sent == before, sent
                return same

            await eventually(stuck)  # the kernel's buffers are full, and nothing more is taken
            assert sent < 60_000
            assert taken * 1_000 <= 512 * 1024
            client.resume()
            before_resume = taken
            await eventually(lambda: taken > before_resume)


async def test_nobody_reconnects_while_paused() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.drain()

    async with scripted_broker(hang_up) as port:
        client = Client("127.0.0.1", port, SUBSCRIBER, jitter=lambda: 0.0)
        async with running(client):
            await eventually(lambda: client.failures >= 1)
            client.pause()
            await eventually(lambda: client.state is ConnectionState.BACKING_OFF)
            connects = client.connects
            client.resume()
            await eventually(lambda: client.connects > connects)


@pytest.mark.server
async def test_a_dead_node_is_left_for_the_next_one(tmp_path: Path) -> None:
    got: list[Message] = []
    with Mosquitto(tmp_path / "a") as first, Mosquitto(tmp_path / "b") as second:
        nodes = [("127.0.0.1", 1), (second.host, second.port)]
        client = Client(first.host, first.port, SUBSCRIBER, others=nodes, on_messages=got.extend, jitter=lambda: 0.0)
        async with running(client):
            await is_live(client)
            assert client.node == (first.host, first.port)
            await asyncio.to_thread(first.kill)
            await eventually(lambda: client.live and client.node == nodes[1])
            send(client, b"x")
            await eventually(lambda: got)
            await first.start_async()
            await asyncio.to_thread(second.kill)
            await eventually(lambda: client.live and client.node == (first.host, first.port))

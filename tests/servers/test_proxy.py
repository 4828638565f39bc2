import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.mosquitto import Mosquitto
from tests.servers.process import LOOPBACK, free_port
from tests.servers.proxy import DOWN, UP, PacketType, Proxy, of_type, on_topic, split_packets
from tests.servers.wait import eventually

CONNECT = bytes.fromhex("10100004 4d515454 0502003c 00 0003 616263".replace(" ", ""))


def publish(topic: str, payload: bytes, packet_id: int = 1) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + packet_id.to_bytes(2, "big") + b"\0" + payload
    length = bytearray()
    left = len(body)
    while True:
        left, digit = left >> 7, left & 0x7F
        length.append(digit | (0x80 if left else 0))
        if not left:
            return b"\x32" + bytes(length) + body


@pytest.fixture
async def echo_port() -> AsyncIterator[int]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    port = free_port()
    async with await asyncio.start_server(echo, LOOPBACK, port):
        yield port


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> "Client":
        return cls(*await asyncio.open_connection(LOOPBACK, port))

    async def ask(self, data: bytes, timeout_s: float = 5.0) -> bytes:
        self.writer.write(data)
        async with asyncio.timeout(timeout_s):
            return await self.reader.readexactly(len(data))

    async def hears(self, count: int, timeout_s: float = 5.0) -> bytes:
        async with asyncio.timeout(timeout_s):
            return await self.reader.readexactly(count)

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


async def test_what_is_sent_arrives_and_a_goodbye_is_passed_on(echo_port: int) -> None:
    async with Proxy(echo_port) as proxy:
        client = await Client.connect(proxy.port)
        assert await client.ask(b"water") == b"water"
        client.writer.write_eof()
        assert await client.reader.read() == b""
        await client.close()
        await eventually(lambda: proxy.open_connections == 0)
        assert proxy.passed_bytes == {UP: 5, DOWN: 5}


async def test_a_stall_holds_back_and_loses_nothing(echo_port: int) -> None:
    async with Proxy(echo_port) as proxy:
        client = await Client.connect(proxy.port)
        assert await client.ask(b"a") == b"a"
        proxy.stall(DOWN)
        with pytest.raises(TimeoutError):
            await client.ask(b"b", timeout_s=0.1)
        assert proxy.passed_bytes[UP] == 2
        proxy.flow(DOWN)
        assert await client.hears(1) == b"b"
        await client.close()


async def test_a_throttle_slows_down(echo_port: int) -> None:
    async with Proxy(echo_port) as proxy:
        client = await Client.connect(proxy.port)
        proxy.throttle(UP, 10_000)
        # The read under way still had no limit.
        assert await client.ask(b"a") == b"a"
        started = time.monotonic()
        assert await client.ask(b"x" * 3_000) == b"x" * 3_000
        assert time.monotonic() - started >= 0.25
        proxy.throttle(UP, None)
        await client.close()


async def test_a_reset_breaks_off_and_takes_new_connections(echo_port: int) -> None:
    async with Proxy(echo_port) as proxy:
        client = await Client.connect(proxy.port)
        assert await client.ask(b"a") == b"a"
        await proxy.reset()
        with pytest.raises(ConnectionResetError):
            await client.ask(b"b")
        await client.close()
        again = await Client.connect(proxy.port)
        assert await again.ask(b"c") == b"c"
        assert proxy.connections == 2
        await again.close()


async def test_refusing_is_refused_until_it_accepts_again(echo_port: int) -> None:
    async with Proxy(echo_port) as proxy:
        client = await Client.connect(proxy.port)
        assert await client.ask(b"a") == b"a"
        await proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await Client.connect(proxy.port)
        await proxy.accept()
        again = await Client.connect(proxy.port)
        assert await again.ask(b"b") == b"b"
        await client.close()
        await again.close()


async def test_a_target_that_is_away_breaks_off() -> None:
    async with Proxy(free_port()) as proxy:
        client = await Client.connect(proxy.port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.hears(1)
        await client.close()


async def test_pubacks_are_swallowed_and_the_rest_goes_on(mosquitto: Mosquitto) -> None:
    async with Proxy(mosquitto.port, mqtt=True) as proxy:
        client = await Client.connect(proxy.port)
        client.writer.write(CONNECT)
        assert (await client.hears(2))[0] >> 4 == PacketType.CONNACK
        await eventually(lambda: proxy.passed_bytes[DOWN] > 2)
        await client.reader.read(1_000)
        proxy.swallow(DOWN, of_type(PacketType.PUBACK))
        client.writer.write(publish("aryk/test", b"lost"))
        await eventually(lambda: proxy.swallowed[PacketType.PUBACK] == 1)
        # A ping's answer shows that nothing but the acknowledgement is missing.
        client.writer.write(b"\xc0\x00")
        assert await client.hears(2) == b"\xd0\x00"
        proxy.swallow(DOWN, None)
        client.writer.write(publish("aryk/test", b"repeated"))
        assert (await client.hears(2))[0] >> 4 == PacketType.PUBACK
        await client.close()


async def test_messages_of_a_topic_are_swallowed(echo_port: int) -> None:
    receipt, reading = publish("aryk/v1/d/g/receipts", b"r"), publish("aryk/v1/d/g/readings", b"x" * 300)
    async with Proxy(echo_port, mqtt=True) as proxy:
        proxy.swallow(DOWN, on_topic("/receipts"))
        client = await Client.connect(proxy.port)
        client.writer.write(receipt + reading)
        assert await client.hears(len(reading)) == reading
        assert proxy.swallowed == {PacketType.PUBLISH: 1}
        await client.close()


@given(
    payloads=st.lists(st.binary(max_size=300), max_size=5),
    cuts=st.lists(st.integers(min_value=1, max_value=200), min_size=1),
)
def test_packets_are_split_wherever_the_stream_is_cut(payloads: list[bytes], cuts: list[int]) -> None:
    sent = [publish("aryk/test", payload) for payload in payloads]
    stream = b"".join(sent)
    found, kept, at, turn = [], b"", 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        packets, kept = split_packets(kept + stream[at : at + size])
        found += packets
        at, turn = at + size, turn + 1
    assert [packet.raw for packet in found] == sent
    assert kept == b""
    assert {packet.topic for packet in found} <= {"aryk/test"}

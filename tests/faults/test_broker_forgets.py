"""A broker with default persistence, or its queue full, or the session expired or taken over: nothing lost."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.faults import logged
from tests.faults.raw_mqtt import RawClient
from tests.faults.world import Options, World
from tests.servers.proxy import DOWN, PacketType, of_type
from tests.servers.wait import eventually

pytestmark = pytest.mark.server

A_WEEK_S = 7 * 86_400


async def test_a_broker_with_default_persistence_forgets_what_it_acknowledged(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.kill("ingest")
        await world.run_for(2.0)
        # It has acknowledged what waits for ingest, and saves every 1800 s.
        await world.kill("broker")
        await world.start("broker")
        await world.start("ingest")
        await world.flowing()
        await world.must_be_whole()


async def test_a_broker_whose_queue_is_full_drops_and_says_success(tmp_path: Path) -> None:
    broker = {"max_queued_messages": 3, "max_inflight_messages": 1}
    async with World(tmp_path, Options(broker=broker)) as world:
        await world.kill("ingest")
        await eventually(lambda: "are being dropped" in world.broker.log_text(), 20.0, "the broker drops messages")
        await world.start("ingest")
        await world.flowing()
        await world.must_be_whole()


async def test_a_session_that_is_gone_when_ingest_returns(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.kill("ingest")
        await world.run_for(1.0)
        # A clean start with no expiry: what the broker does itself when a week is over.
        async with RawClient(world.broker.port, "ingest", clean_start=True, expiry_s=0) as thief:
            await thief.disconnect()
        await world.start("ingest")
        await world.flowing()
        await world.must_be_whole()


async def test_a_session_taken_over_by_another_client(tmp_path: Path) -> None:
    """Somebody with ingest's client id takes its messages, acknowledges them, and forgets them."""
    async with World(tmp_path) as world:
        stolen = 0
        for _ in range(3):
            async with RawClient(world.broker.port, "ingest", clean_start=False, expiry_s=A_WEEK_S) as thief:
                with contextlib.suppress(TimeoutError, ConnectionError):
                    async with asyncio.timeout(1.0):
                        while True:
                            await thief.acknowledge(await thief.next(PacketType.PUBLISH))
                            stolen += 1
        assert stolen
        await world.flowing()
        await world.must_be_whole()


async def test_no_matching_subscribers_is_a_hint_and_moves_nothing(tmp_path: Path) -> None:
    """PUBACK 0x10, which the broker says once ingest's session is gone."""
    async with World(tmp_path) as world:
        await world.receipted()
        await world.kill("ingest")
        async with RawClient(world.broker.port, "ingest", clean_start=True, expiry_s=0) as thief:
            await thief.disconnect()
        before = logged.settled(world.log_path).size
        await eventually(lambda: "rc16)" in world.broker.log_text(), 20.0, "PUBACK with reason 0x10")
        assert logged.settled(world.log_path).size == before
        await world.start("ingest")
        await world.flowing()
        await world.must_be_whole()


async def test_a_puback_is_worth_nothing(tmp_path: Path) -> None:
    """The broker's acknowledgements come while nobody makes readings durable: they settle nothing at the gateway."""
    async with World(tmp_path) as world:
        await world.receipted()
        await world.kill("ingest")
        before = logged.settled(world.log_path).size
        await world.run_for(1.5)
        assert logged.settled(world.log_path).size == before
        world.gateway_link.swallow(DOWN, of_type(PacketType.PUBACK))
        await world.start("ingest")
        await world.flowing()
        world.gateway_link.swallow(DOWN, None)
        await world.must_be_whole()

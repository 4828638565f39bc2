"""Receipt lost, batch repeated, batches out of order: nothing doubled."""

from pathlib import Path

import pytest

from tests.faults import logged
from tests.faults.world import Options, World
from tests.servers.proxy import DOWN, UP, PacketType, of_type, on_topic
from tests.servers.wait import eventually

pytestmark = pytest.mark.server


async def test_receipts_that_never_arrive(tmp_path: Path) -> None:
    # Slow scans: the one probe sent while nobody answers, the newest 200 readings, then holds some that were sent before.
    async with World(tmp_path, Options(interval="500ms")) as world:
        world.gateway_link.swallow(DOWN, on_topic("/receipts"))
        await eventually(lambda: logged.counters(world.spool_path).get("repeated", 0) > 0, 30.0, "batches sent again")
        world.gateway_link.swallow(DOWN, None)
        # The broker sends what was not acknowledged on the next connection, as MQTT has it.
        await world.gateway_link.reset()
        await world.flowing()
        await world.must_be_whole()


async def test_acknowledgements_of_ingest_that_never_arrive(tmp_path: Path) -> None:
    """The broker sends again on the next connection what ingest has spooled already."""
    async with World(tmp_path, Options(store="influxdb")) as world:
        world.ingest_link.swallow(UP, of_type(PacketType.PUBACK))
        await world.run_for(1.5)
        assert world.ingest_link.swallowed[PacketType.PUBACK]
        world.ingest_link.swallow(UP, None)
        await world.ingest_link.reset()
        await world.flowing()
        await world.must_be_whole()
        assert logged.counters(world.spool_path)["repeated"] > 0


async def test_links_that_are_cut_stalled_and_slow(tmp_path: Path) -> None:
    """Newest first, then the backlog: batches arrive out of order, and twice."""
    async with World(tmp_path) as world:
        for link in (world.gateway_link, world.ingest_link):
            await link.reset()
            await world.run_for(0.3)
            link.stall()
            await world.run_for(1.5)
            link.flow()
            link.throttle(UP, 3_000)
            link.throttle(DOWN, 3_000)
            await world.run_for(1.0)
            link.throttle(UP, None)
            link.throttle(DOWN, None)
            await link.refuse()
            await world.run_for(1.0)
            await link.accept()
        await world.flowing()
        await world.must_be_whole()


async def test_a_link_that_takes_nothing_back(tmp_path: Path) -> None:
    """One way only: the gateway hears nothing for longer than a receipt takes."""
    async with World(tmp_path) as world:
        world.gateway_link.stall(DOWN)
        await world.run_for(4.0)
        world.gateway_link.flow(DOWN)
        await world.flowing()
        await world.must_be_whole()

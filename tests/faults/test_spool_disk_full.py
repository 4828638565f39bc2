"""Spool disk full: ingest stops acknowledging and says so; nothing receipted is lost."""

from pathlib import Path

import pytest

from tests.faults import logged
from tests.faults.small_disk import MEGABYTE, mounted_disk
from tests.faults.world import Options, World
from tests.servers.http import RefusedError, request
from tests.servers.wait import eventually

pytestmark = pytest.mark.server


def trouble(world: World) -> str:
    """What the ready page complains of; empty when it is ready."""
    try:
        request(world.ingest.port, "GET", "/readyz")
    except RefusedError as error:
        return error.body
    return ""


async def test_intake_stops_before_the_disk_is_full_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with mounted_disk(tmp_path / "disk", 64) as disk:
        async with World(tmp_path, Options(ingest_state=disk.folder)) as world:
            await eventually(lambda: trouble(world) == "", 10.0, "the ready page has nothing to complain of")
            disk.leave(20 * MEGABYTE)
            said = await eventually(lambda: trouble(world), 10.0, "the ready page says that intake is stopped")
            assert "disk" in said
            await world.run_for(0.5)  # what was under way when intake stopped
            received = logged.counters(world.spool_path)["received"]
            logged_before = logged.last_seq(world.log_path)
            await world.run_for(1.0)
            assert logged.counters(world.spool_path)["received"] == received
            await eventually(lambda: logged.last_seq(world.log_path) > logged_before + 50, 10.0, "sampling goes on")
            assert logged.unsettled(world.log_path, logged.last_seq(world.log_path)) > 50
            disk.free()
            await world.flowing()
            await eventually(lambda: trouble(world) == "", 10.0, "the ready page has nothing to complain of")
            await world.must_be_whole()


async def test_a_disk_that_fills_at_once_under_a_running_and_a_killed_ingest(tmp_path: Path) -> None:
    """Something else takes the last byte, so that commits themselves fail, and then ingest is killed as well."""
    with mounted_disk(tmp_path / "disk", 64) as disk:
        async with World(tmp_path, Options(ingest_state=disk.folder)) as world:
            disk.fill()
            await eventually(lambda: trouble(world), 10.0, "the ready page says that intake is stopped")
            await world.run_for(1.0)
            await world.kill("ingest")
            disk.free()
            await world.start("ingest")
            await world.flowing()
            await world.must_be_whole()

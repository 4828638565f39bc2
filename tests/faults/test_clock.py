"""Gateway clock wrong or not yet synchronised: value held, put right, flagged; no second point under the wrong time."""

import time
from pathlib import Path

import pytest

from tests.faults import logged
from tests.faults.roles import ShiftedGatewayRole
from tests.faults.shifted_gateway import ClockFile
from tests.faults.world import Options, World
from tests.servers.wait import eventually

pytestmark = pytest.mark.server

DAY_S = 86_400.0
TRUE_WITHIN_S = 2.5
"""A wall clock less than 2 s wrong is left as it is; the rest is the scan itself."""


def set_clock(world: World, clock: ClockFile) -> None:
    assert isinstance(world.gateway, ShiftedGatewayRole)
    clock.write(world.gateway.clock_file)


async def assert_times_are_true(world: World, since_s: float) -> None:
    """Every serve stands at one time, and that is near the time at which the instrument served it."""
    earliest_ms, latest_ms = (since_s - TRUE_WITHIN_S) * 1000, (time.time() + TRUE_WITHIN_S) * 1000
    for station in range(world.devices):
        points = world.store.points(*world.counter(station))
        assert points
        for ms in points:
            assert earliest_ms <= ms <= latest_ms, f"{ms} is not within {earliest_ms:.0f} to {latest_ms:.0f}"


async def test_a_clock_days_behind_is_held_until_the_centre_is_reached(tmp_path: Path) -> None:
    began_s = time.time()
    options = Options(shifted_clock=True, start=())
    async with World(tmp_path, options) as world:
        set_clock(world, ClockFile(offset_s=-3 * DAY_S))
        await world.start("gateway")
        await eventually(lambda: logged.last_seq(world.log_path) > 100, 20.0, "readings are logged")
        held = logged.entries(world.log_path)
        assert not any(entry.final for entry in held)
        await world.start("ingest")
        await world.flowing()
        await world.must_be_whole()
        await assert_times_are_true(world, began_s)
        # The time that was logged first is kept beside the one put right.
        by_seq = {entry.seq: entry for entry in logged.entries(world.log_path)}
        assert all(by_seq[entry.seq].original_ms == entry.ms for entry in held if entry.sensor)


async def test_a_clock_that_jumps_while_readings_flow(tmp_path: Path) -> None:
    began_s = time.time()
    async with World(tmp_path, Options(shifted_clock=True)) as world:
        for offset_s in (3600.0, -3600.0, 0.0, 30.0, 0.0):
            set_clock(world, ClockFile(offset_s=offset_s))
            await world.run_for(1.0)
            if offset_s < 0:
                await world.kill_and_restart("gateway")
        await world.flowing()
        await world.must_be_whole()
        await assert_times_are_true(world, began_s)


async def test_a_pause_is_told_as_long_as_it_was_whatever_the_clock_is_set_to_meanwhile(tmp_path: Path) -> None:
    async with World(tmp_path, Options(shifted_clock=True)) as world:
        down_s = 2.0
        # A skew of up to 2 s is taken for synchronised (gateway.times), so the least of these is beyond it.
        for offset_s in (-down_s - 1, 3600.0, -DAY_S, 0.0):
            await world.receipted()
            await world.kill("gateway")
            last = {entry.sensor: entry.ms for entry in logged.entries(world.log_path)}  # the newest of each
            set_clock(world, ClockFile(offset_s=offset_s))
            await world.run_for(down_s)
            await world.start("gateway")
            await world.flowing()
            await world.receipted()
            gaps = [one.body for one in logged.entries(world.log_path) if one.kind == "gap" and one.body is not None]
            told = [body for body in gaps if body["reason"] == "restart"][-world.devices :]
            for body in told:
                assert body["from_ms"] == last[body["sensors"][0]]
                assert 1000 * down_s <= body["to_ms"] - body["from_ms"] <= 1000 * (down_s + 10), body
            assert len({body["sensors"][0] for body in told}) == world.devices
        await world.must_be_whole()


async def test_a_boot_that_ended_without_contact_is_placed_between_its_neighbours(tmp_path: Path) -> None:
    began_s = time.time()
    async with World(tmp_path, Options(shifted_clock=True)) as world:
        await world.receipted()
        known_ms = max(entry.ms for entry in logged.entries(world.log_path))
        # The link is down; the power fails; the machine comes up in 1970 and goes down again; then a good boot.
        await world.gateway_link.refuse()
        await world.kill("gateway")
        lost = ClockFile(offset_s=-time.time() + 100.0, boot="boot-2", booted_s=time.monotonic() - 20.0)
        set_clock(world, lost)
        await world.start("gateway")
        before = logged.last_seq(world.log_path)
        await eventually(lambda: logged.last_seq(world.log_path) > before + 100, 20.0, "readings are logged")
        await world.kill("gateway")
        last_of_boot = logged.last_seq(world.log_path)
        set_clock(world, ClockFile(offset_s=0.0, boot="boot-3", booted_s=time.monotonic() - 20.0))
        await world.start("gateway")
        await world.gateway_link.accept()
        await world.flowing()
        await world.must_be_whole()
        await assert_times_are_true(world, began_s)
        placed = [
            entry for entry in logged.entries(world.log_path) if before < entry.seq <= last_of_boot and entry.sensor
        ]
        assert placed
        assert all(entry.ms > known_ms for entry in placed)
        assert all(entry.flag == 3 for entry in placed if entry.value is not None)

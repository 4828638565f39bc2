"""Gateway disk full: thinned, then dropped, oldest first; a `gap` names what and why."""

import time
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import ManualClock
from gateway.log import Scan, open_log
from gateway.readings import Reading
from gateway.times import Anchor
from simulator.ledger import LedgerReader, State
from tests.faults import logged
from tests.faults.small_disk import MEGABYTE, mounted_disk
from tests.faults.verdict import in_gaps
from tests.faults.world import Options, World
from tests.servers.wait import eventually
from wire.ranges import RangeSet

pytestmark = pytest.mark.server

SLACK_MS = 1_000


def disk_full_gaps(world: World) -> list[dict[str, Any]]:
    bodies = [one.body for one in logged.entries(world.log_path) if one.kind == "gap" and one.body is not None]
    return [body for body in bodies if body.get("reason") == "disk_full"]


async def test_something_else_fills_the_disk(tmp_path: Path) -> None:
    """No scan can be logged for a while: a gap says so, what was logged is safe, and the gateway lives on."""
    with mounted_disk(tmp_path / "disk", 64) as disk:
        options = Options(gateway_state=disk.folder)
        async with World(tmp_path, options) as world:
            await world.receipted()
            disk.fill()
            before = world.served()
            await eventually(lambda: world.served() > before + 12, 20.0, "the instruments are still asked")
            assert world.gateway.running
            disk.free()
            await world.flowing()
            spans = await eventually(lambda: disk_full_gaps(world), 20.0, "a gap says why")
            verdict = await world.settle()
            assert verdict.clean, str(verdict)
            with LedgerReader(world.ledger_path) as ledger:
                unlogged = {one.split()[1] for one in verdict.unlogged}
                for device in ledger.devices():
                    for serve in ledger.serves(device):
                        if serve.state is State.SENT and str(serve.serve) in unlogged:
                            at = serve.requested_ms
                            assert any(
                                span["from_ms"] - SLACK_MS <= at <= span["to_ms"] + SLACK_MS for span in spans
                            ) or at > max(span["to_ms"] for span in spans), f"serve {serve.serve} at {at} in no gap"


async def test_a_log_that_outgrows_its_disk_makes_room_oldest_first(tmp_path: Path) -> None:
    """Days without a link: what cannot be kept is thinned, then dropped, and a gap names it."""
    with mounted_disk(tmp_path / "disk", 64) as disk:
        options = Options(gateway_state=disk.folder, start=())
        async with World(tmp_path, options) as world:
            given = await days_without_a_link(world, days=20)
            disk.leave(14 * MEGABYTE)  # less than the log's reserve of 16 MB
            await world.start("gateway")
            oldest = given[0]

            def made_room() -> bool:
                return not any(one.seq == oldest[1] for one in logged.entries(world.log_path))

            await eventually(made_room, 60.0, "the oldest readings make room")
            await world.start("ingest")
            await world.flowing(120.0)
            await world.settle(120.0)
            gaps = in_gaps(world.store.record_bodies())
            points = world.store.points("level", world.scenario.stations[0].id, "canal-level")
            lost = [
                (epoch, seq) for epoch, seq, ms in given if ms not in points and seq not in gaps.get(epoch, RangeSet())
            ]
            assert not lost, f"{len(lost)} readings are neither stored nor named by a gap: {lost[:5]}"
            dropped = [seq for epoch, seq, ms in given if ms not in points]
            assert dropped
            kept = [seq for epoch, seq, ms in given if ms in points]
            assert not kept or max(dropped) < min(kept), "the oldest go first"
            # What is left of them: hourly values in series of their own, at the same station.
            station, hour_ms = world.scenario.stations[0].id, 3_600_000
            hourly = {
                name: world.store.points("level", station, f"canal-level.hourly_{name}")
                for name in ("mean", "min", "max")
            }
            hours_dropped = {ms - ms % hour_ms for _, _, ms in given if ms not in points}
            assert set(hourly["mean"]) == set(hourly["min"]) == set(hourly["max"])
            assert len(set(hourly["mean"]) & hours_dropped) > 0.9 * len(hours_dropped)
            for ms, (low, _) in hourly["min"].items():
                (mean, flag), (high, _) = hourly["mean"][ms], hourly["max"][ms]
                assert low is not None
                assert mean is not None
                assert high is not None
                assert low <= mean <= high
                assert flag == 1


async def test_a_gateway_that_starts_on_a_full_disk_frees_room_first(tmp_path: Path) -> None:
    """Not one byte is free when it starts: it makes room in its own log, says so, and samples."""
    with mounted_disk(tmp_path / "disk", 64) as disk:
        options = Options(gateway_state=disk.folder)
        async with World(tmp_path, options) as world:
            await world.receipted()
            await world.stop("gateway")
            disk.fill()
            assert disk.free_bytes == 0
            await world.start("gateway")
            await world.flowing()
            assert world.gateway.running
            verdict = await world.settle()
            assert verdict.clean, str(verdict)


async def days_without_a_link(world: World, days: int) -> list[tuple[int, int, int]]:
    """Fill the gateway's log with a reading of one sensor each minute, up to now; epoch, number and time of each."""
    clock = ManualClock(ms=round(time.time() * 1000) - days * 86_400_000)
    given = []
    async with open_log(world.gateway_state, world.gateway_id, clock) as log:
        for number in range(days * 1440 - 1):
            clock.advance(60.0)
            now = clock.now()
            log.anchor = Anchor(clock.boot, now.ms - now.boot_ns // 1_000_000, now.boot_ns, 0.0, 0)
            commit = await log.append(Scan(now, (Reading("canal-level", "level", "m", 1.0 + number / 1e6, 1),)))
            given.append((log.epoch, commit.first, now.ms))
    return given

"""Database away for hours, then back: nothing lost, memory stays flat, the backlog drains in order.

Here a minute of it; `make soak` has ten.
"""

from pathlib import Path

import pytest

from tests.faults.soak import soak
from tests.faults.world import Options, World

pytestmark = pytest.mark.server


async def test_away_at_two_thousand_readings_a_second_with_flat_memory(tmp_path: Path) -> None:
    out = await soak(tmp_path, warm_s=5.0, away_s=30.0, after_s=15.0)
    assert not out.complaints, f"{out.complaints}; {out}"
    assert out.waiting_readings > 10_000, "a busy machine slows the fleet down, but not so much"


async def test_away_while_the_others_are_killed(tmp_path: Path) -> None:
    async with World(tmp_path, Options(store="influxdb")) as world:
        await world.kill("database")
        for victim in ("ingest", "gateway", "broker", "ingest"):
            await world.run_for(0.5)
            await world.kill_and_restart(victim)
        await world.start("database")
        await world.flowing()
        await world.must_be_whole()

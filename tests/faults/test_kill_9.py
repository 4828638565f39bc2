"""`kill -9` of gateway, broker, ingest or database, at any moment, repeated: nothing lost, nothing doubled."""

import random
from pathlib import Path
from typing import Literal

import pytest

from tests.faults.world import Options, World, at_random_moments

pytestmark = pytest.mark.server


@pytest.mark.parametrize("victim", ["gateway", "ingest", "broker"])
async def test_one_process_is_killed_again_and_again(tmp_path: Path, victim: str) -> None:
    async with World(tmp_path) as world:

        async def strike(dice: random.Random) -> None:
            await world.kill_and_restart(victim, dice.random() * 0.3)

        await at_random_moments(seed=4, times=6, strike=strike)
        await world.flowing()
        await world.must_be_whole()


async def test_the_database_is_killed_again_and_again(tmp_path: Path) -> None:
    async with World(tmp_path, Options(store="influxdb")) as world:

        async def strike(dice: random.Random) -> None:
            await world.kill_and_restart("database", dice.random() * 0.3)

        await at_random_moments(seed=5, times=4, strike=strike)
        await world.flowing()
        await world.must_be_whole()


@pytest.mark.parametrize("store", ["embedded", "influxdb"])
async def test_all_of_them_are_killed_two_at_a_time(tmp_path: Path, store: Literal["embedded", "influxdb"]) -> None:
    async with World(tmp_path, Options(store=store)) as world:

        async def strike(dice: random.Random) -> None:
            victims = dice.sample(sorted(world.victims()), 2)
            for victim in victims:
                await world.kill(victim)
            for victim in victims:
                await world.start(victim)

        await at_random_moments(seed=6, times=5, strike=strike)
        await world.flowing()
        await world.must_be_whole()

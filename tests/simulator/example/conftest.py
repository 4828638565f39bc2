import pytest

from hydrology.registry import Registry
from simulator.example import Water, always_july
from simulator.example.levels import Levels
from simulator.example.registry import example_registry
from simulator.physics.clock import local_day

SOME_DAY = local_day(1_795_400_123.4)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return example_registry()


@pytest.fixture(scope="session")
def water(registry: Registry) -> Water:
    return Water(registry, always_july(registry, 1), 1)


@pytest.fixture(scope="session")
def levels(registry: Registry, water: Water) -> Levels:
    return Levels(registry, water, 1)

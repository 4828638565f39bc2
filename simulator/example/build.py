"""Builds the scenario of the example system."""

from collections.abc import Callable

from hydrology.registry import Registry
from simulator.example.climate import Climate, always_july
from simulator.example.levels import Levels
from simulator.example.stations import station_plan
from simulator.example.water import Water
from simulator.physics.noise import stream
from simulator.scenario.parts import Scenario


def build_example(
    registry: Registry, seed: int = 1, climate: Callable[[Registry, int], Climate] = always_july
) -> Scenario:
    """The example system of this registry as instruments. The same seed gives the same water, today and tomorrow."""
    water = Water(registry, climate(registry, stream(seed, "climate")), seed)
    levels = Levels(registry, water, stream(seed, "levels"))
    ((district, its),) = registry.districts.items()
    return Scenario(
        seed=seed,
        district=district,
        district_name=its.name,
        timezone=its.timezone,
        gateway=registry.gateways[0].id,
        gateway_name=registry.gateways[0].name,
        stations=tuple(
            station_plan(station, levels, seed, station.sensors[0].gateway) for station in registry.stations
        ),
    )

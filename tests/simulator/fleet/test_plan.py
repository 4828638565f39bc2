from pathlib import Path

import pytest
from pydantic import ValidationError

from hydrology.load import load_registry
from simulator.fleet import FleetPlan, fleet_registry
from simulator.settings import FleetSettings
from simulator.toml_text import toml_text


def test_the_registry_knows_the_fleet(tmp_path: Path) -> None:
    plan = FleetPlan(FleetSettings(gateways=30, sensors=12, districts=3, interval=60))
    path = tmp_path / "registry.toml"
    path.write_text(toml_text(fleet_registry(plan)))
    registry = load_registry(path)
    assert registry.district_of_gateway() == {gateway.id: gateway.district for gateway in plan.gateways}
    assert sorted(registry.districts) == ["fleet-1", "fleet-2", "fleet-3"]
    sensors = registry.sensors_by_gateway()["fleet-00030"]
    assert {key: (one.quantity, one.unit) for key, (_, one) in sensors.items()} == {
        one.id: (one.quantity, one.unit) for one in plan.sensors
    }
    assert len(sensors) == 12


def test_the_same_seed_gives_the_same_values_and_gateways_differ() -> None:
    plan, again = (FleetPlan(FleetSettings(gateways=3)) for _ in range(2))
    other = FleetPlan(FleetSettings(gateways=3, seed=2))
    first, second = plan.gateways[:2]
    assert plan.values(first, 1_795_400_000_000) == again.values(first, 1_795_400_000_000)
    assert plan.values(first, 1_795_400_000_000) != other.values(first, 1_795_400_000_000)
    assert plan.values(first, 1_795_400_000_000) != plan.values(second, 1_795_400_000_000)
    assert all(value > 0 for value in plan.values(first, 1_795_400_000_000))


def test_a_rate_stretches_the_interval() -> None:
    assert FleetPlan(FleetSettings(gateways=1000, sensors=3, interval=10)).rate == 300.0
    slowed = FleetPlan(FleetSettings(gateways=1000, sensors=3, interval=1, rate=2000))
    assert (slowed.rate, slowed.interval_s) == (2000.0, 1.5)
    assert FleetPlan(FleetSettings(gateways=10, sensors=3, interval=10, rate=2000)).interval_s == 10.0


def test_a_batch_that_would_be_too_large_is_refused() -> None:
    with pytest.raises(ValidationError, match="at most 20000"):
        FleetSettings(sensors=1000, scans_a_message=21)

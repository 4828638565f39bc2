import tomllib
from pathlib import Path

import pytest

from gateway.settings import load_settings
from hydrology.load import load_registry
from hydrology.registry import Registry
from simulator.config import write_config
from simulator.devices.emulator import Addresses
from simulator.example import build_example
from simulator.example.derived import Derived
from simulator.example.registry import FOLDER, registry_texts, without_ice
from simulator.history import write_history
from simulator.scenario.parts import Scenario
from store.memory import MemoryStore
from store.points import SeriesKey

NOW = 1_795_400_123.4


@pytest.fixture(scope="module")
def scenario(registry: Registry) -> Scenario:
    return build_example(registry, 1)


def test_every_station_and_sensor_of_the_registry_is_there(registry: Registry, scenario: Scenario) -> None:
    known = {(station.id, sensor.id, sensor.quantity) for station in registry.stations for sensor in station.sensors}
    made = {
        (station.id, sensor.id, sensor.quantity)
        for station in scenario.stations
        for sensor in station.sensors
        if not sensor.counts_serves
    }
    assert made == known
    assert set(scenario.gateways) == {gateway.id for gateway in registry.gateways}


def test_gateways_and_registry_that_are_written_fit_together(tmp_path: Path, scenario: Scenario) -> None:
    *gateways, folder = write_config(tmp_path, scenario, Addresses(port=5020), interval="15s")
    registry = load_registry(folder)
    known = registry.sensors_by_gateway()
    units: dict[str, int] = {}
    for path in gateways:
        settings = load_settings(path)
        polled = {sensor.id: sensor for device in settings.devices for sensor in device.sensors}
        assert polled.keys() == known[settings.id].keys()
        units |= {device.id: device.unit_id for device in settings.devices}
        for sensor_id, (_, sensor) in known[settings.id].items():
            assert (sensor.quantity, sensor.unit, sensor.interval) == (sensor.quantity, polled[sensor_id].unit, 15.0)
    assert len(gateways) == len(known) == 7
    assert sorted(units.values()) == list(range(1, 17)), "one device a station"


def test_the_copy_of_the_registry_differs_in_what_it_must_and_no_more() -> None:
    texts = registry_texts("15s")
    assert set(texts) == {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.toml")}
    old = tomllib.loads((FOLDER / "stations" / "river-bridge.toml").read_text())
    new = tomllib.loads(texts["stations/river-bridge.toml"])
    assert new["sensors"].pop()["quantity"] == "count"
    rate = old["sensors"][0]["quality"].pop("rate_per_hour")
    assert new["sensors"][0]["quality"].pop("rate_per_hour") == pytest.approx(60 * rate)
    del old["ratings"][0]["ice_months"]
    for sensor in (*old["sensors"], *new["sensors"]):
        del sensor["interval"]
    assert new == old
    assert texts["users.toml"] == (FOLDER / "users.toml").read_text()


def test_a_calibrated_instrument_is_off_by_what_the_gateway_puts_right(scenario: Scenario) -> None:
    bridge = next(station for station in scenario.stations if station.id == "river-bridge")
    level = next(sensor for sensor in bridge.sensors if sensor.id == "bridge-level")
    assert level.form.offset == -0.012
    number = level.form.number(1.8)
    assert number == 1812
    assert level.form.value(number) == 1.8
    assert (level.calibration, level.said.value(number)) == ((1.0, -0.012), 1.812)


async def test_its_past_keeps_what_the_instrument_said(scenario: Scenario) -> None:
    store = MemoryStore()
    await write_history(store, scenario, NOW, days=0.01, step_s=120.0)
    points = store.series[SeriesKey("level", "river-bridge", "bridge-level")].values()
    assert points
    assert all(one.raw is not None and one.value is not None for one in points)
    assert all(round((one.raw or 0) - (one.value or 0), 9) == 0.012 for one in points)


async def test_the_past_has_readings_and_discharges_and_ends_where_live_values_begin(
    registry: Registry, scenario: Scenario
) -> None:
    store = MemoryStore()
    await write_history(store, scenario, NOW, days=0.2, step_s=120.0, derive=Derived(registry).of)
    found = {(key.station, key.sensor) for key in store.series if key.quantity == "discharge"}
    derived = {(station.id, series) for station in registry.stations for series in station.discharges()}
    assert found >= derived | {("power-house", "turbine-discharge")}
    depths = {key.station for key in store.series if key.quantity == "depth_to_water"}
    assert depths == {"well-north", "well-south"}, "the south one by the north one's barometer"
    for key, points in store.series.items():
        assert len(points) == 144, key
        values = [points[time_ms].value for time_ms in sorted(points)]
        if key.quantity == "level":
            now = scenario.values(NOW)[key.sensor]
            assert values[-1] == pytest.approx(now, abs=0.05), key


async def test_in_january_the_past_s_river_is_not_under_ice(registry: Registry) -> None:
    assert any(rating.ice_months for station in registry.stations for rating in station.ratings)
    warm = without_ice(registry)
    january = 1_800_000_000.0
    store = MemoryStore()
    await write_history(store, build_example(warm, 1), january, days=0.05, step_s=600.0, derive=Derived(warm).of)
    river = next(points for key, points in store.series.items() if key[1:] == ("river-bridge", "discharge"))
    assert {point.flag for point in river.values()} == {1}

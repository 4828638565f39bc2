"""What the gauges show is what the ratings make of the water, and the other way round."""

from datetime import UTC, datetime

import pytest

from hydrology.registry import Registry
from hydrology.wells import Well, well_level
from simulator.example import Water
from simulator.example.derived import Derived
from simulator.example.inverse import Stage
from simulator.example.levels import Levels
from simulator.example.routing import GRID_S
from simulator.example.water import NODES
from simulator.physics.clock import day_start
from tests.simulator.example.conftest import SOME_DAY

SERIES = {
    ("river-bridge", "discharge"): "river-bridge",
    ("river-below", "discharge"): "river-below",
    ("canal-head", "discharge"): "canal-head",
    ("canal-km8", "discharge"): "canal-km8",
    ("canal-km17", "discharge"): "canal-km17",
    ("canal-tail", "discharge"): "canal-tail",
    ("reservoir", "outlet"): "reservoir/outlet",
    ("reservoir", "spillway"): "reservoir/spillway",
    **{(f"turnout-{one}", "discharge"): f"turnout-{one}" for one in "abcdef"},
}


def test_ratings_give_the_flows_back_from_the_levels(registry: Registry, water: Water, levels: Levels) -> None:
    derived = Derived(registry)
    flows, gauges = water.day(SOME_DAY), levels.day(SOME_DAY)
    times = [day_start(SOME_DAY) + n * GRID_S for n in range(NODES + 1)]
    found = {}
    readings = {
        (station.id, sensor.id): gauges[sensor.id]
        for station in registry.stations
        for sensor in station.sensors
        if sensor.id in gauges
    }
    for points in derived.of(times, readings):
        if (points.key.station, points.key.sensor) in SERIES:
            found[points.key.station, points.key.sensor] = points
    assert found.keys() == SERIES.keys()
    for series, name in SERIES.items():
        points = found[series]
        assert set(points.flag) <= {1, 3}, series
        for value, true in zip(points.value, flows[name], strict=True):
            assert value == pytest.approx(true, rel=2e-3, abs=2e-3), series


def test_every_reading_is_within_its_sensor_s_span(registry: Registry, levels: Levels) -> None:
    for day in range(SOME_DAY, SOME_DAY + 40, 10):
        columns = levels.day(day)
        for station in registry.stations:
            for sensor in station.sensors:
                if sensor.id in columns and sensor.span is not None:
                    low, high = sensor.span
                    assert low <= min(columns[sensor.id]), sensor.id
                    assert max(columns[sensor.id]) <= high, sensor.id


def test_gates_move(levels: Levels) -> None:
    columns = levels.day(SOME_DAY)
    for gate in ("head-opening", "km8-opening", "km17-opening", "outlet-gate"):
        assert max(columns[gate]) - min(columns[gate]) > 0.01, gate


def test_thresholds_are_crossed_now_and_then(registry: Registry, water: Water, levels: Levels) -> None:
    """In forty days: some of them, and not most of the time."""
    actions = {sensor.id: sensor.thresholds.action for station in registry.stations for sensor in station.sensors}
    tail = Stage(next(one for one in registry.stations if one.id == "canal-tail"), "discharge", "Asia/Almaty", 1.5)
    noon = datetime(2026, 11, 20, tzinfo=UTC)
    days = [water.day(day) for day in range(SOME_DAY, SOME_DAY + 40)]
    seen = {
        "dam-level": [water.level_m(volume) for day in days for volume in day["volume"][::20]],
        "tail-level": [tail.stage_m(flow, noon) for day in days for flow in day["canal-tail"][::20]],
    }
    for sensor, values in seen.items():
        action = actions[sensor]
        assert action is not None
        assert 0.0 < sum(value >= action for value in values) / len(values) < 0.6, sensor


def test_the_well_s_depth_comes_back_without_the_barometer(registry: Registry, levels: Levels) -> None:
    columns = levels.day(SOME_DAY)
    station = next(one for one in registry.stations if one.id == "well-north")
    assert station.well is not None
    well = Well(station.well.cable_m, station.well.measuring_point_m)
    depths = [
        well_level(well, absolute, air).depth_to_water_m
        for absolute, air in zip(columns["north-pressure"], columns["north-barometer"], strict=True)
    ]
    assert all(depth is not None and 5.5 < depth < 7.0 for depth in depths)
    assert max(columns["north-barometer"]) - min(columns["north-barometer"]) > 60.0


def test_a_calibrated_sensor_s_stage_follows_the_shift_in_force(registry: Registry) -> None:
    station = next(one for one in registry.stations if one.id == "river-bridge")
    stage = Stage(station, "discharge", "Asia/Almaty", 7.0)
    before, shifted = (stage.stage_m(6.0, datetime(2026, month, 15, tzinfo=UTC)) for month in (4, 5))
    # A shift adds to the stage: the same flow is read lower.
    assert 0.005 < before - shifted < 0.03

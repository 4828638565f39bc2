import pytest

from simulator.scenario import build_scenario

NOW = 1_795_400_000.0


def test_the_same_seed_gives_the_same_water() -> None:
    assert build_scenario(7).values(NOW) == build_scenario(7).values(NOW)
    assert build_scenario(7).values(NOW) != build_scenario(8).values(NOW)


@pytest.mark.parametrize("canals", [1, 3])
def test_every_sensor_has_a_value_but_the_counters(canals: int) -> None:
    scenario = build_scenario(1, canals)
    sensors = [sensor for station in scenario.stations for sensor in station.sensors]
    assert len({sensor.id for sensor in sensors}) == len(sensors)
    assert set(scenario.values(NOW)) == {sensor.id for sensor in sensors if not sensor.counts_serves}
    assert sum(sensor.counts_serves for sensor in sensors) == len(scenario.stations) == canals + 1


@pytest.mark.parametrize("canals", [0, 21])
def test_too_few_or_too_many_canals(canals: int) -> None:
    with pytest.raises(ValueError, match="1 to 20"):
        build_scenario(1, canals)


def test_levels_are_seen_in_whole_millimetres() -> None:
    values = build_scenario(1).values(NOW)
    for sensor in ("canal-level", "reservoir-level"):
        assert values[sensor] * 1000.0 == pytest.approx(round(values[sensor] * 1000.0), abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_a_minute_shows_movement(seed: int) -> None:
    scenario = build_scenario(seed)
    rows = [scenario.values(NOW + 2.0 * n) for n in range(30)]
    for sensor in ("canal-level", "canal-discharge", "reservoir-level"):
        assert len({row[sensor] for row in rows}) > 5
    assert max(row["canal-level"] for row in rows) - min(row["canal-level"] for row in rows) < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_levels_are_above_the_action_level_at_times(seed: int) -> None:
    scenario = build_scenario(seed)
    action = {
        sensor.id: sensor.thresholds["action"]
        for station in scenario.stations
        for sensor in station.sensors
        if "action" in sensor.thresholds
    }
    assert set(action) == {"canal-level", "reservoir-level"}
    rows = [scenario.values(NOW + 3_600.0 * n) for n in range(24 * 20)]
    for sensor, level in action.items():
        above = sum(row[sensor] >= level for row in rows) / len(rows)
        assert 0.005 < above < 0.6, (sensor, above)

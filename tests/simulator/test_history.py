import pytest

from simulator.history import HistoryError, write_history
from simulator.scenario import build_scenario
from store.memory import MemoryStore
from store.points import SeriesKey

NOW = 1_795_400_123.4


async def test_a_week_in_ten_minute_steps_up_to_now() -> None:
    store, scenario = MemoryStore(), build_scenario(1)
    written = await write_history(store, scenario, NOW)
    assert written == store.rows() == 11 * 7 * 144
    times = sorted(store.series[SeriesKey("level", "aksu-canal", "canal-level")])
    assert times[-1] < NOW * 1000.0 <= times[-1] + 600_000
    assert all(time_ms % 600_000 == 0 for time_ms in times)
    assert not any(key.quantity == "count" for key in store.series), "nothing was served"


async def test_history_and_live_values_are_one_curve() -> None:
    store, scenario = MemoryStore(), build_scenario(1)
    await write_history(store, scenario, NOW, days=0.1)
    points = store.series[SeriesKey("discharge", "aksu-reservoir", "reservoir-release")]
    for time_ms, point in points.items():
        assert point.value == pytest.approx(scenario.values(time_ms / 1000.0)["reservoir-release"], abs=1e-6)


async def test_written_twice_it_changes_nothing() -> None:
    store, scenario = MemoryStore(), build_scenario(1)
    await write_history(store, scenario, NOW, days=1)
    before = {key: dict(points) for key, points in store.series.items()}
    await write_history(store, scenario, NOW, days=1)
    assert store.series == before


async def test_a_refusal_is_told() -> None:
    store = MemoryStore()
    store.refuse_if = lambda points, row: "older than the retention" if row == 0 else None
    with pytest.raises(HistoryError, match="older than the retention"):
        await write_history(store, build_scenario(1), NOW, days=1)

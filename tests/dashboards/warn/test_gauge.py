import pytest

from dashboards.warn.gauge import gauge_state, gauges
from dashboards.warn.readings import read_states
from hydrology.registry import Registry
from hydrology.warnings import Condition, LevelName
from store.memory import MemoryStore
from store.points import SeriesKey, SeriesPoints
from tests.dashboards.report.district import example
from tests.dashboards.warn.gauges import AT, AT_MS, QUARTER_MS, bridge, rising, with_thresholds


def test_the_levels_with_thresholds_are_gauges() -> None:
    found = {one.station.id: [t.name for t in one.thresholds] for one in gauges(example())}
    assert found["river-bridge"] == ["action", "minor", "adverse", "moderate", "dangerous", "major"]
    assert "turnout-a" not in found
    assert gauges(example(), "no-such-station") == []


def test_a_rise_of_5_cm_an_hour_reaches_a_threshold_70_cm_above_in_14_hours() -> None:
    # The reference's example: T - h = 8.50 - 7.80 m at .05 m/h.
    state = gauge_state(bridge(), rising(2.10, 0.05), AT_MS)
    assert state.status.condition is Condition.NORMAL
    assert state.next is not None
    assert state.next.name is LevelName.ACTION
    assert state.ahead is not None
    assert state.ahead.hours is not None
    assert state.ahead.hours == pytest.approx(14.0, abs=0.5)
    assert state.ahead.earliest_h is not None
    assert state.ahead.latest_h is not None
    assert state.ahead.earliest_h <= state.ahead.hours <= state.ahead.latest_h
    assert "not a forecast" in state.ahead.label
    assert state.change_24h == pytest.approx(1.2, abs=0.02)


def test_unknown_is_not_safe_and_remembers_what_was_raised() -> None:
    rows = rising(3.5, 0.05)
    fresh = gauge_state(bridge(), rows, AT_MS)
    assert fresh.status.condition is Condition.RAISED
    assert fresh.status.level is LevelName.MINOR
    stale = gauge_state(bridge(), rows, AT_MS + 2 * QUARTER_MS + 1)
    assert stale.status.condition is Condition.UNKNOWN
    assert stale.status.level is LevelName.MINOR
    assert stale.ahead is None
    assert stale.trend is None
    never = gauge_state(bridge(), [], AT_MS)
    assert never.status.condition is Condition.UNKNOWN
    assert never.age_s is None


def test_failed_readings_do_not_keep_a_gauge_known_and_suspect_ones_alarm() -> None:
    rows = [*rising(1.0, 0.0, until_ms=AT_MS - 4 * QUARTER_MS), (AT_MS, 1.0, 4)]
    assert gauge_state(bridge(), rows, AT_MS).status.condition is Condition.UNKNOWN
    peak = [(t, v, 3) for t, v, _ in rising(5.2, 0.1)]
    assert gauge_state(bridge(), peak, AT_MS).status.level is LevelName.MAJOR


def test_a_reading_from_the_future_says_nothing_about_now() -> None:
    rows = [*rising(1.0, 0.0), (AT_MS + 60_000, 9.0, 1)]
    state = gauge_state(bridge(), rows, AT_MS)
    assert state.value == 1.0
    assert state.status.condition is Condition.NORMAL


def test_low_is_said_only_of_a_known_gauge() -> None:
    below = gauges(example(), "river-below")[0]
    assert gauge_state(below, rising(0.2, 0.0), AT_MS).low
    assert not gauge_state(below, rising(0.2, 0.0), AT_MS + 10 * QUARTER_MS).low


def test_thresholds_of_any_quantity_are_judged() -> None:
    flow = gauge_state(with_thresholds("discharge", "m3/s"), rising(130.0, 2.0), AT_MS)
    assert flow.status.level is LevelName.MINOR
    assert flow.next is not None
    assert flow.ahead is not None
    assert flow.gauge.shown.number(flow.value) == "130.000"
    rain = gauge_state(with_thresholds("rain", "mm"), rising(130.0, 2.0), AT_MS)
    assert rain.status.level is LevelName.MINOR
    assert (rain.trend, rain.ahead, rain.change_24h) == (None, None, None), "an interval's rain does not rise on"


async def test_a_discharge_is_read_as_one() -> None:
    store = MemoryStore()
    rows = rising(130.0, 2.0)
    gauge = with_thresholds("discharge", "m3/s")
    key = SeriesKey("discharge", "weir", gauge.sensor.id)
    await store.write([SeriesPoints(key, [t for t, _, _ in rows], [v for _, v, _ in rows], [f for _, _, f in rows])])
    (state,) = await read_states(store, [gauge], AT)
    assert state.status.condition is Condition.RAISED


async def test_states_come_from_the_store() -> None:
    store = MemoryStore()
    rows = rising(3.5, 0.05)
    key = SeriesKey("level", "river-bridge", "bridge-level")
    await store.write([SeriesPoints(key, [t for t, _, _ in rows], [v for _, v, _ in rows], [f for _, _, f in rows])])
    found = {one.gauge.station.id: one for one in await read_states(store, gauges(example()), AT)}
    assert found["river-bridge"].status.condition is Condition.RAISED
    assert found["canal-head"].status.condition is Condition.UNKNOWN


def with_neighbour() -> Registry:
    """The bridge, which the gauge below the dam confirms."""
    document = example().model_dump(exclude_unset=True)
    bridge = next(one for one in document["stations"] if one["id"] == "river-bridge")
    near = {
        "station": "river-below",
        "sensor": "below-level",
        "suspect": 1.0,
        "fail": 2.0,
        "max_age": "1h",
        "offset": 1.0,
    }
    bridge["sensors"][0]["quality"]["neighbour"] = near
    return Registry.model_validate(document)


async def test_a_neighbour_confirms_one_reading_here_as_it_does_in_ingest() -> None:
    registry = with_neighbour()
    below = registry.stations[[one.id for one in registry.stations].index("river-below")]
    action = below.sensors[0].thresholds.action
    assert action is not None
    store = MemoryStore()
    rows = [*rising(1.0, 0.0, until_ms=AT_MS - QUARTER_MS), (AT_MS, 2.9, 1)]
    key = SeriesKey("level", "river-bridge", "bridge-level")
    await store.write([SeriesPoints(key, [t for t, _, _ in rows], [v for _, v, _ in rows], [f for _, _, f in rows])])
    (before,) = await read_states(store, gauges(registry, "river-bridge"), AT)
    assert before.status.condition is Condition.NORMAL
    near = SeriesKey("level", "river-below", "below-level")
    await store.write([SeriesPoints(near, [AT_MS - 60_000], [action + 0.01], [1])])
    (after,) = await read_states(store, gauges(registry, "river-bridge"), AT)
    assert after.status.level is LevelName.ACTION


async def test_an_alarm_raised_weeks_ago_is_known_while_the_water_stays_in_the_hysteresis() -> None:
    store = MemoryStore()
    rows = [*rising(2.9, 0.0, hours=1, until_ms=AT_MS - 20 * 96 * QUARTER_MS), *rising(2.78, 0.0, hours=20 * 24 - 1)]
    key = SeriesKey("level", "river-bridge", "bridge-level")
    await store.write([SeriesPoints(key, [t for t, _, _ in rows], [v for _, v, _ in rows], [f for _, _, f in rows])])
    (state,) = await read_states(store, gauges(example(), "river-bridge"), AT)
    assert state.status.level is LevelName.ACTION

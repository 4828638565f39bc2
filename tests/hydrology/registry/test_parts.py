"""Users' plans, thresholds, quality rules, structures and topology as the registry's tables give them."""

from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hydrology.calculator import STRUCTURES
from hydrology.quality import SeriesJudge
from hydrology.registry import Canal, Heads, Limit, LimitPeriod, Link, Plan, Sensor, Thresholds, Topology, edges
from hydrology.registry.topology import broken_chain
from hydrology.warnings.thresholds import GaugeAlarm, LevelName
from wire.flags import Flag


@pytest.mark.parametrize(("zone", "hm3"), [("Asia/Oral", 0.9720), ("Asia/Almaty", 0.9765)])
def test_a_planned_decade_is_as_long_as_its_local_days(zone: str, hm3: float) -> None:
    plan = Plan(year=2024, feb=(0.0, 0.0, 1.25))
    assert plan.volume_m3(2, 3, zone) == pytest.approx(hm3 * 1e6)


def test_a_plan_speaks_of_its_own_year_and_months() -> None:
    plan = Plan(year=2026, apr=(0.1, 0.2, 0.3))
    assert [plan.flow_m3s(date(2026, 4, day)) for day in (10, 11, 30)] == [0.1, 0.2, 0.3]
    assert plan.flow_m3s(date(2025, 4, 10)) == plan.flow_m3s(date(2026, 5, 1)) == 0


@pytest.mark.parametrize(
    ("season", "days"),
    [(LimitPeriod.GROWING, 183), (LimitPeriod.OTHER, 182), (LimitPeriod.HYDROLOGICAL_YEAR, 365)],
)
def test_a_limits_period(season: LimitPeriod, days: int) -> None:
    assert Limit(year=2026, season=season, volume_hm3=1).period("Asia/Almaty").seconds == days * 86400


@pytest.mark.parametrize(
    "levels",
    [{"low": 2, "action": 1}, {"minor": 2, "moderate": 1}, {"adverse": 3, "dangerous": 2}, {"action": float("nan")}],
)
def test_thresholds_that_do_not_rise(levels: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Thresholds.model_validate(levels)


def test_the_two_scales_may_cross() -> None:
    levels = {"action": 2.8, "major": 5.1, "adverse": 3.8, "dangerous": 4.6}
    sensor = Sensor(id="s", gateway="g", quantity="level", unit="m", thresholds=Thresholds.model_validate(levels))
    alarm = GaugeAlarm(sensor.alarm_levels(), 3600)
    for minute in range(2):
        alarm.feed(minute * 60_000, 4.0)
    assert alarm.status(60_000).level is LevelName.ADVERSE


def test_a_sensors_tests_are_the_engines() -> None:
    quality = {
        "range": [0, 5],
        "rate_per_hour": 0.603,
        "flat": {"suspect": "1h", "fail": "4h"},
        "seasons": [{"months": [12, 2], "range": [0, 2]}],
        "counter": {"modulus": 65536, "max_per_hour": 60},
    }
    document = {"id": "s", "gateway": "g", "quantity": "level", "unit": "m", "span": [-0.5, 10], "resolution": 0.001}
    rules = Sensor.model_validate(document | {"quality": quality}).rules("Asia/Almaty")
    assert rules.flat is not None
    assert (rules.fail_span, rules.flat.fail_s) == ((-0.5, 10.0), 14400.0)
    assert rules.flat.tolerance == pytest.approx(0.00101)
    assert rules.rate_per_s == pytest.approx(0.1005 / 600)
    assert rules.counter is not None
    assert rules.counter.max_per_s == pytest.approx(1 / 60)
    judge = SeriesJudge(rules)
    flags = [judge.judge(n * 600_000, value).flag for n, value in enumerate((1.0, 1.05, 12.0))]
    assert flags == [Flag.PASS, Flag.PASS, Flag.FAIL]
    with pytest.raises(ValidationError, match=r"quality\.flat needs a tolerance"):
        Sensor.model_validate(document | {"quality": quality, "resolution": None})


EXAMPLES: dict[str, tuple[dict[str, Any], Heads, float]] = {
    "rectangular_weir": ({"width_m": 1, "channel_m": 2, "height_m": 0.5}, Heads(0.25), 0.22235),
    "francis_weir": ({"width_m": 1.2192}, Heads(0.18288), 6.005 * 0.0283168),
    "cipolletti_weir": ({"width_m": 1.2192}, Heads(0.18288), 6.259 * 0.0283168),
    "v_notch_weir": ({"height_m": 0.95, "channel_m": 1.9}, Heads(0.2), 0.024686),
    "broad_crested_weir": (
        {"width_m": 1, "length_m": 1.5, "height_m": 1, "channel_m": 1},
        Heads(0.4),
        0.42768,
    ),
    "long_throated_flume": (
        {"throat_bottom_m": 1, "length_m": 1.5, "sill_m": 1, "channel_bottom_m": 1},
        Heads(0.4),
        0.42768,
    ),
    "parshall_flume": ({"size": "9in"}, Heads(0.3), 0.08485),
    "sluice_gate": ({"width_m": 2}, Heads(1.5, 1.2, 0.3), 0.97676),
    "radial_gate": ({"width_m": 2, "table": [[0.1, 0.57677], [0.3, 0.57677]]}, Heads(1.5, 0.0, 0.3), 1.8774),
    "ogee_spillway": ({"length_m": 10, "design_head_m": 1.5}, Heads(1.2), 27.90),
    "gated_spillway": ({"width_m": 10, "design_head_m": 1.5}, Heads(1.2, None, 2.0), 27.90),
    "bottom_outlet": ({"area_m2": 0.2}, Heads(1.15, 1.0), 0.20929),
    "index_velocity": (
        {"a": 0.03, "b": 0.88, "bottom_m": 4, "slope": 1.5},
        Heads(1.6, None, None, 0.95),
        8.8678,
    ),
}


@pytest.mark.parametrize("kind", STRUCTURES)
def test_each_kind_of_structure_answers_as_the_reference(kind: str) -> None:
    keys, heads, expected = EXAMPLES[kind]
    answer = STRUCTURES[kind].model_validate({"kind": kind, **keys}).law()(heads)
    assert answer.value_m3s == pytest.approx(expected, rel=1.5e-3)


@pytest.mark.parametrize("kind", sorted(set(STRUCTURES) - {"index_velocity"}))
@given(head=st.floats(0.01, 2.0), more=st.floats(0.0, 0.5))
def test_a_rising_head_never_lowers_a_free_discharge(kind: str, head: float, more: float) -> None:
    keys, heads, _ = EXAMPLES[kind]
    law = STRUCTURES[kind].model_validate({"kind": kind, **keys}).law()
    opening = None if heads.opening_m is None else 0.2
    tail = 0.0 if "gate" in kind else None
    low, high = (law(Heads(h, tail, opening)).value_m3s for h in (head, head + more))
    if low is not None and high is not None:
        assert high >= low * (1 - 1e-9)


@pytest.mark.parametrize("kind", ["ogee_spillway", "gated_spillway"])
def test_tailwater_above_a_spillways_crest_makes_an_upper_bound(kind: str) -> None:
    keys, heads, expected = EXAMPLES[kind]
    law = STRUCTURES[kind].model_validate({"kind": kind, **keys}).law()
    for tail, flag in ((-0.5, Flag.PASS), (0.6, Flag.SUSPECT)):
        answer = law(Heads(heads.head_m, tail, heads.opening_m))
        assert answer.value_m3s == pytest.approx(expected, rel=1.5e-3)
        assert (answer.flag, answer.upper_bound) == (flag, flag is Flag.SUSPECT)
    assert law(Heads(heads.head_m, 1.19, heads.opening_m)).value_m3s is None


def test_a_closed_outlet_lets_nothing_through() -> None:
    outlet = STRUCTURES["bottom_outlet"].model_validate(
        {"kind": "bottom_outlet", "area_m2": 0.2, "full_opening_m": 0.5}
    )
    flows = [outlet.law()(Heads(2.0, None, opening)).value_m3s for opening in (0.0, 0.25, 0.5, 0.9)]
    assert flows[0] == 0
    assert flows[1] == pytest.approx(flows[2] / 2)
    assert flows[3] == flows[2]
    assert outlet.law()(Heads(2.0)).flag is Flag.MISSING


def reaches(*pairs: tuple[str, str, list[str]]) -> Canal:
    rows = [
        {"id": f"r{n}", "head": head, "tail": tail, "length_km": 5, "turnouts": turnouts, "travel_time": "1h"}
        for n, (head, tail, turnouts) in enumerate(pairs)
    ]
    return Canal.model_validate({"id": "c", "name": "C", "district": "d", "takes_from": "dam", "reaches": rows})


def test_what_is_upstream_of_what() -> None:
    canal = reaches(("a", "b", ["x/out"]), ("b", "c", ["y"]))
    links = [Link.model_validate({"upstream": "river", "downstream": "dam", "lag": "3h"})]
    topology = Topology(edges([canal], links))
    assert topology.all_above("y") == {"b", "a", "dam", "river"}
    assert topology.all_below("dam") == {"a", "b", "c", "x", "y"}
    assert [(edge.upstream, edge.lag_s) for edge in topology.above("b")] == [("a", 3600)]
    assert topology.circle() is None
    assert broken_chain(canal) == []


def test_a_chain_of_reaches_that_breaks() -> None:
    assert broken_chain(reaches(("a", "b", []), ("x", "c", []))) == [(1, "b", "x")]


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20))
def test_a_circle_is_found_exactly_where_there_is_one(pairs: list[tuple[int, int]]) -> None:
    links = [Link(upstream=f"s{a}", downstream=f"s{b}") for a, b in pairs if a != b]
    topology = Topology(edges([], links))
    circle = topology.circle()
    has_one = any(station in topology.all_below(station) for station in {link.upstream for link in links})
    assert (circle is not None) == has_one
    if circle is not None:
        known = {(link.upstream, link.downstream) for link in links}
        assert circle[0] == circle[-1]
        assert all(step in known for step in pairwise(circle))

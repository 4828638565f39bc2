"""The example system in `registry/` hangs together, and its water adds up."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hydrology.describe import describe, station_lines
from hydrology.load import load_registry
from hydrology.registry import FlowHistory, Heads, Index, Registry, StationKind, Topology, edges
from hydrology.registry.advice import advice
from hydrology.registry.thresholds import Thresholds

ROOT = Path(__file__).parents[3] / "registry"
NOW = datetime(2026, 7, 15, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(ROOT)


def test_it_is_the_system_that_the_documents_show(registry: Registry) -> None:
    kinds = [station.kind for station in registry.stations]
    assert kinds.count(StationKind.WELL) == 2
    assert {StationKind.RIVER_GAUGE, StationKind.RESERVOIR, StationKind.HYDROPOWER} <= set(kinds)
    assert len(registry.canals[0].reaches) == 3
    assert len(registry.users) == 6


def test_nothing_in_it_is_worth_a_second_look(registry: Registry) -> None:
    assert advice(registry, NOW) == []


def test_all_its_water_comes_from_the_river(registry: Registry) -> None:
    below = Topology(edges(registry.canals, registry.links)).all_below("river-bridge")
    wet = {station.id for station in registry.stations if station.kind is not StationKind.WELL}
    assert below == wet - {"river-bridge"}


def test_its_canal_can_carry_its_plans(registry: Registry) -> None:
    """At the peak each reach has what its turnouts and those below want, and 15 % for the losses."""
    plans = {user.turnouts[0]: user.plans[0] for user in registry.users}
    wanted = 0.0
    for reach in reversed(registry.canals[0].reaches):
        wanted += sum(plans[turnout].flow_m3s(date(2026, 7, 5)) for turnout in reach.turnouts)
        assert reach.capacity_m3s is not None
        assert 1.15 * wanted < reach.capacity_m3s


def test_its_turnouts_can_deliver_their_plans(registry: Registry) -> None:
    """The largest flow that each structure is rated for is above the plan's largest."""
    index = Index(registry.stations)
    for user in registry.users:
        station, series = index.meter(user.turnouts[0])
        history = FlowHistory(station.discharges()[series], "Asia/Almaty")
        sensor = station.sensors[0]
        assert sensor.quality is not None
        assert sensor.quality.range is not None
        answer = history.discharge(NOW, Heads(sensor.quality.range[1]))
        assert answer.value_m3s is not None
        assert answer.value_m3s > user.plans[0].flow_m3s(date(2026, 7, 5))


@pytest.mark.parametrize("name", ["river-bridge", "reservoir", "power-house", "canal-head", "well-south", "turnout-f"])
def test_every_station_can_be_described(registry: Registry, name: str) -> None:
    station = next(one for one in registry.stations if one.id == name)
    lines = station_lines(registry, station, NOW)
    assert lines[0] == (name, station.name)
    document = describe(registry, station, NOW)
    assert document["timezone"] == "Asia/Almaty"
    assert document["id"] == name


def test_what_is_worth_a_look_is_said(registry: Registry) -> None:
    stations = [
        station.model_copy(update={"sensors": [], "latitude": None, "well": None})
        if station.id == "well-north"
        else station
        for station in registry.stations
    ]
    users = [
        user.model_copy(
            update={"turnouts": ("canal-tail",), "limits": (user.limits[0].model_copy(update={"volume_hm3": 1}),)}
        )
        if user.id == "birlik"
        else user
        for user in registry.users
    ]
    said = advice(registry.model_copy(update={"stations": stations, "users": users}), NOW)
    assert said == [
        "station well-north: it has no sensors",
        "station well-north: it has no position, so no map shows it",
        "station well-north: a well without [well] has no depth and no elevation",
        "user birlik: the plan of 2026 growing is 15.41 hm3, its limit 1 hm3",
        "user birlik: no reach has its turnout canal-tail",
    ]


def test_a_threshold_in_cm_is_worth_a_look(registry: Registry) -> None:
    bridge = next(station for station in registry.stations if station.id == "river-bridge")
    (sensor,) = (one for one in bridge.sensors if one.id == "bridge-level")
    in_cm = sensor.model_copy(update={"thresholds": Thresholds(action=280, minor=340), "span": None})
    changed = bridge.model_copy(update={"sensors": [in_cm]})
    stations = [changed if station.id == bridge.id else station for station in registry.stations]
    said = advice(registry.model_copy(update={"stations": stations}), NOW)
    assert (
        "station river-bridge: sensor bridge-level has a threshold of 340 m above gauge zero, which no water here reaches: "
        "is it in cm, or in the height system?"
    ) in said

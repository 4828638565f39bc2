"""Which series are derived at which stations of a registry, from which sensors, and when a method changes."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.derived import Derivation, Name, Pairing, derivations, digest, with_derived
from hydrology.derived.times import instant, milliseconds
from hydrology.load import load_registry
from hydrology.registry import FlowHistory, Heads, Registry

EXAMPLE = Path(__file__).parents[3] / "registry"
HEAD = """
[districts.talas]
name = "Talas"
timezone = "Asia/Almaty"
[[gateways]]
id = "gw1"
district = "talas"
[[stations]]
id = "weir"
name = "Weir"
district = "talas"
[[stations.sensors]]
id = "up"
gateway = "gw1"
quantity = "level"
unit = "m"
interval = "15min"
[[stations.sensors]]
id = "down"
gateway = "gw1"
quantity = "level"
unit = "m"
[[stations.sensors]]
id = "gate"
gateway = "gw1"
quantity = "gate_opening"
unit = "m"
interval = "1h"
"""
PARSHALL = """
[[stations.ratings]]
effective_from = 2020-01-01
head = "up"
tail = "down"
structure = { kind = "parshall_flume", size = "9in" }
"""
POWERS = """
[[stations.ratings]]
name = "of 2020"
effective_from = 2020-01-01
head = "up"
segments = [{ a = 8.0, e_m = 0.2, b = 1.5 }]
low_m = 0.25
high_m = 2.0
[[stations.ratings]]
name = "of 2024"
effective_from = 2024-03-01
head = "up"
segments = [{ a = 9.0, e_m = 0.2, b = 1.5 }]
"""

SHIFTED = (
    POWERS.split('[[stations.ratings]]\nname = "of 2024"')[0]
    + """
ice_months = [1]
[[stations.ratings.shifts]]
effective_from = 2021-06-01T00:00:00+00:00
[[stations.ratings.shifts]]
effective_from = 2021-06-03T00:00:00+00:00
points = [[0.5, 0.03], [1.5, 0.0]]
"""
)


def registry(text: str) -> Registry:
    return Registry.model_validate(tomllib.loads(HEAD + text))


def only(text: str) -> Derivation:
    (one,) = derivations(registry(text))
    return one


def ms(text: str) -> int:
    from datetime import datetime

    return milliseconds(datetime.fromisoformat(text))


NOW = ms("2026-07-01T00:00:00+00:00")


def test_the_example_registry_derives_what_it_has_ratings_and_tables_for() -> None:
    found = {one.id: one for one in derivations(load_registry(EXAMPLE))}
    gate = found["canal-head/discharge"]
    assert [(part.role, part.name.sensor, part.pairing) for part in gate.inputs] == [
        ("head", "head-up", Pairing.DRIVES),
        ("tail", "head-down", Pairing.NEAREST),
        ("opening", "head-opening", Pairing.NEAREST),
    ]
    assert {"reservoir/spillway", "reservoir/outlet", "reservoir/storage"} <= set(found)
    assert [output.name for output in found["reservoir/storage"].outputs] == [
        Name("volume", "reservoir", "volume"),
        Name("area", "reservoir", "area"),
        Name("fill", "reservoir", "full"),
        Name("fill", "reservoir", "useful"),
    ]
    outputs = [output.name for one in found.values() for output in one.outputs]
    assert len(outputs) == len(set(outputs))


def test_a_level_makes_a_discharge_by_the_rating_in_force_at_its_time() -> None:
    one = only(POWERS)
    midnight = ms("2024-02-29T19:00:00+00:00")  # 1 March in Almaty, which had just gone over to UTC+5
    assert one.at(midnight - 1, [(1.0, 1)]) == ((round(8 * 0.8**1.5, 6), 1),)
    assert one.at(midnight, [(1.0, 1)]) == ((round(9 * 0.8**1.5, 6), 1),)
    assert one.at(ms("2019-12-31T17:59:00+00:00"), [(1.0, 1)]) is None
    assert one.at(ms("2019-12-31T18:00:00+00:00"), [(1.0, 1)]) is not None


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ((2.5, 1), (round(8 * 2.3**1.5, 6), 3)),  # extrapolated: flagged, not guessed
        ((0.22, 1), (round(8 * 0.02**1.5, 6), 3)),
        ((0.1, 1), (0.0, 3)),
        ((1.0, 2), (round(8 * 0.8**1.5, 6), 2)),
        ((1.0, 3), (round(8 * 0.8**1.5, 6), 3)),
        ((1.0, 4), (None, 4)),
        ((None, 9), (None, 9)),
        ((None, 4), (None, 4)),
    ],
)
def test_flags_roll_up(level: tuple[float | None, int], expected: tuple[float | None, int]) -> None:
    assert only(POWERS).at(ms("2021-01-01T00:00:00+00:00"), [level]) == (expected,)


def test_a_drowned_flume_gives_a_bound_and_then_nothing() -> None:
    one = only(PARSHALL)
    assert [part.role for part in one.inputs] == ["head", "tail"]
    free = one.at(NOW, [(0.3, 1), (0.1, 1)])
    assert free is not None
    assert free[0][1] == 1
    assert free[0][0] == pytest.approx(0.08485, rel=1e-3)  # 9 in, ha .30 m
    assert one.at(NOW, [(0.3, 1), (0.21, 1)]) == ((free[0][0], 3),)
    assert one.at(NOW, [(0.3, 1), (0.28, 1)]) == ((None, 4),)
    assert one.at(NOW, [(0.3, 1), (None, 9)]) == ((None, 9),)


def test_ratings_on_other_sensors_are_derivations_of_their_own_and_take_turns() -> None:
    two = derivations(registry(PARSHALL + POWERS.replace("of 2020", "x").replace("2020-01-01", "2022-01-01")))
    assert [one.id for one in two] == ["weir/discharge", "weir/discharge-2"]
    early, late = ms("2021-01-01T00:00:00+00:00"), ms("2023-01-01T00:00:00+00:00")
    assert [one.methods.at(early) is not None for one in two] == [True, False]
    assert [one.methods.at(late) is not None for one in two] == [False, True]
    assert len(with_derived(registry(PARSHALL + POWERS.replace("2020", "2022"))).stations[0].sensors) == 4


def test_a_shift_between_two_dates_moves_with_the_time_and_ice_with_the_month() -> None:
    one = only(SHIFTED)

    def at(when: str) -> tuple[float | None, int]:
        found = one.at(ms(when), [(1.0, 1)])
        assert found is not None
        return found[0]

    assert at("2021-05-31T12:00:00+00:00")[0] == pytest.approx(5.7243, abs=1e-4)
    assert at("2021-06-02T00:00:00+00:00")[0] == pytest.approx(5.8050, abs=1e-4)
    assert at("2021-06-02T12:00:00+00:00")[0] != at("2021-06-02T00:00:00+00:00")[0]
    assert at("2021-07-01T00:00:00+00:00")[0] == at("2021-08-01T00:00:00+00:00")[0]
    assert [at(f"2022-{day}T12:00:00+00:00")[1] for day in ("01-15", "02-15")] == [3, 1]
    # Midnight in Almaty, UTC+6 then.
    assert [at(when)[1] for when in ("2021-12-31T17:59:59+00:00", "2021-12-31T18:00:00+00:00")] == [1, 3]


def test_the_digest_tells_another_method_and_nothing_else() -> None:
    same = digest(only(POWERS)), digest(only(POWERS))
    assert same[0] == same[1]
    assert digest(only(POWERS.replace("9.0", "9.1"))) != same[0]
    assert digest(only(POWERS.replace("of 2024", "anew"))) != same[0]
    assert digest(only(PARSHALL)) != same[0]


STORAGE = """
[stations.datum]
zero_m = 780.0
system = "Baltic 1977"
[stations.levels]
dead_m = 786.0
normal_m = 798.0
[[stations.storage]]
effective_from = 2019-10-01
rows = [[782.0, 0.4], [786.0, 4.0], [798.0, 57.2]]
[[stations.storage]]
effective_from = 2025-10-01
survey = "2025"
rows = [[782.0, 0.2], [786.0, 3.0], [798.0, 54.0]]
"""


def test_a_level_makes_volume_and_filling_by_the_table_of_its_time() -> None:
    one = only(STORAGE)
    assert [output.name.sensor for output in one.outputs] == ["volume", "full", "useful"]  # no areas, no area
    assert one.at(NOW, [(18.0, 1)]) == ((54_000_000.0, 1), (100.0, 1), (100.0, 1))
    assert one.at(ms("2024-01-01T00:00:00+00:00"), [(6.0, 3)]) == (
        (4_000_000.0, 3),
        (round(400 / 57.2, 4), 3),
        (0.0, 3),
    )
    # Before the first survey the first one is the best that there is.
    assert one.at(ms("2010-01-01T00:00:00+00:00"), [(18.0, 1)]) == ((57_200_000.0, 1), (100.0, 1), (100.0, 1))
    assert one.at(NOW, [(30.0, 1)]) == ((None, 4),) * 3


def test_a_measured_series_of_the_same_name_is_left_alone() -> None:
    measured = '[[stations.sensors]]\nid = "volume"\ngateway = "gw1"\nquantity = "volume"\nunit = "m3"\n'
    one = only(measured + STORAGE)
    assert [output.name.sensor for output in one.outputs] == ["full", "useful"]


def test_pages_see_derived_series_as_sensors() -> None:
    sensors = with_derived(registry(POWERS + STORAGE)).stations[0].sensors
    assert [(one.id, one.quantity, one.unit, one.interval) for one in sensors[3:]] == [
        ("discharge", "discharge", "m3/s", 900.0),
        ("volume", "volume", "m3", 900.0),
        ("full", "fill", "%", 900.0),
        ("useful", "fill", "%", 900.0),
    ]


def test_methods_say_what_they_are_and_how_they_came_to_a_value() -> None:
    one = only(POWERS)
    assert [row["title"] for row in one.methods.parameters()] == [
        "of 2020 (power rating, from 2020-01-01)",
        "of 2024 (power rating, from 2024-03-01)",
    ]
    said = one.methods.explain(ms("2021-01-01T00:00:00+00:00"), (2.5,))
    assert said[0] == "power rating of 2020; rated"
    assert said[1].startswith("extrapolated: stage 2.500 m")


def test_times_are_exact() -> None:
    for time_ms in (0, 1, 999, -1, 1_790_000_000_123):
        assert milliseconds(instant(time_ms)) == time_ms


@given(
    st.lists(
        st.tuples(
            st.integers(ms("2019-12-01T00:00:00+00:00"), ms("2026-01-01T00:00:00+00:00")),
            st.sampled_from([0.1, 0.5, 1.0, 1.37, 2.5]),
            st.sampled_from([1, 2, 3, 4]),
        )
    )
)
def test_a_column_is_its_rows(readings: list[tuple[int, float, int]]) -> None:
    columns = [list(column) for column in zip(*readings, strict=True)] or [[], [], []]
    one, other = only(SHIFTED), only(SHIFTED)
    found = one.column(columns[0], [(value,) for value in columns[1]], columns[2])
    assert found == [other.at(time_ms, [(value, flag)]) for time_ms, value, flag in readings]
    history = FlowHistory(registry(SHIFTED).stations[0].ratings, "Asia/Almaty")
    for (time_ms, value, flag), answers in zip(readings, found, strict=True):
        answer = history.discharge(instant(time_ms), Heads(value))
        if answers is None:
            assert answer.regime == "no rating"
        elif flag < 4 and answer.value_m3s is not None:
            assert answers == ((round(answer.value_m3s, 6), max(flag, int(answer.flag))),)

"""Wells with a barometer, and hydropower units: head, power, efficiency, ecological release."""

from pathlib import Path

import pytest

from hydrology.derived import Derivation, Name, Pairing, Value, derivations
from hydrology.load import load_registry
from hydrology.registry import Registry, Well

EXAMPLE = load_registry(Path(__file__).parents[3] / "registry")
FOUND = {one.id: one for one in derivations(EXAMPLE)}
NOW_MS = 1_780_000_000_000


def at(name: str, *values: float) -> Value:
    found = FOUND[name].at(NOW_MS, [(value, 1) for value in values])
    assert found is not None
    return found[0]


def test_a_well_takes_the_barometer_out() -> None:
    well = FOUND["well-north/well"]
    assert [(part.role, part.pairing) for part in well.inputs] == [
        ("logger", Pairing.DRIVES),
        ("barometer", Pairing.LINEAR),
    ]
    found = well.at(NOW_MS, [(145_000.0, 1), (93_200.0, 1)])
    assert found is not None
    (depth, flag), (elevation, _) = found
    assert flag == 1
    # The reference's vector has g 9.80665 and a measuring point of 431.20 m.
    assert depth == pytest.approx(19.7152, abs=1e-3)
    assert elevation == pytest.approx(771.20 - 19.7152, abs=1e-3)
    assert well.at(NOW_MS, [(145_000.0, 1), (None, 9)]) == ((None, 9), (None, 9))
    assert well.at(NOW_MS, [(90_000.0, 1), (93_200.0, 1)])[0][1] == 3  # type: ignore[index]
    assert well.methods.explain(NOW_MS, (145_000.0, 93_200.0))[0].startswith("5.284")


def test_a_units_head_comes_from_two_stations_levels_above_the_same_datum() -> None:
    head = FOUND["power-house/head"]
    assert [part.name for part in head.inputs] == [
        Name("level", "power-house", "tailrace-level"),
        Name("level", "reservoir", "dam-level"),
    ]
    assert at("power-house/head", 3.0, 16.0) == (12.4, 1)
    assert at("power-house/head", 16.0, 3.0) == (0.0, 3)


def test_power_and_efficiency_follow_from_the_derived_head() -> None:
    power = FOUND["power-house/expected-power"]
    assert power.inputs[1].name == Name("head", "power-house", "head")
    watts, flag = at("power-house/expected-power", 10.0, 12.0)
    assert flag == 1
    assert watts == pytest.approx(0.88 * 998.2 * 9.80665 * 120, rel=3e-3)
    percent, _ = at("power-house/efficiency", watts or 0.0, 10.0, 12.0)
    assert percent == pytest.approx(88.0, abs=0.1)
    assert at("power-house/efficiency", 2e6, 10.0, 12.0)[1] == 3  # more than all of it
    assert at("power-house/efficiency", 1e5, 0.0, 12.0) == (None, 4)


def test_the_ecological_release_may_be_derived_at_another_station() -> None:
    release = FOUND["power-house/ecological-shortfall"]
    assert release.inputs[0].name.station == "river-below"
    assert at("power-house/ecological-shortfall", 1.0)[0] == pytest.approx(0.2)
    assert at("power-house/ecological-shortfall", 5.0) == (0.0, 1)


def test_what_others_need_comes_first() -> None:
    made: set[Name] = set()
    outputs = {output.name for one in FOUND.values() for output in one.outputs}
    for one in FOUND.values():
        assert all(part.name in made or part.name not in outputs for part in one.inputs), one.id
        made |= {output.name for output in one.outputs}


def test_a_part_of_the_registry_without_the_barometer_leaves_the_well_out() -> None:
    south = EXAMPLE.model_copy(update={"stations": [one for one in EXAMPLE.stations if one.id == "well-south"]})
    assert [one.kind for one in derivations(south)] == []
    assert isinstance(next(one for one in EXAMPLE.stations if one.id == "well-south").well, Well)


def test_every_explanation_is_words() -> None:
    def values(one: Derivation) -> tuple[float, ...]:
        return tuple(95_000.0 if part.name.quantity == "pressure" else 1.5 for part in one.inputs)

    for one in FOUND.values():
        said = one.methods.explain(NOW_MS, values(one))
        assert said
        assert all(isinstance(line, str) and line for line in said)
    assert isinstance(EXAMPLE, Registry)

"""What must hold for every kind of structure, whatever it is asked; and what no structure can be."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.calculator import STRUCTURES, structure_of
from hydrology.registry.structures import Heads, Law
from hydrology.structures import Discharge
from settings import SettingsError
from wire.flags import Flag

KINDS: dict[str, dict[str, Any]] = {
    "rectangular_weir": {"width_m": 1.5, "channel_m": 2.5, "height_m": 0.6},
    "francis_weir": {"width_m": 1.2},
    "cipolletti_weir": {"width_m": 1.5},
    "v_notch_weir": {"height_m": 0.95, "channel_m": 1.9},
    "broad_crested_weir": {"width_m": 1.5, "length_m": 1.8, "height_m": 0.4, "channel_m": 2.0},
    "long_throated_flume": {
        "throat_bottom_m": 0.6,
        "throat_slope": 1.0,
        "length_m": 1.2,
        "sill_m": 0.3,
        "channel_bottom_m": 1.2,
        "channel_slope": 1.0,
    },
    "parshall_flume": {"size": "9in"},
    "sluice_gate": {"width_m": 2.0, "count": 2},
    "radial_gate": {"width_m": 3.0, "table": [[0.1, 0.6], [0.5, 0.55]]},
    "ogee_spillway": {"length_m": 10.0, "design_head_m": 1.5, "piers": 9, "pier_contraction": 0.02},
    "gated_spillway": {"width_m": 10.0, "design_head_m": 1.5},
    "bottom_outlet": {"area_m2": 1.8, "mu": 0.72, "full_opening_m": 1.5},
    "index_velocity": {"b": 0.88, "a": 0.03, "bottom_m": 4.0, "slope": 1.5},
}
FREE = {kind: {"tail_m": 0.0 if kind.endswith("gate") else None} for kind in KINDS}
ANY = st.none() | st.floats() | st.floats(-5, 5)


def law(kind: str, **more: Any) -> Law:
    found: Law = STRUCTURES[kind].model_validate({"kind": kind} | KINDS[kind] | more).law()
    return found


LAWS = {kind: law(kind) for kind in KINDS}


def ask(kind: str, head_m: float, opening_m: float = 0.5, velocity_m_s: float = 0.8) -> Discharge:
    return LAWS[kind](Heads(head_m, FREE[kind]["tail_m"], opening_m, velocity_m_s))


def flow(answer: Discharge) -> float:
    assert answer.value_m3s is not None
    return answer.value_m3s


def test_every_kind_is_here() -> None:
    assert set(KINDS) == set(STRUCTURES)


@given(st.sampled_from(sorted(KINDS)), ANY, ANY, ANY, ANY)
def test_whatever_is_asked_there_is_an_answer_and_it_is_honest(
    kind: str, head: float | None, tail: float | None, opening: float | None, velocity: float | None
) -> None:
    answer = LAWS[kind](Heads(head, tail, opening, velocity))
    assert (answer.value_m3s is None) == (answer.flag in (Flag.FAIL, Flag.MISSING))
    assert answer.value_m3s is None or math.isfinite(answer.value_m3s)
    assert answer.flag is Flag.PASS or answer.notes, "a doubt has its reason"
    assert answer.flag is Flag.PASS or answer.uncertainty_pct is None, "an uncertainty does not hold outside its law"
    assert not answer.upper_bound or answer.flag is Flag.SUSPECT


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("head", [-1000.0, -400.0, 400.0, 1e6])
def test_a_head_that_cannot_be_has_no_discharge(kind: str, head: float) -> None:
    answer = ask(kind, head)
    assert (answer.value_m3s, answer.flag) == (None, Flag.FAIL)
    assert "outside the rated range: flagged, not guessed" in answer.notes[0]


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("ogee_spillway", "gated_spillway", "bottom_outlet")]
)
@pytest.mark.parametrize("head", [-35.0, 150.0])
def test_at_a_canal_neither_has_a_dams_depth(kind: str, head: float) -> None:
    assert ask(kind, head).flag in (Flag.SUSPECT, Flag.FAIL)


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_crest_has_no_flow_and_no_doubt(kind: str) -> None:
    assert (ask(kind, -0.3).value_m3s, ask(kind, -0.3).flag) == (0.0, Flag.PASS)


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("index_velocity", "ogee_spillway", "gated_spillway")])
def test_a_tail_over_a_dry_crest_is_a_reversed_flow(kind: str) -> None:
    answer = LAWS[kind](Heads(-0.1, 0.4, 0.5))
    assert (answer.value_m3s, answer.regime) == (None, "reverse")
    assert LAWS[kind](Heads(-0.01, 0.01, 0.5)).value_m3s == 0.0, "two dry sensors' noise"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "index_velocity"])
def test_a_tail_level_that_cannot_be_is_told(kind: str) -> None:
    answer = LAWS[kind](Heads(0.3 if kind != "bottom_outlet" else 2.0, -400.0, 0.1))
    assert answer.flag is Flag.SUSPECT
    assert any("the tail level, -400 m, cannot be: taken as free" in note for note in answer.notes)


@given(
    st.sampled_from(sorted(set(KINDS) - {"long_throated_flume"})),
    st.floats(0.01, 29),
    st.floats(0.01, 29),
    st.floats(0.05, 5),
)
def test_a_rising_head_never_lowers_a_free_discharge(kind: str, one: float, other: float, opening: float) -> None:
    low, high = ask(kind, min(one, other), opening), ask(kind, max(one, other), opening)
    if low.value_m3s is not None and high.value_m3s is not None:
        assert low.value_m3s <= high.value_m3s * (1 + 1e-9)


@given(
    st.sampled_from(sorted(KINDS)), st.floats(0.02, 20), st.floats(0, 0.85), st.floats(0.01, 3), st.floats(-1e-9, 1e-9)
)
def test_no_step_when_the_head_moves_a_little(kind: str, head: float, tail: float, opening: float, move: float) -> None:
    """Whatever regimes, flags and ranges lie on the two sides, the flow moves little; it may end, in flag 4."""
    before = LAWS[kind](Heads(head, tail * head, opening, 0.8))
    after = LAWS[kind](Heads(head * (1 + move), tail * head, opening, 0.8))
    if before.value_m3s is not None and after.value_m3s is not None:
        assert after.value_m3s == pytest.approx(before.value_m3s, rel=1e-4, abs=1e-6)


GATES = ("sluice_gate", "radial_gate", "gated_spillway", "bottom_outlet")


@given(st.sampled_from(GATES), st.floats(0.01, 29), st.floats(-1, 60), st.floats(-1, 60))
def test_a_closing_gate_never_raises_the_discharge(kind: str, head: float, one: float, other: float) -> None:
    low, high = ask(kind, head, min(one, other)), ask(kind, head, max(one, other))
    if low.value_m3s is not None and high.value_m3s is not None:
        assert low.value_m3s <= high.value_m3s * (1 + 1e-9)


@pytest.mark.parametrize("kind", GATES)
def test_an_opening_beyond_the_full_one_is_told_and_doubted(kind: str) -> None:
    opened = law(kind, full_opening_m=0.8)

    def at(opening: float) -> Discharge:
        return opened(Heads(1.9, 0.0 if kind.endswith("gate") else None, opening))

    full = at(0.8)
    assert (full.flag, full.notes) == (Flag.PASS, ())
    noise = at(0.81)
    assert (noise.value_m3s, noise.flag, noise.uncertainty_pct) == (full.value_m3s, Flag.PASS, full.uncertainty_pct)
    assert noise.notes == ("opening 0.81 m, more than the full 0.8 m: taken as fully open",)
    beyond = at(1.6)
    assert (beyond.value_m3s, beyond.flag, beyond.uncertainty_pct) == (full.value_m3s, Flag.SUSPECT, None)
    assert beyond.notes[-1].endswith("taken as fully open; look at the gate's sensor")
    below = at(-0.5)
    assert (below.value_m3s, below.flag) == (0.0, Flag.SUSPECT)
    assert (at(-0.01).value_m3s, at(-0.01).flag) == (0.0, Flag.PASS)


def test_no_gate_opens_further_than_fifty_metres() -> None:
    answer = LAWS["sluice_gate"](Heads(1.0, 0.2, 51.1))
    assert answer.flag is Flag.SUSPECT
    assert "more than the full 50 m" in answer.notes[-1]


def test_a_survey_that_begins_in_the_water_or_ends_below_it_is_doubted() -> None:
    measured = law("index_velocity", bottom_m=None, slope=0.0, survey=[[0.5, 2.0], [1.5, 6.0]])
    assert measured(Heads(1.0, velocity_m_s=0.5)).flag is Flag.PASS
    assert "surveyed to 1.5 m" in measured(Heads(1.6, velocity_m_s=0.5)).notes[0]
    assert "below the survey" in measured(Heads(0.4, velocity_m_s=0.5)).notes[0]
    assert measured(Heads(1.0, velocity_m_s=40.0)).regime == "impossible velocity"


IMPOSSIBLE = [
    ("bottom_outlet", "mu", 50, "no jet carries more"),
    ("gated_spillway", "cd", 5, "no jet carries more"),
    ("sluice_gate", "calibration", 50, "does not contract at all"),
    ("sluice_gate", "crest_cd", 2.5, "1.28 for an ogee"),
    ("sluice_gate", "width_m", 1500, "one plate, gate or bay"),
    ("radial_gate", "table", [[0.1, 5.0]], "each Cd from above 0 to 1"),
    ("radial_gate", "table", [[0.1, -0.5]], "each Cd from above 0 to 1"),
    ("radial_gate", "table", [[0.5, 0.6], [1.5, 0.6]], "a/h1 must be at most 1"),
    ("radial_gate", "table", [[0.1, 0.9], [0.2, 0.2]], "an opening gate would carry less"),
    ("radial_gate", "table", [[0.1, 0.2], [0.2, 0.9]], "a rising head would carry less"),
    ("ogee_spillway", "coefficient", 3.95, "3.95 in ft is 2.18"),
    ("ogee_spillway", "pier_contraction", 2, "0.02 for a square nose"),
    ("v_notch_weir", "ce", 5, "near 0.58"),
    ("v_notch_weir", "kh_m", 0.85, "the correction is of millimetres"),
    ("rectangular_weir", "head_u_m", 3, "half of the interval"),
    ("index_velocity", "b", 88, "mean velocity over index velocity"),
    ("index_velocity", "standard_error_pct", 300, "write 0 to 100"),
    ("long_throated_flume", "throat_slope", 100, "horizontal to vertical"),
    ("parshall_flume", "submerged", {"c1": 3.11, "n1": 1.53, "c2": 0.0044, "n2": 1.06}, "is it in m and m3/s?"),
]


@pytest.mark.parametrize(("kind", "key", "value", "said"), IMPOSSIBLE, ids=lambda value: str(value)[:20])
def test_a_number_that_cannot_be_is_refused_with_its_line(kind: str, key: str, value: Any, said: str) -> None:
    def toml(one: Any) -> str:
        if isinstance(one, dict):
            return "{ " + ", ".join(f"{name} = {toml(part)}" for name, part in one.items()) + " }"
        return f'"{one}"' if isinstance(one, str) else str(one)

    table = {"kind": kind} | KINDS[kind] | {key: value}
    text = "".join(f"{name} = {toml(part)}\n" for name, part in table.items())
    with pytest.raises(SettingsError) as refused:
        structure_of(text, Path("it.toml"))
    assert said in str(refused.value)
    if key not in ("table", "submerged"):
        assert str(refused.value).startswith(f"it.toml:{list(table).index(key) + 1}: {key}: ")

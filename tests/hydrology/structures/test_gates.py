import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hydrology.structures import Discharge, RadialGate, SluiceGate
from hydrology.structures.gate_laws import (
    conjugate_depth_m,
    energy_free_cd,
    energy_free_m3s,
    energy_momentum_m3s,
    submerged_orifice_m3s,
    swamee_limit_m,
    swamee_m3s,
)
from wire.flags import Flag

GATE = SluiceGate(2.0, g=9.81)
HEADS = st.floats(0.05, 5.0)
SHARES = st.floats(0.0, 1.0)
OPENINGS = st.floats(0.01, 6.0)


def flow(answer: Discharge) -> float:
    assert answer.value_m3s is not None
    return answer.value_m3s


def test_energy_equation_free_example() -> None:
    assert energy_free_cd(0.3, 1.5) == pytest.approx(0.57677, abs=5e-6)
    assert energy_free_m3s(2, 0.3, 1.5, 9.81) == pytest.approx(1.8774, abs=5e-5)


def test_conjugate_depth_example() -> None:
    assert conjugate_depth_m(2, 0.3, 1.5, 9.81) == pytest.approx(0.9026, abs=5e-5)


def test_orifice_into_a_wide_pool_example() -> None:
    assert submerged_orifice_m3s(0.2, 1.0, 0.85, g=9.81) == pytest.approx(0.20929, abs=5e-6)


def test_the_textbook_pair_steps_by_a_third_where_it_should_meet() -> None:
    free = energy_free_m3s(2, 0.3, 1.5, 9.81)
    below = submerged_orifice_m3s(0.6, 1.5, 0.9026, g=9.81)
    assert below == pytest.approx(1.2531, abs=1e-4)
    assert 100 * (below / free - 1) == pytest.approx(-33, abs=0.5)


def test_swamee_free_and_limit_example() -> None:
    answer = GATE.discharge(1.5, 0.3, 0.8)
    assert flow(answer) == pytest.approx(1.77118, abs=5e-6)
    assert answer.regime == "free orifice"
    assert swamee_limit_m(0.3, 0.86438) == pytest.approx(1.5, abs=3e-5)


@pytest.mark.parametrize(("tail", "expected"), [(1.0, 1.37654), (1.2, 0.97676), (1.4, 0.49913)])
def test_swamee_submerged_examples(tail: float, expected: float) -> None:
    answer = GATE.discharge(1.5, 0.3, tail)
    assert flow(answer) == pytest.approx(expected, abs=5e-6)
    assert answer.regime == "submerged orifice"
    assert answer.flag is Flag.PASS


def test_swamee_has_no_step_at_the_limit() -> None:
    above = flow(GATE.discharge(1.5, 0.3, 0.86438 + 0.001))
    assert 100 * (above / 1.77118 - 1) == pytest.approx(-0.75, abs=0.03)


@pytest.mark.parametrize(("tail", "expected"), [(1.0, 1.43673), (1.2, 1.05310)])
def test_energy_and_momentum_second_opinion(tail: float, expected: float) -> None:
    value, submerged = energy_momentum_m3s(2, 0.3, 1.5, tail, 9.81)
    assert submerged
    assert value == pytest.approx(expected, abs=5e-6)
    assert GATE.second_opinion_m3s(1.5, 0.3, tail) == value


def test_energy_and_momentum_ends() -> None:
    assert energy_momentum_m3s(2, 0.3, 1.5, 0.5, 9.81) == (energy_free_m3s(2, 0.3, 1.5, 9.81), False)
    assert energy_momentum_m3s(2, 0.3, 1.5, 1.5, 9.81) == (0.0, True)


def test_weir_crossover_of_energy_at_064_and_of_swamee_at_071() -> None:
    weir = 0.864 * (2 / 3) ** 1.5 * 9.81**0.5
    assert energy_free_m3s(1, 0.64, 1.0, 9.81) == pytest.approx(weir, rel=5e-3)

    def share_of_head(share: float) -> str:
        return GATE.discharge(1.0, share, 0.0).regime

    assert share_of_head(0.70) == "free orifice"
    assert share_of_head(0.72) == "free weir"
    assert share_of_head(2.0) == "free weir"


def test_states() -> None:
    assert GATE.discharge(None, 0.3).flag is Flag.MISSING
    assert GATE.discharge(1.0, None).flag is Flag.MISSING
    assert GATE.discharge(1.0, 0.0) == GATE.discharge(1.0, -0.01)
    assert GATE.discharge(1.0, 0.0).regime == "closed"
    assert GATE.discharge(0.0, 0.3).value_m3s == 0.0
    assert GATE.discharge(1.0, 0.3, 1.01).flag is Flag.FAIL
    assert GATE.discharge(1.0, 0.3).flag is Flag.SUSPECT
    assert SluiceGate(2.0, free_outfall=True).discharge(1.0, 0.3).flag is Flag.PASS
    assert GATE.discharge(1.0, 0.4, 0.9).flag is Flag.SUSPECT
    assert SluiceGate(2.0, calibration=1.02).discharge(1.0, 0.4, 0.9).flag is Flag.PASS
    assert GATE.discharge(1.0, 1.2, 0.9).regime == "submerged weir"


def test_several_gates_and_a_calibration() -> None:
    one = flow(GATE.discharge(1.5, 0.3, 1.0))
    assert flow(SluiceGate(2.0, count=3, calibration=1.1, g=9.81).discharge(1.5, 0.3, 1.0)) == pytest.approx(3.3 * one)


@given(HEADS, SHARES, OPENINGS, OPENINGS)
def test_a_closing_gate_never_raises_the_discharge(head: float, tail: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert flow(GATE.discharge(head, low, tail * head)) <= flow(GATE.discharge(head, high, tail * head)) * (1 + 1e-9)


@given(HEADS, HEADS, OPENINGS, SHARES)
def test_a_rising_head_never_lowers_the_discharge(one: float, other: float, opening: float, share: float) -> None:
    low, high = sorted((one, other))
    tail = share * low
    assert flow(GATE.discharge(low, opening, tail)) <= flow(GATE.discharge(high, opening, tail)) * (1 + 1e-9)


@given(HEADS, SHARES, SHARES, OPENINGS)
def test_a_rising_tail_never_raises_the_discharge(head: float, one: float, other: float, opening: float) -> None:
    low, high = sorted((one, other))
    before, after = flow(GATE.discharge(head, opening, low * head)), flow(GATE.discharge(head, opening, high * head))
    assert after <= before * (1 + 1e-9)


@given(HEADS, SHARES, st.floats(0.02, 4.0))
def test_no_step_when_the_opening_moves_a_little(head: float, share: float, opening: float) -> None:
    """Whatever regimes lie on the two sides of a small move, the flow moves no more than in proportion."""
    before = flow(GATE.discharge(head, opening, share * head))
    after = flow(GATE.discharge(head, opening * (1 + 1e-6), share * head))
    assert after - before <= 1e-4 * before + 1e-9


@given(st.floats(0.2, 5.0), st.floats(0.05, 0.6), st.floats(0.0, 0.999))
def test_no_step_when_the_tail_moves_a_little(head: float, opening: float, share: float) -> None:
    """Steepest just above the limit (a power .7), so a move of a billionth may cost a few millionths, not per cents."""
    tail = share * head
    before = flow(GATE.discharge(head, opening * head, tail))
    after = flow(GATE.discharge(head, opening * head, tail + 1e-9 * head))
    assert abs(before - after) <= 1e-4 * before + 1e-6


@given(st.floats(0.1, 5.0), st.floats(0.05, 0.5))
def test_limit_within_five_percent_of_the_conjugate_depth(head: float, share: float) -> None:
    a = share * head
    y2 = conjugate_depth_m(1.0, a, head)
    limit = (head * a**0.72 / 0.81) ** (1 / 1.72)
    assert swamee_limit_m(a, limit) == pytest.approx(head)
    assert limit == pytest.approx(y2, rel=0.052)


@given(st.floats(0.1, 5.0), st.floats(0.05, 0.5))
def test_free_three_to_seven_percent_below_the_energy_equation(head: float, share: float) -> None:
    ratio = swamee_m3s(1.0, share * head, head)[0] / energy_free_m3s(1.0, share * head, head)
    assert 0.925 <= ratio <= 0.975


@given(st.floats(0.1, 5.0), st.floats(0.1, 0.3), st.floats(0.0, 0.5))
def test_submerged_laws_agree_up_to_mid_range(head: float, share: float, way: float) -> None:
    a = share * head
    start = max(conjugate_depth_m(1.0, a, head), (head * a**0.72 / 0.81) ** (1 / 1.72)) * 1.001
    tail = start + way * (head - start)
    assume(tail < head)
    second, submerged = energy_momentum_m3s(1.0, a, head, tail)
    assert submerged
    assert 0.78 <= swamee_m3s(1.0, a, head, tail)[0] / second <= 1.04


def test_radial_gate_by_its_own_table() -> None:
    gate = RadialGate(3.0, ((0.1, 0.60), (0.5, 0.55)))
    answer = gate.discharge(2.0, 0.6, 0.3)
    assert flow(answer) == pytest.approx(0.575 * 3 * 0.6 * (2 * 9.80665 * 2) ** 0.5)
    assert answer.flag is Flag.PASS
    assert gate.discharge(2.0, 1.2, 0.3).flag is Flag.SUSPECT
    assert gate.discharge(2.0, 0.1, 0.3).flag is Flag.SUSPECT
    assert gate.discharge(2.0, 0.6).flag is Flag.SUSPECT
    assert gate.discharge(2.0, 0.6, 1.8).upper_bound
    assert gate.discharge(2.0, 0.6, 2.1).value_m3s is None
    assert gate.discharge(2.0, 2.5, 0.0).value_m3s is None
    assert gate.discharge(2.0, 0.0).value_m3s == 0.0
    assert gate.discharge(None, 0.5).flag is Flag.MISSING
    assert gate.discharge(-1.0, 0.5).value_m3s == 0.0
    with pytest.raises(ValueError, match="rising"):
        RadialGate(3.0, ((0.5, 0.6), (0.1, 0.6)))

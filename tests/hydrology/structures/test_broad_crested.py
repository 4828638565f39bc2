import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.structures import BroadCrestedWeir, Crest, Discharge, LongThroatedFlume, Trapezoid
from hydrology.structures.broad_crested import CRITICAL, approach_head_ratio
from wire.flags import Flag

THROAT = BroadCrestedWeir(1.0, 1.5, 1.0, 1.0)
LENGTHS = st.floats(0.2, 5.0)


def flow(answer: Discharge) -> float:
    assert answer.value_m3s is not None
    return answer.value_m3s


def test_constant_of_the_law() -> None:
    assert pytest.approx(1.70460, abs=5e-6) == CRITICAL * 9.80665**0.5
    assert pytest.approx(1.70489, abs=5e-6) == CRITICAL * 9.81**0.5


def test_iso_4359_coefficient_without_approach_velocity() -> None:
    weir = BroadCrestedWeir(1.0, 1.5, 1.0, 1.0, approach_velocity=False)
    assert weir.coefficient(0.4) == pytest.approx(0.97432, abs=5e-6)
    assert flow(weir.discharge(0.4)) == pytest.approx(0.42016, abs=5e-6)


def test_iso_4359_with_approach_velocity() -> None:
    assert THROAT.total_head_m(0.4) == pytest.approx(0.40476, abs=5e-6)
    answer = THROAT.discharge(0.4)
    assert flow(answer) == pytest.approx(0.42768, abs=5e-6)
    assert flow(answer) / 0.42016 == pytest.approx(1.0179, abs=5e-5)
    assert answer.flag is Flag.PASS
    assert "unverified" in answer.source


def test_square_edge_takes_its_own_coefficient() -> None:
    weir = BroadCrestedWeir(1.0, 1.5, 1.0, 1.0, Crest.SQUARE)
    assert weir.total_head_m(0.4) == pytest.approx(0.40357, abs=5e-6)
    answer = weir.discharge(0.4)
    assert flow(answer) == pytest.approx(0.37060, abs=5e-6)
    assert answer.uncertainty_pct == 1.9


def test_square_edges_two_coefficients_differ_by_under_two_percent() -> None:
    gauged = BroadCrestedWeir(1.0, 1.5, 1.0, 1.0, Crest.SQUARE_GAUGED)
    assert flow(gauged.discharge(0.4)) == pytest.approx(1.7046 * 0.864 * 0.4**1.5, rel=1e-5)
    assert pytest.approx(0.019, abs=5e-4) == 0.864 / 0.848 - 1


def test_round_nose_takes_the_length_behind_the_nose() -> None:
    nose = BroadCrestedWeir(1.0, 1.7, 1.0, 1.0, Crest.ROUNDED, nose_radius_m=0.2)
    assert flow(nose.discharge(0.4)) == pytest.approx(flow(THROAT.discharge(0.4)))


@given(st.floats(0, 4 / 27))
def test_closed_form_of_the_approach_velocity_solves_its_equation(k: float) -> None:
    x = approach_head_ratio(k)
    assert x == pytest.approx(1 + k * x**3, rel=1e-9)
    assert 1 <= x <= 1.5 + 1e-7


def test_closed_form_is_the_iteration() -> None:
    head = 0.4
    for _ in range(100):
        q = CRITICAL * 9.80665**0.5 * THROAT.coefficient(0.4) * head**1.5
        head = 0.4 + q**2 / (2 * 9.80665 * 1.4**2)
    assert THROAT.total_head_m(0.4) == pytest.approx(head, rel=1e-12)


def test_supercritical_approach_is_refused() -> None:
    with pytest.raises(ValueError, match="supercritical"):
        approach_head_ratio(0.2)


def test_submergence_upper_bound_then_none() -> None:
    assert THROAT.discharge(0.4, 0.3) == THROAT.discharge(0.4)
    bound = THROAT.discharge(0.4, 0.32)
    assert bound.upper_bound
    assert bound.flag is Flag.SUSPECT
    assert bound.value_m3s == THROAT.discharge(0.4).value_m3s
    drowned = THROAT.discharge(0.4, 0.39)
    assert drowned.value_m3s is None
    assert drowned.flag is Flag.FAIL


def test_range_is_flagged() -> None:
    assert "below" in THROAT.discharge(0.04).notes[0]
    assert "extrapolated" in THROAT.discharge(0.8).notes[0]
    assert THROAT.discharge(None).flag is Flag.MISSING
    assert THROAT.discharge(-1.0).value_m3s == 0.0
    assert THROAT.discharge(1e-4).value_m3s == 0.0


def flume(z: float = 1.0) -> LongThroatedFlume:
    return LongThroatedFlume(Trapezoid(0.6, z), 1.2, Trapezoid(1.2, z, -0.3))


@given(st.floats(0.02, 1.0))
def test_trapezoidal_throat_with_vertical_sides_is_the_rectangular_law(head: float) -> None:
    throat = LongThroatedFlume(Trapezoid(1.0), 1.5, Trapezoid(1.0, 0.0, -1.0))
    assert flow(throat.discharge(head)) == pytest.approx(flow(THROAT.discharge(head)), rel=1e-9)


def test_trapezoidal_throat_carries_more_than_its_bottom_width() -> None:
    assert flow(flume().discharge(0.3)) > 1.2 * flow(flume(0.0).discharge(0.3))


def test_a_throat_wider_than_the_canal_is_refused() -> None:
    with pytest.raises(ValueError, match="wider"):
        LongThroatedFlume(Trapezoid(2.0), 1.0, Trapezoid(1.0))


@given(
    LENGTHS,
    LENGTHS,
    st.floats(0, 2),
    st.floats(0, 3),
    st.sampled_from(list(Crest)),
    st.floats(1e-3, 3),
    st.floats(1e-3, 3),
)
def test_a_rising_head_never_lowers_a_free_discharge(
    width: float, length: float, height: float, more: float, crest: Crest, one: float, other: float
) -> None:
    weir = BroadCrestedWeir(width, length, height, width + more, crest)
    low, high = sorted((one, other))
    assert flow(weir.discharge(low)) <= flow(weir.discharge(high)) * (1 + 1e-9)


@given(st.floats(0.01, 0.6), st.floats(0.01, 0.6))
def test_a_rising_head_never_lowers_the_flume(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert flow(flume().discharge(low)) <= flow(flume().discharge(high))

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.structures import (
    CipollettiWeir,
    Discharge,
    FrancisWeir,
    RectangularWeir,
    VNotchWeir,
    combined_uncertainty_pct,
    cone_m3s,
    villemonte_factor,
)
from hydrology.structures.vnotch import shen_coefficients
from hydrology.structures.weirs import CIPOLLETTI, FRANCIS, kindsvater_carter_coefficients
from wire.flags import Flag

FT, FT3 = 0.3048, 0.3048**3
Weir = RectangularWeir | FrancisWeir | CipollettiWeir | VNotchWeir
WEIRS: list[Weir] = [
    RectangularWeir(1.0, 2.0, 0.5),
    RectangularWeir(2.0, 2.0, 0.4),
    RectangularWeir(0.2, 2.0, 0.3),
    FrancisWeir(1.2),
    FrancisWeir(1.2, contracted=False),
    CipollettiWeir(1.2),
    VNotchWeir(),
    VNotchWeir(60),
    VNotchWeir(25),
]


def flow(answer: Discharge) -> float:
    assert answer.value_m3s is not None
    return answer.value_m3s


def test_kindsvater_carter_contracted_weir_of_the_page() -> None:
    answer = RectangularWeir(1.0, 2.0, 0.5, g=9.81).discharge(0.25)
    assert flow(answer) == pytest.approx(0.22235, abs=5e-6)
    assert answer.flag is Flag.PASS
    assert answer.uncertainty_pct == pytest.approx(1.5)
    assert "unverified" in answer.source


def test_kindsvater_carter_full_width_9_81() -> None:
    assert flow(RectangularWeir(2.0, 2.0, 0.4, g=9.81).discharge(0.3)) == pytest.approx(0.641702, abs=1e-6)


def test_kindsvater_carter_full_width_fluids_oracle() -> None:
    # fluids takes kb -.001 and g 9.80665; ours at 2 m differs by a ten-thousandth of a metre of width.
    assert flow(RectangularWeir(2.0, 2.0, 0.4).discharge(0.3)) == pytest.approx(0.641560, rel=1e-4)


def test_full_width_agrees_with_rehbock_and_ackers_oracles() -> None:
    assert flow(RectangularWeir(2.0, 2.0, 0.4).discharge(0.3)) == pytest.approx(0.648686, rel=0.02)
    assert flow(RectangularWeir(5.0, 5.0, 0.6).discharge(0.9)) == pytest.approx(9.251938, rel=0.05)


@pytest.mark.parametrize(("ratio", "alpha", "beta"), [(1.0, 0.602, 0.075), (0.5, 0.592, 0.010), (0.0, 0.587, -0.0023)])
def test_kindsvater_carter_columns(ratio: float, alpha: float, beta: float) -> None:
    assert kindsvater_carter_coefficients(ratio)[:2] == pytest.approx((alpha, beta))


def test_kindsvater_carter_is_linear_between_columns() -> None:
    assert kindsvater_carter_coefficients(0.95)[0] == pytest.approx(0.6005)
    with pytest.raises(ValueError, match="b/B"):
        kindsvater_carter_coefficients(1.1)


def test_uncertainty_of_the_thin_plate_example() -> None:
    weir = RectangularWeir(2.0, 2.0, 0.4, head_u_m=0.003, width_u_m=0.002)
    assert weir.discharge(0.3).uncertainty_pct == pytest.approx(2.12, abs=0.005)


def test_uncertainty_of_the_v_notch_example() -> None:
    assert combined_uncertainty_pct(1.0, 2.5, 0.1, 0.003) == pytest.approx(7.57, abs=0.005)
    assert VNotchWeir(head_u_m=0.003).discharge(0.1).uncertainty_pct == pytest.approx(7.57, abs=0.005)


def test_uncertainty_grows_with_h_over_p() -> None:
    weir = RectangularWeir(2.0, 2.0, 0.2)
    assert [weir.discharge(h).uncertainty_pct for h in (0.2, 0.3, 0.5, 0.51)] == [1.5, 2.0, 3.0, None]


def test_francis_and_cipolletti_si_coefficients() -> None:
    assert pytest.approx(1.838, abs=5e-4) == FRANCIS
    assert pytest.approx(1.859, abs=5e-4) == CIPOLLETTI


@pytest.mark.parametrize(
    ("weir", "cfs"),
    [
        (FrancisWeir(4 * FT, contracted=False), 6.191),
        (FrancisWeir(4 * FT), 6.005),
        (CipollettiWeir(4 * FT), 6.259),
    ],
)
def test_francis_suppressed_contracted_and_cipolletti_example(weir: Weir, cfs: float) -> None:
    assert flow(weir.discharge(0.60 * FT)) / FT3 == pytest.approx(cfs, abs=5e-4)


@pytest.mark.parametrize(
    ("head", "litres"),
    [(0.05, 0.796), (0.10, 4.410), (0.15, 12.068), (0.20, 24.686), (0.30, 67.788), (0.38, 122.225)],
)
def test_v_notch_90_degrees_table(head: float, litres: float) -> None:
    assert flow(VNotchWeir(g=9.81).discharge(head)) * 1000 == pytest.approx(litres, abs=6e-4)


@pytest.mark.parametrize(
    ("angle", "ce", "kh_ft"), [(90, 0.57790, 0.00290), (60, 0.57667, 0.00370), (45, 0.58017, 0.00492)]
)
def test_kindsvater_shen_fit(angle: float, ce: float, kh_ft: float) -> None:
    got_ce, got_kh = shen_coefficients(angle)
    assert got_ce == pytest.approx(ce, abs=6e-6)
    assert got_kh / FT == pytest.approx(kh_ft, abs=6e-6)


def test_v_notch_oracle_of_fluids_times_its_missing_factor() -> None:
    assert flow(VNotchWeir(90).discharge(0.2)) == pytest.approx(0.03276 * 0.754247, rel=0.004)
    assert flow(VNotchWeir(45).discharge(0.6)) == pytest.approx(0.210717 * 0.754247, rel=0.004)
    assert flow(VNotchWeir(45).discharge(0.6)) == pytest.approx(0.15927, abs=1e-5)


@pytest.mark.parametrize(("feet", "cfs"), [(0.2, 0.0460), (0.5, 0.4463), (1.0, 2.490), (1.25, 4.331)])
def test_usbr_cone_equation(feet: float, cfs: float) -> None:
    assert cone_m3s(feet * FT) / FT3 == pytest.approx(cfs, abs=6e-5 if feet < 1 else 6e-4)


def test_cone_and_kindsvater_shen_agree_at_one_foot() -> None:
    assert cone_m3s(FT) * 1000 == pytest.approx(70.51, abs=0.005)
    assert flow(VNotchWeir(g=9.81).discharge(FT)) * 1000 == pytest.approx(70.52, abs=0.005)


@pytest.mark.parametrize(("exponent", "factor"), [(1.5, 0.8454), (2.5, 0.9278)])
def test_villemonte_at_half(exponent: float, factor: float) -> None:
    assert villemonte_factor(0.4, 0.2, exponent) == pytest.approx(factor, abs=5e-5)


@pytest.mark.parametrize("weir", WEIRS)
def test_states_of_every_weir(weir: Weir) -> None:
    assert weir.discharge(None).flag is Flag.MISSING
    assert weir.discharge(math.nan).value_m3s is None
    assert weir.discharge(0.0).value_m3s == 0.0
    assert weir.discharge(-0.2).flag is Flag.PASS
    high = weir.discharge(2.0)
    assert high.flag is Flag.SUSPECT
    assert "extrapolated" in high.notes[0]
    assert flow(weir.discharge(0.2, math.nan)) == flow(weir.discharge(0.2))
    assert weir.discharge(0.2, math.nan).flag is Flag.SUSPECT


@pytest.mark.parametrize("weir", WEIRS)
def test_tailwater_of_every_weir(weir: Weir) -> None:
    free = weir.discharge(0.2)
    assert weir.discharge(0.2, -0.07) == free
    clinging = weir.discharge(0.2, -0.01)
    assert clinging.flag is Flag.SUSPECT
    assert clinging.value_m3s == free.value_m3s
    below = weir.discharge(0.2, 0.1)
    assert below.regime == "submerged"
    assert below.uncertainty_pct is None
    assert 0.8 < flow(below) / flow(free) < 0.95
    backwards = weir.discharge(0.2, 0.21)
    assert backwards.value_m3s is None
    assert backwards.flag is Flag.FAIL


@given(st.sampled_from(WEIRS), st.floats(1e-4, 1.5), st.floats(1e-4, 1.5))
def test_a_rising_head_never_lowers_a_free_discharge(weir: Weir, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert flow(weir.discharge(low)) <= flow(weir.discharge(high))


@given(st.sampled_from(WEIRS), st.floats(0.01, 1.0))
def test_no_step_where_the_tailwater_reaches_the_crest(weir: Weir, head: float) -> None:
    assert flow(weir.discharge(head, head * 1e-9)) == pytest.approx(flow(weir.discharge(head)), rel=1e-6)


@given(st.sampled_from(WEIRS), st.floats(0.01, 1.0), st.floats(0, 1), st.floats(0, 1))
def test_a_rising_tailwater_never_raises_the_discharge(weir: Weir, head: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert flow(weir.discharge(head, low * head)) >= flow(weir.discharge(head, high * head))


def test_geometry_outside_the_standard_is_flagged() -> None:
    assert RectangularWeir(0.1, 2.0, 0.5).discharge(0.2).flag is Flag.SUSPECT
    assert RectangularWeir(1.9, 2.0, 0.5).discharge(0.2).flag is Flag.SUSPECT
    assert VNotchWeir(110).discharge(0.2).flag is Flag.SUSPECT
    assert VNotchWeir().discharge(0.05).notes == ("below rated range: head 0.05 m, stated from 0.06 m",)


@pytest.mark.parametrize(
    "build",
    [
        lambda: RectangularWeir(2.1, 2.0, 0.5),
        lambda: RectangularWeir(-1.0, 2.0, 0.5),
        lambda: VNotchWeir(5),
        lambda: VNotchWeir(140),
        lambda: FrancisWeir(math.nan),
    ],
)
def test_impossible_weirs_are_refused(build: object) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=r"must be|cannot|angle"):
        build()

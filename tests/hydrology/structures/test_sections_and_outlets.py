import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.structures import (
    BottomOutlet,
    Discharge,
    GatedSpillway,
    HeadRange,
    IndexVelocity,
    OgeeSpillway,
    SurveyedSection,
    Trapezoid,
    manning_m3s,
)
from wire.flags import Flag

CANAL = Trapezoid(2.0, 1.5)
OGEE = OgeeSpillway(10.0, 1.5)


def flow(answer: Discharge) -> float:
    assert answer.value_m3s is not None
    return answer.value_m3s


def test_manning_lined_canal() -> None:
    assert CANAL.area_m2(1.2) == pytest.approx(4.56)
    assert CANAL.area_m2(1.2) / CANAL.perimeter_m(1.2) == pytest.approx(0.72076, abs=5e-6)
    assert manning_m3s(CANAL, 1.2, 0.0002, 0.015) == pytest.approx(3.4561, abs=5e-5)
    assert manning_m3s(CANAL, -1.0, 0.0002, 0.015) == 0.0
    with pytest.raises(ValueError, match="slope"):
        manning_m3s(CANAL, 1.2, 0.0, 0.015)


def test_index_velocity_vector() -> None:
    rating = IndexVelocity(Trapezoid(4.0, 1.5), a=0.03, b=0.88)
    assert rating.section.area_m2(1.6) == pytest.approx(10.24)
    assert flow(rating.discharge(0.95, 1.6)) == pytest.approx(8.8678, abs=5e-5)
    back = rating.discharge(-0.5, 1.6)
    assert flow(back) == pytest.approx(-4.1984, abs=5e-5)
    assert back.regime == "reverse"
    assert back.flag is Flag.PASS


def test_index_velocity_states() -> None:
    few = IndexVelocity(CANAL, 0.0, 0.9, pairs=7, stages=HeadRange(0.5, 2.0), standard_error_pct=3.0)
    answer = few.discharge(0.5, 2.5)
    assert len(answer.notes) == 2
    assert answer.uncertainty_pct is None
    sure = IndexVelocity(CANAL, 0.0, 0.9, stages=HeadRange(0.5, 2.0), standard_error_pct=3.0)
    assert sure.discharge(0.5, 1.0).uncertainty_pct == 6.0
    assert sure.discharge(0.5, 2.5).uncertainty_pct is None
    assert few.discharge(None, 1.0).flag is Flag.MISSING
    assert few.discharge(0.5, math.nan).flag is Flag.MISSING
    assert few.discharge(0.5, -1.0).value_m3s == 0.0


def test_surveyed_section_is_linear_between_rows() -> None:
    section = SurveyedSection(((0.0, 0.0), (1.0, 4.0), (2.0, 10.0)))
    assert [section.area_m2(z) for z in (-1, 0, 0.5, 1, 1.5, 2, 2.5)] == [0, 0, 2, 4, 7, 10, 13]
    with pytest.raises(ValueError, match="rising"):
        SurveyedSection(((1.0, 0.0), (0.5, 1.0)))
    with pytest.raises(ValueError, match="rise"):
        SurveyedSection(((0.0, 1.0), (0.5, 0.5)))


def test_a_section_needs_a_width() -> None:
    with pytest.raises(ValueError, match="bottom width"):
        Trapezoid(0.0, 0.0)


def test_ogee_example() -> None:
    answer = OGEE.discharge(1.2)
    assert flow(answer) == pytest.approx(27.90, abs=0.005)
    assert answer.flag is Flag.PASS
    assert "unverified" in answer.source


def test_ogee_piers_shorten_the_crest() -> None:
    assert flow(OgeeSpillway(10.0, 1.5, piers=2).discharge(1.2)) / 27.90 == pytest.approx(1 - 0.0048, abs=1e-3)


def test_ogee_states() -> None:
    assert OGEE.discharge(None).flag is Flag.MISSING
    assert OGEE.discharge(-0.1).value_m3s == 0.0
    assert OGEE.discharge(2.1).flag is Flag.SUSPECT


@given(st.floats(0.01, 3.0), st.floats(0.01, 3.0), st.floats(0.01, 3.0))
def test_a_closing_spillway_gate_never_raises_and_meets_the_free_crest(head: float, one: float, other: float) -> None:
    gated = GatedSpillway(10.0, OGEE)
    low, high = sorted((one, other))
    assert flow(gated.discharge(head, low)) <= flow(gated.discharge(head, high)) * (1 + 1e-12)
    assert flow(gated.discharge(head, head)) == flow(OGEE.discharge(head))


@given(st.floats(0.1, 5.0), st.floats(0.3, 3.0), st.floats(-0.5, 0.5))
def test_a_spillway_whose_water_comes_to_touch_its_gate_does_not_step(
    opening: float, design: float, move: float
) -> None:
    gated = GatedSpillway(10.0, OgeeSpillway(10.0, design))
    below, at, above = (flow(gated.discharge(opening * (1 + by), opening)) for by in (-1e-9, 0.0, 1e-9))
    assert below == pytest.approx(at, rel=1e-6)
    assert above == pytest.approx(at, rel=1e-6)
    low, high = sorted((opening, opening * (1 + move)))
    assert flow(gated.discharge(low, opening)) <= flow(gated.discharge(high, opening)) * (1 + 1e-12)


def test_gated_spillway_orifice() -> None:
    gated = GatedSpillway(10.0, OGEE, count=2)
    expected = 2 * 0.61 * 10 * 0.2 * math.sqrt(2 * 9.80665 * (1.2 - 0.1))
    assert flow(gated.discharge(1.2, 0.2)) == pytest.approx(expected)
    assert gated.discharge(1.2, 0.0).regime == "closed"
    assert gated.discharge(1.2, None).flag is Flag.MISSING
    assert gated.discharge(-1.0, 0.2).value_m3s == 0.0


def test_bottom_outlet() -> None:
    outlet = BottomOutlet(0.2, g=9.81)
    assert flow(outlet.discharge(1.0, 0.85)) == pytest.approx(0.20929, abs=5e-6)
    assert flow(outlet.discharge(1.0, -2.0)) == flow(outlet.discharge(1.0))
    assert outlet.discharge(1.0, 1.1).flag is Flag.FAIL
    assert flow(outlet.discharge(1.0, opening_share=0.5)) == pytest.approx(flow(outlet.discharge(1.0)) / 2)
    assert outlet.discharge(None).flag is Flag.MISSING
    assert outlet.discharge(0.0).value_m3s == 0.0

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.gauging import Vertical, mean_velocity_m_s, mid_section_m3s
from hydrology.rating import (
    PowerRating,
    Quality,
    Segment,
    TableRating,
    implied_shift_m,
    percent_difference,
    shift_is_due,
)
from wire.flags import Flag

LOW = Segment(8, 0.2, 1.5)
HIGH = Segment(10.488783, 0.35, 5 / 3, start_m=1.2)
TWO = PowerRating((LOW, HIGH), Quality(0.3, 2.0, max_gauged_m3s=20.0, standard_error_ln=0.03), "post 7")
TABLE = TableRating(((0.5, 1.0), (1.0, 5.0)), e_m=0.2)


def test_segments_meet_at_1_2_and_give_24_1656_at_2_0() -> None:
    assert LOW.flow_m3s(1.2) == pytest.approx(8.0)
    assert TWO.flow_m3s(1.2) == pytest.approx(8.0, abs=5e-5)
    assert TWO.flow_m3s(2.0) == pytest.approx(24.1656, abs=5e-5)


def test_log_interpolation_vector() -> None:
    assert TABLE.flow_m3s(0.7) == pytest.approx(2.3122, abs=5e-5)
    assert TABLE.flow_m3s(0.5) == pytest.approx(1.0)
    assert TABLE.flow_m3s(1.0) == pytest.approx(5.0)


def test_a_row_with_flow_0_is_the_offset_not_a_point() -> None:
    table = TableRating.from_rows(((0.1, 0.0), (0.2, 0.0), (0.5, 1.0), (1.0, 5.0)))
    assert table.e_m == 0.2
    assert table.flow_m3s(0.7) == TABLE.flow_m3s(0.7)
    assert table.discharge(0.15).value_m3s == 0.0
    with pytest.raises(ValueError, match="no flow"):
        TableRating.from_rows(((0.5, 1.0), (1.0, 5.0)))


def test_outside_the_table_is_flagged() -> None:
    assert TABLE.discharge(0.7).flag is Flag.PASS
    assert TABLE.discharge(0.4).flag is Flag.SUSPECT
    high = TABLE.discharge(1.2)
    assert high.flag is Flag.SUSPECT
    assert high.value_m3s is not None
    assert high.value_m3s > 5.0


def test_answers_of_a_rating() -> None:
    answer = TWO.discharge(1.0)
    assert answer.value_m3s == pytest.approx(5.7243, abs=5e-5)
    assert (answer.flag, answer.regime) == (Flag.PASS, "rated")
    assert answer.uncertainty_pct == pytest.approx(6.0)
    assert "post 7" in answer.source
    assert TWO.discharge(None).flag is Flag.MISSING
    assert TWO.discharge(math.nan).value_m3s is None
    assert TWO.discharge(0.1).value_m3s == 0.0
    assert "below" in TWO.discharge(0.25).notes[0]
    assert [note.split(":")[0] for note in TWO.discharge(2.6).notes] == ["extrapolated", "EXTRAP"]
    assert TWO.discharge(1.0, ice=True).notes == ("ICE: the rating of open water does not hold",)


def test_a_stage_that_cannot_be_has_no_flow_and_beyond_the_range_no_uncertainty() -> None:
    assert TWO.discharge(2.6).uncertainty_pct is None
    for stage in (-100.0, 500.0):
        for law in (TWO, TABLE):
            answer = law.discharge(stage)
            assert (answer.value_m3s, answer.flag, answer.regime) == (None, Flag.FAIL, "impossible stage")


def test_measurement_difference_and_implied_shift_vector() -> None:
    single = PowerRating((LOW,))
    assert single.flow_m3s(1.0) == pytest.approx(5.7243, abs=5e-5)
    assert percent_difference(6.00, single.flow_m3s(1.0)) == pytest.approx(4.816, abs=5e-4)
    assert implied_shift_m(single, 1.0, 6.00) == pytest.approx(0.02548, abs=5e-6)
    assert not shift_is_due(4.816)
    assert shift_is_due(-5.1)
    assert single.discharge(1.0, shift_m=0.02548).value_m3s == pytest.approx(6.0, abs=1e-4)


@pytest.mark.parametrize(
    ("segments", "match"),
    [
        ((), "at least one"),
        ((LOW, Segment(12, 0.35, 5 / 3, 1.2)), "steps by"),
        ((LOW, Segment(10, 1.3, 1.5, 1.2)), "rise"),
        ((Segment(-1, 0, 1.5),), "positive"),
    ],
)
def test_impossible_ratings_are_refused(segments: tuple[Segment, ...], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        PowerRating(segments)


@pytest.mark.parametrize(
    ("points", "e"),
    [(((0.5, 1.0),), 0.2), (((0.5, 1.0), (1.0, 5.0)), 0.5), (((0.5, 1.0), (1.0, 0.9)), 0.2)],
)
def test_impossible_tables_are_refused(points: tuple[tuple[float, float], ...], e: float) -> None:
    with pytest.raises(ValueError, match="row"):
        TableRating(points, e)


@given(st.sampled_from([TWO, TABLE]), st.floats(0.0, 4.0), st.floats(0.0, 4.0))
def test_a_rising_stage_never_lowers_the_flow(rating: PowerRating | TableRating, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert rating.flow_m3s(low) <= rating.flow_m3s(high) * (1 + 1e-7)


@given(st.sampled_from([TWO, TABLE]), st.one_of(st.sampled_from([0.2, 0.5, 1.0, 1.2]), st.floats(0.21, 4.0)))
def test_no_step_where_two_segments_or_two_rows_meet(rating: PowerRating | TableRating, stage: float) -> None:
    below, above = rating.flow_m3s(stage - 1e-7), rating.flow_m3s(stage + 1e-7)
    assert above - below <= 1e-5 * (1 + above)


@given(st.sampled_from([TWO, TABLE]), st.floats(0.3, 4.0))
def test_stage_is_the_inverse_of_flow(rating: PowerRating | TableRating, stage: float) -> None:
    assert rating.stage_m(rating.flow_m3s(stage)) == pytest.approx(stage, abs=1e-6)
    assert rating.stage_m(0.0) == 0.2


def test_mid_section() -> None:
    verticals = [Vertical(0, 0, 0), Vertical(1, 1.0, 0.5), Vertical(3, 1.5, 0.8), Vertical(4, 0, 0)]
    assert mid_section_m3s(verticals) == pytest.approx(0.5 * 1.0 * 1.5 + 0.8 * 1.5 * 1.5)
    assert mean_velocity_m_s(at_06=0.5) == 0.5
    assert mean_velocity_m_s(0.6, 0.9, 0.4) == 0.5
    with pytest.raises(ValueError, match="velocity"):
        mean_velocity_m_s(at_02=0.6)
    with pytest.raises(ValueError, match="rising"):
        mid_section_m3s(verticals[:2])

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.rating import PowerRating, Segment
from hydrology.shifts import ShiftCurve, Shifts

FIRST = datetime(2025, 4, 1, tzinfo=UTC)
SECOND = FIRST + timedelta(days=10)
HALF_WAY = FIRST + timedelta(days=5)
RATING = PowerRating((Segment(8, 0.2, 1.5),))
SHIFTS = Shifts((ShiftCurve(FIRST), ShiftCurve(SECOND, ((0.5, 0.03), (1.5, 0.0)))))


def test_half_way_shift_vector() -> None:
    assert SHIFTS.at(HALF_WAY, 1.0) == pytest.approx(0.0075)
    answer = RATING.discharge(1.0, shift_m=SHIFTS.at(HALF_WAY, 1.0))
    assert answer.value_m3s == pytest.approx(5.8050, abs=5e-5)
    assert "shift +0.007" in answer.source or "shift +0.008" in answer.source


def test_shift_by_stage_is_linear_and_held_outside() -> None:
    assert [SHIFTS.at(SECOND, h) for h in (0.1, 0.5, 1.0, 1.5, 2.0)] == pytest.approx([0.03, 0.03, 0.015, 0, 0])


def test_no_shift_before_the_first_date_and_the_last_one_holds() -> None:
    later = Shifts((ShiftCurve(SECOND, ((1.0, 0.02),)),))
    assert later.at(FIRST, 1.0) == 0.0
    assert later.at(SECOND + timedelta(days=900), 1.0) == 0.02


@pytest.mark.parametrize(
    "build",
    [
        lambda: ShiftCurve(datetime(2025, 4, 1)),
        lambda: ShiftCurve(FIRST, ((1.0, 0.1), (0.5, 0.1))),
        lambda: ShiftCurve(FIRST, tuple((float(i), 0.1) for i in range(4))),
        lambda: Shifts((ShiftCurve(SECOND), ShiftCurve(FIRST))),
    ],
)
def test_impossible_dates_are_refused(build: object) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=r"\w"):
        build()


@given(st.floats(0.1, 2.0), st.floats(0.0, 1.0))
def test_no_step_at_a_point_of_the_shift_nor_at_its_date(stage: float, share: float) -> None:
    when = FIRST + (SECOND - FIRST) * share
    second = timedelta(seconds=1)
    for at in (0.5, 1.5, stage):
        assert SHIFTS.at(when, at + 1e-9) == pytest.approx(SHIFTS.at(when, at - 1e-9), abs=1e-7)
    for date in (FIRST, SECOND, when):
        assert SHIFTS.at(date + second, stage) == pytest.approx(SHIFTS.at(date - second, stage), abs=1e-4)

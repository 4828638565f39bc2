import itertools
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.accounting import (
    day_period,
    decade_of,
    decade_period,
    decades_between,
    hydrological_year,
    season_period,
)

ZONES = st.sampled_from(["Asia/Almaty", "Asia/Oral", "Asia/Qyzylorda", "Asia/Qostanay", "UTC"])


def test_the_25_hour_day_of_almaty() -> None:
    day = day_period(date(2024, 2, 29), "Asia/Almaty")
    assert day.start == datetime(2024, 2, 28, 18, tzinfo=UTC)
    assert day.end == datetime(2024, 2, 29, 19, tzinfo=UTC)
    assert day.seconds == 25 * 3600


@pytest.mark.parametrize("zone", ["Asia/Oral", "Asia/Qyzylorda"])
def test_the_same_day_has_24_hours_in_the_west(zone: str) -> None:
    assert day_period(date(2024, 2, 29), zone).seconds == 24 * 3600


@pytest.mark.parametrize(("zone", "hours"), [("Asia/Oral", 216), ("Asia/Almaty", 217), ("Asia/Qostanay", 217)])
def test_third_decade_of_february_2024(zone: str, hours: int) -> None:
    decade = decade_period(2024, 2, 3, zone)
    assert decade.seconds == hours * 3600
    assert decade.name == "2024-02 III"


@pytest.mark.parametrize(("day", "decade"), [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3), (31, 3)])
def test_decade_of_a_day(day: int, decade: int) -> None:
    assert decade_of(date(2024, 1, day)) == decade


def test_there_is_no_fourth_decade() -> None:
    with pytest.raises(ValueError, match="decade"):
        decade_period(2024, 1, 4, "UTC")


def test_seasons_and_the_hydrological_year() -> None:
    growing = season_period(2025, "Asia/Almaty")
    other = season_period(2025, "Asia/Almaty", growing=False)
    assert growing.start == other.end == datetime(2025, 3, 31, 19, tzinfo=UTC)
    year = hydrological_year(2025, "Asia/Almaty")
    assert (year.start, year.end) == (other.start, growing.end)
    assert growing.seconds + other.seconds == year.seconds


def test_hydrological_day_starts_at_eight() -> None:
    day = day_period(date(2025, 5, 1), "Asia/Almaty", time(8))
    assert day.start == datetime(2025, 5, 1, 3, tzinfo=UTC)


@given(ZONES, st.dates(date(2015, 1, 1), date(2030, 1, 1)), st.integers(0, 400))
def test_decades_join_without_gap_or_overlap(zone: str, first: date, days: int) -> None:
    last = first + timedelta(days=days)
    decades = list(decades_between(first, last, zone))
    for before, after in itertools.pairwise(decades):
        assert before.end == after.start
    assert decades[0].start <= day_period(first, zone).start
    assert decades[-1].end >= day_period(last, zone).end


@given(ZONES, st.dates(date(2015, 1, 1), date(2030, 1, 1)))
def test_days_join(zone: str, day: date) -> None:
    assert day_period(day, zone).end == day_period(day + timedelta(days=1), zone).start

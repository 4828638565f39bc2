from datetime import UTC, date, datetime

import pytest

from dashboards.report.span import (
    Span,
    SpanError,
    days_span,
    decade_span,
    last_whole_decade,
    season_of,
    season_span,
    until,
)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-07-1", date(2026, 7, 1), date(2026, 7, 10)),
        ("2026-07-2", date(2026, 7, 11), date(2026, 7, 20)),
        ("2026-7-3", date(2026, 7, 21), date(2026, 7, 31)),
        ("2024-02-3", date(2024, 2, 21), date(2024, 2, 29)),
        ("2025-12-3", date(2025, 12, 21), date(2025, 12, 31)),
    ],
)
def test_a_decade(text: str, first: date, last: date) -> None:
    assert decade_span(text) == Span("decade", first, last)


@pytest.mark.parametrize("text", ["2026-07", "2026-07-4", "2026-13-1", "0000-01-1", "july", "2026-07-2 or so"])
def test_what_is_no_decade_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(SpanError, match="as in 2026-07-2"):
        decade_span(text)


def test_days_and_seasons() -> None:
    assert days_span("2026-07-01", "2026-07-01").last == date(2026, 7, 1)
    assert season_span("2026") == Span("season", date(2026, 4, 1), date(2026, 9, 30))
    assert season_span("2026-other") == Span("season", date(2025, 10, 1), date(2026, 3, 31))
    with pytest.raises(SpanError, match="before the first"):
        days_span("2026-07-02", "2026-07-01")
    with pytest.raises(SpanError, match="two years"):
        days_span("2020-01-01", "2026-01-01")
    with pytest.raises(SpanError, match="not two days"):
        days_span("yesterday", "2026-07-01")
    with pytest.raises(SpanError, match="not a season"):
        season_span("summer")


def test_the_day_of_25_hours_is_in_almaty_only() -> None:
    span = days_span("2024-02-29", "2024-02-29")
    almaty = span.period("Asia/Almaty")
    assert almaty.start == datetime(2024, 2, 28, 18, tzinfo=UTC)
    assert almaty.end == datetime(2024, 2, 29, 19, tzinfo=UTC)
    assert almaty.seconds == 25 * 3600
    assert span.period("Asia/Oral").seconds == 24 * 3600


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (datetime(2026, 7, 20, 18, 59, tzinfo=UTC), "2026-07-1"),  # a minute before local midnight
        (datetime(2026, 7, 20, 19, 0, tzinfo=UTC), "2026-07-2"),
        (datetime(2026, 8, 1, 0, 0, tzinfo=UTC), "2026-07-3"),
        (datetime(2027, 1, 1, 12, 0, tzinfo=UTC), "2026-12-3"),
    ],
)
def test_the_last_whole_decade_is_by_the_local_day(now: datetime, text: str) -> None:
    assert last_whole_decade(now, "Asia/Almaty") == decade_span(text)


def test_the_season_of_a_day() -> None:
    assert season_of(date(2026, 9, 30), "Asia/Almaty").name == "2026 growing"
    assert season_of(date(2026, 10, 1), "Asia/Almaty").name == "2026/2027 other"
    assert season_of(date(2026, 3, 31), "Asia/Almaty").name == "2025/2026 other"


def test_a_period_that_is_not_over_ends_now() -> None:
    period = decade_span("2026-07-2").period("Asia/Almaty")
    now = datetime(2026, 7, 15, tzinfo=UTC)
    assert until(period, now).end == now
    assert until(period, datetime(2026, 8, 1, tzinfo=UTC)) == period

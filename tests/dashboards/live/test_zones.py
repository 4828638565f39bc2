"""Offsets of time zones for browsers whose own table is old."""

from datetime import UTC, datetime

from dashboards.live.zones import is_zone, offset_s, offsets


def ms(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


def test_a_zone_without_changes_has_one_offset() -> None:
    assert offsets("Asia/Bishkek", ms(2026, 11, 23)) == [(0, 6 * 3600)]
    assert offsets("UTC", ms(2026, 11, 23)) == [(0, 0)]


def test_kazakhstans_change_of_2024_is_found_to_the_minute() -> None:
    table = offsets("Asia/Almaty", ms(2024, 6, 1))
    assert table == [(0, 6 * 3600), (ms(2024, 2, 29, 18), 5 * 3600)]
    assert offset_s(table, ms(2024, 2, 29, 17, 59)) == 6 * 3600
    assert offset_s(table, ms(2024, 2, 29, 18)) == 5 * 3600


def test_summer_time_comes_and_goes() -> None:
    table = offsets("Europe/Berlin", ms(2026, 11, 23))
    assert offset_s(table, ms(2026, 7, 1)) == 7200
    assert offset_s(table, ms(2026, 10, 25, 0, 59)) == 7200
    assert offset_s(table, ms(2026, 10, 25, 1)) == 3600
    assert offset_s(table, ms(2027, 3, 28, 1)) == 7200


def test_a_zone_that_nobody_knows_counts_as_utc() -> None:
    assert not is_zone("Asia/Nowhere")
    assert not is_zone("../etc/passwd")
    assert offsets("Asia/Nowhere", ms(2026, 1, 1)) == [(0, 0)]

"""Points as line protocol."""

from store.lines import encode, places, rows_of, series_prefix
from store.points import DeliveryPoint, Points, RecordPoint, SeriesKey, SeriesPoints
from wire.flags import Flag

KEY = SeriesKey("level", "kok-su-1", "radar")
PREFIX = "level,sensor=radar,station=kok-su-1 "


def test_value_and_flag() -> None:
    one = SeriesPoints(KEY, [1, 2], [1.5, 1e22], [1, int(Flag.SUSPECT)])
    assert encode([one]) == [f"{PREFIX}value=1.5,flag=1i 1", f"{PREFIX}value=1e22,flag=3i 2"]


def test_a_flag_of_the_enumeration_is_its_number() -> None:
    assert encode([SeriesPoints(KEY, [1], [1.5], [Flag.FAIL])]) == [f"{PREFIX}value=1.5,flag=4i 1"]


def test_a_missing_value_has_only_its_flag() -> None:
    one = SeriesPoints(KEY, [1, 2], [None, 2.0], [9, 1])
    assert encode([one]) == [f"{PREFIX}flag=9i 1", f"{PREFIX}value=2.0,flag=1i 2"]


def test_raw_only_where_it_differs_and_tests_and_rev_only_where_given() -> None:
    one = SeriesPoints(
        KEY,
        [1, 2, 3, 4],
        [1.0, 2.0, 3.0, None],
        [1, 1, 3, 9],
        raw=[None, 2.0, 3.5, None],
        tests=[None, None, 6, None],
    )
    assert encode([one]) == [
        f"{PREFIX}value=1.0,flag=1i 1",
        f"{PREFIX}value=2.0,flag=1i 2",
        f"{PREFIX}value=3.0,flag=3i,raw=3.5,tests=6i 3",
        f"{PREFIX}flag=9i 4",
    ]


def test_a_change_writes_every_field_so_that_nothing_of_the_old_point_stays() -> None:
    one = SeriesPoints(
        KEY, [1, 2, 3], [1.0, 2.0, 3.0], [1, 3, 1], raw=[None, 2.5, None], tests=[None, 8, None], rev=[4, 5, None]
    )
    assert encode([one]) == [
        f"{PREFIX}value=1.0,flag=1i,raw=1.0,tests=0i,rev=4i 1",
        f"{PREFIX}value=2.0,flag=3i,raw=2.5,tests=8i,rev=5i 2",
        f"{PREFIX}value=3.0,flag=1i 3",
    ]


def test_names_are_escaped() -> None:
    assert series_prefix(SeriesKey("a b,c=d", "e f,g=h", 'i"j')) == 'a\\ b\\,c=d,sensor=i"j,station=e\\ f\\,g\\=h '


def test_records_and_deliveries_have_a_quoted_body() -> None:
    body = '{"why":"a \\ b, c=d\n"}'
    assert encode([RecordPoint("gw 1", "gap", 5, body), DeliveryPoint("gw=1", 6, "")]) == [
        'record,gateway=gw\\ 1,kind=gap body="{\\"why\\":\\"a \\\\ b, c=d\n\\"}" 5',
        'delivery,gateway=gw\\=1 body="" 6',
    ]


def test_every_line_knows_where_it_comes_from() -> None:
    batch: list[Points] = [
        SeriesPoints(KEY, [1, 2, 3], [1.0, 2.0, 3.0], [1, 1, 1]),
        RecordPoint("g", "gap", 4, ""),
        DeliveryPoint("g", 5, ""),
    ]
    skip = {(0, 1), (2, 0)}
    assert [line.rpartition(" ")[2] for line in encode(batch, skip)] == ["1", "3", "4"]
    assert places(rows_of(batch), skip) == [(0, 0), (0, 2), (1, 0)]
    assert len(places(rows_of(batch))) == len(encode(batch)) == 5


def test_columns_of_unlike_points_keep_their_order() -> None:
    flags = [int(Flag.PASS), int(Flag.SUSPECT)]
    batch: list[Points] = [
        SeriesPoints(KEY, [1], [1.5], [1]),
        SeriesPoints(KEY, [2, 3], [2.5, 3.5], flags),
        SeriesPoints(KEY, [4], [None], [9]),
        SeriesPoints(KEY, [5], [5.5], [1]),
    ]
    assert [line.rpartition(" ")[2] for line in encode(batch)] == ["1", "2", "3", "4", "5"]
    assert encode(batch)[2:4] == [f"{PREFIX}value=3.5,flag=3i 3", f"{PREFIX}flag=9i 4"]

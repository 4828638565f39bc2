"""Every store gives the same answers to the same points."""

import json
from math import inf, nan

import pytest

from store.points import (
    DeliveryPoint,
    History,
    HistoryPoint,
    Latest,
    Points,
    RecordPoint,
    RefusedPoint,
    SeriesKey,
    SeriesPoints,
    StoredPoint,
)
from tests.store.conftest import Store

LEVEL = SeriesKey("level", "kok-su-1", "radar")
T0 = 1_795_392_000_000  # midnight, 23 November 2026
MINUTE = 60_000
DAY = 86_400_000


def points(
    start_ms: int, values: list[float | None], flag: list[int] | None = None, key: SeriesKey = LEVEL
) -> SeriesPoints:
    flags = flag or [9 if value is None else 1 for value in values]
    return SeriesPoints(key, [start_ms + MINUTE * n for n in range(len(values))], values, flags)


async def whole(store: Store, key: SeriesKey = LEVEL) -> dict[int, tuple[float | None, int]]:
    history = await store.reader.history(key, T0 - DAY, T0 + DAY, 100_000)
    assert history.bucket_ms == 0
    assert history.low == history.high == history.value
    return dict(zip(history.time_ms, zip(history.value, history.flag, strict=True), strict=True))


async def test_what_is_written_is_read(store: Store) -> None:
    values = [1.25, -0.001, 0.0, 1e-9, 1.7976931348623157e308, 0.1 + 0.2, 1234567.891]
    assert await store.writer.write([points(T0, list(values))]) == []
    assert await whole(store) == {T0 + MINUTE * n: (value, 1) for n, value in enumerate(values)}


async def test_an_empty_store_has_nothing(store: Store) -> None:
    assert await store.writer.write([]) == []
    assert await store.reader.latest(0) == {}
    assert await store.reader.history(LEVEL, T0, T0 + DAY, 100) == History([], [], [], [], [], 0)
    assert await store.reader.deliveries() == {}


async def test_a_point_written_twice_is_one_point(store: Store) -> None:
    for _ in range(2):
        await store.writer.write([points(T0, [1.0, 2.0]), points(T0, [1.0, 2.0])])
    assert await whole(store) == {T0: (1.0, 1), T0 + MINUTE: (2.0, 1)}


async def test_the_later_write_of_a_point_counts(store: Store) -> None:
    await store.writer.write([points(T0, [1.0])])
    await store.writer.write([points(T0, [2.0], [3])])
    assert await whole(store) == {T0: (2.0, 3)}


async def test_a_field_that_is_left_out_stays(store: Store) -> None:
    await store.writer.write([points(T0, [1.0])])
    await store.writer.write([points(T0, [None])])
    assert await whole(store) == {T0: (1.0, 9)}


async def test_a_missing_value_is_a_point_without_value(store: Store) -> None:
    await store.writer.write([points(T0, [1.0, None, 3.0, None])])
    assert await whole(store) == {
        T0: (1.0, 1),
        T0 + MINUTE: (None, 9),
        T0 + 2 * MINUTE: (3.0, 1),
        T0 + 3 * MINUTE: (None, 9),
    }
    assert await store.reader.latest(T0) == {LEVEL: Latest(T0 + 3 * MINUTE, 3.0, 9, T0 + 2 * MINUTE)}


async def test_latest_of_every_series_since(store: Store) -> None:
    old, discharge = SeriesKey("level", "old", "radar"), SeriesKey("discharge", "kok-su-1", "radar")
    silent = SeriesKey("level", "silent", "radar")
    await store.writer.write(
        [
            points(T0, [1.0, 2.0]),
            points(T0, [7.0], [4], key=discharge),
            points(T0 - DAY, [3.0], key=old),
            points(T0, [None, None], key=silent),
            RecordPoint("gw-1", "gap", T0, "{}"),
            DeliveryPoint("gw-1", T0, "{}"),
        ]
    )
    assert await store.reader.latest(T0) == {
        LEVEL: Latest(T0 + MINUTE, 2.0, 1, T0 + MINUTE),
        discharge: Latest(T0, 7.0, 4, T0),
        silent: Latest(T0 + MINUTE, None, 9, None),
    }
    assert await store.reader.latest(T0 + 2 * MINUTE) == {}
    assert old in await store.reader.latest(T0 - DAY)


async def test_history_takes_the_start_and_leaves_the_end(store: Store) -> None:
    await store.writer.write([points(T0, [1.0, 2.0, 3.0])])
    history = await store.reader.history(LEVEL, T0, T0 + 2 * MINUTE, 10)
    assert history == History([T0, T0 + MINUTE], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [1, 1], 0)


async def test_history_is_thinned_to_buckets(store: Store) -> None:
    values: list[float | None] = [1.0, 2.0, 6.0, None, 5.0, None, None, None, None, 8.0]
    flags = [1, 3, 1, 9, 4, 9, 9, 9, 9, 2]
    start = T0 + 5 * MINUTE
    await store.writer.write([points(start, [*values, 99.0], [*flags, 1])])
    history = await store.reader.history(LEVEL, start, start + 10 * MINUTE, 3)
    assert history.bucket_ms == 5 * MINUTE
    assert history.time_ms == [start, start + 5 * MINUTE]
    assert history.value == [pytest.approx(3.5), 8.0]
    assert history.low == [1.0, 8.0]
    assert history.high == [6.0, 8.0]
    assert history.flag == [4, 2]


async def test_a_bucket_of_missing_points_is_missing_and_one_without_points_is_not_there(store: Store) -> None:
    await store.writer.write([points(T0, [1.0] * 5 + [None] * 5), points(T0 + 15 * MINUTE, [2.0] * 5)])
    history = await store.reader.history(LEVEL, T0, T0 + 20 * MINUTE, 4)
    assert history.time_ms == [T0, T0 + 5 * MINUTE, T0 + 15 * MINUTE]
    assert history.value == history.low == history.high == [1.0, None, 2.0]
    assert history.flag == [1, 9, 1]


async def test_a_month_is_thinned(store: Store) -> None:
    count = 30 * 96
    times = [T0 + n * 15 * MINUTE for n in range(count)]
    await store.writer.write([SeriesPoints(LEVEL, times, [float(n % 96) for n in range(count)], [1] * count)])
    history = await store.reader.history(LEVEL, T0, T0 + 30 * DAY, 360)
    assert history.bucket_ms == 2 * 3_600_000
    assert len(history.time_ms) == 360
    assert history.time_ms[:2] == [T0, T0 + history.bucket_ms]
    assert history.value[:2] == [pytest.approx(3.5), pytest.approx(11.5)]
    assert (history.low[1], history.high[1]) == (8.0, 15.0)
    assert set(history.flag) == {1}


async def test_series_differ_by_each_part_of_the_key(store: Store) -> None:
    keys = [
        LEVEL,
        LEVEL._replace(sensor="bubbler"),
        LEVEL._replace(station="other"),
        LEVEL._replace(quantity="elevation"),
    ]
    await store.writer.write([points(T0, [float(n)], key=key) for n, key in enumerate(keys)])
    for n, key in enumerate(keys):
        assert await whole(store, key) == {T0: (float(n), 1)}


@pytest.mark.parametrize(
    "name",
    [
        "Көксу арнасы",
        "a b",
        "a,b",
        "a=b",
        "a\\b",
        "\\\\a",
        'a"b',
        "a'b",
        "'; DROP",
        "a--b",
        "-",
        "=",
        "é",
        "/x/",
    ],
)
async def test_any_printable_name_comes_back(store: Store, name: str) -> None:
    key = SeriesKey(name, name, name)
    assert await store.writer.write([points(T0, [1.0, None], key=key)]) == []
    assert await store.reader.latest(T0) == {key: Latest(T0 + MINUTE, 1.0, 9, T0)}
    assert await whole(store, key) == {T0: (1.0, 1), T0 + MINUTE: (None, 9)}
    body = json.dumps({"why": name, "text": '"\\\n\\"'}, ensure_ascii=False)
    assert await store.writer.write([DeliveryPoint(name, T0, body), RecordPoint(name, "gap", T0, body)]) == []
    assert await store.reader.deliveries() == {name: body}


async def test_the_newest_delivery_counts(store: Store) -> None:
    await store.writer.write(
        [DeliveryPoint("a", T0 + 1, "new"), DeliveryPoint("a", T0, "old"), DeliveryPoint("b", T0, "b")]
    )
    await store.writer.write([DeliveryPoint("a", T0 - 1, "older")])
    assert await store.reader.deliveries() == {"a": "new", "b": "b"}
    await store.writer.write([DeliveryPoint("a", T0 + 1, "again")])
    assert await store.reader.deliveries() == {"a": "again", "b": "b"}


async def test_what_was_delivered_by_then(store: Store) -> None:
    await store.writer.write([DeliveryPoint("a", T0, "one"), DeliveryPoint("b", T0 + 5, "b")])
    await store.writer.write([DeliveryPoint("a", T0 + 10, "two")])
    assert await store.reader.deliveries(T0 + 9) == {"a": "one", "b": "b"}
    assert await store.reader.deliveries(T0 + 10) == {"a": "two", "b": "b"}
    assert await store.reader.deliveries(T0 - 1) == {}


async def test_records_of_a_kind_and_a_time(store: Store) -> None:
    rows: list[Points] = [
        RecordPoint("gw-2", "gap", T0, '{"reason":"restart"}'),
        RecordPoint("gw-1", "gap", T0 + 1, "{}"),
        RecordPoint("gw-1", "gap", T0, "{}"),
        RecordPoint("gw-1", "gauge", T0, "{}"),
        RecordPoint("gw-1", "gap", T0 + 2, "{}"),
    ]
    assert await store.reader.records_of("gap", T0, T0 + 2) == []
    await store.writer.write(rows)
    assert await store.reader.records_of("gap", T0, T0 + 2) == [rows[2], rows[1], rows[0]]


async def test_a_large_body_is_kept(store: Store) -> None:
    body = "x" * 1_000_000
    assert await store.writer.write([DeliveryPoint("a", T0, body)]) == []
    assert await store.reader.deliveries() == {"a": body}
    (refused,) = await store.writer.write([DeliveryPoint("a", T0, body + "x")])
    assert refused.reason == "a body of 1000001 bytes, at most 1000000"


async def test_what_no_store_takes_is_refused_and_the_rest_stored(store: Store) -> None:
    batch: list[Points] = [
        points(T0, [1.0, nan, 3.0, inf, -inf]),
        points(T0, [1.0, 2.0], key=LEVEL._replace(sensor="ends\\")),
        points(T0, [5.0], key=LEVEL._replace(station="new\nline")),
        points(T0, [5.0], key=LEVEL._replace(station="")),
        points(T0, [5.0], key=LEVEL._replace(quantity="#no")),
        points(T0, [5.0], key=LEVEL._replace(station="a\\,b")),
        points(T0, [5.0], key=LEVEL._replace(station="\ud800")),
        points(9_223_372_036_855, [5.0]),
        RecordPoint("gw\x00", "gap", T0, "{}"),
        DeliveryPoint("gw", T0, "\ud800"),
        points(T0 + 10 * MINUTE, [7.0]),
    ]
    refused = await store.writer.write(batch)
    assert [(one.item, one.row) for one in refused] == [
        *[(0, 1), (0, 3), (0, 4), (1, 0), (1, 1), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0)]
    ]
    assert refused[0] == RefusedPoint(0, 1, "value is nan")
    assert all(one.reason for one in refused)
    assert await whole(store) == {T0: (1.0, 1), T0 + 2 * MINUTE: (3.0, 1), T0 + 10 * MINUTE: (7.0, 1)}
    assert await store.reader.deliveries() == {}


async def test_raw_tests_and_rev_do_no_harm(store: Store) -> None:
    full = SeriesPoints(
        LEVEL, [T0, T0 + MINUTE], [1.0, None], [3, 9], raw=[0.5, None], tests=[4, None], rev=[None, None]
    )
    changed = SeriesPoints(LEVEL, [T0], [2.0], [1], rev=[1])
    assert await store.writer.write([full, changed]) == []
    assert await whole(store) == {T0: (2.0, 1), T0 + MINUTE: (None, 9)}


async def test_the_newest_points_come_back_with_all_their_fields(store: Store) -> None:
    other = LEVEL._replace(station="kok-su-2")
    full = SeriesPoints(
        LEVEL,
        [T0, T0 + MINUTE, T0 + 2 * MINUTE, T0 + 3 * MINUTE],
        [1.0, 2.0, None, 4.0],
        [1, 3, 9, 1],
        raw=[1.0, 1.5, None, None],
        tests=[None, 8, None, None],
    )
    assert await store.writer.write([full, points(T0, [7.0], key=other)]) == []
    newest = {
        LEVEL: [
            StoredPoint(T0 + MINUTE, 2.0, 3, 1.5, 8),
            StoredPoint(T0 + 2 * MINUTE, None, 9),
            StoredPoint(T0 + 3 * MINUTE, 4.0, 1),
        ],
        other: [StoredPoint(T0, 7.0, 1)],
    }
    unknown = LEVEL._replace(quantity="discharge")
    assert await store.reader.tails([LEVEL, unknown, other], 3) == newest
    assert await store.reader.tails([], 3) == {}
    many = [LEVEL._replace(station=f"none-{number}") for number in range(60)]
    assert await store.reader.tails([*many, other], 3) == {other: newest[other]}


async def test_a_change_leaves_nothing_of_the_old_point_and_keeps_it_in_history(store: Store) -> None:
    assert await store.writer.write([points(T0, [1.0, 2.0])]) == []
    old = StoredPoint(T0, 1.0, 1)
    new = SeriesPoints(LEVEL, [T0], [1.0], [4], tests=[32], rev=[1])
    for _ in range(2):  # a repeat is harmless
        assert await store.writer.write([HistoryPoint(LEVEL, old), new]) == []
    back = SeriesPoints(LEVEL, [T0], [1.0], [1], rev=[2])
    assert await store.writer.write([HistoryPoint(LEVEL, StoredPoint(T0, 1.0, 4, None, 32, 1)), back]) == []
    ((changed, other),) = (await store.reader.tails([LEVEL], 10)).values()
    assert (changed.value, changed.flag, changed.tests, changed.rev, changed.raw) == (1.0, 1, 0, 2, 1.0)
    assert other == StoredPoint(T0 + MINUTE, 2.0, 1)
    assert set(await store.reader.latest(T0)) == {LEVEL}
    bad = HistoryPoint(LEVEL._replace(station=""), StoredPoint(T0, nan, 1))
    assert [one.item for one in await store.writer.write([bad])] == [0]


async def test_points_of_a_span_and_their_earlier_versions_come_back_with_all_their_fields(store: Store) -> None:
    old = [StoredPoint(T0 + at, 1.0 + at, 1, 5.0, None, rev) for at, rev in ((1, 0), (1, 1), (2, 0))]
    await store.writer.write(
        [SeriesPoints(LEVEL, [T0 + at for at in range(5)], [float(at) for at in range(5)], [1] * 5)]
    )
    await store.writer.write([HistoryPoint(LEVEL, one) for one in old])
    await store.writer.write([SeriesPoints(LEVEL, [T0 + 1], [7.0], [3], [5.0], [4], [2])])
    found = await store.reader.points(LEVEL, T0 + 1, T0 + 4, 2)
    assert found == [StoredPoint(T0 + 1, 7.0, 3, 5.0, 4, 2), StoredPoint(T0 + 2, 2.0, 1)]
    assert await store.reader.versions(LEVEL, T0 + 1, T0 + 3) == old
    assert await store.reader.versions(LEVEL, T0 + 2, T0 + 3) == old[2:]
    assert await store.reader.points(LEVEL._replace(sensor="other"), 0, T0 + DAY, 9) == []
    assert await store.reader.versions(LEVEL._replace(sensor="other"), 0, T0 + DAY) == []

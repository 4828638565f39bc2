import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.body import BodyError, decode_body, read_body
from ingest.change import Count
from ingest.intake import Group
from ingest.received import Logs, take_new
from tests.ingest.samples import EPOCH, NOW_MS, arrival, batch, level, make_intake
from wire.batch import Record
from wire.codec import Codec


def test_good_readings_become_one_row_that_names_its_identities() -> None:
    intake, group = make_intake(), Group()
    intake.take(arrival(batch(level([1, 2, 3]), level([4], sensor="level"))), group)
    (row,) = group.change.rows
    assert (row.gateway, row.epoch, row.ranges, row.readings, row.received_ms) == ("gw1", EPOCH, "1-4", 4, NOW_MS)
    assert row.whole
    series, _ = decode_body(row.body)
    assert [one.seq for one in series] == [[1, 2, 3], [4]]
    assert series[0].target.station == "k-12"
    assert group.due[0].ranges == [(1, 4)]
    assert group.seen == {"gw1": NOW_MS}


def test_hourly_values_that_a_full_disk_left_go_beside_their_sensor() -> None:
    intake, group = make_intake(), Group()
    hourly = [level([n], sensor=f"level.hourly_{name}") for n, name in enumerate(("mean", "min", "max"), 1)]
    intake.take(arrival(batch(*hourly, level([9], sensor="nobody.hourly_mean"))), group)
    (row,) = group.change.rows
    assert [one.target[:3] for one in decode_body(row.body)[0]] == [
        ("k-12", f"level.hourly_{name}", "level") for name in ("mean", "min", "max")
    ]
    assert group.change.counts[Count.DEAD] == 1


def test_both_codecs_make_the_same_row() -> None:
    rows = []
    for codec in Codec:
        intake, group = make_intake(), Group()
        intake.take(arrival(batch(level([1, 2, 3])), codec=codec), group)
        rows += group.change.rows
    assert rows[0] == rows[1]


def test_what_was_received_before_is_counted_and_told_but_not_kept_again() -> None:
    received = Logs()
    take_new(received, "gw1", EPOCH, [1, 2])
    intake, group = make_intake(received), Group()
    intake.take(arrival(batch(level([1, 2, 3]), records=[Record(4, NOW_MS, "gap", {})])), group)
    (row,) = group.change.rows
    assert row.ranges == "3-4"
    assert [one.seq for one in decode_body(row.body)[0]] == [[3]]
    assert group.due[0].ranges == [(1, 4)]
    assert group.change.counts == {Count.RECEIVED: 4, Count.REPEATED: 2, Count.WAITING: 2}


def test_a_repeat_within_one_group_is_seen_too() -> None:
    intake, group = make_intake(), Group()
    for _ in range(2):
        intake.take(arrival(batch(level([1, 2, 3]))), group)
    assert len(group.change.rows) == 1
    assert group.change.counts == {Count.RECEIVED: 6, Count.REPEATED: 3, Count.WAITING: 3}
    assert [due.ranges for due in group.due] == [[(1, 3)], [(1, 3)]]


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12, unique=True), max_size=10))
def test_every_reading_is_kept_once_and_the_counts_conserve(batches: list[list[int]]) -> None:
    intake, group = make_intake(), Group()
    for seqs in batches:
        bad = [1_000 if seq % 7 == 0 else NOW_MS for seq in seqs]
        intake.take(arrival(batch(level(seqs, time_ms=bad))), group)
    kept = [seq for row in group.change.rows for one in decode_body(row.body)[0] for seq in one.seq]
    dead = [seq for one in group.change.letters for a, b in one.ranges for seq in range(a, b + 1)]
    everything = {seq for seqs in batches for seq in seqs}
    assert sorted(kept + dead) == sorted(everything)
    assert all(seq % 7 == 0 for seq in dead)
    counts = group.change.counts
    assert counts[Count.RECEIVED] == counts[Count.REPEATED] + counts[Count.DEAD] + counts[Count.WAITING]
    assert counts[Count.WAITING] == len(kept)


def test_raw_and_missing_values_survive() -> None:
    intake, group = make_intake(), Group()
    series = level([1, 2], value=[1.5, None], flag=[1, 9], raw=[1.4, None])
    intake.take(arrival(batch(series)), group)
    (one,) = decode_body(group.change.rows[0].body)[0]
    assert (one.value, one.flag, one.raw) == ([1.5, None], [1, 9], [1.4, None])


def test_a_body_of_an_older_ingest_is_read() -> None:
    series = [["level", "k-12", "level", [1, 2], [NOW_MS, NOW_MS + 1], [1.0, None], [1, 9], None]]
    old = msgspec.msgpack.encode([1, series, [[3, NOW_MS, "gap", "{}"]]])
    body = read_body(old)
    assert (body.series[0].seq, body.series[0].flag, body.series[0].tests) == ([1, 2], [1, 9], None)
    assert (body.records, body.changed) == ([(3, NOW_MS, "gap", "{}")], [])
    with pytest.raises(BodyError, match="version 3"):
        read_body(msgspec.msgpack.encode([3, [], [], []]))

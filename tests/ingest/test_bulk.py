"""Messages taken together and messages taken one by one come to the same."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from hydrology.registry import Registry
from ingest.bulk import ROW_READINGS, Bulk
from ingest.change import Row
from ingest.group_body import GROUP, bodies_of, messages_of
from ingest.intake import Arrival, Group, Intake
from ingest.lane import LaneCache
from ingest.lanes import cut, passed
from ingest.quality import Quality
from ingest.received import Logs
from ingest.settling import settle
from store.memory import MemoryStore
from store.points import RefusedPoint, SeriesPoints
from tests.ingest.samples import (
    BOUNDS,
    EPOCH,
    KNOWN,
    NOW_MS,
    TOPIC,
    arrival,
    batch,
    level,
    make_intake,
    registry,
    spoilt,
)
from wire.batch import Record
from wire.codec import Codec
from wire.ranges import RangeSet

OTHER_TOPIC = "aryk/v1/aksu/gw2/readings"


def judged_registry() -> Registry:
    """The sample with tests that change earlier points: a spike, and a rate."""
    doc = registry().model_dump(mode="json", exclude_none=True)
    doc["stations"][0]["sensors"][0]["quality"] = {
        "range": [0.0, 3.0],
        "rate_per_hour": 100.0,
        "spike": {"suspect": 0.5, "fail": 1.0},
    }
    return Registry.model_validate(doc)


JUDGED = judged_registry()


def new_intake() -> Intake:
    return Intake(
        KNOWN, lambda now_ms: BOUNDS, received=Logs(), dead_keys=set(), poison=set(), next_id=1, quality=Quality(JUDGED)
    )


@st.composite
def messages(draw: st.DrawFn) -> list[Arrival]:
    """Good ones, repeated and overlapping ones, with records, of two gateways, out of order in time, and junk."""
    out: list[Arrival] = []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.integers(0, 9))
        first = draw(st.integers(1, 25))
        numbers = list(range(first, first + draw(st.integers(1, 4))))
        codec = draw(st.sampled_from(list(Codec)))
        if kind == 0:
            out.append(arrival(draw(st.sampled_from([b"junk", spoilt(value=[1.0, "x", 2.0]), spoilt(unit="cm")]))))
        elif kind == 1:
            records = [Record(first + 200, NOW_MS, "gap", {"reason": "restart"})]
            out.append(arrival(batch(level(numbers), records=records), codec=codec))
        elif kind == 2:
            series = level(numbers, quantity="level", unit="m")
            out.append(arrival(batch(series, gateway="gw2"), topic=OTHER_TOPIC, codec=codec))
        else:
            value = [draw(st.sampled_from([1.0, 1.1, 2.4, 5.0])) for _ in numbers]
            later = level([one + 50 for one in numbers], sensor="flow", quantity="discharge", unit="m3/s")
            out.append(
                arrival(batch(level(numbers, value=value), later, epoch=draw(st.sampled_from([EPOCH, 7]))), codec=codec)
            )
    return out


def points_of(rows: list[Row]) -> tuple[list[object], Counter[object]]:
    """What the store gets of each series, in order, and the identities that the rows name."""
    cache, stored = LaneCache(), list[object]()
    lanes: dict[int, list[object]] = {}
    for row in rows:
        assert row.whole
        for lane, part in cut(row, cache)[1].items():
            for item in part.items(cache):
                lanes.setdefault(lane, []).append(item)
    for lane in sorted(lanes):
        stored.extend(lanes[lane])
    named = Counter[object](
        (sent.gateway, sent.epoch, number)
        for row in rows
        for sent in messages_of(row)
        for first, last in sent.ranges
        for number in range(first, last + 1)
    )
    return stored, named


def told(group: Group) -> dict[tuple[str, int | None], list[tuple[int, int]]]:
    out: dict[tuple[str, int | None], RangeSet] = {}
    for due in group.due:
        out.setdefault((due.address.gateway, due.epoch), RangeSet()).update(due.ranges)
    return {key: list(numbers) for key, numbers in out.items()}


@settings(max_examples=400, deadline=None)
@given(messages())
def test_together_or_one_by_one(came: list[Arrival]) -> None:
    alone, together = new_intake(), new_intake()
    one_by_one, at_once = Group(), Group()
    for one in came:
        alone.take(one, one_by_one)
    Bulk(together).take(came, at_once)
    assert points_of(at_once.change.rows) == points_of(one_by_one.change.rows)
    assert at_once.change.counts == one_by_one.change.counts
    assert at_once.change.letters == one_by_one.change.letters
    assert at_once.change.repeated_letters == one_by_one.change.repeated_letters
    assert at_once.accepted == one_by_one.accepted
    assert at_once.changed == one_by_one.changed
    assert at_once.seen == one_by_one.seen
    assert told(at_once) == told(one_by_one)
    assert {log: list(numbers) for log, numbers in together.received if numbers} == {
        log: list(numbers) for log, numbers in alone.received if numbers
    }
    ids = [row.id for row in at_once.change.rows]
    assert ids == list(range(1, len(ids) + 1))
    assert sum(row.readings for row in at_once.change.rows) == sum(row.readings for row in one_by_one.change.rows)


def test_messages_share_a_row_of_bounded_size() -> None:
    intake, group = make_intake(), Group()
    size = ROW_READINGS // 4
    Bulk(intake).take([arrival(batch(level(list(range(1 + n * size, 1 + (n + 1) * size))))) for n in range(5)], group)
    assert [row.readings for row in group.change.rows] == [ROW_READINGS, size]
    assert all(row.gateway == GROUP for row in group.change.rows)
    (due,) = group.due
    assert due.ranges == [(1, 5 * size)]


def test_a_row_is_read_back_message_by_message() -> None:
    intake, group = make_intake(), Group()
    flow = level([3], sensor="flow", quantity="discharge", unit="m3/s")
    Bulk(intake).take(
        [arrival(batch(level([1, 2]), flow)), arrival(batch(level([1]), gateway="gw2"), OTHER_TOPIC)], group
    )
    (row,) = group.change.rows
    (first, one), (second, two) = bodies_of(row)
    assert (first.gateway, first.epoch, first.ranges) == ("gw1", EPOCH, [(1, 3)])
    assert (second.gateway, second.ranges, second.received_ms) == ("gw2", [(1, 1)], NOW_MS)
    assert sorted(series.target.sensor for series in one.series) == ["flow", "level"]
    assert [series.seq for series in two.series] == [[1]]


async def test_a_refused_point_of_a_group_is_a_letter_of_its_own_gateway() -> None:
    intake, group, cache, settled = make_intake(), Group(), LaneCache(), Logs()
    came = [arrival(batch(level([1, 2]))), arrival(batch(level([7, 8]), gateway="gw2"), OTHER_TOPIC)]
    Bulk(intake).take(came, group)
    store = MemoryStore()
    store.refuse_if = lambda points, row: (
        "no" if isinstance(points, SeriesPoints) and points.key.station == "a-1" and row == 1 else None
    )
    hand, parts = cut(group.change.rows[0], cache)
    done = []
    for part in parts.values():
        refused: list[RefusedPoint] = await store.write(part.items(cache))
        done += passed([part], refused)
    assert done == [hand]
    change = settle(done, settled, lambda gateway: TOPIC)
    (letter,) = change.letters
    assert (letter.gateway, letter.epoch, letter.ranges, letter.sensor) == ("gw2", EPOCH, [(8, 8)], "level")
    assert list(settled.of("gw1", EPOCH)) == [(1, 2)]
    assert list(settled.of("gw2", EPOCH)) == [(7, 7)]

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.change import Change, make_row
from ingest.group_body import messages_of
from ingest.lanes import InHand
from ingest.recall import FOR_EVER_S, settled_change
from ingest.received import Logs
from ingest.settling import DELIVERY_BYTES, HOUR_MS, Deliveries, put_settled, read_delivery
from store.memory import MemoryStore
from store.points import DeliveryPoint
from tests.ingest.samples import NOW_MS
from wire.ranges import RangeSet

ranges = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5)).map(lambda p: (p[0], p[0] + p[1])), max_size=4)


@settings(deadline=None)
@given(st.lists(ranges, max_size=10))
def test_the_table_follows_the_set(steps: list[list[tuple[int, int]]]) -> None:
    settled, table = Logs(), set[tuple[int, int]]()
    for step in steps:
        change = Change()
        put_settled(change, settled, "gw", 1, RangeSet(step))
        table -= {(first, last) for _, _, first, last in change.settled_drop}
        table |= {(first, last) for _, _, first, last in change.settled_put}
        assert sorted(table) == list(settled.of("gw", 1))


def hand(gateway: str, epoch: int = 1) -> InHand:
    row = make_row(1, NOW_MS, gateway, epoch, [(1, 1)], 1, b"")
    return InHand(row, 1, messages=messages_of(row))


def test_each_gateway_at_most_once_an_interval() -> None:
    settled = Logs()
    deliveries = Deliveries(settled, 10.0)
    settled.add("a", 1, [(1, 3)])
    settled.add("b", 1, [(1, 1)])
    deliveries.note([hand("a"), hand("b"), hand("a")])
    first = deliveries.due(0.0, NOW_MS, 10)
    assert first == [
        DeliveryPoint("a", NOW_MS - NOW_MS % HOUR_MS, '{"000000000001":[[1,3]]}'),
        DeliveryPoint("b", NOW_MS - NOW_MS % HOUR_MS, '{"000000000001":[[1,1]]}'),
    ]
    deliveries.note([hand("a")])
    assert deliveries.due(9.9, NOW_MS, 10) == []
    assert [one.gateway for one in deliveries.due(10.0, NOW_MS, 10)] == ["a"]
    assert deliveries.due(30.0, NOW_MS, 10) == []
    deliveries.again(first)
    assert len(deliveries.due(60.0, NOW_MS, 1)) == 1


def test_a_body_stays_within_what_a_field_holds_and_keeps_the_newest() -> None:
    settled = Logs()
    deliveries = Deliveries(settled, 0.0)
    for epoch in range(5_000):
        settled.add("a", epoch, [(1, 9)])
        deliveries.note([hand("a", epoch)])
    (point,) = deliveries.due(0.0, NOW_MS, 10)
    assert len(point.body) <= DELIVERY_BYTES
    assert 4_999 in read_delivery(point.body)


def test_a_gateway_that_invents_epochs_does_not_hold_everybody_up() -> None:
    """A body took the square of their number: with 20,000 epochs, 20 s of ingest's one thread every 10 s."""
    settled = Logs()
    deliveries = Deliveries(settled, 0.0)
    for epoch in range(100_000):
        settled.add("a", epoch, [(1, 1)])
        deliveries.note([hand("a", epoch)])
    started = time.process_time()
    (point,) = deliveries.due(0.0, NOW_MS, 10)
    assert time.process_time() - started < 1.0
    assert 99_999 in read_delivery(point.body)


def test_of_a_log_with_a_hole_in_each_scan_the_newest_ranges_are_told() -> None:
    """One sensor is refused: a hole a scan. The body was empty from the 3,500th on."""
    settled = Logs()
    deliveries = Deliveries(settled, 0.0)
    settled.add("a", 1, [(seq, seq + 8) for seq in range(1, 200_000, 10)])
    settled.add("a", 2, [(1, 5)])
    deliveries.note([hand("a", 2), hand("a", 1)])
    (point,) = deliveries.due(0.0, NOW_MS, 10)
    assert len(point.body) <= DELIVERY_BYTES
    told = read_delivery(point.body)[1]
    assert list(told) == settled.of("a", 1).newest(told.pieces)
    assert told.pieces > 3_000


def test_settling_a_scan_takes_no_longer_where_there_are_many_holes() -> None:
    settled, change = Logs(), Change()
    settled.add("a", 1, [(seq, seq + 8) for seq in range(1, 5_000_000, 10)])
    started = time.process_time()
    for seq in range(5_000_001, 5_002_000, 10):
        put_settled(change, settled, "a", 1, RangeSet([(seq, seq + 8)]))
    assert time.process_time() - started < 1.0  # it took half a second for each
    assert len(change.settled_put) == 200
    assert not change.settled_drop


@pytest.mark.parametrize(
    "body", ["", "[]", "{", '{"x": [[1, 2]]}', '{"000000000001": 5}', '{"000000000001": [[2, 1]]}']
)
def test_what_is_no_delivery_is_said(body: str) -> None:
    with pytest.raises(ValueError, match="not a delivery"):
        read_delivery(body)


async def test_a_new_spool_takes_over_what_the_store_has_accepted() -> None:
    store = MemoryStore()
    await store.write(
        [DeliveryPoint("a", NOW_MS, json.dumps({"00000000002a": [[1, 5]]})), DeliveryPoint("b", 1, "junk")]
    )
    settled, received = Logs(), Logs()
    received.add("a", 42, [(6, 6)])
    change = await settled_change(store, settled, received, FOR_EVER_S)
    assert change is not None
    assert change.settled_put == [("a", 42, 1, 5)]
    assert list(received.of("a", 42)) == [(1, 6)]
    assert list(settled.of("a", 42)) == [(1, 5)]

"""What ingest noted in the spool for its next start: a flipped bit in it does not keep it from starting."""

from ingest.app import is_refilling, read_filters
from ingest.refetch import Order, orders_text, wanted


def test_asking_again_until_a_time() -> None:
    assert not is_refilling(None, 5)
    assert is_refilling("6", 5)
    assert not is_refilling("4", 5)
    assert is_refilling("1x63", 5)


def test_the_last_sessions_topics() -> None:
    assert read_filters(None) == []
    assert read_filters('["a/b"]') == ["a/b"]
    assert read_filters('["a/b"') == []
    assert read_filters('{"a": 1}') == []


def test_orders_to_ask_again() -> None:
    two = [Order(5, "k-12"), Order(4)]
    assert wanted(orders_text(two)) == two
    assert wanted(orders_text([])) == []
    assert wanted('{"since_ms": 5, "station": "k-12"}') == two[:1]
    assert wanted("{") == []
    assert wanted("[5]") == []

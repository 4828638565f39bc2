"""What ingest noted in the spool for its next start: a flipped bit in it does not keep it from starting."""

from ingest.app import is_refilling, read_filters
from ingest.refetch import Order, wanted


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


def test_an_order() -> None:
    assert wanted(Order(5, "k-12").text()) == Order(5, "k-12")
    assert wanted("{") is None
    assert wanted("[]") is None

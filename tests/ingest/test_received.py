from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.received import Logs, count, missing, parse_ranges, ranges_text, take_new, within

seqs = st.lists(st.integers(1, 60), min_size=1, max_size=40, unique=True)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(seqs, max_size=8))
def test_what_is_new_is_what_was_not_there(batches: list[list[int]]) -> None:
    received, model = Logs(), set[int]()
    for numbers in batches:
        ranges, new = take_new(received, "gw", 1, numbers)
        assert {n for a, b in ranges for n in range(a, b + 1)} == set(numbers)
        assert {n for a, b in new for n in range(a, b + 1)} == set(numbers) - model
        model |= set(numbers)


@settings(deadline=None)  # a busy machine is no failure
@given(seqs, st.integers(1, 60), st.integers(1, 60))
def test_missing_and_within_part_an_extent(numbers: list[int], a: int, b: int) -> None:
    received = Logs()
    take_new(received, "gw", 1, numbers)
    gone = {n for x, y in missing(received, "gw", 1, a, b) for n in range(x, y + 1)}
    here = {n for x, y in within(received, "gw", 1, a, b, 1_000) for n in range(x, y + 1)}
    assert gone.isdisjoint(here)
    assert gone | here == set(range(a, b + 1))
    assert here == set(numbers) & set(range(a, b + 1))


def test_an_unknown_log_misses_all_of_it() -> None:
    assert missing(Logs(), "gw", 7, 3, 9) == [(3, 9)]
    assert within(Logs(), "gw", 7, 3, 9, 10) == []
    assert missing(Logs(), "gw", 7, 1, 0) == []


def test_epochs_and_gateways_are_apart() -> None:
    received = Logs()
    take_new(received, "gw", 1, [1, 2])
    assert take_new(received, "gw", 2, [1, 2])[1] == [(1, 2)]
    assert take_new(received, "other", 1, [1, 2])[1] == [(1, 2)]


@settings(deadline=None)  # a busy machine is no failure
@given(seqs)
def test_ranges_as_text_come_back(numbers: list[int]) -> None:
    ranges, _ = take_new(Logs(), "gw", 1, numbers)
    assert parse_ranges(ranges_text(ranges)) == ranges
    assert count(ranges) == len(numbers)
    assert parse_ranges("") == []

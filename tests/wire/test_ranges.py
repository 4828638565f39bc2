"""RangeSet against a plain set of numbers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wire.ranges import RangeSet, coalesce

numbers = st.integers(0, 60)
spans = st.tuples(numbers, numbers).map(lambda pair: (min(pair), max(pair)))


class RangesLikeASet(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.ranges = RangeSet()
        self.numbers: set[int] = set()

    @rule(span=spans)
    def add(self, span: tuple[int, int]) -> None:
        self.ranges.add(*span)
        self.numbers.update(range(span[0], span[1] + 1))

    @rule(number=numbers)
    def add_one(self, number: int) -> None:
        self.ranges.add(number)
        self.numbers.add(number)

    @rule(span=spans)
    def remove(self, span: tuple[int, int]) -> None:
        self.ranges.remove(*span)
        self.numbers.difference_update(range(span[0], span[1] + 1))

    @rule(number=numbers)
    def remove_one(self, number: int) -> None:
        self.ranges.remove(number)
        self.numbers.discard(number)

    @rule(more=st.lists(spans, max_size=4))
    def update(self, more: list[tuple[int, int]]) -> None:
        self.ranges.update(more)
        for first, last in more:
            self.numbers.update(range(first, last + 1))

    @rule()
    def update_with_itself(self) -> None:
        self.ranges.update(self.ranges)

    @rule(span=spans)
    def ask(self, span: tuple[int, int]) -> None:
        wanted = set(range(span[0], span[1] + 1))
        assert self.ranges.covers(*span) == (wanted <= self.numbers)
        missing = self.ranges.missing(*span)
        assert missing == coalesce(wanted - self.numbers)
        first, last = span
        near = [one for one in self.ranges if one[0] <= last + 1 and one[1] >= first - 1]
        assert self.ranges.near(first, last) == near
        assert self.ranges.newest(2) == list(self.ranges)[-2:]

    @invariant()
    def the_same_numbers(self) -> None:
        pieces = list(self.ranges)
        assert pieces == coalesce(self.numbers)
        assert all(before[1] + 1 < after[0] for before, after in pairwise(pieces))
        assert self.ranges.size == len(self.numbers)
        assert self.ranges.pieces == len(pieces)
        assert bool(self.ranges) == bool(self.numbers)
        assert (self.ranges.lowest, self.ranges.highest) == (
            min(self.numbers, default=None),
            max(self.numbers, default=None),
        )
        assert all((number in self.ranges) == (number in self.numbers) for number in range(-1, 63))

    @invariant()
    def equal_to_a_set_made_otherwise(self) -> None:
        assert self.ranges == RangeSet.of(self.numbers) == RangeSet(self.ranges)
        other = self.ranges.copy()
        assert other == self.ranges
        other.add(1000)
        assert other != self.ranges


test_ranges_behave_like_a_set = RangesLikeASet.TestCase


@given(st.lists(st.integers(-50, 50)))
def test_coalesced_ranges_are_the_numbers_and_the_fewest(given_numbers: list[int]) -> None:
    ranges = coalesce(given_numbers)
    assert [n for first, last in ranges for n in range(first, last + 1)] == sorted(set(given_numbers))
    assert all(before[1] + 1 < after[0] for before, after in pairwise(ranges))


def test_a_range_that_ends_before_it_starts_is_an_error() -> None:
    ranges = RangeSet([(1, 10)])
    with pytest.raises(ValueError, match="ends before it starts"):
        ranges.add(5, 3)
    with pytest.raises(ValueError, match="ends before it starts"):
        ranges.remove(5, 3)
    assert ranges == RangeSet([(1, 10)])
    assert ranges.missing(5, 3) == []


def test_it_is_no_key_and_equals_nothing_else() -> None:
    with pytest.raises(TypeError):
        hash(RangeSet())
    assert RangeSet([(1, 2)]) != [(1, 2)]
    assert repr(RangeSet([(1, 2)])) == "RangeSet([(1, 2)])"


def test_the_usual_case_of_adding_to_the_end_is_cheap() -> None:
    ranges = RangeSet()
    for number in range(0, 400_000, 2):
        ranges.add(number)
    assert ranges.pieces == 200_000

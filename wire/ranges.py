"""Sets of whole numbers kept as ranges: receipts, cursors and what was received all speak in these."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

Range = tuple[int, int]
"""First and last number, both inside."""


class RangeSet:
    """A set of whole numbers as sorted ranges that neither overlap nor touch.

    Adding to the end, the usual case, costs O(1); anywhere else O(number of ranges).
    """

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "RangeSet":
        """The set of these numbers, in any order."""
        return cls(coalesce(numbers))

    def add(self, first: int, last: int | None = None) -> None:
        """Put in all numbers from `first` to `last`. Raises ValueError when last < first."""
        if last is None:
            last = first
        if last < first:
            raise ValueError(f"range ends before it starts: {first}..{last}")
        firsts, lasts = self._firsts, self._lasts
        after = lasts[-1] + 1 if lasts else first - 1
        if first == after:
            lasts[-1] = last
            return
        if first > after:
            firsts.append(first)
            lasts.append(last)
            return
        low = bisect_left(lasts, first - 1)
        high = bisect_right(firsts, last + 1)
        if low < high:
            first = min(first, firsts[low])
            last = max(last, lasts[high - 1])
        firsts[low:high] = [first]
        lasts[low:high] = [last]

    def update(self, ranges: "Iterable[Range] | RangeSet") -> None:
        """Put in all of these ranges."""
        for first, last in ranges:
            self.add(first, last)

    def remove(self, first: int, last: int | None = None) -> None:
        """Take out all numbers from `first` to `last`. Raises ValueError when last < first."""
        if last is None:
            last = first
        if last < first:
            raise ValueError(f"range ends before it starts: {first}..{last}")
        firsts, lasts = self._firsts, self._lasts
        low = bisect_left(lasts, first)
        high = bisect_right(firsts, last)
        if low >= high:
            return
        kept = []
        if firsts[low] < first:
            kept.append((firsts[low], first - 1))
        if lasts[high - 1] > last:
            kept.append((last + 1, lasts[high - 1]))
        firsts[low:high] = [a for a, _ in kept]
        lasts[low:high] = [b for _, b in kept]

    def __contains__(self, number: int) -> bool:
        at = bisect_left(self._lasts, number)
        return at < len(self._lasts) and self._firsts[at] <= number

    def covers(self, first: int, last: int) -> bool:
        """Whether every number from `first` to `last` is in the set."""
        at = bisect_left(self._lasts, first)
        return at < len(self._lasts) and self._firsts[at] <= first and last <= self._lasts[at]

    def missing(self, first: int, last: int, most: int | None = None) -> list[Range]:
        """The ranges from `first` to `last` that are not in the set, in order; the first `most` of them."""
        out: list[Range] = []
        firsts, lasts = self._firsts, self._lasts
        at = bisect_left(lasts, first)
        while first <= last and at < len(firsts) and firsts[at] <= last:
            if firsts[at] > first:
                out.append((first, firsts[at] - 1))
                if most is not None and len(out) >= most:
                    return out
            first = lasts[at] + 1
            at += 1
        if first <= last:
            out.append((first, last))
        return out

    def near(self, first: int, last: int) -> list[Range]:
        """The ranges that hold or touch a number from `first` to `last`: all that adding or removing these can change."""
        low, high = bisect_left(self._lasts, first - 1), bisect_right(self._firsts, last + 1)
        return list(zip(self._firsts[low:high], self._lasts[low:high], strict=True))

    def newest(self, most: int) -> list[Range]:
        """The `most` ranges with the highest numbers, in order."""
        return list(zip(self._firsts[-most:], self._lasts[-most:], strict=True))

    def __iter__(self) -> Iterator[Range]:
        return iter(list(zip(self._firsts, self._lasts, strict=True)))

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RangeSet) and self._firsts == other._firsts and self._lasts == other._lasts

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"RangeSet({list(self)})"

    @property
    def size(self) -> int:
        """How many numbers are in the set."""
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    @property
    def pieces(self) -> int:
        """How many ranges the set is kept as."""
        return len(self._firsts)

    @property
    def lowest(self) -> int | None:
        """The smallest number, or None when empty."""
        return self._firsts[0] if self._firsts else None

    @property
    def highest(self) -> int | None:
        """The largest number, or None when empty."""
        return self._lasts[-1] if self._lasts else None

    def copy(self) -> "RangeSet":
        """A set of its own with the same numbers."""
        other = RangeSet()
        other._firsts = self._firsts.copy()
        other._lasts = self._lasts.copy()
        return other


def coalesce(numbers: Iterable[int]) -> list[Range]:
    """Numbers in any order, repeated or not, as the fewest ranges, in order."""
    out: list[Range] = []
    first = last = None
    for number in sorted(numbers):
        if last is not None and number <= last + 1:
            last = number
            continue
        if first is not None and last is not None:
            out.append((first, last))
        first = last = number
    if first is not None and last is not None:
        out.append((first, last))
    return out

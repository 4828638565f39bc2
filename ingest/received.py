"""What was received of every gateway, as ranges per epoch, in memory. Pure.

Received = settled in the store, or readable in the spool, or dead, or exported. Two sets are kept: what was received, and
the part of it that the store has accepted (which is also told to the store, measurement `delivery`).
"""

from collections.abc import Iterable, Iterator

from wire.ranges import Range, RangeSet, coalesce

Log = tuple[str, int]
"""A gateway and an epoch of its log."""


MOST_LOGS = 10_000
"""Of one gateway. A real one begins a new log when its disk was lost or put back; who names more invents them."""
MOST_HOLES = 100_000
"""Of one log: what is kept as ranges takes a hundred bytes each. A real log's holes close when they are asked for."""


class Logs:
    """A set of identities: for each gateway and epoch the sequence numbers."""

    __slots__ = ("_gateways",)

    def __init__(self) -> None:
        self._gateways: dict[str, dict[int, RangeSet]] = {}

    def of(self, gateway: str, epoch: int) -> RangeSet:
        """The numbers of this log; what is added to them is added here."""
        epochs = self._gateways.get(gateway)
        if epochs is None:
            epochs = self._gateways[gateway] = {}
        numbers = epochs.get(epoch)
        if numbers is None:
            numbers = epochs[epoch] = RangeSet()
        return numbers

    def has_room(self, gateway: str, epoch: int) -> bool:
        """Whether this log may grow: one gateway must not take the memory that all of them share."""
        epochs = self._gateways.get(gateway)
        if epochs is None:
            return True
        numbers = epochs.get(epoch)
        return len(epochs) < MOST_LOGS if numbers is None else numbers.pieces < MOST_HOLES

    def look(self, gateway: str, epoch: int) -> RangeSet | None:
        """The numbers of this log, or None when nothing of it is here."""
        return self._gateways.get(gateway, {}).get(epoch)

    def epochs(self, gateway: str) -> dict[int, RangeSet]:
        """The numbers of each epoch of this gateway."""
        return self._gateways.get(gateway, {})

    def replace(self, other: "Logs") -> None:
        """Hold what the other one holds; the other one must not be used after."""
        self._gateways = other._gateways

    def add(self, gateway: str, epoch: int, ranges: Iterable[Range]) -> None:
        """Put these in."""
        self.of(gateway, epoch).update(ranges)

    def __iter__(self) -> Iterator[tuple[Log, RangeSet]]:
        for gateway, epochs in self._gateways.items():
            for epoch, numbers in epochs.items():
                yield (gateway, epoch), numbers


def take_new(received: Logs, gateway: str, epoch: int, seqs: list[int]) -> tuple[list[Range], list[Range]]:
    """Mark these numbers as received; all of them as ranges, and those of them that are new."""
    ranges = coalesce(seqs)
    numbers = received.of(gateway, epoch)
    new: list[Range] = []
    for first, last in ranges:
        new.extend(numbers.missing(first, last))
    for first, last in new:
        numbers.add(first, last)
    return ranges, new


def missing(received: Logs, gateway: str, epoch: int, first: int, last: int) -> list[Range]:
    """What the gateway has logged (its hello says from which number to which) and was not received."""
    if last < first:
        return []
    numbers = received.look(gateway, epoch)
    return numbers.missing(first, last) if numbers is not None else [(first, last)]


def within(received: Logs, gateway: str, epoch: int, first: int, last: int, most: int) -> list[Range]:
    """What was received of this part of a gateway's log; the first `most` ranges."""
    numbers = received.look(gateway, epoch)
    if numbers is None or last < first:
        return []
    out: list[Range] = []
    gaps = numbers.missing(first, last, most + 1)
    if len(gaps) <= most:
        gaps.append((last + 1, last + 1))
    for gap_first, gap_last in gaps:
        if gap_first > first:
            out.append((first, gap_first - 1))
        first = gap_last + 1
    return out[:most]


def ranges_text(ranges: Iterable[Range]) -> str:
    """Ranges as text: 1-60,65-70."""
    return ",".join(f"{first}-{last}" for first, last in ranges)


def parse_ranges(text: str) -> list[Range]:
    """The ranges that this text names. Raises ValueError."""
    out: list[Range] = []
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        out.append((int(first), int(last)))
    return out


def count(ranges: Iterable[Range]) -> int:
    """How many numbers these ranges hold."""
    return sum(last - first + 1 for first, last in ranges)

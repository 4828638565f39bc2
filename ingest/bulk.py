"""Many messages at once: those without fault share a spool row, the others take the long way one by one. Pure.

What comes of it is what `Intake.take` makes of each alone (tests/ingest/test_bulk.py): the same identities received, the same
points in the same order, the same counts, and the same to be told; only rows and receipts are fewer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.change import Count
from ingest.fast import Plain, read_plain
from ingest.group_body import Collected, Sent
from ingest.intake import Arrival, Due, Group, Intake
from ingest.lane import LaneCache
from ingest.pipeline import TimeBounds
from wire.codec import decode_batch
from wire.ranges import Range
from wire.topics import Topic

ROW_READINGS = 5_000
"""In one row. What a flipped bit can cost, and about what one lane writes at once of four such rows."""


@dataclass(slots=True)
class _Told:
    """What one gateway is to be told of this run of messages."""

    address: Topic
    epoch: int
    arrived_s: float
    ranges: list[Range] = field(default_factory=list)

    def add(self, ranges: list[Range]) -> None:
        """These too; what follows the last range makes it longer."""
        if self.ranges and len(ranges) == 1 and ranges[0][0] == self.ranges[-1][1] + 1:
            self.ranges[-1] = (self.ranges[-1][0], ranges[0][1])
        else:
            self.ranges += ranges


class Bulk:
    """Takes runs of messages for an intake."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._cache = LaneCache()

    def take(self, arrivals: Sequence[Arrival], group: Group) -> None:
        """Decide on these messages, in order."""
        intake = self._intake
        if intake.decode is not decode_batch or intake.poison:
            for arrival in arrivals:
                intake.take(arrival, group)
            return
        run = _Run(intake, group, self._cache)
        bounds, bounds_ms = intake.bounds(0), 0
        for arrival in arrivals:
            if arrival.received_ms != bounds_ms:
                bounds, bounds_ms = intake.bounds(arrival.received_ms), arrival.received_ms
            if not run.take(arrival, bounds):
                # Its rows come after those of the messages before it.
                run.close_row()
                intake.take(arrival, group)
        run.close()


class _Run:
    """One run of messages under way."""

    def __init__(self, intake: Intake, group: Group, cache: LaneCache) -> None:
        self._intake, self._group, self._cache = intake, group, cache
        self._row = Collected(cache)
        self._told: dict[tuple[str, int], _Told] = {}
        self._received = 0
        self._first_s: float | None = None

    def take(self, arrival: Arrival, bounds: TimeBounds) -> bool:
        """Take a message without fault of which all is new; False where it needs the long way, and nothing was done."""
        intake = self._intake
        if arrival.unreadable:
            return False
        plain = read_plain(arrival.topic, arrival.payload, arrival.content_type, intake.known, bounds)
        if plain is None or not self._mark(plain):
            return False
        gateway, received_ms, group = plain.address.gateway, arrival.received_ms, self._group
        epoch, ranges, size = plain.epoch, plain.ranges, plain.size
        accepted, changed = intake.assess(plain.accepted, received_ms)
        if changed:
            self.close_row()
            intake.put_row(received_ms, gateway, epoch, ranges, size, accepted, [], changed, group)
        else:
            row = self._row
            row.add(Sent(gateway, epoch, ranges, received_ms), size, accepted)
            group.accepted += accepted
            if row.readings >= ROW_READINGS:
                self.close_row()
        self._received += size
        group.seen[gateway] = received_ms
        if self._first_s is None:
            self._first_s = arrival.arrived_s
        told = self._told.get((gateway, epoch))
        if told is None:
            told = self._told[gateway, epoch] = _Told(plain.address, epoch, arrival.arrived_s)
        told.add(ranges)
        return True

    def _mark(self, plain: Plain) -> bool:
        """Mark its numbers as received, if all of them are new."""
        received, gateway, ranges = self._intake.received, plain.address.gateway, plain.ranges
        if not received.has_room(gateway, plain.epoch):
            return False
        numbers = received.of(gateway, plain.epoch)
        highest = numbers.highest
        if highest is not None and ranges[0][0] <= highest:
            for first, last in ranges:
                if numbers.missing(first, last, 2) != [(first, last)]:
                    return False
        for first, last in ranges:
            numbers.add(first, last)
        return True

    def close_row(self) -> None:
        """What was collected becomes a row."""
        if self._row.readings:
            self._intake.add_row(self._row.row, self._row.readings, self._group)
            self._row = Collected(self._cache)

    def close(self) -> None:
        """The run is over."""
        self.close_row()
        if self._received:
            self._group.change.counts[Count.RECEIVED] += self._received
        if self._first_s is not None:
            self._group.arrivals.append(self._first_s)
        self._group.due.extend(
            Due(one.address, one.epoch, one.ranges, [], one.arrived_s) for one in self._told.values()
        )

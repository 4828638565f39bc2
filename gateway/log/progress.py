"""What of the log is settled and what is held back, in memory; pure sets, guarded against the two threads."""

import threading
from collections import deque
from dataclasses import dataclass, field

from gateway.log.rows import Commit, Extent
from wire.ranges import Range, RangeSet

COMMITS_KEPT = 512

RECEIPT, REFUSED, DROPPED = "receipt", "refused", "dropped"
REASONS = (RECEIPT, REFUSED, DROPPED)


@dataclass(slots=True)
class EpochState:
    """One epoch. `first` is the first number still kept; `done` is the union of `settled`."""

    id: int
    epoch: int
    given: int
    """The first number that was given in it."""
    first: int
    last: int
    settled: dict[str, RangeSet] = field(default_factory=lambda: {why: RangeSet() for why in REASONS})
    done: RangeSet = field(default_factory=RangeSet)
    stamped: RangeSet = field(default_factory=RangeSet)

    def pending(self) -> list[Range]:
        """What is kept and not settled, oldest first."""
        return self.done.missing(self.first, self.last) if self.last >= self.first else []


class Progress:
    """The epochs of one log, the numbers held back for their time, and the newest commits."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.settling = threading.Lock()
        """Held over a change of what is settled in memory and on disk together, and before its transaction begins: the log's
        two threads both do so. The event loop never takes it."""
        self.epochs: dict[int, EpochState] = {}
        """By epoch, oldest first."""
        self.current: EpochState | None = None
        self.held = RangeSet()
        self.commits: deque[Commit] = deque(maxlen=COMMITS_KEPT)

    def open_epoch(self, state: EpochState, *, current: bool = False) -> None:
        """Take in an epoch; the newest one comes last."""
        with self.lock:
            self.epochs[state.epoch] = state
            if current:
                self.current = state

    def committed(self, first: int, last: int, at_s: float, final: bool) -> None:
        """A scan is on disk."""
        with self.lock:
            if self.current is None:
                raise RuntimeError("no epoch is open")
            self.current.last = last
            self.commits.append(Commit(first, last, at_s))
            if not final:
                self.held.add(first, last)

    def pending(self) -> list[tuple[int, list[Range]]]:
        """By epoch, oldest first: what can be sent, which is what is kept, not settled and not held."""
        with self.lock:
            out = []
            for state in self.epochs.values():
                ranges = state.pending()
                if ranges and self.held:
                    ranges = [free for first, last in ranges for free in self.held.missing(first, last)]
                if ranges:
                    out.append((state.epoch, ranges))
            return out

    def unsettled(self) -> tuple[int, int | None]:
        """How many entries are not settled, and the oldest one's number."""
        with self.lock:
            count, oldest = 0, None
            for state in self.epochs.values():
                for first, last in state.pending():
                    count += last - first + 1
                    oldest = first if oldest is None else oldest
            return count, oldest

    def settle(self, epoch: int, why: str, ranges: list[Range]) -> list[tuple[str, Range]]:
        """Mark what is given of these numbers as settled; the answer says how the table changes: '-' or '+' and the range."""
        with self.lock:
            state = self.epochs.get(epoch)
            if state is None:
                return []
            before = set(state.settled[why])
            for first, last in _within(ranges, state.given, state.last):
                state.settled[why].add(first, last)
                state.done.add(first, last)
            return _changes(before, set(state.settled[why]))

    def reopen(self, epoch: int, first: int, last: int) -> dict[str, list[tuple[str, Range]]]:
        """Mark these as unsettled again; the answer is as of `settle`, by reason."""
        with self.lock:
            state = self.epochs[epoch]
            out = {}
            for why, ranges in state.settled.items():
                before = set(ranges)
                ranges.remove(first, last)
                out[why] = _changes(before, set(ranges))
            state.done.remove(first, last)
            state.stamped.remove(first, last)
            return out

    def trimmed(self, epoch: int, first_kept: int) -> None:
        """Entries before this number are gone."""
        with self.lock:
            self.epochs[epoch].first = first_kept

    def forget(self, epoch: int) -> None:
        """An epoch of which nothing is left."""
        with self.lock:
            self.epochs.pop(epoch, None)

    def extents(self) -> list[Extent]:
        """The newest epoch and those of which something is kept, oldest first.

        Finished ones too: a centre that lost its spool has lost what it gave its receipts for.
        """
        with self.lock:
            return [
                Extent(state.epoch, state.first, state.last)
                for state in self.epochs.values()
                if state is self.current or state.last >= state.first
            ]

    @property
    def last(self) -> int:
        """The newest number."""
        with self.lock:
            return self.current.last if self.current else 0


def _within(ranges: list[Range], lowest: int, highest: int) -> list[Range]:
    """Only what was given: a receipt for what was never logged must not settle what will be."""
    return [
        (max(first, lowest), min(last, highest)) for first, last in ranges if max(first, lowest) <= min(last, highest)
    ]


def _changes(before: set[Range], after: set[Range]) -> list[tuple[str, Range]]:
    return [("-", gone) for gone in sorted(before - after)] + [("+", new) for new in sorted(after - before)]

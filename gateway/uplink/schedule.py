"""What is sent next, and when it is sent again. Pure: time and chance come in as arguments.

The newest scans go first, then the backlog oldest-first, paced; one place of the window is kept for new scans. A batch that
is not receipted in time is sent again. While nobody answers only one batch at a time is sent, a probe with the newest scan,
each waiting twice as long as the one before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from gateway.log.rows import Commit
from gateway.uplink.batch import MAX_READINGS
from wire.ranges import Range, RangeSet

FRESH_S = 30.0
"""A scan that could not be sent for so long is backlog."""
LONGEST_WAIT_S = 300.0
PROBE_READINGS = 200
KEPT_FOR_NEW = 1
"""Places of the window that the backlog leaves free."""

Pending = Sequence[tuple[int, list[Range]]]
"""By epoch, oldest first: ranges that can be sent."""


class Kind(StrEnum):
    """Why a batch is sent now."""

    LIVE = "live"
    BACKLOG = "backlog"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes into the next batch, if it fits. With `newest` the last of it must go, else the first."""

    kind: Kind
    epoch: int
    ranges: list[Range]

    @property
    def newest(self) -> bool:
        """Which end matters when not all of it fits."""
        return self.kind is not Kind.BACKLOG


@dataclass(slots=True)
class _Flight:
    epoch: int
    left: RangeSet
    deadline_s: float
    probe: bool


class Schedule:
    """The window of batches without a receipt, and what it lets through."""

    def __init__(
        self,
        *,
        window: int,
        receipt_timeout_s: float,
        backlog_pause_s: float,
        send_interval_s: float,
        random: Random,
    ) -> None:
        self._window = window
        self._timeout_s = receipt_timeout_s
        self._backlog_pause_s = backlog_pause_s
        self._send_interval_s = send_interval_s
        self._random = random
        self._flights: list[_Flight] = []
        self._silences = 0
        self._epoch = 0
        self._live_sent = 0
        self._live_at_s: float | None = None
        self._backlog_at_s: float | None = None

    @property
    def under_way(self) -> int:
        """Batches sent and not receipted."""
        return len(self._flights)

    @property
    def silent(self) -> bool:
        """Whether nobody answers."""
        return self._silences > 0

    def next(self, now_s: float, epoch: int, commits: Sequence[Commit], pending: Pending) -> Plan | None:
        """The next batch, or None when there is nothing to send now. `epoch` is the newest one, `commits` are its scans."""
        self._epoch = epoch
        free = self._window - len(self._flights)
        if free <= 0 or (self.silent and self._flights):
            return None
        sendable = [(one, rest) for one, ranges in pending if (rest := self._not_under_way(one, ranges))]
        if not sendable:
            return None
        if self.silent:
            return self._probe(sendable)
        new = self._new_scans(now_s, commits)
        if new is not None and self._live_due(now_s):
            ranges = _clip(dict(sendable).get(epoch, []), new)
            if ranges:
                return Plan(Kind.LIVE, epoch, _last(ranges, MAX_READINGS))
        if free > KEPT_FOR_NEW and self._backlog_due(now_s):
            for one, ranges in sendable:
                old = _before(ranges, new[0]) if new is not None and one == epoch else ranges
                if old:
                    return Plan(Kind.BACKLOG, one, _first(old, MAX_READINGS))
        return None

    def sent(self, plan: Plan, ranges: list[Range], now_s: float) -> None:
        """These of the plan's ranges are on their way."""
        wait = min(self._timeout_s * 2**self._silences, max(LONGEST_WAIT_S, self._timeout_s))
        deadline_s = now_s + wait * self._random.uniform(0.75, 1.25)
        self._flights.append(_Flight(plan.epoch, RangeSet(ranges), deadline_s, plan.kind is Kind.PROBE))
        if plan.kind is Kind.BACKLOG:
            self._backlog_at_s = now_s
        else:
            self._live_at_s = now_s
            if plan.epoch == self._epoch:  # a salvaged log counts by itself
                self._live_sent = max(self._live_sent, ranges[-1][1])

    def receipted(self, durable: Iterable[tuple[int, list[Range]]]) -> None:
        """The centre has these: somebody answers."""
        self.answered()
        for epoch, ranges in durable:
            for flight in self._flights:
                if flight.epoch == epoch:
                    for first, last in ranges:
                        flight.left.remove(first, last)
        self._flights = [flight for flight in self._flights if flight.left]

    def answered(self) -> None:
        """There is somebody."""
        self._silences = 0

    def expire(self, now_s: float) -> int:
        """Give up waiting for receipts that are overdue; what was in those batches can be sent again. How many there were."""
        overdue = [flight for flight in self._flights if flight.deadline_s <= now_s]
        self._flights = [flight for flight in self._flights if flight.deadline_s > now_s]
        # A full window that runs out is one silence, however many batches it held.
        if overdue and (not self.silent or any(flight.probe for flight in overdue)):
            self._silences += 1
        return len(overdue)

    def nobody_listens(self) -> None:
        """The broker says that nobody is subscribed: a hint to wait, no more."""
        self._silences = max(1, self._silences)

    def disconnected(self) -> None:
        """What was under way is to be sent again."""
        self._flights.clear()

    def wake_at_s(self, now_s: float) -> float | None:
        """When, without any event, something changes next."""
        times = [flight.deadline_s for flight in self._flights]
        if self._live_at_s is not None:
            times.append(self._live_at_s + self._send_interval_s)
        if self._backlog_at_s is not None:
            times.append(self._backlog_at_s + self._backlog_pause_s)
        return min((one for one in times if one > now_s), default=None)

    def _not_under_way(self, epoch: int, ranges: list[Range]) -> list[Range]:
        for flight in self._flights:
            if flight.epoch == epoch:
                ranges = [rest for first, last in ranges for rest in flight.left.missing(first, last)]
        return ranges

    def _new_scans(self, now_s: float, commits: Sequence[Commit]) -> Range | None:
        """The numbers of the scans that are new: fresh, and no newer one was sent."""
        oldest_s = now_s - self._send_interval_s - FRESH_S
        first = None
        for commit in reversed(commits):
            if commit.last <= self._live_sent or commit.at_s < oldest_s:
                break
            first = max(commit.first, self._live_sent + 1)
        return None if first is None else (first, commits[-1].last)

    def _live_due(self, now_s: float) -> bool:
        return self._live_at_s is None or now_s >= self._live_at_s + self._send_interval_s

    def _backlog_due(self, now_s: float) -> bool:
        return self._backlog_at_s is None or now_s >= self._backlog_at_s + self._backlog_pause_s

    def _probe(self, sendable: Pending) -> Plan:
        epoch, ranges = sendable[-1]
        return Plan(Kind.PROBE, epoch, _last(ranges, PROBE_READINGS))


def _clip(ranges: list[Range], within: Range) -> list[Range]:
    low, high = within
    return [(max(first, low), min(last, high)) for first, last in ranges if last >= low and first <= high]


def _before(ranges: list[Range], number: int) -> list[Range]:
    return [(first, min(last, number - 1)) for first, last in ranges if first < number]


def _first(ranges: list[Range], most: int) -> list[Range]:
    out: list[Range] = []
    for first, last in ranges:
        if most <= 0:
            break
        out.append((first, min(last, first + most - 1)))
        most -= out[-1][1] - first + 1
    return out


def _last(ranges: list[Range], most: int) -> list[Range]:
    out: list[Range] = []
    for first, last in reversed(ranges):
        if most <= 0:
            break
        out.append((max(first, last - most + 1), last))
        most -= last - out[-1][0] + 1
    return out[::-1]

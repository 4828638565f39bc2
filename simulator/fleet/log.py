"""A fleet gateway's log in memory: what waits, what is under way, what has a receipt. Pure: times come in as arguments.

It differs from a real gateway's log in one thing: a scan gets its sequence numbers when it is put into a message, not when it
is scanned, so that what is dropped while the broker is away leaves no hole in the numbers.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wire.names import digest
from wire.ranges import RangeSet

_MOST_DOUBLINGS = 5


class Scan(NamedTuple):
    """All sensors of a gateway at one time."""

    time_ms: int
    values: tuple[float, ...]


@dataclass(slots=True)
class Outgoing:
    """A message: scans with the numbers first to last, sensor by sensor within a scan."""

    first: int
    last: int
    scans: tuple[Scan, ...]
    payload: bytes = b""
    published_s: float = 0.0
    sent_s: float = 0.0
    due_s: float = 0.0
    tries: int = 0


class FleetLog:
    """The log of one gateway."""

    def __init__(
        self,
        sensors: int,
        *,
        scans_a_message: int,
        window: int,
        receipt_timeout_s: float,
        most_waiting: int,
        keep: int,
    ) -> None:
        self._sensors = sensors
        self._scans_a_message = scans_a_message
        self._window = window
        self._receipt_timeout_s = receipt_timeout_s
        self._most_waiting = most_waiting
        self._waiting: deque[Scan] = deque()
        self._under_way: dict[int, Outgoing] = {}
        self._again: deque[Outgoing] = deque()
        self._kept: deque[Outgoing] = deque(maxlen=max(1, keep // scans_a_message))
        self._durable = RangeSet()
        self._next_seq = 1
        self._answered_s = float("-inf")
        self._misses = 0
        self.dropped = 0

    def add(self, scan: Scan) -> None:
        """Take a scan in. When too many wait the oldest is dropped, and counted in readings."""
        if len(self._waiting) >= self._most_waiting:
            self._waiting.popleft()
            self.dropped += self._sensors
        self._waiting.append(scan)

    @property
    def last_seq(self) -> int:
        """The last number given."""
        return self._next_seq - 1

    @property
    def first_kept(self) -> int:
        """The first number that could still be sent."""
        firsts = [batch.first for batch in (*self._kept, *self._under_way.values())]
        return min(firsts, default=self._next_seq)

    @property
    def waiting(self) -> int:
        """Readings that were never sent."""
        return len(self._waiting) * self._sensors

    @property
    def under_way(self) -> int:
        """Readings that were sent and have no receipt."""
        return sum(batch.last - batch.first + 1 for batch in self._under_way.values())

    @property
    def idle(self) -> bool:
        """Whether everything has its receipt."""
        return not self._waiting and not self._under_way

    @property
    def silent(self) -> bool:
        """Whether nobody answers: the oldest message was sent twice without any receipt since the first time."""
        oldest = self._oldest()
        return oldest is not None and oldest.tries > 1 and self._answered_s < oldest.published_s

    def take(self, *, whole: bool = True) -> Outgoing | None:
        """The next new message; None while the window is full, nobody answers, or (`whole`) it would not be full."""
        if len(self._under_way) >= self._window or not self._waiting or self.silent:
            return None
        if whole and len(self._waiting) < self._scans_a_message:
            return None
        count = min(len(self._waiting), self._scans_a_message)
        scans = tuple(self._waiting.popleft() for _ in range(count))
        first = self._next_seq
        self._next_seq += count * self._sensors
        batch = Outgoing(first, self._next_seq - 1, scans)
        self._under_way[first] = batch
        return batch

    def take_again(self, now_s: float) -> Outgoing | None:
        """The next message to send again: one that the centre asked for, or one whose receipt is overdue.

        While nobody answers only the oldest is tried, less and less often.
        """
        if self._again:
            return self._again.popleft()
        oldest = self._oldest()
        for batch in self._under_way.values():
            if batch.due_s <= now_s and (batch is oldest or batch.sent_s < self._answered_s):
                return batch
        return None

    def sent(self, batch: Outgoing, now_s: float, jitter: float) -> None:
        """It was given to the session. `jitter` is a random number from 0 to 1."""
        if batch.tries == 0:
            batch.published_s = now_s
        elif self._answered_s < batch.sent_s:
            self._misses += 1
        batch.tries += 1
        batch.sent_s = now_s
        step = self._receipt_timeout_s * 2.0 ** min(self._misses, _MOST_DOUBLINGS)
        batch.due_s = now_s + step * (1.0 + 0.25 * jitter)

    def receipted(self, ranges: Iterable[Sequence[int]], now_s: float) -> list[float]:
        """These numbers are durable. Answers the time from first publish to receipt of each message that is now done."""
        self._answered_s = now_s
        self._misses = 0
        for first, last in ranges:
            self._durable.add(first, last)
        done = [batch for batch in self._under_way.values() if self._durable.covers(batch.first, batch.last)]
        for batch in done:
            self._finish(batch)
        return [now_s - batch.published_s for batch in done]

    def refused(self, payload_digest: str) -> int:
        """A message was refused as a whole; answers how many readings that were."""
        for batch in self._under_way.values():
            if digest(batch.payload) == payload_digest:
                del self._under_way[batch.first]
                return batch.last - batch.first + 1
        return 0

    def asked(self, ranges: Iterable[Sequence[int]]) -> bool:
        """The centre wants these numbers again; answers whether all of them are still here."""
        whole = True
        for first, last in ranges:
            whole = whole and first >= self.first_kept
            for batch in self._kept:
                if batch.first <= last and batch.last >= first and batch not in self._again:
                    self._again.append(batch)
        return whole

    def reconnected(self, now_s: float, jitter: float) -> None:
        """What was under way on the old connection may never have arrived: it is due again soon."""
        for batch in self._under_way.values():
            batch.due_s = min(batch.due_s, now_s + jitter)

    def _finish(self, batch: Outgoing) -> None:
        del self._under_way[batch.first]
        batch.payload = b""
        self._kept.append(batch)

    def _oldest(self) -> Outgoing | None:
        return next(iter(self._under_way.values()), None)

"""The design's rule Time: when a reading's time is final, and what it is. Pure.

The centre answers a hello with its time. That gives an *anchor*: how far the true time is ahead of the boot clock. While an
anchor is fresh a new reading's time is final at once: the wall clock's where it is right, else what the boot clock says.
Without one readings are held; the next anchor of the same boot settles them. Readings of a boot that ended without contact
are placed between known neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.clock import Moment
from wire.messages import HELLO_EXPIRY_S, MAX_SKEW_S

ANCHOR_LASTS_S = 2 * 3600.0
"""After this the anchor no longer settles new readings: a boot clock of 50 ppm has drifted by 0.4 s then."""
JUMP_MS = 3_600_000
FAR_MS = 5 * 60_000
"""A clock that is off by more than this was never set, or it is the centre's that is wrong."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """True time minus boot clock, in milliseconds, found at `boot_ns` of this boot."""

    boot: str
    offset_ms: int
    boot_ns: int
    round_trip_s: float
    skew_ms: int
    """The centre's clock minus ours, when it was found."""

    def true_ms(self, boot_ns: int) -> int:
        """The true time at this reading of the boot clock."""
        return self.offset_ms + boot_ns // 1_000_000

    def fresh_at(self, boot_ns: int) -> bool:
        """Whether it still settles readings taken at this moment."""
        return abs(boot_ns - self.boot_ns) <= ANCHOR_LASTS_S * 1e9

    def jumped_from(self, offset_ms: int) -> bool:
        """Whether true time has jumped against the boot clock, which runs evenly: then the centre's clock was set."""
        return abs(self.offset_ms - offset_ms) > JUMP_MS

    @property
    def synchronised(self) -> bool:
        """Whether our wall clock was right then."""
        return abs(self.skew_ms) <= MAX_SKEW_S * 1000


def find_anchor(boot: str, asked: Moment, answered: Moment, centre_ms: int) -> Anchor | None:
    """The anchor that an answer to a hello gives, or None when it took too long to be told anything by it."""
    round_trip_s = (answered.boot_ns - asked.boot_ns) / 1e9
    if not 0 <= round_trip_s < HELLO_EXPIRY_S:
        return None
    true_ms = centre_ms + round(round_trip_s * 500)
    return Anchor(boot, true_ms - answered.boot_ns // 1_000_000, answered.boot_ns, round_trip_s, true_ms - answered.ms)


def settle(offset_ms: int, ms: int, boot_ns: int) -> int:
    """The final time of a reading in a boot with this offset: its own where that was right, else the boot clock's."""
    true_ms = offset_ms + boot_ns // 1_000_000
    return ms if abs(true_ms - ms) <= MAX_SKEW_S * 1000 else true_ms


def moved_far(logged_ms: int, final_ms: int) -> bool:
    """Whether a time was put right by so much that either clock may be the wrong one: the reading is then suspect."""
    return abs(final_ms - logged_ms) > FAR_MS


@dataclass(frozen=True, slots=True)
class Span:
    """The rows of one boot: the first one's moment, and how long after it the last one came, by the boot clock."""

    first: Moment
    length_ms: int


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a boot's rows go: the row at `origin_ns` to `ms`, others at `shrink` times their distance from it."""

    ms: int
    origin_ns: int
    shrink: float

    def time_of(self, boot_ns: int) -> int:
        """The time of a row of this boot."""
        return self.ms + int((boot_ns - self.origin_ns) // 1_000_000 * self.shrink)


def place(boots: Sequence[Span], after_ms: int | None, before_ms: int | None) -> list[Placed]:
    """Places boots that ended without contact, oldest first.

    All rows lie after `after_ms` and before `before_ms` where these are known, and no later row before an earlier one.
    Distances within a boot are the boot clock's unless there is too little room: then they shrink evenly. A boot stays where
    its own wall clock had it if that fits. When not even one millisecond is free, all stand at the one after `after_ms`.
    """
    placed: list[Placed] = []
    low = None if after_ms is None else after_ms + 1
    high = None if before_ms is None else before_ms - 1
    for at, boot in enumerate(boots):
        left = sum(one.length_ms for one in boots[at:])
        start, shrink = boot.first.ms, 1.0
        if high is not None:
            start = min(start, high - left)
        if low is not None and start < low:
            start = low
            if high is not None and left > 0 and start + left > high:
                shrink = max(0, high - start) / left
        placed.append(Placed(start, boot.first.boot_ns, shrink))
        low = start + int(boot.length_ms * shrink)
    return placed

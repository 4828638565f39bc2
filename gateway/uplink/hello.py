"""When to say hello, and which answer tells the time. Pure."""

from gateway.clock import Moment
from gateway.times import Anchor, find_anchor
from wire.messages import HELLO_EXPIRY_S, CentreTime

EVERY_S = 3600.0
"""While all is well; well within the life of an anchor."""
RETRY_LONGEST_S = 600.0
SURE_ROUND_TRIP_S = 2.0
"""An answer may be off by half its round trip: after a longer one (the hello had waited for the centre) it is asked again."""
SLOW_ANSWERS = 3
"""After so many slow answers in a row the link is slow, and the next one counts."""
DOUBT_S = 60.0
"""An answer that has jumped against the last one counts when another says the same, so long after it or later."""
SAME_MS = 60_000


class Hello:
    """Only the newest nonce counts."""

    def __init__(self) -> None:
        self._nonce: str | None = None
        self._asked: Moment | None = None
        self._sent_s: float | None = None
        self._tries = 0
        self._due_s: float | None = 0.0
        self._slow = 0
        self._believed: Anchor | None = None
        self.doubted: Anchor | None = None
        """An answer by which the centre's clock has jumped, and that is asked again."""

    @property
    def due_s(self) -> float:
        """When the next hello is due."""
        return self._due_s if self._due_s is not None else float("inf")

    def connected(self) -> None:
        """A new connection: say hello now."""
        self._due_s = 0.0
        self._tries = 0
        self._slow = 0

    def asked_for(self) -> None:
        """The centre wants one now."""
        self._due_s = 0.0

    def sent(self, nonce: str, at: Moment, now_s: float) -> None:
        """A hello with this nonce went out."""
        self._nonce, self._asked, self._sent_s = nonce, at, now_s
        self._tries += 1
        self._due_s = now_s + min(HELLO_EXPIRY_S * 2 ** (self._tries - 1), RETRY_LONGEST_S)

    def answered(self, boot: str, time: CentreTime, at: Moment, now_s: float) -> Anchor | None:
        """The anchor that this answer gives; None when it is not for the newest hello, came too late, or is asked again."""
        anchor = None
        if time.nonce == self._nonce and self._asked is not None:
            anchor = find_anchor(boot, self._asked, at, time.ms)
        if anchor is not None and anchor.round_trip_s > SURE_ROUND_TRIP_S and self._slow < SLOW_ANSWERS:
            self._slow += 1
            self._nonce = self._asked = None
            self._due_s = now_s
            return None
        if anchor is not None:
            self._nonce = self._asked = None
            self._tries = self._slow = 0
            again_s = self._doubt_s(anchor)
            if again_s > 0:
                self._due_s = now_s + again_s
                return None
            self._believed, self.doubted = anchor, None
            self._due_s = now_s + EVERY_S
        elif self._tries > 0 and self._sent_s is not None:
            # Somebody is there, but answers an older hello: ask again, not more often than an answer may take.
            self._due_s = min(self.due_s, self._sent_s + HELLO_EXPIRY_S)
        return anchor

    def _doubt_s(self, anchor: Anchor) -> float:
        """In how many seconds this answer is to be asked again, 0 when it counts."""
        last, first = self._believed, self.doubted
        if last is None or last.boot != anchor.boot or not anchor.jumped_from(last.offset_ms):
            return 0.0
        if first is None or first.boot != anchor.boot or abs(first.offset_ms - anchor.offset_ms) > SAME_MS:
            self.doubted = first = anchor
        return max(0.0, DOUBT_S - (anchor.boot_ns - first.boot_ns) / 1e9)

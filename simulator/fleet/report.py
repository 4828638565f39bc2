"""What a fleet did, and how long its receipts took."""

from dataclasses import dataclass, field
from math import ceil, exp, log

_FIRST_S = 0.0005
_GROWTH = log(1.1)
_BUCKETS = 150


@dataclass(slots=True)
class Latencies:
    """Times in buckets that grow by 10 %, from half a millisecond to a quarter of an hour."""

    buckets: list[int] = field(default_factory=lambda: [0] * _BUCKETS)
    count: int = 0
    longest_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Take one in."""
        place = ceil(log(max(seconds, _FIRST_S) / _FIRST_S) / _GROWTH)
        self.buckets[min(place, _BUCKETS - 1)] += 1
        self.count += 1
        self.longest_s = max(self.longest_s, seconds)

    def quantile_s(self, share: float) -> float:
        """The time that this share of all did not exceed, to 10 %; 0 when there is none."""
        wanted, seen = share * self.count, 0
        for place, inside in enumerate(self.buckets):
            seen += inside
            if inside and seen >= wanted:
                return min(_FIRST_S * exp(place * _GROWTH), self.longest_s)
        return 0.0


@dataclass(slots=True)
class FleetReport:
    """Counters of a fleet; readings unless the name says otherwise."""

    gateways: int = 0
    live: int = 0
    scanned: int = 0
    published: int = 0
    messages: int = 0
    sent_again: int = 0
    receipted: int = 0
    receipts: int = 0
    refused: int = 0
    dropped: int = 0
    waiting: int = 0
    under_way: int = 0
    nobody_listening: int = 0
    bad_messages: int = 0
    skipped: int = 0
    behind_s: float = 0.0
    latencies: Latencies = field(default_factory=Latencies)

    @property
    def settled(self) -> bool:
        """Whether everything that was scanned has its receipt."""
        return self.receipted == self.published and self.waiting == 0 and self.dropped == 0 and self.refused == 0

    def progress(self, elapsed_s: float) -> str:
        """One line while it runs."""
        return (
            f"{elapsed_s:5.0f} s  {self.live}/{self.gateways} connected, published {self.published}, "
            f"receipted {self.receipted}, under way {self.under_way}, waiting {self.waiting}"
            + (f", behind {self.behind_s:.1f} s" if self.behind_s > 1.0 else "")
        )

    def summary(self, elapsed_s: float) -> str:
        """The last line."""
        latency = self.latencies
        return (
            f"published {self.published} readings in {self.messages} messages, receipted {self.receipted}, "
            f"without receipt {self.under_way}, never sent {self.waiting}, dropped {self.dropped}, "
            f"refused {self.refused}, never scanned {self.skipped}, sent again {self.sent_again} messages, "
            f"receipts p50 {latency.quantile_s(0.5) * 1e3:.0f} ms p99 {latency.quantile_s(0.99) * 1e3:.0f} ms "
            f"max {latency.longest_s * 1e3:.0f} ms, {self.published / max(elapsed_s, 1e-9):.0f} readings/s"
        )

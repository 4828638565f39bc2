"""All that one run of `make bench` found, and what each figure is compared with. Pure; the JSON is this, as it stands."""

from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.latency import Latency
from benchmarks.outage import Outage
from benchmarks.outcome import Outcome
from benchmarks.startup import Startup

OURS, RAW, QUEUE, STOCK, TUNED = "aryk", "raw loader", "mosquitto_sub", "telegraf stock", "telegraf tuned"
OWN = {OURS: "ingest", RAW: "loader", QUEUE: "mosquitto_sub", STOCK: "telegraf", TUNED: "telegraf"}
"""Which process is the way's own."""


@dataclass(slots=True)
class Results:
    """Of one run."""

    about: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    """CPU µs a reading of each step, by "codec size"."""
    latencies: list[Latency] = field(default_factory=list)
    outage: Outage | None = None
    startups: list[Startup] = field(default_factory=list)
    took_s: float = 0.0

    def one(self, way: str, size: int, codec: str | None = None) -> Outcome | None:
        """The row of this way and shape."""
        return next(
            (row for row in self.outcomes if row.way == way and row.size == size and codec in (None, row.codec)),
            None,
        )

    def ratio(self, row: Outcome, way: str) -> float | None:
        """How many times as fast as another way; None when one of the two is not there, or has lost readings."""
        codec = row.codec if way == QUEUE else None
        other = self.one(way, row.size, codec) or self.one(way, row.size)
        if other is None or not other.per_s or not row.holds or (not other.holds and "stopped" not in other.complaint):
            return None
        return row.per_s / other.per_s

    def document(self) -> dict[str, Any]:
        """As JSON, the goals with it."""
        return {**asdict(self), "goals": [asdict(goal) for goal in goals(self)]}


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal. `figure` is None when it was not measured, and then it is neither met nor missed."""

    name: str
    figure: float | None
    limit: float
    unit: str
    at_least: bool

    @property
    def met(self) -> bool | None:
        """Whether the figure keeps to the limit."""
        if self.figure is None:
            return None
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


def goals(results: Results) -> list[Goal]:
    """What issue 6 asks for, each beside its figure. Of the two codecs the slower one counts."""
    out: list[Goal] = []
    sizes = sorted({row.size for row in results.outcomes}, reverse=True)
    for size in sizes:
        ours = [row for row in results.outcomes if row.way == OURS and row.size == size]
        shape = f"{size} a message"
        if size == 60:
            out.append(Goal(f"{shape}: rate, of the raw loader's", _least(results, ours, RAW), 0.7, "x", True))
        if size in (1, 60):
            limit = 1.8 if size == 60 else 2.0
            out.append(Goal(f"{shape}: rate, of Telegraf tuned's", _least(results, ours, TUNED), limit, "x", True))
        peer = results.one(TUNED, size)
        shares = [row.cpu_us["ingest"] / peer.cpu_us["telegraf"] for row in ours if peer and peer.holds and row.holds]
        out.append(Goal(f"{shape}: CPU of ours, of Telegraf tuned's", max(shares, default=None), 0.25, "x", False))
    for name, found, limit in (
        ("acknowledgement p99 at half load", [one.acknowledge_ms[1] for one in results.latencies], 50.0),
        ("receipt p99, under 4 batches/s", [one.receipt_ms[1] for one in results.latencies if not one.busy], 50.0),
        ("receipt p99, above", [one.receipt_ms[1] for one in results.latencies if one.busy], 300.0),
    ):
        out.append(Goal(f"{name} (worst shape)", max(found, default=None), limit, "ms", False))
    if results.outage:
        hour_s = None if results.outage.complaint else results.outage.hour_s
        out.append(Goal("an hour's outage at 2,000/s drains", hour_s, 120.0, "s", False))
    for one in results.startups:
        limit = 2.0 if one.stations <= 1000 else 6.0
        out.append(Goal(f"ready with {one.stations:,} stations", one.ready_s, limit, "s", False))
        if one.sensors >= 50_000:
            out.append(Goal(f"memory with {one.sensors:,} sensors", one.rss_mb, 300.0, "MB", False))
            out.append(Goal(f"scrape of {one.sensors:,} sensors", one.scrape_s, 1.0, "s", False))
    return out


def _least(results: Results, ours: list[Outcome], way: str) -> float | None:
    found = [results.ratio(row, way) for row in ours]
    return min((one for one in found if one is not None), default=None) if None not in found else None

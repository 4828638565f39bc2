"""Nowcasts of all stretches from what the store has; they are kept there, and judged when their time has come."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dashboards.report.flows import Column, read_column
from dashboards.report.meters import GAP_INTERVALS
from dashboards.warn.reaches import Pair, Stretch
from hydrology.warnings import ByLag, ByMuskingum, Nowcast, Skill, found_lag, nowcast, on_steps, skill
from store.points import PointReader, RecordPoint, SeriesKey

KIND = "nowcast"
LOOK_BACK = timedelta(days=14)
"""Over so long a time the way is tried, for its spread and its skill."""
KEPT = timedelta(days=30)
"""How old a kept nowcast may be to be judged."""
MOST_LAG_S = 86_400.0
LEAST_STEPS = 8


@dataclass(frozen=True, slots=True)
class Said:
    """What became of one stretch: a nowcast from a time on, or why there is none. `kept` is how the kept ones did."""

    stretch: Stretch
    why: str = ""
    pair: Pair | None = None
    method: str = ""
    at_ms: int = 0
    nowcast: Nowcast | None = None
    kept: Skill | None = None

    def record(self) -> RecordPoint | None:
        """To be kept: measurement `record`, the stretch's name for a gateway."""
        if self.nowcast is None or self.pair is None:
            return None
        body = {
            "quantity": self.pair.below.quantity,
            "sensor": self.pair.below.sensor,
            "method": self.method,
            "now": round(self.nowcast.now, 6),
            "ahead": [
                [round(one.lead_s), *(None if x is None else round(x, 6) for x in (one.value, one.low, one.high))]
                for one in self.nowcast.ahead
            ],
        }
        return RecordPoint(self.stretch.name, KIND, self.at_ms, json.dumps(body, separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class Kept:
    """A nowcast of before: the time it went out from, what was shown then, and (lead in s, value) ahead."""

    at_ms: int
    key: SeriesKey
    now: float
    ahead: list[tuple[float, float]] = field(default_factory=list)


def read_kept(record: RecordPoint, downstream: str) -> Kept | None:
    """A kept one; None for what this version did not write."""
    try:
        body = json.loads(record.body)
        ahead = [(float(row[0]), float(row[1])) for row in body["ahead"]]
        key = SeriesKey(str(body["quantity"]), downstream, str(body["sensor"]))
        return Kept(record.time_ms, key, float(body["now"]), ahead)
    except (ValueError, KeyError, TypeError, IndexError):
        return None


async def look(reader: PointReader, found: Sequence[Stretch], now: datetime) -> list[Said]:
    """The nowcast of each stretch. Raises StoreError, TooDenseError."""
    since = now - KEPT
    kept: dict[str, list[RecordPoint]] = {}
    for one in await reader.records_of(KIND, _ms(since), _ms(now)):
        kept.setdefault(one.gateway, []).append(one)
    columns: dict[SeriesKey, Column] = {}
    for stretch in found:
        for pair in stretch.pairs:
            for key in (pair.above, pair.below):
                if key not in columns:
                    columns[key] = await read_column(reader, key, since, now + timedelta(milliseconds=1))
    out = []
    for stretch in found:
        before = [read_kept(one, stretch.downstream.id) for one in kept.get(stretch.name, [])]
        out.append(say(stretch, columns, [one for one in before if one is not None], now))
    return out


def say(stretch: Stretch, columns: dict[SeriesKey, Column], kept: Sequence[Kept], now: datetime) -> Said:
    """The nowcast of one stretch by the best of its pairs that has readings; pure."""
    why = "it has no two gauges of the same quantity"
    for pair in stretch.pairs:
        said = _say(stretch, pair, columns[pair.above], columns[pair.below], now)
        if said.nowcast is None:
            if why.startswith("it has") or said.why.startswith("unknown"):
                why = said.why
            continue
        judged = judge([one for one in kept if one.key == pair.below], columns[pair.below], pair, said.nowcast)
        return Said(stretch, "", pair, said.method, said.at_ms, said.nowcast, judged)
    return Said(stretch, why)


def _say(stretch: Stretch, pair: Pair, above: Column, below: Column, now: datetime) -> Said:
    quantity = pair.below.quantity
    up = [(t, v) for t, v in above.readings if v is not None]
    down = [(t, v) for t, v in below.readings if v is not None]
    if not up or not down:
        return Said(stretch, f"unknown: there is no {quantity} of {'one of the two' if up or down else 'both'}")
    end_s = min(up[-1][0], down[-1][0])
    age_s = now.timestamp() - end_s
    if age_s > pair.stale_s:
        return Said(stretch, f"unknown: the last {quantity} of both is {age_s / 3600:.1f} h old")
    step_s = pair.interval_s
    way: ByMuskingum | ByLag | None = None
    method = ""
    if stretch.muskingum is not None and quantity == "discharge":
        way = ByMuskingum(stretch.muskingum.k, stretch.muskingum.x, pair.interval_s)
        step_s = way.step_s
        method = f"Muskingum, K {_hours(stretch.muskingum.k)}, x {stretch.muskingum.x:g}"
    steps = int(LOOK_BACK.total_seconds() / step_s) + 1
    gap_s = GAP_INTERVALS * pair.interval_s
    a = on_steps([t for t, _ in above.readings], [v for _, v in above.readings], end_s, step_s, steps, gap_s)
    b = on_steps([t for t, _ in below.readings], [v for _, v in below.readings], end_s, step_s, steps, gap_s)
    if way is None:
        lag = None if stretch.lag_s is None else max(1, round(stretch.lag_s / step_s))
        words = "from the registry"
        if lag is None:
            lag, words = found_lag(a, b, int(MOST_LAG_S / step_s)), "found by correlation"
        if lag is None:
            return Said(stretch, "no lag is given in the registry, and none stands out")
        way = ByLag(lag)
        method = f"lag {_hours(lag * step_s)} {words}"
    answer = nowcast(way, step_s, a, b, 0.0 if quantity == "discharge" else None)
    if answer is None:
        return Said(stretch, "unknown: too few readings, or a gap within the travel time")
    if isinstance(way, ByLag) and way.factor is not None:
        method += f", moves times {way.factor:.2f}"
    return Said(stretch, "", pair, method, round(end_s * 1000), answer)


def judge(kept: Sequence[Kept], below: Column, pair: Pair, latest: Nowcast) -> Skill:
    """How the kept ones did at the longest lead of today's, where that time has come."""
    lead_s = latest.ahead[-1].lead_s
    rows = []
    for one in kept:
        near = min(one.ahead, key=lambda row: abs(row[0] - lead_s), default=None)
        if near is None or abs(near[0] - lead_s) > pair.interval_s:
            continue
        observed = below.value_at(one.at_ms / 1000 + near[0], GAP_INTERVALS * pair.interval_s)
        if observed is not None and below.readings[-1][0] >= one.at_ms / 1000 + near[0]:
            rows.append((observed, near[1], one.now))
    return skill(lead_s, rows)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.3g} h"


def _ms(when: datetime) -> int:
    return round(when.astimezone(UTC).timestamp() * 1000)

"""Reads the gauges' levels from the store, as far back as a state needs."""

from datetime import datetime

from dashboards.warn.gauge import Gauge, GaugeState, gauge_state
from store.points import PointReader, SeriesKey

LOOK_BACK_MS = 2 * 86_400_000 + 3_600_000
"""Two days: a day for the change of 24 hours, another so that a silent gauge still shows what it said last."""
MOST = 200_000
"""A reading each second of two days is not thinned."""


async def read_states(reader: PointReader, gauges: list[Gauge], now: datetime) -> list[GaugeState]:
    """The state of each gauge. Raises StoreError."""
    now_ms = round(now.timestamp() * 1000)
    out = []
    for gauge in gauges:
        key = SeriesKey("level", gauge.station.id, gauge.sensor.id)
        found = await reader.history(key, now_ms - LOOK_BACK_MS, now_ms + 1, MOST)
        rows = list(zip(found.time_ms, found.value, found.flag, strict=True))
        out.append(gauge_state(gauge, rows, now_ms))
    return out

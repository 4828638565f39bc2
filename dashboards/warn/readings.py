"""Reads the gauges' values from the store, as far back as a state needs."""

from datetime import datetime

from dashboards.warn.gauge import Gauge, GaugeState, Row, gauge_state
from hydrology.warnings import decided
from store.points import PointReader, SeriesKey

LOOK_BACK_MS = 2 * 86_400_000 + 3_600_000
"""Two days: a day for the change of 24 hours, another so that a silent gauge still shows what it said last."""
FURTHER_MS = 30 * 86_400_000
"""For water that has been near a threshold for all of that time, which alone does not say whether it was raised before."""
MOST = 2_000_000
"""More than a reading each two seconds of a month are thinned."""


async def read_states(reader: PointReader, gauges: list[Gauge], now: datetime) -> list[GaugeState]:
    """The state of each gauge. Raises StoreError."""
    now_ms = round(now.timestamp() * 1000)
    out = []
    for gauge in gauges:
        key = SeriesKey(gauge.sensor.quantity, gauge.station.id, gauge.sensor.id)
        back_ms = LOOK_BACK_MS
        rows = await _rows(reader, key, now_ms - back_ms, now_ms)
        if rows and not decided(gauge.thresholds, rows):
            back_ms = FURTHER_MS
            rows = await _rows(reader, key, now_ms - back_ms, now_ms)
        beside: list[Row] = []
        if gauge.neighbour is not None:
            near = SeriesKey(gauge.neighbour.quantity, gauge.neighbour.station, gauge.neighbour.sensor)
            beside = await _rows(reader, near, now_ms - back_ms, now_ms)
        out.append(gauge_state(gauge, rows, now_ms, beside))
    return out


async def _rows(reader: PointReader, key: SeriesKey, start_ms: int, now_ms: int) -> list[Row]:
    found = await reader.history(key, start_ms, now_ms + 1, MOST)
    return list(zip(found.time_ms, found.value, found.flag, strict=True))

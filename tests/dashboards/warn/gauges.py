"""Rows of a gauge whose water rises, and the example's bridge."""

from datetime import UTC, datetime

from dashboards.warn.gauge import Gauge, Row, gauges
from tests.dashboards.report.district import example, registry

AT = datetime(2026, 4, 29, 4, 0, tzinfo=UTC)
AT_MS = round(AT.timestamp() * 1000)
QUARTER_MS = 15 * 60 * 1000


def bridge() -> Gauge:
    return gauges(example(), "river-bridge")[0]


def with_thresholds(quantity: str, unit: str) -> Gauge:
    """A station that measures something else than a level, with thresholds on it."""
    thresholds = {"action": 100.0, "minor": 120.0, "major": 400.0}
    sensor = {"id": "s", "gateway": "gw", "quantity": quantity, "unit": unit, "thresholds": thresholds}
    found = registry("Asia/Almaty", [{"id": "weir", "name": "Weir", "district": "d", "sensors": [sensor]}])
    return gauges(found)[0]


def rising(level_m: float, per_h: float, hours: float = 30, flag: int = 1, until_ms: int = AT_MS) -> list[Row]:
    """A reading each quarter of an hour, the last one at this level."""
    count = int(hours * 4)
    return [
        (until_ms - n * QUARTER_MS, round(level_m - per_h * n / 4, 3), flag if n == 0 else 1)
        for n in range(count, -1, -1)
    ]

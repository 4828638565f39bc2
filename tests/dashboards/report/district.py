"""Small registries and columns for the report's tests, and the example's season, made once."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from dashboards.report.app import make_table
from dashboards.report.sample import season
from dashboards.report.settings import ReportSettings
from dashboards.report.span import decade_span
from dashboards.report.table import Report
from hydrology.accounting import local_time
from hydrology.load import load_registry
from hydrology.registry import Registry
from store.memory import MemoryStore
from store.points import SeriesKey, SeriesPoints

EXAMPLE = Path(__file__).parents[3] / "registry"
MORNING_AFTER = datetime(2026, 7, 21, 3, 30, tzinfo=UTC)


@cache
def example() -> Registry:
    return load_registry(EXAMPLE)


@cache
def example_season() -> tuple[SeriesPoints, ...]:
    return tuple(season(example(), "Asia/Almaty", date(2026, 4, 1), date(2026, 7, 20)))


_made: list[Report] = []


async def example_report() -> Report:
    """11 to 20 July 2026, on the morning after; made once, it is frozen."""
    if not _made:
        store = MemoryStore()
        await store.write(list(example_season()))
        settings = ReportSettings(registry=EXAMPLE)
        _made.append(await make_table(example(), store, settings, lambda zone: decade_span("2026-07-2"), MORNING_AFTER))
    return _made[0]


def meter(station: str, interval: str = "1h") -> dict[str, Any]:
    sensor = {"id": "q", "gateway": "gw", "quantity": "discharge", "unit": "m3/s", "interval": interval}
    return {"id": station, "name": station.title(), "district": "d", "sensors": [sensor]}


def registry(zone: str, stations: list[dict[str, Any]], **tables: Any) -> Registry:
    """One district, one gateway; sensors named after their station."""
    for station in stations:
        for sensor in station["sensors"]:
            sensor["id"] = f"{station['id']}-{sensor['id']}"
    return Registry.model_validate(
        {
            "districts": {"d": {"name": "District", "timezone": zone}},
            "gateways": [{"id": "gw", "district": "d"}],
            "stations": stations,
            **tables,
        }
    )


def hourly(
    station: str, zone: str, first: date, last: date, flow: Callable[[datetime], float | None], flag: int = 1
) -> SeriesPoints:
    """A reading each hour from one local midnight to the one after the last day; None is no reading at all."""
    start, end = local_time(first, zone), local_time(last + timedelta(days=1), zone)
    times = [start + timedelta(hours=n) for n in range(int((end - start) / timedelta(hours=1)) + 1)]
    rows = [(round(t.timestamp() * 1000), q) for t in times if (q := flow(t)) is not None]
    key = SeriesKey("discharge", station, f"{station}-q")
    return SeriesPoints(key, [t for t, _ in rows], [q for _, q in rows], [flag] * len(rows))


async def report(registry: Registry, points: list[SeriesPoints], decade: str, now: datetime, **settings: Any) -> Report:
    store = MemoryStore()
    await store.write(list(points))
    given = ReportSettings(registry=Path("unused"), **settings)
    return await make_table(registry, store, given, lambda zone: decade_span(decade), now)

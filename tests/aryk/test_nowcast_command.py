"""`aryk warn nowcast`: from stored discharges and levels, kept, and judged when their time has come."""

import asyncio
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import exp
from pathlib import Path

import pytest

from store.open import open_reader, open_writer
from store.points import SeriesKey, SeriesPoints
from store.settings import SqliteSettings
from tests.aryk.commands import run
from tests.dashboards.report.district import EXAMPLE

AT = datetime.fromisoformat("2026-04-29T08:00:00+05:00")
STEP = timedelta(minutes=15)
STEPS = 10 * 96


def wave(at: float) -> float:
    """Three rises in ten days, the last one under way at AT."""
    return sum(1.5 * exp(-(((at - middle) / 40) ** 2)) for middle in (300, 600, 970))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The river below the power house does 0.9 of what its tailrace does, half an hour later; nothing of the canal."""
    file = tmp_path / "points.sqlite"
    times = [round((AT - STEP * (STEPS - 1 - at)).timestamp() * 1000) for at in range(STEPS + 40)]

    def series(quantity: str, station: str, sensor: str, values: Iterable[float]) -> SeriesPoints:
        return SeriesPoints(SeriesKey(quantity, station, sensor), times, list(values), [1] * len(times))

    async def write() -> None:
        async with open_writer(SqliteSettings(path=file), tmp_path) as writer:
            rows = range(len(times))
            await writer.write(
                [
                    series("discharge", "river-bridge", "discharge", [20 + 40 * wave(at) for at in rows]),
                    series("discharge", "reservoir", "inflow", [19 + 40 * wave(at - 12) for at in rows]),
                    series("discharge", "power-house", "turbine-discharge", [8 + 4 * wave(at) for at in rows]),
                    series("discharge", "river-below", "discharge", [9 + 3.6 * wave(at - 2) for at in rows]),
                ]
            )

    asyncio.run(write())
    return file


def said(store: Path, *more: str, at: datetime = AT) -> str:
    result = run("warn", "nowcast", "--registry", str(EXAMPLE), "--store", str(store), "--at", at.isoformat(), *more)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_flood_on_its_way_is_seen_and_the_silent_are_unknown(store: Path) -> None:
    lines = said(store).splitlines()
    at = lines.index("river-bridge > reservoir: discharge inflow, Muskingum, K 3 h, x 0.2")
    assert lines[at + 1].startswith("  2026-04-29 08:00  ")
    assert lines[at + 4].startswith("  2026-04-29 11:00  ")
    assert "m3/s (80 %: " in lines[at + 4]
    now, later = (float(lines[at + row].split()[2]) for row in (1, 4))
    assert later > now + 10
    assert lines[at + 5] == "  carried down from the gauge above; no forecast"
    assert "at 3 h, persistence index 0." in lines[at + 6]
    assert lines[at + 7] == "  kept and judged in 30 days:  none yet"
    assert "power-house > river-below: discharge discharge, lag 0.5 h from the registry, moves times 0.90" in lines
    silent = [line for line in lines if line.startswith("canal-head > canal-km8")]
    assert silent[0].endswith("Not safe: nobody knows.")


def test_a_gauge_that_fell_silent_gives_none(store: Path) -> None:
    out = said(store, "--station", "river-below", at=AT + STEP * 44)
    assert out.startswith("power-house > river-below: none, unknown: the last discharge of both is 1.0 h old")


def test_what_was_kept_is_judged_when_its_time_has_come(store: Path, tmp_path: Path) -> None:
    for hours in range(4):
        said(store, "--station", "reservoir", at=AT + timedelta(hours=hours))
    said(store, "--station", "reservoir", "--no-keep", at=AT + timedelta(hours=4))
    document = json.loads(said(store, "--station", "reservoir", "--json", "--no-keep", at=AT + timedelta(hours=6)))
    kept = document[0]["kept"]
    assert kept["answers"] == 4
    assert kept["lead_s"] == 10_800
    assert kept["persistence_index"] > 0.5
    assert document[0]["ahead"][-1]["low"] < document[0]["ahead"][-1]["value"] <= document[0]["ahead"][-1]["high"]

    async def read() -> list[str]:
        async with open_reader(SqliteSettings(path=store), tmp_path) as reader:
            return [one.gateway for one in await reader.records_of("nowcast", 0, 1 << 62)]

    assert asyncio.run(read()) == ["river-bridge>reservoir"] * 4


def test_what_cannot_be_done_says_how(tmp_path: Path) -> None:
    result = run("warn", "nowcast", "--registry", str(EXAMPLE), "--store", str(tmp_path / "none.sqlite"))
    assert result.exit_code == 1
    assert "there is no store yet" in result.stderr
    assert run("warn", "nowcast", "--registry", str(EXAMPLE), "--station", "x").exit_code == 2
    assert "aryk warn nowcast" in run("warn", "nowcast", "--help").stdout

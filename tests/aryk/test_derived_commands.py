"""`aryk rederive` and `aryk lineage` as a person runs them, on the embedded store."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from store.open import open_reader, open_writer
from store.points import SeriesKey, SeriesPoints
from store.settings import SqliteSettings
from tests.aryk.commands import run
from tests.dashboards.report.district import EXAMPLE
from tests.ingest.test_derive import HEAD, LEVEL, MINUTE, RATED

START_MS = 1_782_864_000_000  # 2026-07-01
SPAN = ["--from", "2026-07-01", "--to", "2026-07-02"]
DISCHARGE = SeriesKey("discharge", "k-12", "discharge")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "registry.toml").write_text(HEAD + RATED)

    async def write() -> None:
        async with open_writer(SqliteSettings(path=tmp_path / "points.sqlite"), tmp_path) as writer:
            times = [START_MS + minute * MINUTE for minute in range(0, 60, 10)]
            await writer.write([SeriesPoints(LEVEL, times, [1.0] * 6, [1] * 6)])

    asyncio.run(write())
    return tmp_path


def options(place: Path) -> list[str]:
    return ["--registry", str(place / "registry.toml"), "--store", str(place / "points.sqlite"), "--station", "k-12"]


def values(place: Path) -> list[float | None]:
    async def read() -> list[float | None]:
        async with open_reader(SqliteSettings(path=place / "points.sqlite"), place) as reader:
            return [one.value for one in await reader.points(DISCHARGE, 0, START_MS * 2, 100)]

    return asyncio.run(read())


def test_a_new_rating_with_a_past_date_is_brought_into_what_is_stored(place: Path) -> None:
    result = run("rederive", *options(place), *SPAN)
    assert result.exit_code == 0, result.output
    assert "k-12/discharge: 0 changed, 6 made, 0 as they were" in result.stdout
    first = values(place)
    (place / "registry.toml").write_text(HEAD + RATED.replace("8.0", "9.0"))
    dry = run("rederive", *options(place), *SPAN, "--dry-run")
    assert "k-12/discharge: 6 changed, 0 made, 0 as they were" in dry.stdout
    assert values(place) == first
    for changed in (6, 0):
        found = run("rederive", *options(place), *SPAN, "--json")
        assert json.loads(found.stdout) == {"k-12/discharge": {"made": 0, "changed": changed, "same": 6 - changed}}
    assert values(place) == [round((value or 0.0) / 8 * 9, 6) for value in first]


def test_from_the_year_one_on_it_begins_at_the_first_reading(place: Path) -> None:
    result = run("rederive", *options(place), "--from", "0001-01-01")
    assert result.exit_code == 0, result.output
    assert "k-12/discharge: 0 changed, 6 made, 0 as they were" in result.stdout


def test_a_store_that_is_not_there_is_said_and_not_made(place: Path) -> None:
    (place / "points.sqlite").unlink()
    result = run("rederive", *options(place), *SPAN)
    assert (result.exit_code, "there is no store yet" in result.stderr) == (1, True)
    assert not (place / "points.sqlite").exists()


def test_a_value_says_where_it_came_from(place: Path) -> None:
    run("rederive", *options(place), *SPAN)
    (place / "registry.toml").write_text(HEAD + RATED.replace("8.0", "9.0"))
    at = ["--at", "2026-07-01T00:25"]
    before = run("lineage", *options(place), *at)
    assert before.exit_code == 0, before.output
    assert "at         2026-07-01T00:20:00+00:00" in before.stdout
    assert "input      head: level/k-12/level = 1 (flag 1, pass)" in before.stdout
    assert "by the registry as it is now it would be 6.43" in before.stdout
    run("rederive", *options(place), *SPAN)
    after = run("lineage", *options(place), *at)
    assert "value      k-12/discharge = 6.43988 (flag 1, pass) m3/s, version 1" in after.stdout
    assert "check      computed again from its inputs: the same" in after.stdout
    assert "before     version 0: 5.72433 (flag 1, pass)" in after.stdout
    assert "derived anew 2026-07-01T00:00:00+00:00 to 2026-07-02T00:00:00+00:00" in after.stdout
    nothing = run("lineage", *options(place), "--at", "2025-07-01")
    assert "value      none in the day before 2025-07-01T00:00:00+00:00" in nothing.stdout


BRIDGE = SeriesKey("level", "river-bridge", "bridge-level")


def bridge(folder: Path, time_ms: int, value: float, raw: float | None) -> str:
    """What `aryk lineage` says of the example's bridge with this one reading."""
    store = folder / f"{time_ms}-{raw}.sqlite"

    async def write() -> None:
        async with open_writer(SqliteSettings(path=store), folder) as writer:
            await writer.write([SeriesPoints(BRIDGE, [time_ms], [value], [1], [raw])])

    asyncio.run(write())
    at = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat()
    where = ["--registry", str(EXAMPLE), "--store", str(store), "--station", "river-bridge"]
    result = run("lineage", *where, "--at", at)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_times_are_the_districts(tmp_path: Path) -> None:
    said = bridge(tmp_path, START_MS, 1.0, None)
    assert said.startswith("times in Asia/Almaty\n")
    assert "in force 2024-04-01T00:00:00+05:00 to the next" in said
    assert "none in the day before 2026-07-01T05:00:00+05:00" in said


def test_the_calibration_in_force_is_told_and_whether_the_gateway_applied_it(tmp_path: Path) -> None:
    held = "river-bridge/bridge-level since 2026-03-20: reading -0.012 m, by Hydropost team 2; "
    assert f"{held}applied by the gateway: 1.012 became 1" in bridge(tmp_path, START_MS, 1.0, 1.012)
    assert f"{held}not shown: the value 1 came without what the sensor said" in bridge(tmp_path, START_MS, 1.0, None)
    assert f"{held}NOT applied: 1.03 became 1, and would be 1.018" in bridge(tmp_path, START_MS, 1.0, 1.03)
    assert "calibration" not in bridge(tmp_path, 1_772_300_000_000, 1.0, None), "in February 2026 it did not hold yet"


def test_what_is_not_derived_is_said_with_what_is(place: Path) -> None:
    wrong = ["--registry", str(place / "registry.toml"), "--station", "k-13"]
    result = run("lineage", *wrong)
    assert result.exit_code == 2
    assert "stations with derived series: k-12" in result.stderr
    result = run("lineage", *options(place), "--series", "volume")
    assert result.exit_code == 2
    assert "there is discharge" in result.stderr
    result = run("rederive", *options(place), "--from", "2026-07-02", "--to", "2026-07-01")
    assert result.exit_code == 2
    result = run(
        "rederive",
        *wrong[:2],
        "--station",
        "k-12",
        *SPAN,
        "--store",
        str(place / "no.sqlite"),
        "--dry-run",
    )
    assert result.exit_code == 1

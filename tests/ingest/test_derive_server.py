"""Derived series in a running ingest: killed with -9 in the middle, and in a real InfluxDB over a restart."""

import asyncio
import random
import sqlite3
import time
from pathlib import Path

import pytest

from ingest.app import run
from ingest.settings import IngestSettings
from settings.broker import BrokerSettings
from store.settings import InfluxSettings
from tests.ingest.test_app import Place
from tests.ingest.test_derive import ALL, HEAD, LEVEL, MINUTE, START_MS, Centre, Reading, level
from tests.ingest.test_quality_server import Gauge, through_kills
from tests.servers.influxdb import InfluxBucket
from tests.servers.mosquitto import Mosquitto

pytestmark = pytest.mark.server

Found = dict[tuple[str, str, int], tuple[float | None, int]]
"""Value and flag by quantity, sensor and minute."""


def some_hours(seed: int, count: int) -> list[list[Reading]]:
    """Messages of a gate's three sensors: late ones, a quick rise, openings that failed or come in a message of their own."""
    dice = random.Random(seed)
    out: list[list[Reading]] = []
    value = 1.5
    for minute in range(0, 5 * count, 5):
        value = min(max(value + dice.choice([0.0, 0.001, -0.002, 0.05, 0.9, -0.8]), 0.1), 4.5)
        message = [level(minute, round(value, 3)), ("below", minute, round(0.6 * value, 3), 1)]
        opening: Reading = ("gate", minute, None, 9) if dice.random() < 0.1 else ("gate", minute, 0.3, 1)
        if dice.random() < 0.2:
            out += [message, [opening]]
        else:
            out.append([*message, opening])
    for at in range(3, len(out), 7):
        out.insert(min(at + 5, len(out)), out.pop(at))
    return out


def expected_of(centre: Centre) -> Found:
    centre.drain()
    return {
        (key.quantity, key.sensor, (time_ms - START_MS) // MINUTE): (one.value, one.flag)
        for key, points in centre.store.series.items()
        for time_ms, one in points.items()
    }


async def test_kill_9_changes_no_derived_point(tmp_path: Path, mosquitto: Mosquitto) -> None:
    place = Place(tmp_path, mosquitto)
    (tmp_path / "registry.toml").write_text(HEAD + ALL)
    messages = some_hours(1, 40)
    expected = Centre(capacity=128)
    for message in messages:
        expected.take(*message)
    start_ms = time.time_ns() // 1_000_000 - 86_400_000
    sent = await through_kills(place, mosquitto, start_ms, messages, (12, 30))
    db = sqlite3.connect(place.state / "store" / "points.sqlite")
    rows = db.execute("SELECT quantity, sensor, time_ms, value, flag FROM points JOIN series ON id = series").fetchall()
    history = db.execute("SELECT count(*) FROM history").fetchone()[0]
    db.close()
    found = {(quantity, sensor, (at - start_ms) // MINUTE): (value, flag) for quantity, sensor, at, value, flag in rows}
    assert found == await asyncio.to_thread(expected_of, expected)
    assert {sensor for _, sensor, _ in found} > {"discharge", "through", "volume", "area", "full", "useful"}
    assert history == len(expected.store.replaced) > len([key for key, _, _ in expected.store.replaced if key == LEVEL])
    assert place.conserves()
    assert place.counters()["stored"] == sent


async def test_derived_points_in_influxdb(tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxBucket) -> None:
    (tmp_path / "registry.toml").write_text(HEAD + ALL)
    store = InfluxSettings.model_validate(
        {"kind": "influxdb", "url": influxdb.url, "token": influxdb.token, "org": influxdb.org}
        | {"bucket": influxdb.bucket}
    )
    settings = IngestSettings(
        registry=tmp_path / "registry.toml", broker=BrokerSettings(port=mosquitto.port), store=store
    )
    messages = some_hours(2, 24)
    expected = Centre(capacity=128)
    start_ms = time.time_ns() // 1_000_000 - 86_400_000
    async with Gauge(mosquitto, start_ms).open() as gauge:
        for part in (messages[:14], messages[14:]):  # the second ingest reads back what it needs from InfluxDB
            stop = asyncio.Event()
            task = asyncio.create_task(run(settings, tmp_path / "state", stop))
            for message in part:
                expected.take(*message)
                payload = gauge.log(message)
                await gauge.send(payload, gauge.seq)
            stop.set()
            await asyncio.wait_for(task, 20)
    wanted = await asyncio.to_thread(expected_of, expected)

    def found() -> Found:
        out: Found = {}
        for quantity in ("discharge", "volume", "fill", "area"):
            for row in influxdb.query_influxql(f"SELECT value, flag, sensor FROM {quantity}"):
                out[quantity, row["sensor"], (row["time"] - start_ms) // MINUTE] = (row["value"], int(row["flag"]))
        return out

    measured = {"level", "gate_opening"}
    assert await asyncio.to_thread(found) == {key: row for key, row in wanted.items() if key[0] not in measured}
    rows = await asyncio.to_thread(influxdb.query_influxql, "SELECT flag FROM history GROUP BY quantity, rev, sensor")
    assert len(rows) == len(expected.store.replaced) > 0

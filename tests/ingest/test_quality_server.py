"""The quality tests in a running ingest: killed with -9 in the middle, and changes in a real InfluxDB."""

import asyncio
import random
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ingest.app import run
from ingest.settings import IngestSettings
from mqtt import Client, Message, SessionOptions, Subscription
from settings.broker import BrokerSettings
from store.settings import InfluxSettings
from tests.ingest.samples import EPOCH, batch
from tests.ingest.test_app import Place, start_process
from tests.ingest.test_quality import ALL, HEAD, LEVEL, MINUTE, OTHERS, QUANTITY, SPAN, START_MS, Centre, Reading, level
from tests.servers.influxdb import InfluxBucket
from tests.servers.mosquitto import Mosquitto
from tests.servers.wait import eventually
from wire.batch import Series
from wire.codec import CONTENT_TYPES, Codec, encode_batch
from wire.messages import Receipt, decode_message
from wire.names import epoch_text
from wire.ranges import RangeSet

pytestmark = pytest.mark.server

BASE = "aryk/v1/karatal/gw1"


class Gauge:
    """Gateway gw1, sending messages of readings one by one, each again until it has its receipt."""

    def __init__(self, broker: Mosquitto, start_ms: int) -> None:
        self.start_ms = start_ms
        self.told = RangeSet()
        self.seq = 0
        self.client = Client(
            broker.host,
            broker.port,
            SessionOptions("gw1", subscriptions=(Subscription(f"{BASE}/receipts"),)),
            on_messages=self._messages,
            jitter=lambda: 0.0,
        )

    def _messages(self, messages: list[Message]) -> None:
        for message in messages:
            receipt = decode_message(Receipt, message.payload)
            self.told.update((a, b) for a, b in receipt.durable.get(epoch_text(EPOCH), []))
        self.client.acknowledge(messages[-1])
        self.client.flush()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Gauge"]:
        task = asyncio.create_task(self.client.run())
        await eventually(lambda: self.client.live)
        try:
            yield self
        finally:
            await self.client.close()
            await task

    def log(self, readings: list[Reading]) -> bytes:
        series: dict[str, Series] = {}
        for sensor, minute, value, flag in readings:
            self.seq += 1
            one = series.setdefault(sensor, Series(sensor, QUANTITY[sensor], "m", [], [], [], []))
            one.seq.append(self.seq)
            one.time_ms.append(self.start_ms + minute * MINUTE)
            one.value.append(value)
            one.flag.append(flag)
        return encode_batch(batch(*series.values()), Codec.CBOR)

    async def send(self, payload: bytes, upto: int) -> None:
        for _ in range(40):
            await eventually(lambda: self.client.room)
            self.client.publish(f"{BASE}/readings", payload, content_type=CONTENT_TYPES[Codec.CBOR])
            self.client.flush()
            try:
                await eventually(lambda: not self.told.missing(1, upto), 1.0)
            except AssertionError:
                continue
            return
        raise AssertionError("no receipt")


def some_days(seed: int) -> list[list[Reading]]:
    """Messages with late ones, spikes, still water, a gate that moves and readings that failed."""
    dice = random.Random(seed)
    out: list[list[Reading]] = []
    gate = 0.1
    value = 1.0
    for minute in range(0, 900, 5):
        value += dice.choice([0.0, 0.0, 0.0, 0.001, -0.001, 0.02, 0.2, -0.15])
        message = [level(minute, dice.choice([value] * 9 + [value + 0.6]))]
        if dice.random() < 0.05:
            message = [level(minute, None, 9)]
        if dice.random() < 0.1:
            gate = dice.choice([0.1, 0.5])
        message.append(("gate", minute, gate, 1))
        out.append(message)
    for at in range(3, len(out), 7):
        out.insert(min(at + 5, len(out)), out.pop(at))
    return out


async def through_kills(
    place: Place, mosquitto: Mosquitto, start_ms: int, messages: list[list[Reading]], kills: tuple[int, ...]
) -> int:
    """Send all to an ingest that is killed before these messages; how many readings that were. It stops in order at the end."""
    process = start_process(place)
    try:
        async with Gauge(mosquitto, start_ms).open() as gauge:
            for number, message in enumerate(messages):
                if number in kills:
                    process.send_signal(signal.SIGKILL)
                    await asyncio.to_thread(process.wait)
                    process = start_process(place)
                payload = gauge.log(message)
                await gauge.send(payload, gauge.seq)
        process.terminate()
        assert await asyncio.to_thread(process.wait, 10) == 0
    finally:
        process.kill()
        process.wait()
    return gauge.seq


async def test_kill_9_changes_no_flag(tmp_path: Path, mosquitto: Mosquitto) -> None:
    place = Place(tmp_path, mosquitto)
    (tmp_path / "registry.toml").write_text(HEAD + SPAN + ALL + OTHERS)
    messages = some_days(1)
    expected = Centre(ALL)
    for message in messages:
        expected.take(*message)
    start_ms = time.time_ns() // 1_000_000 - 86_400_000
    await through_kills(place, mosquitto, start_ms, messages, (40, 41, 90, 130))
    db = sqlite3.connect(place.state / "store" / "points.sqlite")
    rows = db.execute(
        "SELECT time_ms, flag, tests FROM points JOIN series ON id = series WHERE sensor = 'level' ORDER BY time_ms"
    ).fetchall()
    history = db.execute("SELECT count(*) FROM history").fetchone()[0]
    db.close()
    found = {(time_ms - start_ms) // MINUTE: (flag, tests or None) for time_ms, flag, tests in rows}
    assert found == await asyncio.to_thread(expected.flags)
    assert {flag for flag, _ in found.values()} == {1, 3, 4, 9}
    assert history == len(expected.store.replaced) > 3
    assert place.conserves()


async def test_changes_and_history_in_influxdb(tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxBucket) -> None:
    (tmp_path / "registry.toml").write_text(HEAD + SPAN + ALL + OTHERS)
    store = InfluxSettings.model_validate(
        {"kind": "influxdb", "url": influxdb.url, "token": influxdb.token, "org": influxdb.org}
        | {"bucket": influxdb.bucket}
    )
    settings = IngestSettings(
        registry=tmp_path / "registry.toml", broker=BrokerSettings(port=mosquitto.port), store=store
    )
    messages = some_days(2)[:60]
    expected = Centre(ALL)
    start_ms = time.time_ns() // 1_000_000 - 86_400_000
    async with Gauge(mosquitto, start_ms).open() as gauge:
        for part in (messages[:30], messages[30:]):  # the second ingest reads back what it needs from InfluxDB
            stop = asyncio.Event()
            task = asyncio.create_task(run(settings, tmp_path / "state", stop))
            for message in part:
                expected.take(*message)
                payload = gauge.log(message)
                await gauge.send(payload, gauge.seq)
            stop.set()
            await asyncio.wait_for(task, 20)
    flags = await asyncio.to_thread(expected.flags)

    def found() -> dict[int, tuple[int, int | None]]:
        rows = influxdb.query_influxql("SELECT flag, tests FROM level WHERE sensor = 'level'")
        return {(row["time"] - start_ms) // MINUTE: (int(row["flag"]), row["tests"] or None) for row in rows}

    assert await asyncio.to_thread(found) == flags
    rows = await asyncio.to_thread(
        influxdb.query_influxql, "SELECT value, flag, tests FROM history GROUP BY quantity, rev, sensor, station"
    )
    kept = {
        ((row["time"] - start_ms) // MINUTE, int(row["rev"])): (row["value"], int(row["flag"]), row["tests"])
        for row in rows
    }
    assert kept == {
        ((time_ms - START_MS) // MINUTE, rev): (old.value, old.flag, old.tests)
        for (key, time_ms, rev), old in expected.store.replaced.items()
        if key == LEVEL
    }
    assert kept

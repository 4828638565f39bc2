"""The readings of a benchmark, in every form that somebody takes them in: batches, JSON rows, line protocol. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from store.lines import encode
from store.points import SeriesKey, SeriesPoints
from wire.batch import Batch, Series
from wire.codec import Codec, encode_batch

EPOCH = 42
SENSORS = 5
"""Of each gateway: one station with five gauges."""
STEP_MS = 1_000
RULES = {"range": [0.0, 5.0], "rate_per_hour": 3600.0, "flat": {"suspect": "6h", "fail": "24h", "tolerance": 0.00101}}
"""The three tests that every gauge has; the values below pass them, as most readings do."""


@dataclass(frozen=True, slots=True)
class Work:
    """So many messages of `size` readings (1: one gauge; else all five, some scans), from gateways that take turns."""

    size: int
    messages: int
    gateways: int
    end_ms: int
    districts: int = 1

    @property
    def readings(self) -> int:
        """Of all messages."""
        return self.size * self.messages

    @property
    def scans(self) -> int:
        """Of each gauge in a message."""
        return max(1, self.size // SENSORS)


def gateway_id(number: int) -> str:
    """Its station has the same id."""
    return f"gw-{number:05d}"


def district_id(number: int, districts: int) -> str:
    """Gateways take turns at the districts."""
    return f"d{number % districts}"


def topic_of(work: Work, number: int) -> str:
    """Where message `number` is published."""
    gateway = number % work.gateways
    return f"aryk/v1/{district_id(gateway, work.districts)}/{gateway_id(gateway)}/readings"


def batch_of(work: Work, number: int) -> Batch:
    """Message `number`. The sequence numbers of a gateway follow each other, and so do the times of a series."""
    gateway, turn = number % work.gateways, number // work.gateways
    first = 1 + turn * work.size
    rounds = -(-work.messages // work.gateways)
    if work.size < SENSORS:
        places, scan = [turn % SENSORS], turn // SENSORS
        start_ms = work.end_ms - (rounds // SENSORS + 1 - scan) * STEP_MS
    else:
        places, scan = list(range(SENSORS)), turn * work.scans
        start_ms = work.end_ms - (rounds * work.scans - scan) * STEP_MS
    times = [start_ms + n * STEP_MS for n in range(work.scans)]
    series = [
        Series(
            f"s{place}",
            "level",
            "m",
            list(range(first + at, first + work.size, len(places))),
            times,
            [round(1.2 + 0.004 * ((scan + n) * 7 % 50), 3) for n in range(work.scans)],
            [1] * work.scans,
        )
        for at, place in enumerate(places)
    ]
    return Batch(gateway_id(gateway), EPOCH, series)


def payloads(work: Work, codec: Codec) -> Iterator[tuple[str, bytes]]:
    """Topic and payload of each message, as gateways send them."""
    for number in range(work.messages):
        yield topic_of(work, number), encode_batch(batch_of(work, number), codec)


def row_payloads(work: Work) -> Iterator[tuple[str, bytes]]:
    """The same readings, message by message, as JSON rows: Telegraf reads no columns."""
    for number in range(work.messages):
        batch = batch_of(work, number)
        rows = [
            {
                "quantity": one.quantity,
                "station": batch.gateway,
                "sensor": one.sensor,
                "time": time_ms,
                "value": value,
                "flag": flag,
            }
            for one in batch.series
            for time_ms, value, flag in zip(one.time_ms, one.value, one.flag, strict=True)
        ]
        yield topic_of(work, number), json.dumps(rows, separators=(",", ":")).encode()


def line_bodies(work: Work, points: int) -> Iterator[bytes]:
    """The same points as line protocol, so many to a request."""
    lines: list[str] = []
    for number in range(work.messages):
        batch = batch_of(work, number)
        lines += encode(
            [
                SeriesPoints(SeriesKey(one.quantity, batch.gateway, one.sensor), one.time_ms, one.value, one.flag)
                for one in batch.series
            ]
        )
        while len(lines) >= points:
            yield "\n".join(lines[:points]).encode()
            del lines[:points]
    if lines:
        yield "\n".join(lines).encode()


def expected(work: Work) -> dict[tuple[str, str], tuple[int, float]]:
    """What the store must hold afterwards: count and sum of the values of each (station, sensor)."""
    out: dict[tuple[str, str], tuple[int, float]] = {}
    for number in range(work.messages):
        batch = batch_of(work, number)
        for one in batch.series:
            count, total = out.get((batch.gateway, one.sensor), (0, 0.0))
            values = [value for value in one.value if value is not None]
            out[batch.gateway, one.sensor] = (count + len(values), total + sum(values))
    return out


def registry(gateways: int, districts: int = 1) -> dict[str, Any]:
    """What registry.toml says for these gateways, ready for `toml_text`."""
    sensor = {"quantity": "level", "unit": "m", "interval": STEP_MS / 1000, "span": [-0.5, 10.0], "quality": RULES}
    names = [(gateway_id(number), district_id(number, districts)) for number in range(gateways)]
    return {
        "districts": {f"d{n}": {"name": f"District {n}", "timezone": "Asia/Almaty"} for n in range(districts)},
        "gateways": [{"id": name, "district": district} for name, district in names],
        "stations": [
            {
                "id": name,
                "name": f"Station {name}",
                "district": district,
                "kind": "canal_gauge",
                "sensors": [{"id": f"s{place}", "gateway": name, **sensor} for place in range(SENSORS)],
            }
            for name, district in names
        ],
    }

"""Bytes: of a message on the air, of a reading in the spool and in InfluxDB, and what many series cost InfluxDB.

`python -m benchmarks.sizes` (5 minutes) writes benchmarks/results/sizes.json, which docs/capacity.md is made from.
"""

import json
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mqtt5

from benchmarks import ingest_path, plant
from benchmarks.payloads import Work, payloads
from ingest.intake import Arrival
from ingest.spool import Spool
from store.lines import encode
from store.points import SeriesKey, SeriesPoints
from tests.servers.influxdb import InfluxBucket, InfluxDB
from tests.servers.wait import eventually_sync
from wire.batch import Batch, Series
from wire.codec import CONTENT_TYPES, Codec, encode_batch
from wire.messages import Receipt, encode_message
from wire.names import epoch_text
from wire.topics import Kind, topic

FILE = Path(__file__).parent / "results" / "sizes.json"
START_MS = 1_790_000_000_000
EPOCH = 0x5EED_0000_0001

SHAPES = ((3, 1), (3, 4), (3, 96), (10, 1))
"""Sensors of a gateway and scans in a message: each scan at once, an hour's of four, a day's; a larger station."""
SPOOLED = (1, 10, 60)
# A year of readings every quarter of an hour; two weeks of one a minute.
STORED = ((900, 35_040), (60, 20_160))
STORED_SERIES = 100
MANY_SERIES = 500_000
LINES_A_REQUEST = 20_000
# Settled files in seconds, which take InfluxDB ten minutes and four hours as it comes.
AT_ONCE = ("--storage-cache-snapshot-write-cold-duration=1s", "--storage-compact-full-write-cold-duration=2s")
SETTLED_S = 8.0


def walk(count: int, step: float, digits: int, start: float, dice: random.Random) -> list[float]:
    """Values of a gauge: each near the one before, to its resolution."""
    out, at = [], start
    for _ in range(count):
        at = max(0.0, at + dice.gauss(0.0, step))
        out.append(round(at, digits))
    return out


def times(count: int, every_s: float, dice: random.Random) -> list[int]:
    """A gateway's scans: on its own clock, with the few milliseconds that a bus takes."""
    return [START_MS + round(n * every_s * 1000) + dice.randrange(40) for n in range(count)]


def message(sensors: int, scans: int, every_s: float = 900.0) -> Batch:
    """A gateway's message: levels to the millimetre, with a voltage and a temperature among the first three."""
    dice = random.Random(sensors * 1000 + scans)
    kinds = [
        ("level", "m", 0.004, 3, 1.4),
        ("battery_voltage", "V", 0.01, 2, 12.6),
        ("air_temperature", "Cel", 0.2, 1, 18.0),
    ]
    at = times(scans, every_s, dice)
    series = []
    for place in range(sensors):
        quantity, unit, step, digits, start = kinds[place] if place < len(kinds) else kinds[0]
        seqs = list(range(90_001 + place, 90_001 + place + scans * sensors, sensors))
        values: list[float | None] = [*walk(scans, step, digits, start, dice)]
        series.append(Series(f"{quantity.split('_')[0]}-{place + 1}", quantity, unit, seqs, at, values, [1] * scans))
    return Batch("talas-km8", EPOCH, series)


def wire_sizes() -> Iterator[dict[str, Any]]:
    """Of each shape: bytes of the payload in both codecs, and of the four MQTT packets that a message costs."""
    for sensors, scans in SHAPES:
        batch = message(sensors, scans)
        seqs = batch.seqs()
        receipt = encode_message(Receipt(durable={epoch_text(EPOCH): [[min(seqs), max(seqs)]]}))
        out: dict[str, Any] = {"sensors": sensors, "scans": scans, "readings": len(seqs), "receipt": len(receipt)}
        for codec in Codec:
            payload = encode_batch(batch, codec)
            packets = [
                publish(Kind.READINGS, payload, CONTENT_TYPES[codec]),
                mqtt5.PubAckPacket(1).write(),
                publish(Kind.RECEIPTS, receipt, CONTENT_TYPES[Codec.JSON]),
                mqtt5.PubAckPacket(1).write(),
            ]
            out[codec.value] = {"payload": len(payload), "mqtt": sum(map(len, packets))}
        yield out


def publish(kind: Kind, payload: bytes, content_type: str) -> bytes:
    where = topic("talas", "talas-km8", kind)
    return mqtt5.PublishPacket(
        where, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1, content_type=content_type
    ).write()


def spool_bytes(size: int) -> float:
    """Of a reading that waits in the spool, by readings a message; the file as a whole, closed."""
    work = Work(size, 40_000 // size, ingest_path.GATEWAYS, ingest_path.NOW_MS)
    arrivals = [
        Arrival(where, one, CONTENT_TYPES[Codec.CBOR], ingest_path.NOW_MS, 0.0)
        for where, one in payloads(work, Codec.CBOR)
    ]
    with tempfile.TemporaryDirectory(prefix="aryk-sizes-") as name:
        path = Path(name) / "spool.sqlite"
        with Spool(path) as spool:
            for group in ingest_path.groups_of(arrivals):
                spool.commit([group.change], ingest_path.NOW_MS)
        return path.stat().st_size / work.readings


def folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def settle(influx: InfluxDB) -> None:
    """Wait until nothing is in its write-ahead log and its files have stood still for a while."""
    data, wal = influx.folder / "engine" / "data", influx.folder / "engine" / "wal"
    seen: dict[str, Any] = {}

    def still() -> bool:
        size = (folder_bytes(data), folder_bytes(wal))
        if size != seen.get("size"):
            seen.update(size=size, since=time.monotonic())
        return size[1] < 1_000_000 and time.monotonic() - seen["since"] > SETTLED_S

    eventually_sync(still, 240.0, "InfluxDB's files stand still")


def write(bucket: InfluxBucket, lines: Iterator[str]) -> int:
    count, held = 0, []
    for line in lines:
        held.append(line)
        count += 1
        if len(held) == LINES_A_REQUEST:
            bucket.write(held)
            held = []
    if held:
        bucket.write(held)
    return count


def stored_lines(every_s: int, points: int) -> Iterator[str]:
    dice = random.Random(every_s)
    for series in range(STORED_SERIES):
        values: list[float | None] = [*walk(points, 0.004, 3, 1.4, dice)]
        key = SeriesKey("level", f"station-{series:05d}", "level-1")
        yield from encode([SeriesPoints(key, times(points, every_s, dice), values, [1] * points)])


def stored_bytes(every_s: int, points: int) -> dict[str, Any]:
    """Of a point in InfluxDB, value and flag, once its files are compacted."""
    with tempfile.TemporaryDirectory(prefix="aryk-sizes-") as name, InfluxDB(Path(name), options=AT_ONCE) as influx:
        count = write(influx.first_bucket, stored_lines(every_s, points))
        settle(influx)
        # Not the index, nor the files of series that are made 4 MB long at once.
        held = sum(file.stat().st_size for file in (influx.folder / "engine" / "data").rglob("*.tsm"))
    return {"interval_s": every_s, "series": STORED_SERIES, "points": count, "bytes_a_point": held / count}


def many_series() -> dict[str, Any]:
    """What InfluxDB holds in memory and on disk for half a million series with a reading each."""

    def lines() -> Iterator[str]:
        for series in range(MANY_SERIES):
            yield f"level,sensor=level-{series % 5},station=station-{series // 5:06d} value=1.234,flag=1i {START_MS}"

    with tempfile.TemporaryDirectory(prefix="aryk-sizes-") as name, InfluxDB(Path(name), options=AT_ONCE) as influx:
        began_mb, began = plant.rss_mb(influx), time.perf_counter()
        write(influx.first_bucket, lines())
        took = time.perf_counter() - began
        settle(influx)
        return {
            "series": MANY_SERIES,
            "before_mb": began_mb,
            "after_mb": plant.rss_mb(influx),
            "peak_mb": plant.rss_mb(influx, "VmHWM"),
            "disk_mb": folder_bytes(influx.folder / "engine" / "data") / plant.MEGABYTE,
            "took_s": took,
        }


def main() -> None:
    found = {
        "about": {"at": time.strftime("%Y-%m-%d"), "influxdb": "2.7.12"},
        "wire": list(wire_sizes()),
        "spool": [{"size": size, "bytes_a_reading": spool_bytes(size)} for size in SPOOLED],
        "stored": [stored_bytes(*shape) for shape in STORED],
        "many_series": many_series(),
    }
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

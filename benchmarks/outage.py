"""The database was away: how fast what waited in the spool drains, with the real ingest process and a real InfluxDB 2.7."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import plant
from benchmarks.ours import settled_of
from benchmarks.payloads import Work, expected, payloads
from benchmarks.publish import publish_all
from tests.servers.influxdb import InfluxDB
from tests.servers.wait import eventually_sync
from wire.codec import CONTENT_TYPES, Codec

SIZE, GATEWAYS = 10, 100
HOUR_READINGS = 3600 * 2000
"""An hour of a district at 2,000 readings a second."""


@dataclass(slots=True)
class Outage:
    """How it drained; `hour_s` is what an hour's backlog at 2,000 readings a second would take."""

    readings: int
    per_s: float = 0.0
    hour_s: float = 0.0
    rss_mb: float = 0.0
    complaint: str = ""


def run(readings: int) -> Outage:
    """So many readings come while the database is away; the clock runs from the first that it takes to the last."""
    work = Work(SIZE, readings // SIZE, GATEWAYS, int(time.time() * 1000) - 60_000)
    out = Outage(work.readings)
    with tempfile.TemporaryDirectory(prefix="aryk-bench-") as name:
        folder = Path(name)
        broker, influx = plant.make_broker(folder), InfluxDB(folder / "influxdb")
        with broker, influx, plant.make_ingest(folder, broker, plant.influx_store(influx), work) as ingest:
            eventually_sync(lambda: "connected to" in ingest.log_text(), 60.0, "ingest connects")
            influx.kill()
            asyncio.run(publish_all(broker.port, payloads(work, Codec.CBOR), CONTENT_TYPES[Codec.CBOR]))
            counters = plant.Counters(plant.spool_path(ingest))
            plant.watch(lambda: counters().get("received", 0), work.readings, stalled_s=30.0)
            influx.start()
            marks: list[tuple[float, int]] = []
            ended, settled = plant.watch(lambda: settled_of(counters()), work.readings, stalled_s=60.0, marks=marks)
            counters.close()
            out.rss_mb = plant.rss_mb(ingest, "VmHWM")
            first_at, first = next((at, count) for at, count in marks if count)
            out.per_s = (settled - first) / max(1e-9, ended - first_at)
            out.hour_s = HOUR_READINGS / max(1.0, out.per_s)
            out.complaint = plant.complaint_of(influx.first_bucket, expected(work))
    return out

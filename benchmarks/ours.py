"""End to end: a queue that waits at mosquitto, through the real ingest process, into a real InfluxDB 2.7.

The clock runs from the moment that the broker lets ingest in until the last reading is settled in the spool's database, which is
after the store's answer. Then the store itself is compared with what was sent, series by series.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import plant
from benchmarks.outcome import Outcome
from benchmarks.payloads import Work, expected, payloads
from benchmarks.publish import publish_all
from tests.faults import logged
from tests.faults.roles import IngestRole
from tests.servers.influxdb import InfluxDB
from wire.codec import CONTENT_TYPES, Codec

REST_S = 1.0
"""For a process to come to rest after its start, with the broker stopped."""


def run(work: Work, codec: Codec, inspect: Callable[[IngestRole], None] = lambda role: None) -> Outcome:
    """One shape and codec. `inspect` may look at ingest when all is stored and before it stops."""
    out = Outcome("aryk", work.size, codec.value, work.readings)
    with tempfile.TemporaryDirectory(prefix="aryk-bench-") as name:
        folder = Path(name)
        broker, influx = plant.make_broker(folder), InfluxDB(folder / "influxdb")
        with broker, influx:
            ingest = plant.make_ingest(folder, broker, plant.influx_store(influx), work)
            try:
                plant.open_session(ingest)
                asyncio.run(publish_all(broker.port, payloads(work, codec), CONTENT_TYPES[codec]))
                broker.pause()
                ingest.start()
                time.sleep(REST_S)  # nothing to wait for: ingest is at the broker's door
                processes = {"ingest": ingest, "mosquitto": broker, "influxd": influx}
                before = {key: plant.cpu_s(one) for key, one in processes.items()}
                counters = plant.Counters(plant.spool_path(ingest))
                began = time.perf_counter()
                broker.resume()
                ended, settled = plant.watch(lambda: settled_of(counters()), work.readings, stalled_s=30.0)
                used = {key: plant.cpu_s(one) - before[key] for key, one in processes.items()}
                counters.close()
                out.per_s = settled / (ended - began)
                out.cpu_us = {key: 1e6 * one / max(1, settled) for key, one in used.items()}
                out.rss_mb = {key: plant.rss_mb(one) for key, one in processes.items()}
                inspect(ingest)
                ingest.stop()
                out.complaint = plant.complaint_of(influx.first_bucket, expected(work))
                if not logged.conserved(plant.spool_path(ingest)):
                    out.complaint += " the spool's counters do not add up"
            finally:
                ingest.kill()
    return out


def settled_of(counters: dict[str, int]) -> int:
    """How many readings are done with, well or not."""
    return sum(counters.get(name, 0) for name in ("stored", "repeated", "dead", "set_aside"))

"""At half of the rate that ingest carries: how long a message waits for its acknowledgement and for its receipt.

Receipts are timed from outside, from publishing to the receipt's arrival, so both ways through the broker are in it; so is the
loader's own share of the two cores. The acknowledgement is ingest's own histogram (of each group of messages the one that waited
longest), interpolated between its buckets.
"""

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import plant
from benchmarks.ours import settled_of
from benchmarks.payloads import Work
from tests.servers.http import request
from tests.servers.influxdb import InfluxDB
from tests.servers.wait import eventually_sync
from wire.codec import Codec

WARM_UP_S = 2.0
QUIET_PER_S, BUSY_PER_S = 2.0, 20.0
"""Batches a second of one gateway: below and above the four receipts a second that a gateway gets at most."""
PARTS = (0.5, 0.99, 0.999)


@dataclass(slots=True)
class Latency:
    """Milliseconds; each at 50 %, 99 % and 99.9 %."""

    size: int
    codec: str
    busy: bool
    gateways: int
    per_s: float = 0.0
    receipt_ms: tuple[float, ...] = ()
    acknowledge_ms: tuple[float, ...] = ()
    complaint: str = ""


def run(size: int, codec: Codec, readings_per_s: float, seconds: float, *, busy: bool) -> Latency:
    """Publish at this rate for so long."""
    rate = readings_per_s / size
    gateways = max(1, round(rate / (BUSY_PER_S if busy else QUIET_PER_S)))
    out = Latency(size, codec.value, busy, gateways)
    total = int(rate * (seconds + WARM_UP_S))
    work = Work(size, total, gateways, 0)
    with tempfile.TemporaryDirectory(prefix="aryk-bench-") as name:
        folder = Path(name)
        broker, influx = plant.make_broker(folder), InfluxDB(folder / "influxdb")
        with broker, influx, plant.make_ingest(folder, broker, plant.influx_store(influx), work) as ingest:
            eventually_sync(lambda: "connected to" in ingest.log_text(), 60.0, "ingest connects")
            line = _publish(broker.port, size, codec, rate, seconds + WARM_UP_S, gateways)
            out.per_s = line["sent"] * size / (seconds + WARM_UP_S)
            out.receipt_ms = tuple(line[f"p{100 * part:g}_ms"] for part in PARTS)
            text = request(ingest.port, "GET", "/metrics") or ""
            out.acknowledge_ms = tuple(1000 * one for one in quantiles(text, "aryk_ingest_acknowledge_seconds"))
            counters = plant.Counters(plant.spool_path(ingest))
            plant.watch(lambda: settled_of(counters()), work.readings, stalled_s=20.0)
            counters.close()
            held = influx.count("level")
            if held != work.readings:
                out.complaint = f"{held:,} of {work.readings:,} readings stored"
            elif line["at_s"] > 1.1 * (seconds + WARM_UP_S):
                out.complaint = f"the loader needed {line['at_s']} s: it could not keep this rate"
    return out


def _publish(port: int, size: int, codec: Codec, rate: float, seconds: float, gateways: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.publish", "--port", str(port), "--rate", f"{rate}"]
    command += ["--seconds", f"{seconds}", "--size", str(size), "--codec", codec.value, "--gateways", str(gateways)]
    command += ["--warm-up", f"{WARM_UP_S}", "--report", "3600"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    line: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return line


def buckets(metrics: str, name: str) -> list[tuple[float, float]]:
    """The upper bounds of a histogram, seconds, and how many lie below each, all in all."""
    found = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} ([0-9.e+]+)$', metrics, re.M)
    return [(float(bound), float(count)) for bound, count in found]


def quantiles(metrics: str, name: str) -> tuple[float, ...]:
    """The quantiles of a histogram in a scrape, seconds, each somewhere in its bucket."""
    return quantiles_of(buckets(metrics, name))


def quantiles_of(found: list[tuple[float, float]]) -> tuple[float, ...]:
    """Linear between the bounds of a bucket, as Prometheus does; zeros of an empty histogram."""
    total = found[-1][1] if found else 0.0
    out = []
    for part in PARTS:
        below, low = 0.0, 0.0
        at = 0.0
        for bound, count in found:
            if total and count >= part * total:
                at = low if bound == float("inf") else low + (bound - low) * (part * total - below) / (count - below)
                break
            below, low = count, bound
        out.append(at)
    return tuple(out)

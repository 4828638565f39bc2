"""A soak: half load for long, and memory and latency stay flat in time. `make steady MINUTES=30`.

A line each minute; at the end the slope of each figure, by least squares over all minutes but the first two, and whether it is
flat. Then the store is asked how much it holds. Exits with 1 when something grew or is missing. The influxd's own memory
follows what it stores and caches, so it is printed and not judged.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import plant
from benchmarks.latency import buckets, quantiles_of
from benchmarks.ours import settled_of
from benchmarks.payloads import Work
from tests.servers.http import request
from tests.servers.influxdb import InfluxDB
from tests.servers.wait import eventually_sync

SIZE, GATEWAYS = 60, 125
PER_S = 15_000.0
"""About half of what 2 cores carry end to end at 60 a message."""
REPORT_S = 60.0
SETTLING_IN = 8
"""Minutes at the start that do not count: the quality tests keep up to HARD_CAPACITY readings of each gauge for their windows of
hours, and at 24 a second these are full after six."""
GROWTH_MOST_MB = 10.0
LATENCY_MOST_MS = 25.0
"""Over the whole run, by the slope."""


@dataclass(slots=True)
class Minute:
    at_s: float
    per_s: float
    receipt_p50_ms: float
    receipt_p99_ms: float
    acknowledge_p99_ms: float
    cpu_us: float
    ingest_mb: float
    mosquitto_mb: float
    influxd_mb: float

    def __str__(self) -> str:
        return (
            f"{self.at_s / 60:5.1f} min {self.per_s:8,.0f}/s"
            f"  receipt p50 {self.receipt_p50_ms:6.1f} p99 {self.receipt_p99_ms:6.1f} ms"
            f"  ack p99 {self.acknowledge_p99_ms:6.1f} ms  {self.cpu_us:5.2f} µs CPU a reading"
            f"  ingest {self.ingest_mb:6.1f} MB  mosquitto {self.mosquitto_mb:5.1f} MB  influxd {self.influxd_mb:6.1f} MB"
        )


def slope(times: list[float], values: list[float]) -> float:
    """Least squares: what a unit of time adds."""
    count = len(times)
    if count < 2:
        return 0.0
    mean_time, mean_value = sum(times) / count, sum(values) / count
    spread = sum((one - mean_time) ** 2 for one in times)
    pairs = zip(times, values, strict=True)
    return sum((time - mean_time) * (value - mean_value) for time, value in pairs) / spread


def verdicts(minutes: list[Minute]) -> list[tuple[str, bool]]:
    """What was found of each figure, and whether it is flat."""
    counted = minutes[SETTLING_IN:] if len(minutes) > SETTLING_IN + 2 else minutes
    times = [one.at_s / 3600 for one in counted]
    span_h = times[-1] - times[0]
    out = []
    for name, unit, most, values in (
        ("ingest's memory", "MB", GROWTH_MOST_MB, [one.ingest_mb for one in counted]),
        ("mosquitto's memory", "MB", GROWTH_MOST_MB, [one.mosquitto_mb for one in counted]),
        ("receipt p99", "ms", LATENCY_MOST_MS, [one.receipt_p99_ms for one in counted]),
        ("acknowledgement p99", "ms", LATENCY_MOST_MS, [one.acknowledge_p99_ms for one in counted]),
    ):
        an_hour = slope(times, values)
        flat = an_hour * span_h <= most
        word = "flat" if flat else "NOT FLAT"
        out.append((f"{name}: {an_hour:+.2f} {unit}/h, {an_hour * span_h:+.2f} {unit} over the run: {word}", flat))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(prog="make steady", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=PER_S, help="readings a second")
    parser.add_argument("--report", type=float, default=REPORT_S, help="seconds between two lines")
    options = parser.parse_args()
    minutes, complaint = run(options.minutes * 60, options.rate, options.report)
    found = verdicts(minutes)
    print("\n".join(text for text, _ in found))
    print(complaint or "the store holds all that was sent")
    sys.exit(0 if not complaint and all(flat for _, flat in found) else 1)


def run(seconds: float, per_s: float, report_s: float) -> tuple[list[Minute], str]:
    """The minutes, and what the store lacks."""
    minutes: list[Minute] = []
    work = Work(SIZE, int(per_s / SIZE * seconds), GATEWAYS, 0)
    with tempfile.TemporaryDirectory(prefix="aryk-steady-") as name:
        folder = Path(name)
        broker, influx = plant.make_broker(folder), InfluxDB(folder / "influxdb")
        with broker, influx, plant.make_ingest(folder, broker, plant.influx_store(influx), work) as ingest:
            eventually_sync(lambda: "connected to" in ingest.log_text(), 60.0, "ingest connects")
            command = [sys.executable, "-m", "benchmarks.publish", "--port", str(broker.port)]
            command += ["--rate", f"{per_s / SIZE}", "--seconds", f"{seconds}", "--size", str(SIZE)]
            command += ["--gateways", str(GATEWAYS), "--report", f"{report_s}"]
            earlier: list[tuple[float, float]] = []
            cpu_s, sent = plant.cpu_s(ingest), 0
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as loader:
                assert loader.stdout is not None
                for text in loader.stdout:
                    line = json.loads(text)
                    if line["sent"] == sent:
                        continue
                    now = buckets(request(ingest.port, "GET", "/metrics") or "", "aryk_ingest_acknowledge_seconds")
                    before = [count for _, count in earlier] or [0.0] * len(now)
                    fresh = [(bound, count - old) for (bound, count), old in zip(now, before, strict=True)]
                    used = plant.cpu_s(ingest)
                    minutes.append(
                        Minute(
                            line["at_s"],
                            line["messages_per_s"] * SIZE,
                            line["p50_ms"],
                            line["p99_ms"],
                            1000 * quantiles_of(fresh)[1],
                            1e6 * (used - cpu_s) / ((line["sent"] - sent) * SIZE),
                            plant.rss_mb(ingest),
                            plant.rss_mb(broker),
                            plant.rss_mb(influx),
                        )
                    )
                    earlier, cpu_s, sent = now, used, line["sent"]
                    print(minutes[-1], flush=True)
            if loader.returncode != 0:
                return minutes, f"the loader ended with {loader.returncode}"
            counters = plant.Counters(plant.spool_path(ingest))
            plant.watch(lambda: settled_of(counters()), work.readings, stalled_s=30.0)
            counters.close()
            held = influx.count("level")
    return minutes, "" if held == work.readings else f"{held:,} of {work.readings:,} readings stored"


if __name__ == "__main__":
    main()

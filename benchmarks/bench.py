"""Everything that has a goal, in one run: `make bench` (under 15 minutes on 2 cores; ARGS="--shapes 60 --codecs json").

For each shape the peers run in the same run and on the same readings as ingest. The servers are real: mosquitto 2.0.21,
InfluxDB 2.7.12 (each run with a fresh one), Telegraf 1.37.2 where `make tools` has built it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from benchmarks import latency, ours, outage, peers, startup
from benchmarks.ingest_path import stages
from benchmarks.outcome import Outcome
from benchmarks.payloads import Work
from benchmarks.results import OURS, Results
from benchmarks.table import render
from wire.codec import Codec

T = TypeVar("T")

GATEWAYS = 100
"""With five sensors each: 500 series."""
MESSAGES = {1: 80_000, 10: 30_000, 60: 10_000}
OUTAGE_READINGS = 300_000
LATENCY_S = 8.0
STATIONS = (1_000, 10_000)
PARTS = ("end-to-end", "stages", "latency", "outage", "startup")
BEFORE_NOW_MS = 60_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--shapes", type=int, nargs="+", choices=sorted(MESSAGES), default=sorted(MESSAGES))
    parser.add_argument("--codecs", type=Codec, nargs="+", default=list(Codec))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="only these")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of messages; small is quick and rough")
    parser.add_argument("--json", type=Path, help="write the results there too")
    options = parser.parse_args()
    began = time.perf_counter()
    results = measure(options)
    results.took_s = time.perf_counter() - began
    sys.stdout.write("\n" + render(results))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results.document(), indent=1) + "\n")


def measure(options: argparse.Namespace) -> Results:
    """All parts that were asked for, with a line on each as it begins and ends."""
    results = Results(about=about())
    scale = options.scale
    if "end-to-end" in options.parts:
        for size in options.shapes:
            for name, way in ways(size, options.codecs, scale):
                results.outcomes.append(told(f"{size} a message, {name}", way))
    if "stages" in options.parts:
        for codec in options.codecs:
            for size in options.shapes:
                results.stages[f"{codec.value} {size}"] = told(f"steps, {codec.value} {size}", _stages(codec, size))
    if "latency" in options.parts:
        for size, codec, rate in half_loads(results):
            for busy in (False, True):
                what = f"latency, {size} {codec.value}, {'busy' if busy else 'quiet'} gateways"
                results.latencies.append(told(what, _latency(size, codec, rate, LATENCY_S * min(1.0, scale), busy)))
    if "outage" in options.parts:
        results.outage = told("outage", lambda: outage.run(int(OUTAGE_READINGS * scale)))
    if "startup" in options.parts:
        for stations in STATIONS:
            results.startups.append(
                told(f"start with {stations} stations", _startup(stations if scale >= 0.5 else int(stations * scale)))
            )
    return results


def ways(size: int, codecs: list[Codec], scale: float) -> Iterator[tuple[str, Callable[[], Outcome]]]:
    """Each way of bringing the readings of one shape to where they are to be."""
    work = Work(size, int(MESSAGES[size] * scale), GATEWAYS, int(time.time() * 1000) - BEFORE_NOW_MS)
    for codec in codecs:
        yield f"aryk {codec.value}", lambda codec=codec: ours.run(work, codec)  # type: ignore[misc]
    yield "raw loader", lambda: peers.raw_loader(work)
    for codec in codecs:
        yield f"mosquitto_sub {codec.value}", lambda codec=codec: peers.mosquitto_sub(work, codec)  # type: ignore[misc]
    if Codec.JSON in codecs:
        yield "Telegraf tuned", lambda: peers.run_telegraf(work, tuned=True)
        yield "Telegraf stock", lambda: peers.run_telegraf(work, tuned=False)


def half_loads(results: Results) -> list[tuple[int, Codec, float]]:
    """Shape, codec and half of the rate that this run found."""
    return [(row.size, Codec(row.codec), row.per_s / 2) for row in results.outcomes if row.way == OURS and row.holds]


def _stages(codec: Codec, size: int) -> Callable[[], dict[str, float]]:
    return lambda: stages(codec, size)


def _latency(size: int, codec: Codec, rate: float, seconds: float, busy: bool) -> Callable[[], latency.Latency]:
    return lambda: latency.run(size, codec, rate, seconds, busy=busy)


def _startup(stations: int) -> Callable[[], startup.Startup]:
    return lambda: startup.run(stations)


def told(what: str, work: Callable[[], T]) -> T:
    """Say what runs, and what came of it."""
    began = time.perf_counter()
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what} ...")
    sys.stderr.flush()
    found = work()
    said = ""
    if isinstance(found, Outcome):
        said = f" {found.per_s:,.0f} readings/s{'; ' + found.complaint if found.complaint else ''}"
    sys.stderr.write(f"{said} ({time.perf_counter() - began:.0f} s)\n")
    return found


def about() -> dict[str, str]:
    """Where and of what this run was."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "at": time.strftime("%Y-%m-%d %H:%M"),
        "commit": commit.stdout.strip(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


if __name__ == "__main__":
    main()

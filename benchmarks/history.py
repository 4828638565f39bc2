"""What the quality tests hold of the readings that later ones are judged by: `python -m benchmarks.history [--stations 10000]`.

Ingest has them all after days, or at a start from the store. Told is the growth of a process that does nothing else.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.payloads import SENSORS, registry
from hydrology.registry import Registry
from ingest.pipeline import Accepted, Target
from ingest.quality import Quality

EVERY_S = 900
READINGS = 320
"""Of each sensor: more than are kept."""
START_MS = 1_790_000_000_000


@dataclass(frozen=True, slots=True)
class History:
    """`mb` for `sensors` that each have had `readings`, MB."""

    sensors: int
    readings: int
    mb: float


def run(stations: int) -> History:
    """Measured in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.history", "--stations", str(stations), "--alone"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, check=True, text=True)
    return History(stations * SENSORS, READINGS, json.loads(done.stdout))


def measure(stations: int) -> float:
    """MB that the readings of so many stations with five gauges take."""
    quality = Quality(Registry.model_validate(registry(stations)))
    targets = [Target(key.station, key.sensor, key.quantity, "m") for key in quality.needs()]
    before = resident_mb()
    for scan in range(0, READINGS, 4):  # an hour's message after the other, as they come
        times = [START_MS + 1000 * EVERY_S * (scan + at) for at in range(4)]
        values: list[float | None] = [1.0 + 0.01 * ((scan + at) % 7) for at in range(4)]
        for target in targets:
            quality.judge([Accepted(target, [1] * 4, times, values, [1] * 4, None)], times[-1])
    return resident_mb() - before


def resident_mb() -> float:
    """Of this process."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=10_000)
    parser.add_argument("--alone", action="store_true", help="in this process; print the number alone")
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(measure(options.stations)))
    else:
        print(run(options.stations))


if __name__ == "__main__":
    main()

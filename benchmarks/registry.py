"""Cost of loading the registry: `python -m benchmarks.registry [--stations 10000]`.

Targets: 10,000 stations in at most 5 s and 200 MB. Each has a datum, four sensors with quality tests and thresholds, and
two ratings with a shift. A folder of files and one single file are each loaded in a process of their own, whose memory is
told apart from the interpreter's and the libraries' own; then one changed file in the folder.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

TARGET_S = 5.0
TARGET_MB = 200.0

STATION = """\
id = "{name}"
name = "Main canal, km {number}"
district = "d-{district:02d}"
kind = "canal_gauge"
river_or_canal = "Main canal {district}"
latitude = 42.471
longitude = 69.762

[{at}datum]
zero_m = 412.35
system = "Baltic 1977"
"""
SENSORS = (("level", "m", "level"), ("tail", "m", "level"), ("gate", "m", "gate_opening"))
SENSOR = """
[[{at}sensors]]
id = "{name}-{role}"
gateway = "gw-{name}"
quantity = "{quantity}"
unit = "{unit}"
interval = "15min"
title = "Water level"
decimals = 3
span = [-0.2, 6.0]
resolution = 0.001
thresholds = {{ action = 1.41, minor = 1.49, moderate = 1.59, major = 1.73 }}

[{at}sensors.quality]
range = [0.0, 3.5]
rate_per_hour = 1.005
flat = {{ suspect = "6h", fail = "24h" }}
spike = {{ suspect = 0.1005, fail = 0.2005 }}
"""
RATINGS = """
[[{at}sensors]]
id = "{name}-battery"
gateway = "gw-{name}"
quantity = "battery_voltage"
unit = "V"
interval = "1h"

[[{at}ratings]]
name = "2025"
effective_from = 2025-04-01
head = "{name}-level"
low_m = 0.2
high_m = 1.8
segments = [{{ a = 8.0, e_m = 0.2, b = 1.5 }}, {{ a = 10.488783, e_m = 0.35, b = 1.666667, start_m = 1.2 }}]
standard_error_pct = 4.0

[[{at}ratings]]
name = "2026"
effective_from = 2026-04-01
head = "{name}-level"
segments = [{{ a = 8.2, e_m = 0.2, b = 1.5 }}]
shifts = [{{ effective_from = 2026-05-01, points = [[0.5, 0.03], [1.5, 0.0]] }}]
"""


def station_text(number: int, at: str = "") -> str:
    name = f"st-{number:05d}"
    text = STATION.format(name=name, number=number, district=number % 20, at=at)
    for role, unit, quantity in SENSORS:
        text += SENSOR.format(at=at, name=name, role=role, unit=unit, quantity=quantity)
    return text + RATINGS.format(at=at, name=name)


def write(root: Path, stations: int) -> tuple[Path, Path]:
    """A folder and a single file with the same stations."""
    folder, single = root / "registry", root / "registry.toml"
    (folder / "stations").mkdir(parents=True)
    frame = "".join(f'[districts.d-{n:02d}]\nname = "D {n}"\ntimezone = "Asia/Almaty"\n' for n in range(20))
    for n in range(stations):
        frame += f'[[gateways]]\nid = "gw-st-{n:05d}"\ndistrict = "d-{n % 20:02d}"\n'
    (folder / "districts.toml").write_text(frame, encoding="utf-8")
    with single.open("w", encoding="utf-8") as out:
        out.write(frame)
        for n in range(stations):
            (folder / "stations" / f"st-{n:05d}.toml").write_text(station_text(n), encoding="utf-8")
            out.write("[[stations]]\n" + station_text(n, "stations."))
    return folder, single


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def load(path: Path) -> None:
    """In a process of its own: say what loading costs."""
    from hydrology.load import RegistryReader

    before = peak_mb()
    reader = RegistryReader(path)
    start, cpu = perf_counter(), os.times().user
    registry = reader.read()
    took, busy = perf_counter() - start, os.times().user - cpu
    print(
        f"{len(registry.stations)} stations: {took:.2f} s ({busy:.2f} s of processor), {peak_mb() - before:.0f} MB more"
    )
    if path.is_dir():
        first = next((path / "stations").glob("*.toml"))
        first.write_text(first.read_text(encoding="utf-8") + "\n# again\n", encoding="utf-8")
        start = perf_counter()
        reader.read()
        print(f"after a change in one file: {perf_counter() - start:.2f} s")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--stations", type=int, default=10_000)
    arguments.add_argument("--load", type=Path)
    given = arguments.parse_args()
    if given.load is not None:
        load(given.load)
        return
    print(f"targets for 10,000 stations: {TARGET_S:g} s, {TARGET_MB:g} MB")
    with tempfile.TemporaryDirectory() as root:
        for path in write(Path(root), given.stations):
            print(f"{path.name}:", flush=True)
            subprocess.run([sys.executable, "-m", "benchmarks.registry", "--load", str(path)], check=True)


if __name__ == "__main__":
    main()

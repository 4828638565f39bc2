"""From starting the process to its ready page, what it holds in memory then, and what a scrape takes: by number of stations,
and by what the store has, since ingest reads the last readings of every series back."""

import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from benchmarks import plant
from benchmarks.payloads import SENSORS, Work, gateway_id
from tests.servers.http import answers, request
from tests.servers.influxdb import InfluxDB
from tests.servers.wait import eventually_sync

SCRAPES = 3
EVERY_S = 900
LINES_AT_ONCE = 20_000
ROOT = Path(__file__).parents[1]


@dataclass(slots=True)
class Startup:
    """`scrape_s` is the best of a few, once it is ready."""

    stations: int
    sensors: int
    ready_s: float = 0.0
    rss_mb: float = 0.0
    scrape_s: float = 0.0
    scrape_bytes: int = 0


@lru_cache
def compile_all() -> None:
    """Byte code beside every module, as pip leaves it behind: uv does not, and a first start would compile a thousand of them."""
    folders = [
        sysconfig.get_path("purelib"),
        *(str(ROOT / name) for name in ("aryk", "hydrology", "ingest", "store", "wire")),
    ]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *folders], stdout=subprocess.DEVNULL, check=False)


def fill(influx: InfluxDB, stations: int, readings: int) -> None:
    """So many readings of each gauge, a quarter of an hour apart, up to now."""
    first_ms = (int(time.time()) - readings * EVERY_S) * 1000
    lines: list[str] = []
    for number in range(stations):
        for place in range(SENSORS):
            head = f"level,sensor=s{place},station={gateway_id(number)} value="
            lines += [
                f"{head}{1 + 0.01 * (scan % 7):.2f},flag=1i {first_ms + 1000 * EVERY_S * scan}"
                for scan in range(readings)
            ]
        if len(lines) >= LINES_AT_ONCE or number == stations - 1:
            influx.first_bucket.write(lines)
            lines = []


def run(stations: int, readings: int = 0) -> Startup:
    """A registry of so many stations with five gauges each, and a store that has so many readings of each gauge."""
    compile_all()
    out = Startup(stations, stations * SENSORS)
    with tempfile.TemporaryDirectory(prefix="aryk-bench-") as name:
        folder = Path(name)
        broker, influx = plant.make_broker(folder), InfluxDB(folder / "influxdb")
        with broker, influx:
            fill(influx, stations, readings)
            work = Work(1, 0, stations, 0)
            ingest = plant.make_ingest(folder, broker, plant.influx_store(influx), work)
            began = time.perf_counter()
            with ingest:
                eventually_sync(lambda: answers(ingest.port, "/readyz"), 600.0, "ingest is ready")
                out.ready_s = time.perf_counter() - began
                out.rss_mb = plant.rss_mb(ingest)
                out.scrape_s, out.scrape_bytes = scrape(ingest.port)
    return out


def scrape(port: int) -> tuple[float, int]:
    """Seconds and bytes of one scrape, the best of a few."""
    best, size = float("inf"), 0
    for _ in range(SCRAPES):
        began = time.perf_counter()
        size = len(request(port, "GET", "/metrics") or "")
        best = min(best, time.perf_counter() - began)
    return best, size

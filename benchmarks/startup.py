"""From starting the process to its ready page, what it holds in memory then, and what a scrape takes: by number of stations."""

import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from benchmarks import plant
from benchmarks.payloads import SENSORS, Work
from tests.servers.http import answers, request
from tests.servers.influxdb import InfluxDB
from tests.servers.wait import eventually_sync

SCRAPES = 3
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


def run(stations: int) -> Startup:
    """A registry of so many stations with five gauges each, and an empty store."""
    compile_all()
    out = Startup(stations, stations * SENSORS)
    with tempfile.TemporaryDirectory(prefix="aryk-bench-") as name:
        folder = Path(name)
        broker, influx = plant.make_broker(folder), InfluxDB(folder / "influxdb")
        with broker, influx:
            work = Work(1, 0, stations, 0)
            ingest = plant.make_ingest(folder, broker, plant.influx_store(influx), work)
            began = time.perf_counter()
            with ingest:
                eventually_sync(lambda: answers(ingest.port, "/readyz"), 120.0, "ingest is ready")
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

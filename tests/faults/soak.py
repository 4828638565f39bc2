"""The database is away while a fleet goes on: `python -m tests.faults.soak --minutes 10`.

2,000 readings a second wait in the spool, ingest's memory stays flat, and once the database is back the backlog drains in order
while live readings come in, and the spool gives its disk back. Exits with 1 when any of that does not hold.
"""

import argparse
import asyncio
import shutil
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from simulator.fleet import FleetPlan, fleet_registry
from simulator.settings import FleetSettings
from tests.faults import logged
from tests.faults.fleet import FleetRole, published_points
from tests.faults.run_to_end import run_to_end
from tests.faults.world import Options, World
from tests.servers.influxdb import InfluxBucket
from tests.servers.wait import eventually

MEGABYTE = 1024 * 1024
GROWTH_MOST_BYTES = 20 * MEGABYTE
"""While the database is away."""
DRAINING_MOST_BYTES = 30 * MEGABYTE
"""With the requests of all lanes and their answers."""
SPOOL_MOST_BYTES = 40 * MEGABYTE
"""After draining: the write-ahead log's bound, and the free pages that the file keeps for the next time."""
HOUR_READINGS = 3600 * 2000
HOUR_DRAINS_IN_S = 120.0
GATEWAYS = 400
SENSORS = 5
DRAINED_READINGS = 3 * GATEWAYS * SENSORS
"""Fewer waiting than some seconds' worth is live."""


@dataclass(slots=True)
class Soaked:
    """What was measured."""

    away_s: float = 0.0
    readings_per_s: float = 0.0
    waiting_readings: int = 0
    rss_before_bytes: int = 0
    rss_away_bytes: int = 0
    """The most while the database was away; `rss_most_bytes` counts the draining too."""
    rss_most_bytes: int = 0
    rss_after_bytes: int = 0
    spool_most_bytes: int = 0
    spool_after_bytes: int = 0
    back_s: float = 0.0
    """Until ingest noticed that the database is back: its back-off, which does not grow with the backlog."""
    drain_s: float = 0.0
    """From then on."""
    ingest_cpu_s: float = 0.0
    """Ingest's processor time while it drained: what a busy machine does not falsify."""
    received_while_draining: int = 0
    published: int = 0
    stored: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def growth_bytes(self) -> int:
        """How much more memory ingest took while the database was away."""
        return self.rss_away_bytes - self.rss_before_bytes

    @property
    def drained_per_s(self) -> float:
        """Readings a second into the store while the backlog drained, live ones counted."""
        return (self.waiting_readings + self.received_while_draining) / max(self.drain_s, 1e-9)

    @property
    def hour_s(self) -> float:
        """How long an hour's backlog would take, from the database's return on, while as many come in as did before."""
        return self.back_s + HOUR_READINGS / max(self.drained_per_s - self.readings_per_s, 1e-9)

    def __str__(self) -> str:
        return (
            f"away {self.away_s:.0f} s at {self.readings_per_s:.0f} readings/s, {self.waiting_readings} readings waited in"
            f" {self.spool_most_bytes / MEGABYTE:.0f} MB; ingest's memory {self.rss_before_bytes / MEGABYTE:.1f} MB before,"
            f" at most {self.rss_away_bytes / MEGABYTE:.1f} MB while away (+{self.growth_bytes / MEGABYTE:.1f}),"
            f" {self.rss_most_bytes / MEGABYTE:.1f} MB while it drained,"
            f" {self.rss_after_bytes / MEGABYTE:.1f} MB after; {self.back_s:.1f} s until it was noticed,"
            f" then drained in {self.drain_s:.1f} s"
            f" ({self.drained_per_s:.0f} readings/s, {self.received_while_draining} live ones meanwhile,"
            f" {self.ingest_cpu_s:.1f} s of ingest's processor time; an hour's backlog would take {self.hour_s:.0f} s),"
            f" spool {self.spool_after_bytes / MEGABYTE:.1f} MB after; published {self.published}, stored {self.stored}"
        )


def spool_bytes(spool: Path) -> int:
    """What the spool takes on disk."""
    return sum(path.stat().st_size for path in spool.parent.glob("spool.sqlite*"))


def oldest_row(spool: Path) -> int:
    """The first row that waits, 0 when none does."""
    db = sqlite3.connect(f"{spool.absolute().as_uri()}?mode=ro", uri=True, timeout=10.0)
    try:
        return int(db.execute("SELECT min(id) FROM spool").fetchone()[0] or 0)
    finally:
        db.close()


def stored_points(bucket: InfluxBucket, quantities: set[str]) -> int:
    """How many points of these quantities are stored."""
    return sum(bucket.count(quantity, "flag") for quantity in quantities)


async def soak(folder: Path, *, warm_s: float, away_s: float, after_s: float) -> Soaked:
    """Warm up, take the database away, bring it back, and measure."""
    settings = FleetSettings(gateways=GATEWAYS, sensors=SENSORS, interval=1.0)
    registry = fleet_registry(FleetPlan(settings))

    def replace(document: dict[str, object]) -> None:
        document.clear()
        document.update(registry)

    options = Options(store="influxdb", change_registry=replace, start=("ingest",))
    out = Soaked()
    async with World(folder, options) as world:
        assert world.influx is not None

        def received() -> int:
            return logged.counters(world.spool_path).get("received", 0)

        fleet = FleetRole(folder / "fleet", [world.broker.port], settings, warm_s + away_s + after_s)
        async with fleet:
            await eventually(lambda: received() > GATEWAYS * SENSORS, 60.0, "the fleet's readings come in")
            await asyncio.sleep(warm_s)
            await eventually(lambda: waiting(world) < DRAINED_READINGS, 60.0, "the writer keeps up")
            out.rss_before_bytes = world.ingest.rss_bytes
            before = received()
            await world.kill("database")
            started = time.monotonic()
            while time.monotonic() - started < away_s:
                await asyncio.sleep(1.0)
                out.rss_most_bytes = max(out.rss_most_bytes, world.ingest.rss_bytes)
            out.rss_away_bytes = out.rss_most_bytes
            out.away_s = time.monotonic() - started
            out.readings_per_s = (received() - before) / out.away_s
            out.waiting_readings = logged.counters(world.spool_path)["waiting"]
            out.spool_most_bytes = spool_bytes(world.spool_path)
            before = received()
            await world.start("database")
            cpu_s = world.ingest.cpu_s
            await drain(world, out)
            out.ingest_cpu_s = world.ingest.cpu_s - cpu_s
            out.received_while_draining = received() - before
            await eventually(
                lambda: not fleet.running, warm_s + away_s + after_s + 60.0, "the fleet has all its receipts"
            )
        await world.drained()
        # The disk is given back some pages at a time.
        await eventually(
            lambda: spool_bytes(world.spool_path) < SPOOL_MOST_BYTES, 30.0, "the spool gives its disk back"
        )
        out.rss_after_bytes = world.ingest.rss_bytes
        out.spool_after_bytes = spool_bytes(world.spool_path)
        out.published = published_points(fleet.ledger)
        quantities = {sensor["quantity"] for station in registry["stations"] for sensor in station["sensors"]}
        out.stored = stored_points(world.influx.first_bucket, quantities)
        complain(world, out)
    return out


def waiting(world: World) -> int:
    """How many readings wait in the spool."""
    return logged.counters(world.spool_path)["waiting"]


async def drain(world: World, out: Soaked) -> None:
    """Watch the backlog go, oldest first."""
    started = time.monotonic()
    oldest = await asyncio.to_thread(oldest_row, world.spool_path)
    began = 0.0
    while True:
        first = await asyncio.to_thread(oldest_row, world.spool_path)
        if first and first < oldest:
            out.complaints.append(f"out of order: row {first} waits after row {oldest} was the oldest")
        if not began and first != oldest:
            began = time.monotonic()
        oldest = max(oldest, first)
        out.rss_most_bytes = max(out.rss_most_bytes, world.ingest.rss_bytes)
        if await asyncio.to_thread(waiting, world) < DRAINED_READINGS:
            break
        assert time.monotonic() - started < 600.0, "the backlog does not drain"
        await asyncio.sleep(0.25)
    out.back_s, out.drain_s = began - started, time.monotonic() - began


def complain(world: World, out: Soaked) -> None:
    """Say what does not hold."""
    if out.growth_bytes >= GROWTH_MOST_BYTES:
        out.complaints.append(
            f"ingest's memory grew by {out.growth_bytes / MEGABYTE:.1f} MB while the database was away"
        )
    if out.rss_most_bytes - out.rss_before_bytes >= DRAINING_MOST_BYTES:
        growth = (out.rss_most_bytes - out.rss_before_bytes) / MEGABYTE
        out.complaints.append(f"ingest's memory grew by {growth:.1f} MB while it drained")
    if out.stored != out.published:
        out.complaints.append(f"published {out.published}, stored {out.stored}")
    if not logged.conserved(world.spool_path):
        out.complaints.append(f"the counters do not add up: {logged.counters(world.spool_path)}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the database is away")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="aryk-soak-"))
    out = run_to_end(soak(folder, warm_s=20.0, away_s=asked.minutes * 60, after_s=60.0))
    if out.hour_s > HOUR_DRAINS_IN_S:
        out.complaints.append(f"an hour's backlog would take {out.hour_s:.0f} s, not {HOUR_DRAINS_IN_S:.0f}")
    lines = [*out.complaints, str(out)]
    sys.stdout.write("\n".join(lines) + "\n")
    if out.complaints:
        sys.stdout.write(f"kept: {folder}\n")
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

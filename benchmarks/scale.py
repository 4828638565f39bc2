"""How cost grows: `python -m benchmarks.scale` (about 15 minutes; `--parts` does some of it).

sensors      µs a reading, memory and time of a scrape with 1,000, 10,000 and 50,000 sensors
connections  thousands of gateways with a connection each, from one process (`aryk simulate fleet`)
processes    one ingest process and two that divide the districts, with a store that takes all and keeps nothing
startup      ready time with 1,000 and 10,000 stations, the store empty
restart      ready time on a store with the readings of some days
history      what the quality tests of 50,000 sensors hold once each has its last days of readings

`--write` keeps the figures in benchmarks/results/scale.json, which docs/capacity.md is made from.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from benchmarks import history, ours, plant, startup
from benchmarks.ours import settled_of
from benchmarks.payloads import SENSORS, Work, payloads
from benchmarks.publish import publish_all
from simulator.fleet import FleetPlan, fleet_registry
from simulator.settings import FleetSettings
from simulator.toml_text import toml_text
from tests.faults.roles import IngestRole
from tests.servers.influxdb import InfluxDB
from tests.servers.process import ServerProcess
from tests.servers.wait import eventually_sync
from wire.codec import CONTENT_TYPES, Codec

SENSOR_COUNTS = (1_000, 10_000, 50_000)
READINGS = 600_000
TURNS = 6
"""At least so many messages of each gateway: the first one costs what later ones find ready, here and in the database."""
GATEWAY_COUNTS = (1_000, 5_000, 10_000)
FLEET_S = 60.0
STATION_COUNTS = (1_000, 10_000)
PROCESS_READINGS = 900_000
DISTRICTS = 2
FILE = Path(__file__).with_name("results") / "scale.json"
PARTS = ("sensors", "connections", "processes", "startup", "restart", "history")
GROWTH_MOST = 1.5
"""µs a reading at the most sensors to that at the fewest: per-reading cost that stays is cost that grows linearly."""


Line = tuple[str, dict[str, Any]]
"""What is printed, and the same as figures; no figures with what only adds words."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--scale", type=float, default=1.0, help="of all numbers; small is quick and rough")
    parser.add_argument("--write", action="store_true", help="keep the figures of these parts")
    options = parser.parse_args()
    kept = json.loads(FILE.read_text()) if FILE.is_file() else {}
    work = {
        "sensors": sensors,
        "connections": connections,
        "processes": processes,
        "startup": starts,
        "restart": restarts,
        "history": histories,
    }
    for part in options.parts:
        figures = []
        for line, found in work[part](options.scale):
            print(f"{part}: {line}", flush=True)
            figures += [found] if found else []
        kept[part] = figures
        if options.write:
            FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def sensors(scale: float) -> Iterator[Line]:
    """Readings from ever more sensors."""
    costs = []
    for count in SENSOR_COUNTS:
        gateways = max(1, int(count * scale) // SENSORS)
        work = Work(60, max(int(READINGS * scale) // 60, TURNS * gateways), gateways, int(time.time() * 1000) - 60_000)
        scrapes: list[tuple[float, int]] = []
        out = ours.run(work, Codec.CBOR, lambda role, scrapes=scrapes: scrapes.append(startup.scrape(role.port)))  # type: ignore[misc]
        costs.append(out.cpu_us["ingest"])
        yield (
            f"{gateways * SENSORS:,} sensors of {gateways:,} gateways, {out.readings:,} readings: {out.per_s:,.0f} readings/s,"
            f" {costs[-1]:.2f} µs CPU a reading, {out.rss_mb['ingest']:.0f} MB, scrape {scrapes[0][0]:.2f} s"
            f" ({scrapes[0][1] / 1e6:.1f} MB)  {out.complaint or 'the store holds all'}",
            {
                "sensors": gateways * SENSORS,
                "per_s": out.per_s,
                "cpu_us": costs[-1],
                "rss_mb": out.rss_mb["ingest"],
                "scrape_s": scrapes[0][0],
                "complaint": out.complaint,
            },
        )
    grown = costs[-1] / costs[0]
    word = "linear" if grown <= GROWTH_MOST else "NOT LINEAR"
    yield f"cost of a reading grew {grown:.2f}-fold: {word} (at most {GROWTH_MOST})", {}


class Fleet(ServerProcess):
    """`aryk simulate fleet`: a connection, a log and receipts for each gateway."""

    program: ClassVar[str] = "aryk-fleet"

    def __init__(self, folder: Path, broker_port: int, gateways: int, seconds: float) -> None:
        super().__init__(folder)
        self._options = ["--broker", f"127.0.0.1:{broker_port}", "--gateways", str(gateways), "--sensors", str(SENSORS)]
        self._options += ["--interval", f"{seconds / 3:g}s", "--for", f"{seconds:g}s", "--state", str(folder)]

    def executable(self) -> Path:
        return Path(sys.executable)

    def arguments(self) -> list[str]:
        return ["-m", "aryk", "simulate", "fleet", *self._options]

    def ready(self) -> bool:
        return True


def connections(scale: float) -> Iterator[Line]:
    """Three scans of each gateway in a minute, each with its own connection, hello and receipts."""
    for asked in GATEWAY_COUNTS:
        gateways = max(1, int(asked * scale))
        settings = FleetSettings(gateways=gateways, sensors=SENSORS, interval=FLEET_S / 3)
        with tempfile.TemporaryDirectory(prefix="aryk-scale-") as name:
            folder = Path(name)
            broker, influx = plant.make_broker(folder), InfluxDB(folder / "influxdb")
            with broker, influx:
                ingest = plant.make_ingest(folder, broker, plant.influx_store(influx), Work(1, 0, 0, 0))
                (ingest.folder / "registry.toml").write_text(toml_text(fleet_registry(FleetPlan(settings))))
                with ingest, Fleet(folder / "fleet", broker.port, gateways, FLEET_S) as fleet:
                    eventually_sync(lambda: not fleet.running, 10 * FLEET_S, "the fleet has its receipts")
                    found = _all_settled(ingest)
                    received = found.get("received", 0)
                    yield (
                        f"{gateways:,} gateways connected: {received:,} readings received, {found.get('stored', 0):,} stored,"
                        f" {found.get('repeated', 0):,} repeated; ingest {plant.rss_mb(ingest):.0f} MB and"
                        f" {plant.cpu_s(ingest):.1f} s of CPU, mosquitto {plant.rss_mb(broker, 'VmHWM'):.0f} MB",
                        {
                            "gateways": gateways,
                            "received": received,
                            "stored": found.get("stored", 0),
                            "repeated": found.get("repeated", 0),
                            "ingest_mb": plant.rss_mb(ingest),
                            "ingest_cpu_s": round(plant.cpu_s(ingest), 1),
                            "broker_mb": plant.rss_mb(broker, "VmHWM"),
                            "receipted": fleet.exit_status == 0,
                        },
                    )
                    yield f"  the fleet says: {fleet.log_text().strip().splitlines()[-1]}", {}


def _all_settled(ingest: IngestRole) -> dict[str, int]:
    """The counters once nothing waits any more."""
    counters = plant.Counters(plant.spool_path(ingest))
    plant.watch(lambda: settled_of(counters()), counters().get("received", 0), stalled_s=30.0)
    found = counters()
    counters.close()
    return found


class StoreStub(ServerProcess):
    """Answers as InfluxDB does and keeps nothing."""

    program: ClassVar[str] = "store-stub"

    def executable(self) -> Path:
        return Path(sys.executable)

    def arguments(self) -> list[str]:
        return [str(Path(__file__).with_name("store_stub.py")), str(self.port)]


@dataclass(frozen=True, slots=True)
class Divided:
    """What so many ingest processes did of one queue. CPU in µs a reading: of all ingests, and of broker and store."""

    per_s: float
    ingest_us: float
    others_us: float


def processes(scale: float) -> Iterator[Line]:
    """The same queue for one process and for two; the districts are divided.

    Broker and stubbed store run on the same cores, so two numbers are told beside the rate: what ingest's own cost allows, were
    every process alone on a core, and the most that this machine's cores can give two processes.
    """
    cores = os.cpu_count() or 1
    for size in (60, 1):
        readings = int(PROCESS_READINGS * scale) // (1 if size == 60 else 10)
        one, two = (
            _divided(Work(size, readings // size, 200, int(time.time() * 1000) - 60_000, DISTRICTS), n) for n in (1, 2)
        )
        times, alone = two.per_s / one.per_s, 2 * one.ingest_us / two.ingest_us
        most = cores * 1e6 / (two.ingest_us + two.others_us) / one.per_s
        yield (
            f"{size} a message, store stubbed out: {one.per_s:,.0f} readings/s with one process, {two.per_s:,.0f} with two:"
            f" {times:.2f} times (goal 1.6)",
            {
                "size": size,
                "one_per_s": one.per_s,
                "two_per_s": two.per_s,
                "times": times,
                "ingest_us": [one.ingest_us, two.ingest_us],
                "others_us": [one.others_us, two.others_us],
                "alone_times": alone,
                "most_times": most,
            },
        )
        yield (
            f"  ingest's CPU a reading {one.ingest_us:.2f} µs with one, {two.ingest_us:.2f} with two: on cores of their own"
            f" {alone:.2f} times; broker and store take {two.others_us:.2f} µs: {cores} cores carry {most:.2f} times at most",
            {},
        )


def _divided(work: Work, count: int) -> Divided:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aryk-scale-")))
        broker = stack.enter_context(plant.make_broker(folder))
        stub = stack.enter_context(StoreStub(folder / "store"))
        store = {"kind": "influxdb", "url": f"http://127.0.0.1:{stub.port}", "token": "any"}
        roles: list[IngestRole] = []
        for n in range(count):
            districts = [f"d{k}" for k in range(DISTRICTS) if k % count == n]
            roles.append(plant.make_ingest(folder, broker, store, work, f"ingest-{n}", districts=districts))
            stack.callback(roles[-1].kill)
            plant.open_session(roles[-1])
        asyncio.run(publish_all(broker.port, payloads(work, Codec.CBOR), CONTENT_TYPES[Codec.CBOR]))
        broker.pause()
        for role in roles:
            role.start()
        time.sleep(ours.REST_S)  # nothing to wait for: they are at the broker's door
        counters = [plant.Counters(plant.spool_path(role)) for role in roles]
        before = [sum(map(plant.cpu_s, some)) for some in (roles, (broker, stub))]
        began = time.perf_counter()
        broker.resume()
        ended, settled = plant.watch(lambda: sum(settled_of(one()) for one in counters), work.readings, stalled_s=30.0)
        after = [sum(map(plant.cpu_s, some)) for some in (roles, (broker, stub))]
        for one in counters:
            one.close()
    if settled != work.readings:
        raise RuntimeError(f"{settled:,} of {work.readings:,} readings were settled")
    ingest_us, others_us = (1e6 * (now - then) / settled for now, then in zip(after, before, strict=True))
    return Divided(settled / (ended - began), ingest_us, others_us)


def starts(scale: float) -> Iterator[Line]:
    """From the process's start to its ready page."""
    for count in STATION_COUNTS:
        found = startup.run(max(1, int(count * scale)))
        yield (
            f"{found.stations:,} stations, {found.sensors:,} sensors: ready in {found.ready_s:.2f} s, {found.rss_mb:.0f} MB,"
            f" scrape {found.scrape_s:.2f} s",
            asdict(found),
        )


def restarts(scale: float) -> Iterator[Line]:
    """As a process starts that has run for days."""
    found = startup.run(max(1, int(STATION_COUNTS[0] * scale)), history.READINGS)
    yield (
        f"{found.sensors:,} sensors with {history.READINGS} readings each in the store: ready in {found.ready_s:.1f} s,"
        f" {found.rss_mb:.0f} MB",
        asdict(found),
    )


def histories(scale: float) -> Iterator[Line]:
    """Readings that later ones are judged by: a process has them all only after days."""
    found = history.run(max(1, int(STATION_COUNTS[-1] * scale)))
    days = found.readings * history.EVERY_S / 86_400
    yield (
        f"{found.sensors:,} sensors judged every {history.EVERY_S / 60:g} min, for {days:.1f} days:"
        f" {found.mb:.0f} MB more than at the start",
        asdict(found),
    )


if __name__ == "__main__":
    main()

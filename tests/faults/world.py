"""One whole Aryk of real processes on loopback, between a ledger that is never killed and a store that is audited.

    instruments (with the ledger) -> gateway -> proxy -> mosquitto -> proxy -> ingest -> proxy -> store

The instruments and the proxies live in the test's own process; broker, database, gateway and ingest are processes that a
test kills, cuts off and starts again.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from simulator.config import gateway_document, registry_document
from simulator.devices import Emulator
from simulator.ledger import Ledger, LedgerReader
from simulator.scenario import build_scenario
from simulator.toml_text import toml_text
from tests.faults import logged
from tests.faults.roles import GatewayRole, IngestRole, Role, ShiftedGatewayRole
from tests.faults.stored import EmbeddedData, InfluxData, StoredData
from tests.faults.verdict import Evidence, Verdict, judge
from tests.servers.influxdb import InfluxDB
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import ServerProcess
from tests.servers.proxy import Proxy
from tests.servers.wait import eventually

Change = Callable[[dict[str, Any]], None]


def nothing(document: dict[str, Any]) -> None:
    """Leave a configuration as it is."""


@dataclass(slots=True)
class Options:
    """What a test may choose. `change_...` get the configuration before it is written."""

    store: Literal["embedded", "influxdb"] = "embedded"
    canals: int = 1
    seed: int = 1
    interval: str = "150ms"
    broker: dict[str, Any] = field(default_factory=dict)
    change_gateway: Change = nothing
    change_ingest: Change = nothing
    change_registry: Change = nothing
    shifted_clock: bool = False
    gateway_state: Path | None = None
    """Elsewhere than in the test's folder, such as on a small disk."""
    ingest_state: Path | None = None
    start: tuple[str, ...] = ("ingest", "gateway")
    influx_port: int | None = None
    database_port: int | None = None
    """Where ingest finds InfluxDB instead of behind `database_link`, such as at a scripted front."""
    retention_s: int = 0
    """Of the bucket; 0 is for ever."""


class World:
    """Open and close it with `async with`. Everything is up and a first reading stored when that returns."""

    def __init__(self, folder: Path, options: Options | None = None) -> None:
        self.folder = folder
        self.options = options or Options()
        self.state = folder / "state"
        self.gateway_state = self.options.gateway_state or self.state
        self.ingest_state = self.options.ingest_state or self.state
        self.scenario = build_scenario(self.options.seed, self.options.canals)
        self.ledger_path = folder / "ledger.sqlite"
        self.broker = Mosquitto(folder / "mosquitto", **self.options.broker)
        self.gateway_link = Proxy(self.broker.port, mqtt=True)
        self.ingest_link = Proxy(self.broker.port, mqtt=True)
        self.influx: InfluxDB | None = None
        self.database_link: Proxy | None = None
        if self.options.store == "influxdb":
            self.influx = InfluxDB(folder / "influxdb", self.options.influx_port)
            self.bucket = self.influx.first_bucket
            self.database_link = Proxy(self.influx.port)
        gateway_type = ShiftedGatewayRole if self.options.shifted_clock else GatewayRole
        self.gateway = gateway_type(folder / "gateway", self.gateway_state)
        self.ingest = IngestRole(folder / "ingest", self.ingest_state)
        self.gateway_kills = 0
        self.emulator: Emulator | None = None
        self._stack = AsyncExitStack()

    # -- where things are

    @property
    def gateway_id(self) -> str:
        return self.scenario.gateway

    @property
    def log_folder(self) -> Path:
        return self.gateway_state / "gateway" / self.gateway_id

    @property
    def log_path(self) -> Path:
        return self.log_folder / "log.sqlite"

    @property
    def spool_path(self) -> Path:
        return self.ingest_state / "ingest" / "spool.sqlite"

    @property
    def store(self) -> StoredData:
        if self.influx is not None:
            return InfluxData(self.bucket)
        return EmbeddedData(self.state / "store" / "points.sqlite")

    @property
    def devices(self) -> int:
        return len(self.scenario.stations)

    def counter(self, station: int = 0) -> tuple[str, str, str]:
        """Quantity, station and sensor of a device's serve counter."""
        plan = self.scenario.stations[station]
        return "count", plan.id, next(sensor.id for sensor in plan.sensors if sensor.counts_serves)

    # -- up and down

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            ledger = await stack.enter_async_context(Ledger(self.ledger_path))
            self.emulator = await stack.enter_async_context(Emulator(self.scenario, recorder=ledger))
            for process in (self.broker, self.influx):
                if process is not None:
                    stack.callback(process.kill)
                    await process.start_async()
            if self.influx is not None and self.options.retention_s:
                self.bucket = self.influx.create_bucket("short", self.options.retention_s)
            for link in (self.gateway_link, self.ingest_link, self.database_link):
                if link is not None:
                    await stack.enter_async_context(link)
            self.write_configuration()
            stack.callback(self.gateway.kill)
            stack.callback(self.ingest.kill)
            await asyncio.gather(*(self.role(name).start_async() for name in self.options.start))
            if {"ingest", "gateway"} <= set(self.options.start):
                await self.flowing(timeout_s=60.0)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def role(self, name: str) -> Role:
        """The gateway or ingest by its name."""
        roles: dict[str, Role] = {"gateway": self.gateway, "ingest": self.ingest}
        return roles[name]

    def write_configuration(self) -> None:
        """Write what the roles read at their next start."""
        assert self.emulator is not None
        gateway = gateway_document(
            self.scenario,
            self.emulator.addresses,
            broker_port=self.gateway_link.port,
            interval=self.options.interval,
            # Long, because a busy test machine is no broken instrument.
            timeout="5s",
            health_port=self.gateway.port,
        )
        gateway["broker"]["keepalive_s"] = 5
        gateway["uplink"] = {"receipt_timeout": "2s", "backlog_pause": "10ms"}
        self.options.change_gateway(gateway)
        registry = registry_document(self.scenario, self.options.interval)
        self.options.change_registry(registry)
        ingest: dict[str, Any] = {
            "id": "ingest",
            "registry": "registry.toml",
            "broker": {"host": "127.0.0.1", "port": self.ingest_link.port, "keepalive_s": 5},
            "health": {"port": self.ingest.port},
            "store": self._store_table(),
        }
        self.options.change_ingest(ingest)
        self.gateway.config.write_text(toml_text(gateway))
        self.ingest.config.write_text(toml_text(ingest))
        (self.ingest.folder / "registry.toml").write_text(toml_text(registry))

    def _store_table(self) -> dict[str, Any]:
        if self.influx is None or self.database_link is None:
            return {"kind": "sqlite", "path": str(self.state / "store" / "points.sqlite")}
        port = self.options.database_port or self.database_link.port
        return {
            "kind": "influxdb",
            "url": f"http://127.0.0.1:{port}",
            "org": self.influx.org,
            "bucket": self.bucket.bucket,
            "token": self.influx.token,
        }

    # -- faults

    def victims(self) -> dict[str, ServerProcess]:
        """What can be killed, by name."""
        out: dict[str, ServerProcess] = {"gateway": self.gateway, "ingest": self.ingest, "broker": self.broker}
        if self.influx is not None:
            out["database"] = self.influx
        return out

    async def kill(self, name: str) -> None:
        """SIGKILL one process."""
        await asyncio.to_thread(self.victims()[name].kill)
        if name == "gateway":
            self.gateway_kills += 1

    async def start(self, name: str) -> None:
        """Start it (again)."""
        await self.victims()[name].start_async()

    async def stop(self, name: str) -> int:
        """Ask it to stop; its exit status."""
        return await self.victims()[name].stop_async()

    async def kill_and_restart(self, name: str, down_s: float = 0.0) -> None:
        """SIGKILL, wait, start again."""
        await self.kill(name)
        await asyncio.sleep(down_s)
        await self.start(name)

    async def run_for(self, seconds: float) -> None:
        """Let readings flow for a while: how long a fault lasts is what the test is about, not a wait for a condition."""
        await asyncio.sleep(seconds)

    def move_ingest(self, state: Path) -> None:
        """Its next start is on another host: another state folder. It must be down."""
        assert not self.ingest.running
        self.ingest_state = self.ingest.state = state

    # -- looking

    def served(self) -> int:
        """How many blocks all devices have served."""
        assert self.emulator is not None
        return sum(device.served for device in self.emulator.devices.values())

    async def flowing(self, timeout_s: float = 60.0) -> float:
        """Wait until what every device serves from now on is in the store; how long that took."""
        assert self.emulator is not None
        started = time.monotonic()
        wanted = {
            station: self.emulator.devices[plan.id].served + 1 for station, plan in enumerate(self.scenario.stations)
        }

        async def all_stored() -> bool:
            for station, serve in list(wanted.items()):
                try:
                    newest = await asyncio.to_thread(self.store.newest, *self.counter(station))
                except OSError:
                    return False
                if newest < serve:
                    return False
                del wanted[station]
            return True

        await eventually(all_stored, timeout_s, f"readings reach the store again, waiting for {wanted}")
        return time.monotonic() - started

    async def receipted(self, timeout_s: float = 60.0) -> int:
        """Wait until all that is logged now has its receipt, and return its last number."""
        upto = await asyncio.to_thread(logged.last_seq, self.log_path)

        async def all_settled() -> bool:
            return await asyncio.to_thread(logged.unsettled, self.log_path, upto) == 0

        await eventually(all_settled, timeout_s, f"receipts for all numbers up to {upto}")
        return upto

    async def drained(self, timeout_s: float = 60.0) -> None:
        """Wait until nothing waits in the spool. The gateway must be down, or slow, for that to be seen."""

        async def empty() -> bool:
            return await asyncio.to_thread(logged.spooled, self.spool_path) == 0

        await eventually(empty, timeout_s, "an empty spool")

    async def refilled(self, timeout_s: float = 60.0) -> None:
        """Wait until all that is logged now has reached the store or the dead letters, receipted or not."""
        upto = await asyncio.to_thread(logged.last_seq, self.log_path)

        async def nothing_missing() -> bool:
            lost = (await self.judge(upto)).lost
            assert not lost, f"{len(lost)} readings are missing: {lost[:3]}"
            return True

        await eventually(nothing_missing, timeout_s, "everything logged is stored again")

    async def settle(self, timeout_s: float = 60.0) -> Verdict:
        """Let everything arrive, take the gateway away, and judge. All processes must be up."""
        upto = await self.receipted(timeout_s)
        await self.kill("gateway")
        await self.drained(timeout_s)
        return await self.judge(upto)

    def evidence(self) -> Evidence:
        """Where the auditor looks."""
        stations = {sensor.id: plan.id for plan in self.scenario.stations for sensor in plan.sensors}
        return Evidence(
            gateway=self.gateway_id,
            ledger=self.ledger_path,
            logs=logged.readable_logs(self.log_folder),
            spools=[self.spool_path],
            store=self.store,
            stations=stations,
        )

    async def judge(self, upto: int | None = None) -> Verdict:
        """The auditor's verdict as things are."""
        return await asyncio.to_thread(judge, self.evidence(), upto)

    async def must_be_whole(self, *, timeout_s: float = 60.0, least: int = 100) -> Verdict:
        """Settle and assert the first promise: nothing lost, nothing doubled, few unlogged, and the counters add up."""

        async def enough() -> bool:
            return await asyncio.to_thread(logged.last_seq, self.log_path) >= least

        await eventually(enough, timeout_s, f"{least} readings are logged")
        verdict = await self.settle(timeout_s)
        assert verdict.clean, str(verdict)
        assert len(verdict.unlogged) <= self.devices * self.gateway_kills, str(verdict)
        assert verdict.readings >= least, str(verdict)
        assert logged.conserved(self.spool_path), logged.counters(self.spool_path)
        return verdict

    def ledger_counts(self) -> tuple[int, int]:
        """Blocks sent whole, and readings of fleets published."""
        with LedgerReader(self.ledger_path) as ledger:
            return ledger.counts()


async def at_random_moments(
    seed: int, times: int, strike: Callable[[random.Random], Awaitable[None]], longest_s: float = 0.6
) -> None:
    """Strike so many times, each after a random part of `longest_s`."""
    dice = random.Random(seed)
    for _ in range(times):
        await asyncio.sleep(dice.random() * longest_s)
        await strike(dice)

"""The whole of Aryk in one process tree: embedded broker and store, emulated instruments, gateway, ingest, live page.

Each role is a child process under its real command line, and is started again when it ends: so that a reader can kill one
and see that nothing is lost.
"""

import asyncio
import contextlib
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aryk.embedded_broker import embedded_broker
from aryk.processes import Child, ChildFailedError, accepts, answers_ok, aryk_argv, first_free_port, free_port
from hydrology.load import load_registry
from simulator.audit import Audit, audit
from simulator.config import gateway_document
from simulator.devices.emulator import Addresses
from simulator.example import build_example
from simulator.example.derived import Derived
from simulator.example.registry import example_registry, write_registry
from simulator.history import write_history
from simulator.ledger import LedgerError
from simulator.scenario.parts import Scenario
from simulator.toml_text import toml_text
from store.open import open_reader, open_writer
from store.settings import SqliteSettings

SCAN_S = 2
EXPECTED_S = 60
"""What the registry expects. The page calls a station silent, and a stretch of a chart a gap, after twice that."""
HISTORY_STEP_S = 120.0
"""As far apart as two readings may be without a gap between them."""
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 0.9
"""What a child has to stop in; two rounds of it and the rest stay well below three seconds."""
SETTLE_TIMEOUT_S = 15.0
"""How long --check waits for the last readings to come through."""
RESTART_PAUSE_S = 0.5
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, all of it on loopback."""

    page: int
    broker: int
    modbus: int
    ingest_health: int
    gateway_health: tuple[int, ...]

    @classmethod
    def choose(cls, page: int, gateways: int) -> "Ports":
        """This port for the page, or the next one; any free ones for the rest. Raises OSError."""
        rest: list[int] = []
        while len(rest) < 3 + gateways:
            rest = list(dict.fromkeys([*rest, free_port()]))
        broker, modbus, ingest, *health = rest
        return cls(first_free_port(page), broker, modbus, ingest, tuple(health))


class Demo:
    """The children and their folder. Use `with`: leaving it stops all of them."""

    def __init__(self, folder: Path, ports: Ports, scenario: Scenario) -> None:
        self.folder = folder
        self.ports = ports
        self.scenario = scenario
        self.store = SqliteSettings(path=folder / "store" / "points.sqlite")
        self.ledger = folder / "ledger.sqlite"
        state = ("--state", str(folder))
        devices = (
            "simulate",
            "devices",
            "--system",
            "example",
            "--port",
            str(ports.modbus),
            "--seed",
            str(scenario.seed),
            "--ledger",
            str(self.ledger),
        )
        self.broker = embedded_broker(ports.broker, folder)
        self.devices = self._role("instruments", *devices, *state)
        self.gateways = [
            self._role(f"gateway {name}", "gateway", "run", "--config", self._path(f"gateways/{name}.toml"), *state)
            for name in scenario.gateways
        ]
        self.ingest = self._role("ingest", "ingest", "run", "--config", self._path("ingest.toml"), *state)
        self.page = self._role("live page", "live", "--config", self._path("live.toml"), *state)
        self.children = [self.broker, self.devices, self.ingest, self.page, *self.gateways]

    def _path(self, name: str) -> str:
        return str(self.folder / name)

    def _role(self, name: str, *arguments: str) -> Child:
        return Child(name, aryk_argv(*arguments), self.folder / f"{name.replace(' ', '-')}.log")

    @property
    def address(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.ports.page}/"

    def write_configuration(self) -> None:
        """The same files that a user would write."""
        ports = self.ports
        store = {"kind": "sqlite", "path": str(self.store.path)}
        documents: dict[str, dict[str, Any]] = {
            f"gateways/{name}": gateway_document(
                self.scenario,
                Addresses(port=ports.modbus),
                broker_port=ports.broker,
                interval=f"{SCAN_S}s",
                health_port=port,
                gateway=name,
            )
            for name, port in zip(self.scenario.gateways, ports.gateway_health, strict=True)
        }
        documents["ingest"] = {
            "registry": self._path("registry"),
            "broker": {"port": ports.broker},
            "store": store,
            "health": {"port": ports.ingest_health},
        }
        documents["live"] = {
            "registry": self._path("registry"),
            "port": ports.page,
            "refresh": 1,
            "store": store,
            "health": {"enabled": False},
        }
        (self.folder / "gateways").mkdir(exist_ok=True)
        for name, document in documents.items():
            (self.folder / f"{name}.toml").write_text(toml_text(document, "Written by `aryk demo`."), encoding="utf-8")
        write_registry(self.folder / "registry", f"{EXPECTED_S}s", SCAN_S)

    def write_history(self) -> None:
        """Seven days of the same water, straight into the store."""
        derive = Derived(load_registry(self.folder / "registry")).of

        async def write() -> None:
            async with open_writer(self.store, self.folder) as writer:
                await write_history(writer, self.scenario, time.time(), step_s=HISTORY_STEP_S, derive=derive)

        asyncio.run(write())

    def start(self) -> None:
        """Start everything and wait until the page answers. Raises ChildFailedError."""
        self.write_configuration()
        self.broker.start()
        self.devices.start()
        self.write_history()
        self.ingest.start()
        self.page.start()
        self.broker.wait_until(lambda: accepts(self.ports.broker), "listening", START_TIMEOUT_S)
        self.devices.wait_until(lambda: accepts(self.ports.modbus), "listening", START_TIMEOUT_S)
        for gateway in self.gateways:
            gateway.start()
        self.page.wait_until(lambda: answers_ok(f"{self.address}healthz"), "answering", START_TIMEOUT_S)

    def supervise(self, until: float | None, stopped: Callable[[], bool], say: Callable[[str], None]) -> None:
        """Start again what ends, until told to stop or the time (of the monotonic clock) is over."""
        again: dict[Child, float] = {}
        while not stopped() and (until is None or time.monotonic() < until):
            for child in self.children:
                if child in again:
                    if time.monotonic() >= again[child]:
                        del again[child]
                        child.start()
                        say(f"{child.name} is running again (kill -9 {child.pid})")
                elif (code := child.exit_code()) is not None:
                    say(f"{child.name} ended ({code}), starting it again")
                    again[child] = time.monotonic() + RESTART_PAUSE_S
            time.sleep(_POLL_S)

    def settle(self, stopped: Callable[[], bool]) -> Audit:
        """Stop the instruments, then wait until all that left them is stored, or the time is over; what is found then."""
        self.devices.stop(STOP_TIMEOUT_S)
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while True:
            found = asyncio.run(self._audit())
            if (found.clean and found.stored == found.scanned) or stopped() or time.monotonic() > deadline:
                return found
            time.sleep(_POLL_S)

    async def _audit(self) -> Audit:
        async with open_reader(self.store, self.folder) as reader:
            return await audit(self.ledger, reader)

    def stop(self) -> None:
        """Stop all: first what gives readings, then what takes them."""
        self.devices.ask_to_stop()
        _stop_together(self.gateways)
        _stop_together([self.devices, self.ingest, self.page, self.broker])


def _stop_together(children: list[Child]) -> None:
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for child in children:
        child.stop(max(0.0, deadline - time.monotonic()))


@contextlib.contextmanager
def signals_noted() -> Iterator[Callable[[], bool]]:
    """Whether a SIGINT or SIGTERM has come since; before and after, they do what they did."""
    seen: list[int] = []

    def note(number: int, frame: object) -> None:
        seen.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(
    folder: Path, page_port: int, *, for_s: float | None, check: bool, seed: int, say: Callable[[str], None]
) -> bool:
    """Run the demo; answers whether the ledger equals the store (True when `check` is not asked for).

    Raises ChildFailedError when a role does not come up, OSError when there is no free port, SettingsError when the example's
    registry is not in the installation.
    """
    began = time.monotonic()
    scenario = build_example(example_registry(), seed)
    ports = Ports.choose(page_port, len(scenario.gateways))
    if ports.page != page_port:
        say(f"Port {page_port} is busy; the page is at port {ports.page}.")
    demo = Demo(folder, ports, scenario)
    with signals_noted() as stopped:
        try:
            say("Starting. Seven days of simulated past are written first: ten seconds, on a busy machine a minute.")
            demo.start()
            say(_welcome(demo, time.monotonic() - began))
            demo.supervise(None if for_s is None else time.monotonic() + for_s, stopped, say)
            if not check:
                return True
            found = demo.settle(stopped)
            say(str(found))
            for finding in found.findings[:20]:
                say(f"  {finding}")
            return found.clean and found.scanned > 0 and found.stored == found.scanned
        except (LedgerError, sqlite3.Error) as error:
            raise ChildFailedError(f"the check cannot be made: {error}") from error
        finally:
            say("Stopping.")
            demo.stop()


def _welcome(demo: Demo, took_s: float) -> str:
    ports = demo.ports
    aryk = Path(sys.executable).parent / "aryk"
    name = demo.scenario.gateways[0]
    return f"""\
Aryk demo: a river, a reservoir and its canal, simulated; {len(demo.scenario.stations)} stations; ready after {took_s:.1f} s.

  Live page        {demo.address}
  Ingest metrics   http://127.0.0.1:{ports.ingest_health}/metrics
  Gateway metrics  http://127.0.0.1:{ports.gateway_health[0]}/metrics ({name}; each of the {len(demo.gateways)} has its own)
  Files and logs   {demo.folder}

Try:
  - open the page, choose a station, then 1 h, 24 h, 7 d; drag over the chart to look closer, Escape to go back
  - kill -9 {demo.ingest.pid}   (ingest) or {demo.gateways[0].pid} ({name}): it is started again, and no reading is missing
  - {aryk} gateway log --config {demo.folder}/gateways/{name}.toml --state {demo.folder}
  - {aryk} ingest dead-letters list --state {demo.folder}   (none yet: with mosquitto's clients installed, send one by
    mosquitto_pub -V 5 -p {ports.broker} -q 1 -t aryk/v1/{demo.scenario.district}/{name}/readings -m nonsense)

Ctrl-C stops everything."""

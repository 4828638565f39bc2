"""Where the simulator's roles are put together."""

import asyncio
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from hydrology.registry import StationKind
from simulator.devices.emulator import Emulator
from simulator.example import build_example
from simulator.example.registry import example_registry
from simulator.fleet import Fleet, FleetPlan, FleetReport
from simulator.fleet.link import mqtt_links
from simulator.ledger.writer import Ledger, NoLedger, Recorder
from simulator.scenario import build_scenario
from simulator.scenario.parts import Scenario
from simulator.settings import DevicesSettings, FleetSettings

_OTHER_FILES = 200


@asynccontextmanager
async def open_ledger(path: Path | None) -> AsyncIterator[Recorder]:
    """The ledger in this file, or none. Raises LedgerError."""
    if path is None:
        yield NoLedger()
        return
    async with Ledger(path) as ledger:
        yield ledger


def scenario_of(settings: DevicesSettings) -> Scenario:
    """The water system that the settings name. Raises SettingsError where the example's registry is not there."""
    if settings.system == "example":
        return build_example(example_registry(), settings.seed)
    return build_scenario(settings.seed, settings.canals)


def on_serial(scenario: Scenario, settings: DevicesSettings) -> frozenset[str]:
    """The stations that answer on the serial line: the canal gauges, when there is one."""
    if not settings.serial:
        return frozenset()
    return frozenset(station.id for station in scenario.stations if station.kind is StationKind.CANAL_GAUGE)


@asynccontextmanager
async def open_devices(settings: DevicesSettings, state: Path) -> AsyncIterator[Emulator]:
    """The instruments of these settings, answering. Raises OSError (the port is taken) or LedgerError."""
    scenario = scenario_of(settings)
    link = settings.serial_link or state / "devices" / "serial"
    async with (
        open_ledger(settings.ledger) as recorder,
        Emulator(
            scenario,
            host=settings.host,
            port=settings.port,
            serial=on_serial(scenario, settings),
            serial_link=link,
            recorder=recorder,
        ) as emulator,
    ):
        yield emulator


async def run_devices(
    settings: DevicesSettings,
    state: Path,
    stop: asyncio.Event,
    started: Callable[[Emulator], None] = lambda emulator: None,
) -> None:
    """Answer until told to stop; `started` is called once the addresses are known."""
    async with open_devices(settings, state) as emulator:
        started(emulator)
        await stop.wait()


async def run_fleet(
    settings: FleetSettings,
    state: Path,
    stop: asyncio.Event,
    say: Callable[[str], None] = lambda line: None,
) -> FleetReport:
    """Let a fleet work for its time or until told to stop. Raises LedgerError, or OSError for the broker's files."""
    plan = FleetPlan(settings)
    _allow_open_files(settings.gateways)
    async with open_ledger(settings.ledger) as recorder:
        return await Fleet(settings, plan, recorder, mqtt_links(settings.broker), say=say).run(stop)


def _allow_open_files(connections: int) -> None:
    """As many as the system lets this process have: a shell's usual limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))

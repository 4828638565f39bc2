"""Where the simulator's roles are put together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from hydrology.registry import StationKind
from simulator.devices.emulator import Emulator
from simulator.ledger.writer import Ledger, NoLedger, Recorder
from simulator.scenario import build_scenario
from simulator.scenario.parts import Scenario
from simulator.settings import DevicesSettings


@asynccontextmanager
async def open_ledger(path: Path | None) -> AsyncIterator[Recorder]:
    """The ledger in this file, or none. Raises LedgerError."""
    if path is None:
        yield NoLedger()
        return
    async with Ledger(path) as ledger:
        yield ledger


def on_serial(scenario: Scenario, settings: DevicesSettings) -> frozenset[str]:
    """The stations that answer on the serial line: the canal gauges, when there is one."""
    if not settings.serial:
        return frozenset()
    return frozenset(station.id for station in scenario.stations if station.kind is StationKind.CANAL_GAUGE)


@asynccontextmanager
async def open_devices(settings: DevicesSettings, state: Path) -> AsyncIterator[Emulator]:
    """The instruments of these settings, answering. Raises OSError (the port is taken) or LedgerError."""
    scenario = build_scenario(settings.seed, settings.canals)
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

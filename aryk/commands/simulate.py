"""`aryk simulate`: emulated instruments, fleets of gateways, a simulated past."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aryk.running import run as run_role
from aryk.running import start_logging

if TYPE_CHECKING:
    from simulator.devices import Emulator

State = Annotated[Path, typer.Option("--state", envvar="ARYK_STATE", help="state folder")]
Seed = Annotated[int, typer.Option("--seed", help="the same seed gives the same water")]
Canals = Annotated[int, typer.Option("--canals", min=1, max=20, help="canal gauges; there is one reservoir")]
LedgerFile = Annotated[Path | None, typer.Option("--ledger", help="SQLite file: one row for every reading that left")]
Store = Annotated[str, typer.Option("--store", help="a file for the embedded store, or the URL of InfluxDB")]
Bucket = Annotated[str, typer.Option("--bucket", help="InfluxDB's bucket")]
Org = Annotated[str, typer.Option("--org", help="InfluxDB's organisation")]
TokenFile = Annotated[Path | None, typer.Option("--token-file", help="file with InfluxDB's token")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    simulate = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    simulate.command("devices")(devices)
    simulate.command("history")(history)
    app.add_typer(simulate, name="simulate", help="Stand in for the water: instruments, fleets of gateways, a past.")


def devices(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="of Modbus TCP; 0: any free one")] = 5020,
    host: Annotated[str, typer.Option("--host", help="address to listen on")] = "127.0.0.1",
    rtu: Annotated[
        bool, typer.Option("--rtu", help="the canal gauges answer on a serial line (a pty), not on TCP")
    ] = False,
    ledger: LedgerFile = None,
    seed: Seed = 1,
    canals: Canals = 1,
    write_config: Annotated[
        Path | None,
        typer.Option("--write-config", help="write gateway.toml and registry.toml for them into this folder"),
    ] = None,
    interval: Annotated[str, typer.Option("--interval", help="the gateway's interval in what is written")] = "2s",
    state: State = Path("state"),
) -> None:
    """Emulate the instruments of a reservoir and the canals below it, on Modbus TCP and RTU.

    \b
    aryk simulate devices
    aryk simulate devices --rtu --write-config ./demo --ledger ledger.sqlite
    aryk gateway run --config ./demo/gateway.toml
    """
    from simulator.app import run_devices
    from simulator.config import map_table
    from simulator.config import write_config as write
    from simulator.ledger import LedgerError
    from simulator.settings import DevicesSettings

    def say(emulator: "Emulator") -> None:
        addresses = emulator.addresses
        typer.echo(f"Modbus TCP   {addresses.host}:{addresses.port}")
        if addresses.serial_port:
            typer.echo(f"Modbus RTU   {addresses.serial_port}")
        typer.echo(map_table(emulator.scenario.stations))
        if write_config is not None:
            for path in write(write_config, emulator.scenario, addresses, interval=interval):
                typer.echo(f"written      {path}")
        typer.echo("Ctrl-C stops.")

    start_logging()
    settings = DevicesSettings(seed=seed, canals=canals, host=host, port=port, serial=rtu, ledger=ledger)
    try:
        run_role(lambda stop: run_devices(settings, state, stop, say))
    except (OSError, LedgerError) as error:
        _fail(error)


def history(
    store: Store,
    days: Annotated[float, typer.Option("--days", min=0.01, max=400.0)] = 7.0,
    step: Annotated[str, typer.Option("--step", help="time between two readings")] = "10min",
    seed: Seed = 1,
    canals: Canals = 1,
    bucket: Bucket = "aryk",
    org: Org = "aryk",
    token: Annotated[str | None, typer.Option(envvar="ARYK_STORE_TOKEN", help="InfluxDB's token", hidden=True)] = None,
    token_file: TokenFile = None,
) -> None:
    """Write a simulated past straight to a store, up to now, so that the first look at a page is a full chart.

    \b
    aryk simulate history --store state/store/points.sqlite
    aryk simulate history --store http://127.0.0.1:8086 --token-file token --days 30
    """
    from time import time

    from settings.load import parse_duration_s
    from simulator.history import HistoryError, write_history
    from simulator.scenario import build_scenario
    from simulator.store_option import store_settings
    from store.open import open_writer
    from store.points import StoreError

    async def write() -> int:
        where = store_settings(store, bucket=bucket, org=org, token=token, token_file=token_file)
        async with open_writer(where, Path()) as writer:
            return await write_history(writer, build_scenario(seed, canals), time(), days=days, step_s=step_s)

    try:
        step_s = float(parse_duration_s(step))
        written = asyncio.run(write())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--step") from None
    except (StoreError, HistoryError, OSError) as error:
        _fail(error)
    else:
        typer.echo(f"{written} readings of {days:g} days written")


def _fail(error: Exception) -> None:
    typer.echo(str(error), err=True)
    raise typer.Exit(1) from None

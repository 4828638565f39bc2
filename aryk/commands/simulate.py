"""`aryk simulate`: emulated instruments, fleets of gateways, a simulated past, and the audit of their ledger."""

import asyncio
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aryk.commands.store_options import Bucket, GivenStore, Org, Token, TokenFile
from aryk.running import run as run_role
from aryk.running import start_logging

if TYPE_CHECKING:
    from simulator.devices import Emulator

State = Annotated[Path, typer.Option("--state", envvar="ARYK_STATE", help="state folder")]
Seed = Annotated[int, typer.Option("--seed", help="the same seed gives the same water")]
System = Annotated[
    Literal["canals", "example"],
    typer.Option("--system", help="canals: a reservoir and so many canals; example: the whole system of registry/"),
]
Canals = Annotated[int, typer.Option("--canals", min=1, max=20, help="canal gauges; there is one reservoir")]
LedgerFile = Annotated[Path | None, typer.Option("--ledger", help="SQLite file: one row for every reading that left")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    simulate = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    simulate.command("devices")(devices)
    simulate.command("fleet")(fleet)
    simulate.command("history")(history)
    simulate.command("audit")(audit)
    app.add_typer(
        simulate,
        name="simulate",
        help="Stand in for the water: instruments, fleets, a past; audit what is stored of it.",
    )


def devices(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="of Modbus TCP; 0: any free one")] = 5020,
    host: Annotated[str, typer.Option("--host", help="address to listen on")] = "127.0.0.1",
    rtu: Annotated[
        bool, typer.Option("--rtu", help="the canal gauges answer on a serial line (a pty), not on TCP")
    ] = False,
    ledger: LedgerFile = None,
    system: System = "canals",
    seed: Seed = 1,
    canals: Canals = 1,
    write_config: Annotated[
        Path | None,
        typer.Option(
            "--write-config", help="write gateway.toml (or gateways/) and the registry for them into this folder"
        ),
    ] = None,
    interval: Annotated[str, typer.Option("--interval", help="the gateway's interval in what is written")] = "2s",
    broker: Annotated[str, typer.Option("--broker", help="the gateway's broker in what is written")] = "127.0.0.1:1883",
    advertise: Annotated[
        str | None, typer.Option("--advertise", help="the host of Modbus TCP in what is written; else --host")
    ] = None,
    state: State = Path("state"),
) -> None:
    """Emulate the instruments of a reservoir and the canals below it, on Modbus TCP and RTU.

    \b
    aryk simulate devices
    aryk simulate devices --system example --write-config ./example
    aryk simulate devices --rtu --write-config ./demo --ledger ledger.sqlite
    aryk gateway run --config ./demo/gateway.toml
    """
    from dataclasses import replace

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
            seen = replace(addresses, host=advertise or addresses.host)
            paths = write(
                write_config,
                emulator.scenario,
                seen,
                broker_host=broker_host,
                broker_port=broker_port,
                interval=interval,
            )
            for path in paths:
                typer.echo(f"written      {path}")
        typer.echo("Ctrl-C stops.")

    broker_host, broker_port = _host_and_port(broker)
    start_logging()
    settings = DevicesSettings(system=system, seed=seed, canals=canals, host=host, port=port, serial=rtu, ledger=ledger)
    try:
        run_role(lambda stop: run_devices(settings, state, stop, say))
    except (OSError, LedgerError) as error:
        _fail(error)


def fleet(
    broker: Annotated[
        list[str],
        typer.Option("--broker", envvar="ARYK_BROKER", help="host or host:port; again for each node of a cluster"),
    ] = ["127.0.0.1:1883"],  # noqa: B006  # typer's way to say a default
    gateways: Annotated[int, typer.Option("--gateways", min=1, max=100_000)] = 1000,
    sensors: Annotated[int, typer.Option("--sensors", min=1, max=1000, help="of each gateway")] = 3,
    interval: Annotated[str, typer.Option("--interval", help="between two scans of a gateway")] = "10s",
    scans: Annotated[int, typer.Option("--scans", min=1, max=1000, help="scans in a message")] = 1,
    codec: Annotated[Literal["cbor", "json"], typer.Option("--codec")] = "cbor",
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.001, help="most readings a second of all; stretches the interval")
    ] = None,
    duration: Annotated[str | None, typer.Option("--for", help="stop scanning after this time; else on Ctrl-C")] = None,
    ledger: LedgerFile = None,
    district: Annotated[str, typer.Option("--district")] = "fleet",
    districts: Annotated[int, typer.Option("--districts", min=1, max=1000, help="DISTRICT-1, DISTRICT-2 ...")] = 1,
    prefix: Annotated[str, typer.Option("--prefix", help="gateways are PREFIX-00001 and so on")] = "fleet",
    write_registry: Annotated[
        Path | None, typer.Option("--write-registry", help="write the registry of this fleet into this file first")
    ] = None,
    only_registry: Annotated[bool, typer.Option("--only-registry", help="and do nothing more")] = False,
    username: Annotated[str | None, typer.Option("--username", help="else each gateway's own id")] = None,
    password_file: Annotated[Path | None, typer.Option("--password-file")] = None,
    ca_file: Annotated[Path | None, typer.Option("--ca-file", help="TLS: the authority of the broker")] = None,
    seed: Seed = 1,
    state: State = Path("state"),
) -> None:
    """Be thousands of gateways in one process, each with its session, its log in memory and its receipts.

    Ends with exit code 1 when a reading was left without a receipt.

    \b
    aryk simulate fleet --gateways 1000 --write-registry registry.toml --only-registry
    aryk simulate fleet --broker 127.0.0.1:1883 --gateways 1000 --sensors 3 --interval 10s --for 60s --ledger ledger.sqlite
    aryk simulate fleet --gateways 5000 --rate 2000 --codec json
    """
    from pydantic import ValidationError

    from settings.broker import BrokerSettings, TlsSettings
    from simulator.app import run_fleet
    from simulator.fleet import FleetPlan, FleetReport, fleet_registry
    from simulator.ledger import LedgerError
    from simulator.settings import FleetSettings
    from simulator.toml_text import toml_text

    (host, port), *others = [_host_and_port(one) for one in broker]
    try:
        settings = FleetSettings(
            broker=BrokerSettings(
                host=host,
                port=port,
                others=tuple(others),
                username=username,
                password_file=password_file,
                tls=TlsSettings(ca_file=ca_file) if ca_file else None,
            ),
            district=district,
            districts=districts,
            prefix=prefix,
            gateways=gateways,
            sensors=sensors,
            interval=interval,
            scans_a_message=scans,
            codec=codec,
            seed=seed,
            rate=rate,
            duration=duration,
            ledger=ledger,
        )
    except ValidationError as error:
        for one in error.errors(include_url=False):
            typer.echo(f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}", err=True)
        raise typer.Exit(2) from None
    plan = FleetPlan(settings)
    if write_registry is not None:
        comment = "Written by `aryk simulate fleet --write-registry`: its gateways and stations."
        write_registry.write_text(toml_text(fleet_registry(plan), comment), encoding="utf-8")
        typer.echo(f"written {write_registry}")
    if only_registry:
        return
    typer.echo(
        f"{gateways} gateways of {sensors} sensors every {plan.interval_s:g} s: {plan.rate:.0f} readings/s to {', '.join(broker)}"
    )
    start_logging()
    reports: list[FleetReport] = []

    async def work(stop: asyncio.Event) -> None:
        started_s = monotonic()
        report = await run_fleet(settings, state, stop, typer.echo)
        typer.echo(report.summary(monotonic() - started_s))
        reports.append(report)

    try:
        run_role(work)
    except (OSError, LedgerError) as error:
        _fail(error)
    if not all(report.settled for report in reports):
        raise typer.Exit(1)


def audit(
    ledger: Annotated[Path, typer.Option("--ledger", help="what `aryk simulate devices` or `fleet` wrote")],
    store: GivenStore,
    gateway_log: Annotated[
        list[Path] | None, typer.Option("--gateway-log", help="log.sqlite of a gateway; may be given more than once")
    ] = None,
    answer_within: Annotated[
        str | None,
        typer.Option("--answer-within", help="the gateway's timeout: what was answered later counts for nothing"),
    ] = None,
    show: Annotated[int, typer.Option("--show", min=0, help="how many faults to name")] = 20,
    bucket: Bucket = "aryk",
    org: Org = "aryk",
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Compare what left the sensors with what is in the store. Exit code 1 when anything is lost, doubled, wrong or foreign.

    \b
    aryk simulate audit --ledger ledger.sqlite --store state/store/points.sqlite
    aryk simulate audit --ledger ledger.sqlite --store http://127.0.0.1:8086 --token-file token
    """
    from settings.load import parse_duration_s
    from simulator.audit import Audit
    from simulator.audit import audit as compare
    from simulator.ledger import LedgerError
    from store.open import open_reader
    from store.points import StoreError
    from store.word import store_settings

    async def work() -> Audit:
        where = store_settings(store, bucket=bucket, org=org, token=token, token_file=token_file)
        within_ms = round(float(parse_duration_s(answer_within)) * 1000.0) if answer_within is not None else None
        async with open_reader(where, Path()) as reader:
            return await compare(ledger, reader, gateway_logs=gateway_log, answer_within_ms=within_ms)

    try:
        found = asyncio.run(work())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--answer-within") from None
    except (StoreError, LedgerError, OSError) as error:
        _fail(error)
    for finding in found.findings[:show]:
        typer.echo(finding)
    if len(found.findings) > show:
        typer.echo(f"... and {len(found.findings) - show} more")
    typer.echo(found)
    if not found.clean:
        raise typer.Exit(1)


def history(
    store: GivenStore,
    days: Annotated[float, typer.Option("--days", min=0.01, max=400.0)] = 7.0,
    step: Annotated[str | None, typer.Option("--step", help="time between two readings; 10min if not given")] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="last local day, such as 2026-09-30; up to now if not given")
    ] = None,
    true_season: Annotated[
        bool,
        typer.Option(
            "--true-season",
            help="the example system from 1 April as it truly was, without noise, as planned; every 30 min",
        ),
    ] = False,
    system: System = "canals",
    seed: Seed = 1,
    canals: Canals = 1,
    bucket: Bucket = "aryk",
    org: Org = "aryk",
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Write a simulated past straight to a store, up to now, so that the first look at a page is a full chart.

    \b
    aryk simulate history --store state/store/points.sqlite
    aryk simulate history --store http://127.0.0.1:8086 --token-file token --system example --days 30
    aryk simulate history --store season.sqlite --true-season --until 2026-09-30
    """
    from aryk.progress import progress
    from simulator.history import HistoryError, write_all
    from simulator.past import Past
    from store.open import open_writer
    from store.points import StoreError
    from store.word import store_settings

    async def write(past: Past) -> int:
        where = store_settings(store, bucket=bucket, org=org, token=token, token_file=token_file)
        async with open_writer(where, Path()) as writer:
            with progress(f"{past.days:g} days of the past", round(past.days * 86_400_000)) as move:
                return await write_all(writer, past.portions(), move)

    try:
        past = Past.of(system, seed, canals, days, step, until, true_season)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        written = asyncio.run(write(past))
    except (StoreError, HistoryError, OSError) as error:
        _fail(error)
    else:
        typer.echo(f"{written} readings of {past.days:g} days written")


def _host_and_port(broker: str) -> tuple[str, int]:
    from settings.broker import address

    try:
        return address(broker)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--broker") from None


def _fail(error: Exception) -> None:
    typer.echo(str(error), err=True)
    raise typer.Exit(1) from None

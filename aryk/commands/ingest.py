"""`aryk ingest`: from the broker to the store, what is missing, and what was refused on the way."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from aryk.commands import dead_letters
from aryk.commands.ingest_asking import Config, State, ask_ingest, said_ms, stop
from aryk.running import fail, make_state, start_logging
from aryk.running import run as run_role
from settings import SettingsError

FIRST_YEAR = 1900
"""Of an audit: long before the first gauge that told a computer."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    ingest = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    ingest.command("run")(run)
    ingest.command("check")(check)
    ingest.command("audit")(audit)
    ingest.command("refetch")(refetch)
    ingest.command("import")(bring)
    dead_letters.add_to(ingest)
    app.add_typer(ingest, name="ingest", help="Take readings from the broker, keep them, and write them to the store.")


def run(
    config: Config = Path("ingest.toml"),
    state: State = Path("state"),
    verbose: Annotated[bool, typer.Option("--verbose", help="say more in the log")] = False,
) -> None:
    """Run ingest until SIGTERM or Ctrl-C.

    \b
    aryk ingest run --config ingest.toml --state /var/lib/aryk
    ARYK_INGEST__BROKER__PORT=1884 aryk ingest run
    """
    start_logging(verbose=verbose)
    from ingest.app import run as run_ingest
    from ingest.settings import load_settings
    from ingest.spool import SpoolUnusableError

    try:
        settings = load_settings(config)
        make_state(state / "ingest")
        run_role(lambda stop: run_ingest(settings, state, stop))
    except SettingsError as error:
        fail(error)
    except SpoolUnusableError as error:
        stop(str(error))
    except ExceptionGroup as group:
        gone = group.subgroup(SpoolUnusableError)
        if gone is None:
            raise
        while isinstance(gone.exceptions[0], ExceptionGroup):
            gone = gone.exceptions[0]
        stop(f"{gone.exceptions[0]}: ingest has stopped; what was not acknowledged will come again")


def check(config: Config = Path("ingest.toml")) -> None:
    """Read the configuration and the registry, and say what they mean. Exit 2 when something is wrong.

    \b
    aryk ingest check --config ingest.toml
    """
    from hydrology.load import load_registry
    from ingest.app import check_districts, part_of, read_secrets
    from ingest.settings import load_settings

    try:
        settings = load_settings(config)
        registry = load_registry(settings.registry)
        check_districts(settings, registry)
        read_secrets(settings)
    except SettingsError as error:
        fail(error)
    part = part_of(registry, settings.districts)
    sensors = sum(len(station.sensors) for station in part.stations)
    store = settings.store
    where = "the embedded store" if store.kind == "sqlite" else f"InfluxDB at {store.url}, bucket {store.bucket}"
    typer.echo(f"{config} is good.")
    typer.echo(f"broker     {settings.broker.host}:{settings.broker.port}{' with TLS' if settings.broker.tls else ''}")
    typer.echo(f"client id  {settings.id}")
    typer.echo(f"store      {where}")
    typer.echo(f"districts  {', '.join(settings.districts) or 'all of ' + ', '.join(sorted(registry.districts))}")
    typer.echo(f"registry   {len(part.gateways)} gateways, {len(part.stations)} stations, {sensors} sensors")


def audit(
    config: Config = Path("ingest.toml"),
    state: State = Path("state"),
    station: Annotated[str | None, typer.Option("--station", help="a station's id; left out: all")] = None,
    day: Annotated[
        str | None, typer.Option("--day", help="a local day, such as 2026-11-22; left out: yesterday")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="so many days that end with it")] = 1,
    sensors: Annotated[
        bool, typer.Option("--sensors", help="a line for each sensor, not only for each station")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """Say for each station and day how many readings were expected, are stored, are missing, and why.

    Days are local, by the time zone of the station's district. Expected is what the registry's interval gives. Works while ingest
    runs. Exit 1 when the store cannot be read.

    \b
    aryk ingest audit --config ingest.toml
    aryk ingest audit --station karatal-12 --day 2026-11-22 --sensors
    aryk ingest audit --days 7 --json
    """
    import asyncio
    import time

    from hydrology.load import load_registry
    from ingest.audit import lines_of, table
    from ingest.auditing import audit_days
    from ingest.settings import load_settings
    from store.points import StoreError

    try:
        settings = load_settings(config)
        registry = load_registry(settings.registry)
    except SettingsError as error:
        fail(error)
    if station is not None and station not in {one.id for one in registry.stations}:
        stop(f"the registry has no station {station!r}", 2)
    try:
        last = None if day is None else date.fromisoformat(day)
    except ValueError:
        stop(f"--day {day!r} is not a day such as 2026-11-22", 2)
    now_ms = time.time_ns() // 1_000_000
    # A day has begun somewhere up to 14 hours before it does in UTC.
    if last is not None and last > datetime.fromtimestamp(now_ms / 1000 + 14 * 3600, UTC).date():
        stop(f"--day {last} lies ahead", 2)
    if last is not None and last.year < FIRST_YEAR:
        stop(f"--day {last} lies before anything was measured", 2)
    try:
        found = asyncio.run(audit_days(settings, state, registry, station, last, days, now_ms))
    except (StoreError, OSError) as error:
        stop(f"the store cannot be read: {error}")
    if as_json:
        for line in lines_of(found.days, sensors=sensors):
            typer.echo(json.dumps(line.document()))
        return
    typer.echo(table(lines_of(found.days, sensors=sensors), sensors=sensors))
    for note in found.notes:
        typer.echo(note)


def refetch(
    since: Annotated[str, typer.Option("--since", help="2h, 7d, or a time such as 2026-11-23T06:00 (UTC)")],
    station: Annotated[str | None, typer.Option("--station", help="only the gateways that read this station")] = None,
    state: State = Path("state"),
) -> None:
    """Ask the gateways again for what was stored since then: a restored backup of the store has lost it.

    Give the time of the backup, or an earlier one: what is there already stays the same point. The gateways send what their
    logs still have. While ingest does not run, the order is kept and carried out when it starts.

    \b
    aryk ingest refetch --since 2026-11-20T03:00
    aryk ingest refetch --since 2d --station karatal-12
    """
    import time

    from ingest.alone import keep_order
    from ingest.control import NobodyThereError
    from ingest.refetch import Order
    from ingest.settings import spool_path

    order = Order(said_ms(since, "--since"), station)
    if order.since_ms > time.time_ns() // 1_000_000:
        stop(f"--since {since} lies ahead: nothing was stored since then", 2)
    try:
        answer = ask_ingest(state, "refetch", {"since_ms": order.since_ms, "station": station})
    except NobodyThereError:
        from aryk.commands.ingest_asking import spool_errors

        with spool_errors(state):
            keep_order(spool_path(state), order, time.time_ns() // 1_000_000)
        typer.echo("Ingest does not run: it will ask when it starts.")
        return
    typer.echo(
        f"{answer['readings']} readings are asked for again. `aryk_gateway_backlog_readings` shows what is still to come."
    )


def bring(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="spool.sqlite of an old ingest, or an export of dead letters")
    ],
    config: Config = Path("ingest.toml"),
    state: State = Path("state"),
) -> None:
    """Take in an old spool that was found, or dead letters that were exported.

    What waits in the old spool is stored, once, whatever has come since by another way; its dead letters, and exported ones,
    are dead letters here again: look at them, and replay them. The file itself is not changed. It may be done twice.
    Works while ingest runs; then FILE is read by ingest, and must be where ingest can read it.

    \b
    aryk ingest import /mnt/old-disk/ingest/spool.sqlite
    aryk ingest import state/ingest/dead-letters/dead-letters-20261123T193000Z-1f03a2.jsonl.gz
    """
    from aryk.commands.ingest_asking import do
    from ingest.settings import spool_path

    if not path.is_file():
        stop(f"there is no file {path}")
    if path.resolve() == spool_path(state).resolve():
        stop("this is the spool that is in use here: there is nothing to import", 2)
    answer = do(state, config, "import", {"path": str(path.resolve())})
    if answer["rows"] or not answer["letters"]:
        typer.echo(
            f"{answer['readings']} readings of {answer['rows']} messages: {answer['waiting']} wait for the store now,"
            f" {answer['repeated']} were here before."
        )
    if answer["letters"]:
        typer.echo(f"{answer['letters']} dead letters: {answer['kept']} are here again, the others were here before.")
    if answer["damaged"]:
        typer.echo(
            f"{answer['damaged']} messages are damaged: their gateways are asked for them by `aryk ingest refetch`."
        )

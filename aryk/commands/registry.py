"""`aryk registry`: check the station registry, start one from a spreadsheet, show a station."""

import difflib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aryk.running import fail
from aryk.text import cannot, echo_facts
from settings import SettingsError
from settings.errors import EXIT_CODE, Fault

if TYPE_CHECKING:
    from hydrology.registry import Registry, Station

MOST_NAMED = 20
"""Stations named where none is like the one that was asked for."""

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="the registry: a folder, or one TOML file")]
RegistryOption = Annotated[Path, typer.Option("--registry", help="the registry: a folder, or one TOML file")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    registry = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    registry.command("check")(check)
    registry.command("import")(import_csv)
    registry.command("show")(show)
    app.add_typer(
        registry, name="registry", help="The stations, sensors, ratings, canals and water users. docs/registry.md"
    )


def check(
    folder: Folder = Path("registry"),
    quiet: Annotated[bool, typer.Option("--quiet", help="only the errors, not what is worth a look")] = False,
) -> None:
    """Read a registry and say what is wrong: file, line, key and the mend. Exit 2 when something is.

    \b
    aryk registry check registry
    aryk registry check --quiet /etc/aryk/registry.toml
    """
    from hydrology.registry.advice import advice

    registry = load(folder)
    if not registry.districts and not registry.stations:
        mend = "`aryk registry import --template` prints a spreadsheet to begin with"
        fail(SettingsError(folder, [Fault(None, "", "there is no district and no station in it", mend)]))
    sensors = sum(len(station.sensors) for station in registry.stations)
    ratings = sum(len(station.ratings) for station in registry.stations)
    reaches = sum(len(canal.reaches) for canal in registry.canals)
    typer.echo(f"{folder} is good.")
    echo_facts(
        (
            ("districts", str(len(registry.districts))),
            ("gateways", str(len(registry.gateways))),
            ("stations", f"{len(registry.stations)} with {sensors} sensors and {ratings} ratings"),
            ("canals", f"{len(registry.canals)} with {reaches} reaches"),
            ("links", str(len(registry.links))),
            ("users", str(len(registry.users))),
        )
    )
    found = [] if quiet else advice(registry, datetime.now(UTC))
    if found:
        typer.echo("Worth a look:")
        for words in found:
            typer.echo(f"  {words}")


def import_csv(
    stations: Annotated[Path | None, typer.Argument(metavar="STATIONS.CSV", help="one row a sensor")] = None,
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="the registry's folder; made if need be")] = Path(
        "registry"
    ),
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="of districts that are new, such as Asia/Almaty")
    ] = None,
    template: Annotated[bool, typer.Option("--template", help="print a spreadsheet to fill in, and stop")] = False,
    columns: Annotated[bool, typer.Option("--columns", help="say what each column means, and stop")] = False,
) -> None:
    """Start a registry from a spreadsheet saved as CSV. All of it is checked first; nothing that is there is overwritten.

    \b
    aryk registry import --template > stations.csv
    aryk registry import stations.csv --into registry --timezone Asia/Almaty
    """
    from hydrology.load import read_all, read_spreadsheet, write_new
    from hydrology.registry_csv import COLUMNS, TEMPLATE, plan_import

    if template:
        typer.echo(TEMPLATE, nl=False)
        return
    if columns:
        echo_facts(COLUMNS.items(), 16)
        return
    if stations is None:
        typer.echo("Which spreadsheet? `aryk registry import --template` prints one to fill in.", err=True)
        raise typer.Exit(EXIT_CODE)
    try:
        plan = plan_import(read_spreadsheet(stations), stations, into, read_all(into), timezone)
    except SettingsError as error:
        fail(error)
    try:
        write_new(plan.files)
    except OSError as error:
        typer.echo(f"not all could be written: {cannot(error, how='written')}", err=True)
        raise typer.Exit(1) from None
    for file in plan.files:
        typer.echo(f"written {file}")
    new = [
        f"{len(names)} new {what}"
        for what, names in (("districts", plan.districts), ("gateways", plan.gateways))
        if names
    ]
    typer.echo(f"{plan.stations} stations with {plan.sensors} sensors{', ' if new else ''}{', '.join(new)}")


def show(
    station: Annotated[str, typer.Argument(metavar="STATION", help="the station's id")],
    registry: RegistryOption = Path("registry"),
    as_json: Annotated[bool, typer.Option("--json", help="as one JSON document")] = False,
) -> None:
    """Show a station in plain words: sensors, ratings in force, thresholds, what is upstream and downstream.

    \b
    aryk registry show canal-head
    aryk registry show canal-head --registry /etc/aryk/registry --json
    """
    from hydrology.describe import describe, station_lines

    whole = load(registry)
    found = next((one for one in whole.stations if one.id == station), None)
    if found is None:
        typer.echo(no_station(station, whole), err=True)
        raise typer.Exit(EXIT_CODE)
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps(describe(whole, found, now), ensure_ascii=False, indent=2))
    else:
        echo_facts(station_lines(whole, found, now))


def no_station(name: str, registry: "Registry") -> str:
    """What to say of a station that is not there: the sensor of that id, those with a name like it, or which there are."""
    from hydrology.registry import along_water

    stations = along_water(registry.stations)
    said = f"there is no station {name!r}"
    owner = next((one for one in stations if one.sensor(name) is not None), None)
    if owner is not None:
        return f"{said}: it is a sensor of {owner.id}"
    near = near_stations(name, stations)
    if near:
        return f"{said}; did you mean {' or '.join(f'{one.id} ({one.name})' for one in near)}?"
    ids = [one.id for one in stations]
    more = f", and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return f"{said}; the registry has {', '.join(ids[:MOST_NAMED]) or 'none'}{more}"


def near_stations(name: str, stations: "list[Station]") -> "list[Station]":
    """Up to three stations whose id or name holds these words, or is spelt much like them."""
    wanted = name.casefold().strip()
    holding = [one for one in stations if wanted and wanted in f"{one.id}\n{one.name}".casefold()]
    if holding:
        return holding[:3]
    by_spelling = {one.name.casefold(): one for one in stations} | {one.id.casefold(): one for one in stations}
    found = difflib.get_close_matches(wanted, list(by_spelling), n=3, cutoff=0.6)
    return list({by_spelling[one].id: by_spelling[one] for one in found}.values())


def load(folder: Path) -> "Registry":
    """The registry; says what is wrong with it and exits with 2."""
    from hydrology.load import load_registry

    try:
        return load_registry(folder)
    except SettingsError as error:
        fail(error)

"""`aryk calc`: the calculator for the engineer at the structure."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from aryk.running import fail
from aryk.text import echo_facts
from settings import SettingsError
from settings.errors import EXIT_CODE
from settings.load import read_text

if TYPE_CHECKING:
    from hydrology.registry import Rating, Station
    from hydrology.registry.structures import Heads
    from hydrology.structures.answer import Discharge

Head = Annotated[str | None, typer.Option("--head", help="upstream head above the crest or sill: 0.35, 35cm, 1.2ft")]
Stage = Annotated[str | None, typer.Option("--stage", help="level above gauge zero: 0.85, 85cm")]
Tail = Annotated[str | None, typer.Option("--tail", help="level downstream, above the same zero")]
Opening = Annotated[str | None, typer.Option("--opening", help="the gate's opening: 0.30, 30cm")]
Velocity = Annotated[str | None, typer.Option("--velocity", help="index velocity, m/s")]
AsJson = Annotated[bool, typer.Option("--json", help="as one JSON document")]
AsTable = Annotated[bool, typer.Option("--table", help="the table for the gauge house, instead of one answer")]
From = Annotated[str | None, typer.Option("--from", help="where the table begins; else where the law does")]
To = Annotated[str | None, typer.Option("--to", help="where the table ends")]
Widest = Annotated[
    str | None, typer.Option("--widest", help="a gate's table: the last of its ten openings; else the full one, or 1 m")
]
StationName = Annotated[str | None, typer.Option("--station", help="a station of the registry, instead of a file")]
RegistryPath = Annotated[Path, typer.Option("--registry", help="the registry: a folder, or one TOML file")]
At = Annotated[
    str | None, typer.Option("--at", metavar="DATE", help="the day whose rating or survey counts; else today")
]

GATE_HEADS = 20
WIDEST_M = 1.0
MOST_M = 10_000.0
"""No level or head is so high, whatever its zero."""
MOST_M_S = 100.0


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    calc = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    calc.command("discharge", no_args_is_help=True)(_bounded(discharge))
    calc.command("rating", no_args_is_help=True)(_bounded(rating))
    calc.command("volume", no_args_is_help=True)(_bounded(volume))
    app.add_typer(
        calc, name="calc", help="Discharge of a structure or a rating, volume of a reservoir, and their tables."
    )


def discharge(
    file: Annotated[Path, typer.Argument(metavar="STRUCTURE.TOML", help="kind and dimensions: docs/registry.md")],
    head: Head = None,
    tail: Tail = None,
    opening: Opening = None,
    velocity: Velocity = None,
    as_json: AsJson = False,
    as_table: AsTable = False,
    first: From = None,
    last: To = None,
    widest: Widest = None,
) -> None:
    """The discharge of a weir, flume or gate: value, flag, regime, uncertainty, source.

    The file says, for example: kind = "parshall_flume" and size = "9in".

    \b
    aryk calc discharge flume.toml --head 0.35
    aryk calc discharge gate.toml --head 1.5 --tail 1.2 --opening 30cm --json
    aryk calc discharge flume.toml --table
    aryk calc discharge gate.toml --table --from 0.5 --to 2.0 --widest 0.8
    """
    from hydrology.calculator import structure_of
    from hydrology.registry.structures import Heads

    try:
        structure = structure_of(read_text(file), file)
    except SettingsError as error:
        fail(error)
    at = Heads(_metres(head, "--head"), _metres(tail, "--tail"), _opening(opening), _speed(velocity))
    _takes(structure, at)
    _asked_of(as_table, ("--from", first), ("--to", last), ("--widest", widest), level=("--head", head))
    law = structure.law()
    if as_table:
        free = 0.0 if structure.has_opening else None
        openings = _openings(structure, widest)
        _table(law, at, openings, free, first, last, as_json, needs_speed=_by_speed(structure))
        return
    _need(at.head_m, "--head")
    _need_rest(structure, at)
    _say(law(at), at, as_json)


def rating(
    file: Annotated[
        Path | None, typer.Argument(metavar="[RATING.TOML]", help="a rating, or a station's file of the registry")
    ] = None,
    stage: Stage = None,
    tail: Tail = None,
    opening: Opening = None,
    velocity: Velocity = None,
    station: StationName = None,
    registry: RegistryPath = Path("registry"),
    series: Annotated[
        str | None, typer.Option("--series", help="which discharge, where the station has several")
    ] = None,
    at_day: At = None,
    as_json: AsJson = False,
    as_table: AsTable = False,
    first: From = None,
    last: To = None,
    widest: Widest = None,
) -> None:
    """The discharge of a rating at a stage, with the shift and the rating in force on a day.

    \b
    aryk calc rating --station river-bridge --stage 1.85
    aryk calc rating --station reservoir --series spillway --stage 18.4 --at 2026-05-01
    aryk calc rating rating.toml --stage 85cm --json
    aryk calc rating --station river-bridge --table > gauge-house.txt
    """
    from hydrology.calculator import begins_m, one_series, rating_at, ratings_of
    from hydrology.registry import FlowHistory
    from hydrology.registry.structures import Heads

    when, zone = _day(at_day), "UTC"
    if (file is None) == (station is None):
        _stop("give a file, or --station with the registry's folder")
    try:
        if file is not None:
            ratings, _ = ratings_of(read_text(file), file)
        else:
            found, zone = _station(str(station), registry)
            ratings = list(found.ratings)
            if not ratings:
                _stop(f"station {station} has no ratings")
        moment = datetime(when.year, when.month, when.day, 12, tzinfo=UTC)
        name, ratings = one_series(ratings, series)
        chosen = rating_at(ratings, zone, moment)
    except SettingsError as error:
        fail(error)
    except ValueError as error:
        _stop(str(error))
    history = FlowHistory(ratings, zone)
    at = Heads(_metres(stage, "--stage"), _metres(tail, "--tail"), _opening(opening), _speed(velocity))
    _takes(chosen.structure, at)
    _asked_of(as_table, ("--from", first), ("--to", last), ("--widest", widest), level=("--stage", stage))

    def law(heads: Heads) -> "Discharge":
        return history.discharge(moment, heads)

    if as_table:
        free = chosen.crest_m if chosen.has_opening else None
        if not as_json:
            _heading(name, chosen, station, when)
        speed = chosen.structure is not None and _by_speed(chosen.structure)
        base = begins_m(chosen)
        openings = _openings(chosen.structure, widest)
        _table(law, at, openings, free, first, last, as_json, base_m=base, needs_speed=speed)
        return
    _need(at.head_m, "--stage")
    if chosen.structure is not None:
        _need_rest(chosen.structure, at)
    _say(law(at), at, as_json, "stage_m")


def volume(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[STORAGE.TOML]", help="a storage table, or a station's file of the registry"),
    ] = None,
    elevation: Annotated[str | None, typer.Option("--elevation", help="in the height system: 796.5")] = None,
    stage: Stage = None,
    station: StationName = None,
    registry: RegistryPath = Path("registry"),
    at_day: At = None,
    as_json: AsJson = False,
    as_table: AsTable = False,
) -> None:
    """The volume of a reservoir at an elevation: area, % full, % useful, free.

    \b
    aryk calc volume --station reservoir --elevation 796.5
    aryk calc volume --station reservoir --stage 16.5
    aryk calc volume storage.toml --elevation 101 --json
    aryk calc volume --station reservoir --table
    """
    from hydrology.calculator import storage_at, storage_document, storage_facts, storage_of, storage_steps_m

    place: Station | None = None
    if (file is None) == (station is None):
        _stop("give a file, or --station with the registry's folder")
    try:
        if file is not None:
            tables, levels, place = storage_of(read_text(file), file)
        else:
            place, _ = _station(str(station), registry)
            tables, levels = list(place.storage), place.levels
            if not tables:
                _stop(f"station {station} has no storage table")
        table = storage_at(tables, levels, _day(at_day))
    except SettingsError as error:
        fail(error)
    except ValueError as error:
        _stop(str(error))
    if as_table:
        if elevation is not None or stage is not None:
            _stop("a table goes over all elevations; take --elevation and --stage out, or --table")
        steps = storage_steps_m(table)
        if as_json:
            typer.echo(json.dumps([storage_document(table, one) for one in steps]))
            return
        typer.echo("elevation m   volume hm3   area km2")
        for one in steps:
            area = table.area_km2(one)
            typer.echo(f"{one:11.2f}{table.volume_hm3(one):13.3f}{'' if area is None else f'{area:11.3f}'}")
        return
    if (elevation is None) == (stage is None):
        _stop("give --elevation, or --stage above gauge zero")
    if elevation is not None:
        height = _metres(elevation, "--elevation")
    elif place is None or place.datum is None:
        _stop("--stage needs a station with a datum: give --elevation")
    else:
        height = place.datum.zero_m + (_metres(stage, "--stage") or 0.0)
    assert height is not None
    if as_json:
        typer.echo(json.dumps(storage_document(table, height), ensure_ascii=False))
    else:
        echo_facts(storage_facts(table, height))


def _say(answer: "Discharge", at: "Heads", as_json: bool, head_name: str = "head_m") -> None:
    from hydrology.calculator import discharge_document, discharge_facts

    if not as_json:
        echo_facts(discharge_facts(answer))
        return
    asked = {head_name: at.head_m, "tail_m": at.tail_m, "opening_m": at.opening_m, "velocity_m_s": at.velocity_m_s}
    typer.echo(json.dumps(discharge_document(answer, asked), ensure_ascii=False))


def _heading(series: str, rating: "Rating", station: str | None, when: date) -> None:
    from hydrology.describe import law_words

    name = f" {rating.name}" if rating.name else ""
    typer.echo(f"{f'{station}, ' if station else ''}{series}: rating{name}, {law_words(rating)}, as of {when}")


def _table(
    law: "Callable[[Heads], Discharge]",
    at: "Heads",
    openings_m: list[float],
    free_tail_m: float | None,
    first: str | None,
    last: str | None,
    as_json: bool,
    *,
    base_m: float = 0.0,
    needs_speed: bool,
) -> None:
    """Print the table; without a tail level a gate's flows are taken as free and marked. Ten openings unless one is given."""
    from dataclasses import replace

    from hydrology.rating_table import opening_table, rated_span_m, stage_table, table_text

    if needs_speed:
        _need(at.velocity_m_s, "--velocity")
    taken_as_free = at.tail_m is None and free_tail_m is not None
    free = replace(at, tail_m=free_tail_m) if taken_as_free else at
    low, high = _metres(first, "--from"), _metres(last, "--to")
    try:
        if openings_m and at.opening_m is None:
            base = free_tail_m or 0.0
            low, high = base + 0.1 if low is None else low, base + 2.0 if high is None else high
            if high <= low:
                _stop("the table must end above where it begins")
            step = max(round((high - low) / (GATE_HEADS - 1), 2), 0.01)
            heads = [round(low + step * k, 3) for k in range(int((high - low) / step + 1e-9) + 1)]
            table = opening_table(lambda h, a: law(replace(at, head_m=h, opening_m=a)), heads, openings_m)
        else:
            span = (
                None
                if low is not None and high is not None
                else rated_span_m(lambda h: law(replace(free, head_m=h)), base_m)
            )
            if span is None and (low is None or high is None):
                _stop("this law is nowhere within its range here: give --from and --to")
            low = low if low is not None or span is None else span[0]
            high = high if high is not None or span is None else span[1]
            assert low is not None
            assert high is not None
            table = stage_table(lambda h: law(replace(at, head_m=h)), low, high)
    except ValueError as error:
        _stop(str(error))
    if not as_json:
        if taken_as_free:
            typer.echo("no --tail given: every flow is taken as free; where water stands behind the gate it is less")
        typer.echo(table_text(table))
        return
    rows: list[dict[str, Any]] = []
    for row, cells in zip(table.rows_m, table.cells, strict=True):
        for column, cell in zip(table.columns_m, cells, strict=True):
            if cell is None:
                continue
            where = {"stage_m": row, "opening_m": column} if table.by_opening else {"stage_m": round(row + column, 3)}
            rows.append({**where, "value": cell.value_m3s, "flag": int(cell.flag)})
    typer.echo(json.dumps({"unit": "m3/s", "rows": rows}))


def _bounded(command: Callable[..., None]) -> Callable[..., None]:
    """A command that says so when a number is too large to calculate with."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except OverflowError:
            _stop("a number is too large to calculate with: look at the units")

    return run


def _openings(structure: Any, widest: str | None) -> list[float]:
    """The ten openings of a gate's table, none for what has no gate."""
    if structure is None or not structure.has_opening:
        if widest is not None:
            _stop("--widest: there is no gate here")
        return []
    open_to = structure.full_opening_m or WIDEST_M if widest is None else _metres(widest, "--widest") or 0.0
    if open_to < 0.01:
        _stop("--widest must be at least 1 cm")
    return [round(open_to * k / 10, 3) for k in range(1, 11)]


def _asked_of(as_table: bool, *tables: tuple[str, str | None], level: tuple[str, str | None]) -> None:
    """Stop where a table's option is given for one answer, or one answer's level for a table."""
    if as_table and level[1] is not None:
        _stop(f"{level[0]}: a table goes over all of them; take it out, or --table")
    given = [option for option, value in tables if value is not None]
    if given and not as_table:
        _stop(f"{given[0]}: this belongs to --table")


def _takes(structure: Any, at: "Heads") -> None:
    """Stop where something is given that this law does not know: passed over in silence it would be believed."""
    kind = "a rating by stage alone" if structure is None else structure.kind.replace("_", " ")
    by_speed = structure is not None and _by_speed(structure)
    if at.opening_m is not None and (structure is None or not structure.has_opening):
        more = ": give it full_opening_m" if structure is not None and structure.kind == "bottom_outlet" else ""
        _stop(f"--opening: {kind} has no opening{more}")
    if at.velocity_m_s is not None and not by_speed:
        _stop(f"--velocity: {kind} does not use it")
    if at.tail_m is not None and (structure is None or by_speed):
        _stop(f"--tail: {kind} does not use it")


def _by_speed(structure: Any) -> bool:
    return bool(structure.kind == "index_velocity")


def _need_rest(structure: Any, at: "Heads") -> None:
    if structure.has_opening:
        _need(at.opening_m, "--opening")
    if _by_speed(structure):
        _need(at.velocity_m_s, "--velocity")


def _need(value: float | None, option: str) -> None:
    if value is None:
        _stop(f"this needs {option}")


def _station(name: str, path: Path) -> "tuple[Station, str]":
    """The station and its time zone. Raises SettingsError."""
    from aryk.commands.registry import no_station
    from hydrology.load import load_registry

    registry = load_registry(path)
    found = next((one for one in registry.stations if one.id == name), None)
    if found is None:
        _stop(no_station(name, registry))
    return found, registry.zone_of(found)


def _metres(text: str | None, option: str) -> float | None:
    from hydrology.units import UnitError, parse

    try:
        metres = None if text is None else parse(text, "m")
    except UnitError as error:
        _stop(f"{option}: {error}")
    if metres is not None and abs(metres) > MOST_M:
        _stop(f"{option}: {metres:.4g} m is no level on earth: look at the unit")
    return metres


def _opening(text: str | None) -> float | None:
    opening = _metres(text, "--opening")
    if opening is not None and opening < 0:
        _stop(f"--opening: {text} is below zero: a closed gate is 0")
    return opening


def _speed(text: str | None) -> float | None:
    from hydrology.units import UnitError, parse

    try:
        speed = None if text is None else parse(text, "m/s")
    except UnitError as error:
        _stop(f"--velocity: {error}")
    if speed is not None and abs(speed) > MOST_M_S:
        _stop(f"--velocity: {speed:.4g} m/s is no water's: look at the unit")
    return speed


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        _stop(f"--at: {text!r} is not a day such as 2026-05-01")


def _stop(words: str) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(EXIT_CODE)

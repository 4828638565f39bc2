"""`aryk lineage`: from what, and by which rating, derived values are made."""

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from aryk.commands.derived_options import Series, Station, choose
from aryk.commands.ingest_asking import said_ms, stop
from aryk.commands.registry import load
from aryk.commands.store_options import Bucket, Org, State, Store, Token, TokenFile
from aryk.text import cannot, echo_facts

if TYPE_CHECKING:
    from hydrology.derived import Derivation, Value
    from hydrology.registry import Registry
    from ingest.lineage_show import Explained, Made
    from store.points import RecordPoint

FLAGS = {1: "pass", 2: "not evaluated", 3: "suspect", 4: "fail", 9: "missing"}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lineage", no_args_is_help=True)(lineage)


def lineage(
    station: Station,
    registry: Annotated[Path, typer.Option("--registry", help="the registry's folder or file")],
    series: Series = None,
    at: Annotated[
        str | None,
        typer.Option("--at", help="explain the value of this time: 2026-07-01T08:00:00+05:00, or 2h before now"),
    ] = None,
    store: Store = None,
    bucket: Bucket = "aryk",
    org: Org = "aryk",
    token: Token = None,
    token_file: TokenFile = None,
    state: State = Path("state"),
) -> None:
    """Print what a station's derived series are made of, since when, and with --at how one value came about.

    \b
    aryk lineage --station canal-head --registry registry
    aryk lineage --station canal-head --series discharge --at 2026-07-01T08:00:00+05:00 --registry registry
    """
    from hydrology.derived import derivations
    from ingest.calibrated import Calibrated, calibrated
    from ingest.lineage import records
    from ingest.lineage_show import explain
    from store.open import open_reader
    from store.points import StoreError
    from store.word import store_settings

    at_ms = None if at is None else said_ms(at, "--at")
    known_stations = load(registry)
    chosen = choose(derivations(known_stations), station, series)
    clock = Clock(zone_of(known_stations, station))
    where = store_settings(store, bucket=bucket, org=org, token=token, token_file=token_file)

    async def read() -> "list[tuple[Derivation, list[RecordPoint], Explained | None, list[Calibrated]]]":
        async with open_reader(where, state) as reader:
            known = await records(reader)
            out = []
            for one in chosen:
                written = known.get(one.id, [])
                explained = None if at_ms is None else await explain(reader, one, at_ms, written)
                time_ms = explained.time_ms if explained is not None else at_ms if at_ms is not None else now_ms
                out.append((one, written, explained, await calibrated(reader, known_stations, one, time_ms)))
            return out

    now_ms = time.time_ns() // 1_000_000
    try:
        found = asyncio.run(read())
    except OSError as error:
        stop(cannot(error))
    except StoreError as error:
        stop(str(error))
    typer.echo(f"times in {clock.zone}")
    for one, written, explained, calibrations in found:
        _say(one, written, clock)
        echo_facts([("  calibration", held.words) for held in calibrations], 14)
        if explained is not None:
            _say_value(one, explained, clock)
        elif at_ms is not None:
            echo_facts([("  value", f"none in the day before {clock.at(at_ms)}")])


class Clock:
    """Times as the district's clocks have them, with their offset."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._zone = ZoneInfo(zone)

    def at(self, time_ms: int) -> str:
        """A number as a time."""
        return datetime.fromtimestamp(time_ms // 1000, self._zone).isoformat()

    def of(self, text: str) -> str:
        """A time with its offset as a local one."""
        return datetime.fromisoformat(text).astimezone(self._zone).isoformat()


def zone_of(registry: "Registry", station: str) -> str:
    """The time zone of a station of this id."""
    return next(registry.zone_of(one) for one in registry.stations if one.id == station)


def _say(one: "Derivation", written: "list[RecordPoint]", clock: Clock) -> None:
    from hydrology.derived import digest

    typer.echo(f"{one.id} ({one.kind}, digest {digest(one)})")
    facts = [("  makes", f"{output.name.quantity} {output.name.reference}, {output.unit}") for output in one.outputs]
    facts += [("  from", f"{part.role}: {part.name.quantity} {part.name.reference}") for part in one.inputs]
    facts += [("  by", _method(row, clock)) for row in one.methods.parameters()]
    facts += [("  record", _record(point, clock)) for point in written] or [
        ("  record", "none yet: ingest writes it when it runs")
    ]
    echo_facts(facts)


def _method(row: dict[str, Any], clock: Clock) -> str:
    if row["from"] is None:
        return str(row["title"])
    span = f", in force {clock.of(row['from'])} to {clock.of(row['to']) if row['to'] else 'the next'}"
    return f"{row['title']}{span}"


def _record(point: "RecordPoint", clock: Clock) -> str:
    from ingest.lineage import REDERIVE, read_body

    body = read_body(point)
    what = "in force"
    if body.get("why") == REDERIVE:
        what = f"derived anew {clock.at(int(body.get('from_ms', 0)))} to {clock.at(int(body.get('to_ms', 0)))}"
    return f"{clock.at(point.time_ms)} {what}, digest {body.get('digest')}, registry {body.get('registry')}"


def _say_value(one: "Derivation", explained: "Explained", clock: Clock) -> None:
    facts = [("  at", clock.at(explained.time_ms))]
    facts += [("  input", f"{role}: {name} = {_value(value)}") for role, name, value in explained.inputs]
    facts += [("  method", explained.method), *(("  says", said) for said in explained.says)]
    for made in explained.made:
        facts += _made(made)
    if explained.record is not None:
        facts.append(("  made under", _record(explained.record, clock)))
    echo_facts(facts)


def _made(made: "Made") -> list[tuple[str, str]]:
    point = made.point
    facts = [("  value", f"{made.series} = {_value((point.value, point.flag))} {made.unit}, version {point.rev}")]
    if made.agrees:
        facts.append(("  check", "computed again from its inputs: the same"))
    else:
        now = "nothing" if made.now is None else _value(made.now)
        facts.append(("  check", f"by the registry as it is now it would be {now}: see `aryk rederive`"))
    facts += [("  before", f"version {old.rev}: {_value((old.value, old.flag))}") for old in made.earlier]
    return facts


def _value(value: "Value | None") -> str:
    if value is None:
        return "nothing near enough"
    number, flag = value
    said = "no value" if number is None else f"{number:.6g}"
    return f"{said} (flag {flag}, {FLAGS.get(flag, '?')})"

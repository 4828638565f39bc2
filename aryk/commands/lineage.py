"""`aryk lineage`: from what, and by which rating, derived values are made."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aryk.commands.derived_options import Series, Station, choose, derived_of
from aryk.commands.ingest_asking import said_ms, stop
from aryk.commands.store_options import Bucket, Org, State, Store, Token, TokenFile
from aryk.text import echo_facts

if TYPE_CHECKING:
    from hydrology.derived import Derivation, Value
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
    from ingest.lineage import records
    from ingest.lineage_show import explain
    from store.open import open_reader
    from store.points import StoreError
    from store.word import store_settings

    at_ms = None if at is None else said_ms(at, "--at")
    chosen = choose(derived_of(registry), station, series)
    where = store_settings(store, bucket=bucket, org=org, token=token, token_file=token_file)

    async def read() -> "list[tuple[Derivation, list[RecordPoint], Explained | None]]":
        async with open_reader(where, state) as reader:
            known = await records(reader)
            return [
                (
                    one,
                    known.get(one.id, []),
                    None if at_ms is None else await explain(reader, one, at_ms, known.get(one.id, [])),
                )
                for one in chosen
            ]

    try:
        found = asyncio.run(read())
    except StoreError as error:
        stop(str(error))
    for one, written, explained in found:
        _say(one, written)
        if explained is not None:
            _say_value(one, explained)
        elif at_ms is not None:
            echo_facts([("  value", f"none in the day before {_time(at_ms)}")])


def _say(one: "Derivation", written: "list[RecordPoint]") -> None:
    from hydrology.derived import digest

    typer.echo(f"{one.id} ({one.kind}, digest {digest(one)})")
    facts = [("  makes", f"{output.name.quantity} {output.name.reference}, {output.unit}") for output in one.outputs]
    facts += [("  from", f"{part.role}: {part.name.quantity} {part.name.reference}") for part in one.inputs]
    facts += [("  by", _method(row)) for row in one.methods.parameters()]
    facts += [("  record", _record(point)) for point in written] or [
        ("  record", "none yet: ingest writes it when it runs")
    ]
    echo_facts(facts)


def _method(row: dict[str, object]) -> str:
    span = "" if row["from"] is None else f", in force {row['from']} to {row['to'] or 'the next'}"
    return f"{row['title']}{span}"


def _record(point: "RecordPoint") -> str:
    from ingest.lineage import REDERIVE, read_body

    body = read_body(point)
    what = "in force"
    if body.get("why") == REDERIVE:
        what = f"derived anew {_time(int(body.get('from_ms', 0)))} to {_time(int(body.get('to_ms', 0)))}"
    return f"{_time(point.time_ms)} {what}, digest {body.get('digest')}, registry {body.get('registry')}"


def _say_value(one: "Derivation", explained: "Explained") -> None:
    facts = [("  at", _time(explained.time_ms))]
    facts += [("  input", f"{role}: {name} = {_value(value)}") for role, name, value in explained.inputs]
    facts += [("  method", explained.method), *(("  says", said) for said in explained.says)]
    for made in explained.made:
        facts += _made(made)
    if explained.record is not None:
        facts.append(("  made under", _record(explained.record)))
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


def _time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

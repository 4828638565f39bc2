"""`aryk rederive`: derived series anew from stored readings, after a rating with a past date."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from aryk.commands.derived_options import Series, Station, choose, derived_of
from aryk.commands.ingest_asking import said_ms, stop
from aryk.commands.store_options import Bucket, Org, State, Store, Token, TokenFile


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rederive", no_args_is_help=True)(rederive)


def rederive(
    station: Station,
    first: Annotated[
        str, typer.Option("--from", help="2026-04-01T00:00:00+05:00 (without an offset UTC), or 48h before now")
    ],
    registry: Annotated[Path, typer.Option("--registry", help="the registry's folder or file")],
    last: Annotated[str | None, typer.Option("--to", help="the first time that stays as it is; left out: now")] = None,
    series: Series = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would change")] = False,
    store: Store = None,
    bucket: Bucket = "aryk",
    org: Org = "aryk",
    token: Token = None,
    token_file: TokenFile = None,
    state: State = Path("state"),
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Derive a station's series anew from its stored readings, by the registry as it is now.

    Points that differ become new versions, the old ones stay readable in measurement `history`. Run again it changes nothing
    more. Ingest may run meanwhile. docs/derived.md

    \b
    aryk rederive --station canal-head --from 2026-04-01 --registry registry --dry-run
    aryk rederive --station canal-head --from 2026-04-01 --to 2026-07-01 --registry registry --store http://127.0.0.1:8086
    """
    import time
    from contextlib import AsyncExitStack

    from aryk.progress import progress
    from hydrology.load import registry_digest
    from ingest.rederive import Outcome, RefusedError
    from ingest.rederive import rederive as derive_anew
    from store.open import open_reader, open_writer
    from store.points import StoreError
    from store.word import store_settings

    now_ms = time.time_ns() // 1_000_000
    start_ms = said_ms(first, "--from")
    end_ms = now_ms if last is None else said_ms(last, "--to")
    if not start_ms < end_ms:
        stop("--from must be before --to", 2)
    chosen = choose(derived_of(registry), station, series)
    where = store_settings(store, bucket=bucket, org=org, token=token, token_file=token_file)

    async def work() -> Outcome:
        async with AsyncExitStack() as stack:
            reader = await stack.enter_async_context(open_reader(where, state))
            # A store that is not there must not be made by looking for it.
            await reader.records_of("lineage", now_ms, now_ms + 1)
            writer = None if dry_run else await stack.enter_async_context(open_writer(where, state))
            with progress(station, end_ms - start_ms) as move:
                return await derive_anew(
                    reader,
                    writer,
                    chosen,
                    start_ms,
                    end_ms,
                    registry=registry_digest(registry),
                    now_ms=now_ms,
                    progress=lambda time_ms: move(time_ms - start_ms),
                )

    try:
        outcome = asyncio.run(work())
    except (StoreError, RefusedError, OSError) as error:
        stop(f"{error}; what is done is done, run it again for the rest")
    rows = {name: [tally.made, tally.changed, tally.same] for name, tally in outcome.tallies.items()}
    if as_json:
        keys = ("made", "changed", "same")
        typer.echo(json.dumps({name: dict(zip(keys, row, strict=True)) for name, row in rows.items()}, indent=2))
        return
    for name, (made, changed, same) in rows.items():
        typer.echo(f"{name}: {changed} changed, {made} made, {same} as they were")
    if dry_run:
        typer.echo("nothing was written: --dry-run")

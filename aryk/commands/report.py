"""`aryk report`: the decade table that an irrigation office posts."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aryk.commands.store_options import Bucket, Org, State, Store, Token, TokenFile
from aryk.running import fail
from aryk.text import cannot
from settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboards.report.span import Span


NOTHING = 3
"""Exit code of a report that was written and has nothing measured in it."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    report = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    # With a callback a lone command keeps its name.
    report.callback()(lambda: None)
    report.command("decade")(decade)
    app.add_typer(report, name="report", help="What each water user was given, as an office posts it. docs/reports.md")


def decade(
    out: Annotated[Path, typer.Option("--out", "-o", help="the file to write: .html, .csv or .pdf")],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="report.toml")] = None,
    registry: Annotated[Path | None, typer.Option("--registry", help="the registry's folder or file")] = None,
    store: Store = None,
    bucket: Bucket = "aryk",
    org: Org = "aryk",
    token: Token = None,
    token_file: TokenFile = None,
    of: Annotated[
        str | None, typer.Option("--decade", help="YEAR-MONTH-1, -2 or -3; left out: the last whole one")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="first local day")] = None,
    last: Annotated[str | None, typer.Option("--to", help="last local day, still inside")] = None,
    season: Annotated[
        str | None, typer.Option("--season", help="2026: April to September; 2026-other: before it")
    ] = None,
    district: Annotated[str | None, typer.Option("--district", help="where the registry has more than one")] = None,
    office: Annotated[str | None, typer.Option("--office", help="the name above the table")] = None,
    language: Annotated[Literal["en", "ru", "kk"] | None, typer.Option("--language", "-l")] = None,
    decimal: Annotated[
        Literal["point", "comma"] | None, typer.Option("--decimal", help="else the language's own")
    ] = None,
    state: State = Path("state"),
) -> None:
    """Write the table of a decade: each user's limit, plan and volumes, the canal's losses, the reservoir.

    Exit code 3 when it is written and the store has no reading of the time.

    \b
    aryk report decade --registry registry --store state/store/points.sqlite --decade 2026-07-2 --out july-2.html
    aryk report decade --config report.toml --decade 2026-07-2 --language ru --out july-2.pdf
    aryk report decade --config report.toml --from 2026-07-01 --to 2026-07-31 --out july.csv
    aryk report decade --config report.toml --season 2026 --out season.html

    \b
    A report.toml needs one line, and may have more:
    registry = "registry"
    office = "Talas Irrigation District"
    language = "kk"
    [store]
    kind = "sqlite"
    """
    from datetime import UTC, datetime

    from dashboards.report.app import format_of, make
    from dashboards.report.flows import TooDenseError
    from dashboards.report.settings import ENV_PREFIX, ReportSettings
    from dashboards.report.span import SpanError
    from dashboards.report.table import ReportError
    from settings import load
    from store.points import StoreError
    from store.word import store_settings

    if (config is None) == (registry is None):
        raise typer.BadParameter(
            "give one of them: a report.toml, or the registry itself", param_hint="--config/--registry"
        )
    changes: dict[str, Any] = {"district": district, "office": office, "language": language}
    changes["decimal"] = {"point": ".", "comma": ","}[decimal] if decimal else None
    if store is not None:
        changes["store"] = store_settings(store, bucket=bucket, org=org, token=token, token_file=token_file)
    try:
        kind = format_of(out)
        span_of = _span(of, first, last, season)
        settings: ReportSettings
        if config is not None:
            settings = load(ReportSettings, config, env_prefix=ENV_PREFIX)
        else:
            assert registry is not None
            settings = ReportSettings(registry=registry)
        settings = settings.model_copy(update={key: value for key, value in changes.items() if value is not None})
        made = asyncio.run(make(settings, state, span_of, kind, datetime.now(UTC)))
    except SettingsError as error:
        fail(error)
    except (SpanError, ReportError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    except (StoreError, TooDenseError, OSError) as error:
        typer.echo(cannot(error) if isinstance(error, OSError) else str(error), err=True)
        raise typer.Exit(1) from None
    try:
        out.write_bytes(made.content)
    except OSError as error:
        typer.echo(cannot(error, out, "written"), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"written {out}")
    if made.silent:
        days = f"{made.span.first} to {made.span.last}"
        typer.echo(
            f"It is empty: the store has no reading of {days}. Is it the right store (--store, --state), and the right time?",
            err=True,
        )
        raise typer.Exit(NOTHING)


def _span(of: str | None, first: str | None, last: str | None, season: str | None) -> "Callable[[str], Span]":
    """What was asked for, once the district's zone is known. Raises SpanError."""
    from datetime import UTC, datetime

    from dashboards.report.span import SpanError, days_span, decade_span, last_whole_decade, season_span

    if (first is None) != (last is None):
        raise SpanError("give both --from and --to")
    if sum(one is not None for one in (of, first, season)) > 1:
        raise SpanError("give one of --decade, --from with --to, and --season")
    if of is not None:
        span = decade_span(of)
    elif season is not None:
        span = season_span(season)
    elif first is not None and last is not None:
        span = days_span(first, last)
    else:
        return lambda zone: last_whole_decade(datetime.now(UTC), zone)
    return lambda zone: span

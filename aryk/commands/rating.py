"""`aryk rating`: fit a rating to gaugings."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from aryk.running import fail
from aryk.text import echo_facts
from settings import SettingsError
from settings.errors import EXIT_CODE

if TYPE_CHECKING:
    from hydrology.fitting import Fit

WORST = 5
"""So many of the gaugings that lie furthest from the curve are named."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    rating = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    # With a callback a lone command keeps its name.
    rating.callback()(lambda: None)
    rating.command("fit", no_args_is_help=True)(fit)
    app.add_typer(rating, name="rating", help="Fit ratings to gaugings.")


def fit(
    gaugings: Annotated[
        Path,
        typer.Argument(
            metavar="GAUGINGS.CSV", help="columns stage (h, level, уровень) and flow (q, discharge, расход)"
        ),
    ],
    segments: Annotated[
        int | None, typer.Option("--segments", min=1, max=3, help="1 to 3; else as many as the gaugings ask for")
    ] = None,
    stage_unit: Annotated[
        str | None, typer.Option("--stage-unit", help="m, cm, mm, ft; else as the column's name says, else m")
    ] = None,
    flow_unit: Annotated[
        str | None, typer.Option("--flow-unit", help="m3/s, L/s, cfs; else as the column's name says, else m3/s")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="the rating's name")] = "",
    plot: Annotated[Path | None, typer.Option("--plot", help="write a picture: .png or .svg")] = None,
    toml: Annotated[bool, typer.Option("--toml", help="the table for the station's file, and nothing else")] = False,
    despite: Annotated[
        bool, typer.Option("--despite-warnings", help="--toml also where a test of the curve does not pass")
    ] = False,
    effective: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="the day it holds from; else today")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as one JSON document")] = False,
) -> None:
    """Fit Q = a (h - e)^b, in one to three segments, to gaugings: parameters, standard error, tests, picture.

    Needs the extra `fitting`: pip install 'aryk[fitting]'.

    \b
    aryk rating fit gaugings.csv
    aryk rating fit gaugings.csv --segments 2 --plot fit.png
    aryk rating fit gaugings.csv --stage-unit cm --flow-unit L/s --json
    aryk rating fit gaugings.csv --name 2026 --from 2026-04-01 --toml >> registry/stations/river-bridge.toml
    """
    from hydrology.calculator import ratings_of
    from hydrology.fit_choice import choose_fit, doubts, fit_document, fit_facts, fit_toml, residuals_pct
    from hydrology.fitting import FittingError, fit_rating
    from hydrology.gaugings_csv import read_gaugings
    from hydrology.load import read_spreadsheet
    from hydrology.units import UnitError

    if toml and as_json:
        _stop("give --toml or --json, one of them")
    if plot is not None and plot.suffix not in (".png", ".svg"):
        _stop(f"--plot: {plot.name} must end in .png or .svg")
    try:
        start = datetime.now(UTC).date() if effective is None else date.fromisoformat(effective)
    except ValueError:
        _stop(f"--from: {effective!r} is not a day such as 2026-04-01")
    try:
        data = read_gaugings(read_spreadsheet(gaugings), gaugings, stage_unit, flow_unit)
        if segments is None:
            choice = choose_fit(data.stages_m, data.flows_m3s, name)
            found, tried = choice.chosen, choice.fits
        else:
            found = fit_rating(data.stages_m, data.flows_m3s, segments, name)
            tried = (found,)
    except SettingsError as error:
        fail(error)
    except (FittingError, UnitError) as error:
        _stop(f"{gaugings}: {error}")
    except OverflowError:
        _stop(f"{gaugings}: a number is too large to calculate with: look at the units")
    except ImportError:
        _stop("fitting needs SciPy: pip install 'aryk[fitting]'", 1)
    if plot is not None:
        _draw(found, plot)
    if toml:
        typer.echo(f"{gaugings}: {data.columns_words}", err=True)
        against = "; ".join(doubts(found))
        if against and not despite:
            _stop(f"no rating is written, the fit is doubtful: {against}. Look at it, or add --despite-warnings", 1)
        if against:
            typer.echo(f"the fit is doubtful: {against}", err=True)
        text = fit_toml(found, start.isoformat())
        try:
            # What is written must load; without its header it is a rating of its own.
            ratings_of(text.removeprefix("[[ratings]]\n"), Path("the rating that comes out"))
        except SettingsError as error:
            _stop(f"no rating is written, no registry would take it:\n{error}", 1)
        typer.echo(text, nl=False)
        return
    if as_json:
        columns = {name: {"header": one.header, "unit": one.unit} for name, one in data.columns.items()}
        typer.echo(json.dumps(fit_document(found) | {"doubts": doubts(found), "columns": columns}))
        return
    if len(tried) > 1:
        errors = ", ".join(f"{len(one.rating.segments)}: {100 * one.standard_error_ln:.2f} %" for one in tried)
        echo_facts(
            [
                (
                    "segments",
                    f"{len(found.rating.segments)} of plausible exponents and least BIC (standard errors {errors})",
                )
            ]
        )
    echo_facts([("columns", data.columns_words), *fit_facts(found)])
    order = sorted(range(len(data.lines)), key=lambda at: (data.stages_m[at], data.flows_m3s[at]))
    off = sorted(zip(residuals_pct(found), order, strict=True), key=lambda one: -abs(one[0]))
    limit = 200 * found.standard_error_ln
    for percent, at in [one for one in off if abs(one[0]) > limit][:WORST]:
        where = f"line {data.lines[at]}: {data.stages_m[at]:g} m, {data.flows_m3s[at]:g} m3/s"
        echo_facts([("far off", f"{where}, {percent:+.1f} %")])
    if plot is not None:
        echo_facts([("picture", str(plot))])


def _draw(found: "Fit", file: Path) -> None:
    from hydrology.fit_plot import plot_fit

    try:
        file.write_bytes(plot_fit(found, "svg" if file.suffix == ".svg" else "png"))
    except ImportError:
        _stop("the picture needs matplotlib: pip install 'aryk[fitting]'", 1)
    except OSError as error:
        _stop(f"--plot: {file}: {error.strerror or error}", 1)


def _stop(words: str, code: int = EXIT_CODE) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(code)

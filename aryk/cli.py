"""The `aryk` command."""

import importlib
import os
import sys

import typer

from settings import SettingsError
from settings.errors import EXIT_CODE

_COMMANDS = (
    "demo",
    "gateway",
    "ingest",
    "simulate",
    "live",
    "doctor",
    "registry",
    "calc",
    "rating",
    "report",
    "warn",
    "rederive",
    "lineage",
)


def build(wanted: str | None = None) -> typer.Typer:
    """The command line: with one command, when it is one of ours (the others need not be loaded), else with all."""
    app = typer.Typer(
        name="aryk",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        rich_markup_mode=None,
        help="Open telemetry for irrigation canals and reservoirs. `aryk COMMAND --help` has examples.",
    )
    # With a callback a lone command keeps its name.
    app.callback()(lambda: None)
    for name in (wanted,) if wanted in _COMMANDS else _COMMANDS:
        importlib.import_module(f"aryk.commands.{name}").add_to(app)
    return app


def main() -> None:
    """Run the command line."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)(prog_name="aryk")
    except SettingsError as error:
        # Found only in use, such as a token's file that is not there: most commands have said theirs before.
        print(error, file=sys.stderr)
        sys.exit(EXIT_CODE)
    except BrokenPipeError:
        # Whoever read along (head, less) has had enough. Nothing more may be written, at the exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)

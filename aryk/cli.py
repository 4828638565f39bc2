"""The `aryk` command."""

import importlib

import typer

app = typer.Typer(
    name="aryk",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Open telemetry for irrigation canals and reservoirs. `aryk COMMAND --help` has examples.",
)

_COMMANDS = ("demo", "gateway", "ingest", "simulate", "live")


def _add_commands() -> None:
    for name in _COMMANDS:
        module = importlib.import_module(f"aryk.commands.{name}")
        module.add_to(app)


def main() -> None:
    """Run the command line."""
    _add_commands()
    app()

"""Plain text for the terminal: names and values in two columns."""

from collections.abc import Iterable

import typer


def echo_facts(facts: Iterable[tuple[str, str]], width: int = 12) -> None:
    """One fact a line; a long name pushes its value on."""
    for name, value in facts:
        typer.echo(f"{name:<{width}} {value}".rstrip())

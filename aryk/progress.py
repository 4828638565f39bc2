"""How far a long command is: a bar on a terminal, now and then a line where there is none (a log, a pipe)."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import typer

EVERY_S = 5.0
"""Between two lines of a log."""


@contextmanager
def progress(
    label: str, length: int, now_s: Callable[[], float] = monotonic, every_s: float = EVERY_S
) -> Iterator[Callable[[int], None]]:
    """Call what it gives with how far it is of `length`; standard error says so."""
    if sys.stderr.isatty():
        with typer.progressbar(length=length, label=label, file=sys.stderr) as bar:
            come = 0

            def move(to: int) -> None:
                nonlocal come
                bar.update(to - come)
                come = to

            yield move
        return
    said_s = now_s()

    def say(to: int) -> None:
        nonlocal said_s
        if now_s() - said_s >= every_s:
            said_s = now_s()
            typer.echo(f"{label}: {min(100 * to // max(length, 1), 100)} %", err=True)

    yield say

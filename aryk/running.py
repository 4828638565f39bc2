"""Runs a role until a signal: the first one asks it to stop, the second one cancels it."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

import typer

from settings import SettingsError
from settings.errors import EXIT_CODE

log = logging.getLogger("aryk")


def start_logging(*, verbose: bool = False) -> None:
    """One line an event to standard error, times in UTC."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)sZ %(levelname)-7s %(name)s: %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
        stream=sys.stderr,
    )
    logging.Formatter.converter = __import__("time").gmtime


def fail(error: SettingsError) -> NoReturn:
    """Say what is wrong with the configuration, one line a fault, and exit with 2."""
    typer.echo(str(error), err=True)
    raise typer.Exit(EXIT_CODE)


def make_state(folder: Path) -> None:
    """Make a role's state folder; say it in one sentence and exit with 2 when it cannot be used."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        usable = os.access(folder, os.W_OK | os.X_OK)
        why = "it cannot be written"
    except OSError as error:
        usable, why = False, error.strerror or str(error)
    if not usable:
        typer.echo(f"the state folder {folder} cannot be used ({why}): give another one with --state", err=True)
        raise typer.Exit(EXIT_CODE)


def run(role: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run this role to its end. It is given the event that a SIGTERM or SIGINT sets; exits 1 when it fails."""
    try:
        asyncio.run(_run(role))
    except asyncio.CancelledError:
        raise typer.Exit(1) from None


async def _run(role: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(role(stop))

    def on_signal() -> None:
        if stop.is_set():
            task.cancel()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    await task

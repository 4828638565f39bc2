"""What the sub-commands of `aryk ingest` share: options, times, and how they reach the running ingest or its spool."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from aryk.running import fail
from settings import SettingsError, parse_duration_s

Config = Annotated[Path, typer.Option("--config", help="ingest.toml")]
MOST_ID = 2**63 - 1
"""SQLite's largest whole number."""
State = Annotated[Path, typer.Option("--state", envvar="ARYK_STATE", help="state folder")]


def stop(message: str, code: int = 1) -> NoReturn:
    """Say why, and exit."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def said_ms(text: str, option: str) -> int:
    """A time that was typed, as milliseconds since 1970."""
    try:
        seconds = parse_duration_s(text)
        return round((datetime.now(UTC) - timedelta(seconds=seconds)).timestamp() * 1000)
    except OverflowError:
        stop(f"{option} {text!r} reaches back beyond the first year", 2)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        stop(f"{option} {text!r} is neither a duration such as 2h nor a time such as 2026-11-23T06:00", 2)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def ask_ingest(state: Path, what: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Ask the running ingest. Raises NobodyThereError when none runs."""
    from ingest.control import ControlError, NobodyThereError, ask
    from ingest.settings import spool_path

    path = spool_path(state)
    if not path.exists():
        stop(f"there is no spool at {path}: give ingest's state folder with --state")
    try:
        return ask(path, what, arguments)
    except NobodyThereError:
        raise
    except ControlError as error:
        stop(str(error))


def do(state: Path, config: Path, what: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Have the running ingest do it; do it here, under the spool's lock, when none runs."""
    import asyncio
    import time

    from hydrology.load import load_registry
    from ingest.alone import alone
    from ingest.control import ControlError, NobodyThereError
    from ingest.requests import Requests
    from ingest.settings import load_settings, spool_path

    try:
        return ask_ingest(state, what, arguments)
    except NobodyThereError:
        pass
    try:
        settings = load_settings(config)
        registry = load_registry(settings.registry)
    except SettingsError as error:
        fail(error)

    async def here() -> dict[str, Any]:
        async with alone(spool_path(state), settings, registry, lambda: time.time_ns() // 1_000_000) as caretaker:
            return await Requests(caretaker, None).answer(what, arguments)

    with spool_errors(state):
        try:
            return asyncio.run(here())
        except ControlError as error:
            stop(str(error))


@contextmanager
def spool_errors(state: Path) -> Iterator[None]:
    """Say what is wrong with the spool."""
    import sqlite3

    from ingest.settings import spool_path
    from ingest.spool import SpoolUnusableError

    path = spool_path(state)
    try:
        yield
    except FileNotFoundError:
        stop(f"there is no spool at {path}: give ingest's state folder with --state")
    except SpoolUnusableError as error:
        stop(f"{error}; it does not answer, or is only just starting: try again")
    except sqlite3.Error as error:
        stop(f"{path} cannot be read: {error}")

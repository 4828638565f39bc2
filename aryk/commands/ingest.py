"""`aryk ingest`: from the broker to the store, and what was refused on the way."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from aryk.running import fail, start_logging
from aryk.running import run as run_role
from settings import SettingsError, parse_duration_s

if TYPE_CHECKING:
    from ingest.letters import KeptLetter, Letters

Config = Annotated[Path, typer.Option("--config", help="ingest.toml")]
State = Annotated[Path, typer.Option("--state", envvar="ARYK_STATE", help="state folder")]

SHOWN_BYTES = 4_096


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    ingest = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    ingest.command("run")(run)
    ingest.command("check")(check)
    letters = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    letters.command("list")(list_letters)
    letters.command("show")(show_letter)
    ingest.add_typer(letters, name="dead-letters", help="What was refused, why, and its bytes.")
    app.add_typer(ingest, name="ingest", help="Take readings from the broker, keep them, and write them to the store.")


def run(
    config: Config = Path("ingest.toml"),
    state: State = Path("state"),
    verbose: Annotated[bool, typer.Option("--verbose", help="say more in the log")] = False,
) -> None:
    """Run ingest until SIGTERM or Ctrl-C.

    \b
    aryk ingest run --config ingest.toml --state /var/lib/aryk
    ARYK_INGEST__BROKER__PORT=1884 aryk ingest run
    """
    start_logging(verbose=verbose)
    from ingest.app import run as run_ingest
    from ingest.settings import load_settings
    from ingest.spool import SpoolUnusableError

    try:
        settings = load_settings(config)
        run_role(lambda stop: run_ingest(settings, state, stop))
    except SettingsError as error:
        fail(error)
    except SpoolUnusableError as error:
        _stop(str(error))


def check(config: Config = Path("ingest.toml")) -> None:
    """Read the configuration and the registry, and say what they mean. Exit 2 when something is wrong.

    \b
    aryk ingest check --config ingest.toml
    """
    from hydrology.load import load_registry
    from ingest.app import check_districts, part_of, read_secrets
    from ingest.settings import load_settings

    try:
        settings = load_settings(config)
        registry = load_registry(settings.registry)
        check_districts(settings, registry)
        read_secrets(settings)
    except SettingsError as error:
        fail(error)
    part = part_of(registry, settings.districts)
    sensors = sum(len(station.sensors) for station in part.stations)
    store = settings.store
    where = "the embedded store" if store.kind == "sqlite" else f"InfluxDB at {store.url}, bucket {store.bucket}"
    typer.echo(f"{config} is good.")
    typer.echo(f"broker     {settings.broker.host}:{settings.broker.port}{' with TLS' if settings.broker.tls else ''}")
    typer.echo(f"client id  {settings.id}")
    typer.echo(f"store      {where}")
    typer.echo(f"districts  {', '.join(settings.districts) or 'all of ' + ', '.join(sorted(registry.districts))}")
    typer.echo(f"registry   {len(part.gateways)} gateways, {len(part.stations)} stations, {sensors} sensors")


def list_letters(
    state: State = Path("state"),
    reason: Annotated[str | None, typer.Option("--reason", help="such as wrong_unit")] = None,
    gateway: Annotated[str | None, typer.Option("--gateway", help="a gateway's id")] = None,
    sensor: Annotated[str | None, typer.Option("--sensor", help="a sensor's id")] = None,
    since: Annotated[str | None, typer.Option("--since", help="2h, 7d, or a time such as 2026-11-23T06:00")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="the newest so many")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """List what was refused, the newest last. Works while ingest runs.

    \b
    aryk ingest dead-letters list --since 2h
    aryk ingest dead-letters list --reason unknown_sensor --gateway gw-017
    """
    from wire.reasons import Reason

    if reason is not None and reason not in {one.value for one in Reason}:
        _stop(f"there is no reason {reason!r}; there are {', '.join(one.value for one in Reason)}", 2)
    since_ms = None if since is None else _since_ms(since)
    with _letters(state) as letters:
        found = letters.find(reason=reason, gateway=gateway, sensor=sensor, since_ms=since_ms, most=most)
    if as_json:
        for letter in found:
            typer.echo(json.dumps(letter.document()))
        return
    if not found:
        typer.echo("No dead letters.")
        return
    rows = [("ID", "LAST REFUSED", "REASON", "GATEWAY", "SENSOR", "READINGS", "TIMES", "DETAIL")]
    rows += [
        (
            str(one.id),
            _time(one.last_ms),
            one.reason,
            one.gateway or "-",
            one.sensor or "-",
            str(one.readings),
            str(one.count),
            _plain(one.detail, 60),
        )
        for one in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show_letter(
    letter_id: Annotated[int, typer.Argument(metavar="ID", help="from `aryk ingest dead-letters list`")],
    state: State = Path("state"),
    whole: Annotated[bool, typer.Option("--all", help=f"all bytes, not only the first {SHOWN_BYTES}")] = False,
) -> None:
    """Show one dead letter: the reason in words, when and where it came, and its bytes. Works while ingest runs.

    \b
    aryk ingest dead-letters show 17
    """
    from ingest.letters import hex_dump, readable

    with _letters(state) as letters:
        found = letters.get(letter_id)
    if found is None:
        _stop(f"there is no dead letter {letter_id}")
    letter, payload = found
    for name, value in _facts(letter, payload):
        typer.echo(f"{name:<13}{value}")
    typer.echo("")
    most = len(payload) if whole else SHOWN_BYTES
    text = readable(payload)
    if text is None:
        typer.echo(hex_dump(payload, most))
    else:
        typer.echo(text[:most] + ("" if len(text) <= most else f"\n... {len(text) - most} characters more"))


def _facts(letter: "KeptLetter", payload: bytes) -> Iterator[tuple[str, str]]:
    from wire.names import epoch_text
    from wire.reasons import MEANING, Reason

    meaning = MEANING[Reason(letter.reason)] if letter.reason in {one.value for one in Reason} else "not known here"
    yield "reason", f"{letter.reason}: {meaning}"
    yield "detail", _plain(letter.detail, 500)
    yield "received", _time(letter.received_ms)
    if letter.count > 1:
        yield "again", f"{letter.count} times, last {_time(letter.last_ms)}"
    yield "topic", _plain(letter.topic, 300)
    yield "content type", _plain(letter.content_type or "none", 100)
    yield "gateway", letter.gateway or "not known"
    if letter.sensor:
        yield "sensor", letter.sensor
    if letter.epoch is not None:
        yield "identity", f"epoch {epoch_text(letter.epoch)}, numbers {letter.ranges}"
    yield "bytes", f"{len(payload)}, digest {letter.digest}"


@contextmanager
def _letters(state: Path) -> Iterator["Letters"]:
    import sqlite3

    from ingest.letters import open_letters
    from ingest.settings import spool_path

    path = spool_path(state)
    try:
        with open_letters(path) as letters:
            yield letters
    except FileNotFoundError:
        _stop(f"there is no spool at {path}: give ingest's state folder with --state")
    except sqlite3.Error as error:
        _stop(f"{path} cannot be read: {error}")


def _since_ms(text: str) -> int:
    try:
        seconds = parse_duration_s(text)
        return round((datetime.now(UTC) - timedelta(seconds=seconds)).timestamp() * 1000)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _stop(f"--since {text!r} is neither a duration such as 2h nor a time such as 2026-11-23T06:00", 2)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _plain(text: str, most: int) -> str:
    """Text from outside, without what a terminal would obey."""
    shown = "".join(one if one.isprintable() else "?" for one in text)
    return shown if len(shown) <= most else shown[: most - 3] + "..."


def _stop(message: str, code: int = 1) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)

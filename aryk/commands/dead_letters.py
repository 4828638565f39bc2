"""`aryk ingest dead-letters`: what was refused, why, and what to do with it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aryk.commands.ingest_asking import MOST_ID, Config, State, do, spool_errors, stop
from aryk.commands.letter_filter import filtered
from aryk.running import fail
from aryk.text import cannot
from settings import SettingsError

if TYPE_CHECKING:
    from ingest.letters import Filter, KeptLetter, Letters

SHOWN_BYTES = 4_096
SHOWN_LINES = 40

AsJson = Annotated[bool, typer.Option("--json", help="JSON, for scripts")]


def add_to(ingest: typer.Typer) -> None:
    """Add the sub-commands."""
    letters = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    letters.command("list")(list_letters)
    letters.command("show")(show_letter)
    letters.command("stats")(stats)
    letters.command("replay")(replay)
    letters.command("export")(export)
    letters.command("purge")(purge)
    ingest.add_typer(letters, name="dead-letters", help="What was refused, why, its bytes, and what to do with it.")


@filtered
def list_letters(
    which: "Filter",
    state: State = Path("state"),
    most: Annotated[int, typer.Option("--most", min=1, max=MOST_ID, help="the newest so many")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """List what was refused, the newest last. Works while ingest runs.

    \b
    aryk ingest dead-letters list --since 2h
    aryk ingest dead-letters list --reason unknown_sensor --gateway gw-017
    """
    with _letters(state) as letters:
        found, number = letters.find(which, most), letters.number(which)
    if as_json:
        for letter in found:
            typer.echo(json.dumps(letter.document()))
        return
    if not found:
        typer.echo(_none(which))
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
    _print_table(rows)
    if number > len(found):
        typer.echo(
            f"\nThe newest {len(found)} of {number}: --most {number} for all, or `stats` for their number by reason."
        )


def show_letter(
    letter_id: Annotated[int, typer.Argument(metavar="ID", max=MOST_ID, help="from `aryk ingest dead-letters list`")],
    state: State = Path("state"),
    whole: Annotated[bool, typer.Option("--all", help=f"all bytes, not only the first {SHOWN_BYTES}")] = False,
) -> None:
    """Show one dead letter: the reason in words, when and where it came, and its bytes; the readings too where
    they can be read. Works while ingest runs.

    \b
    aryk ingest dead-letters show 17
    """
    from ingest.letter_contents import contents
    from ingest.letters import hex_dump, readable

    with _letters(state) as letters:
        found = letters.get(letter_id)
    if found is None:
        stop(f"there is no dead letter {letter_id}")
    letter, payload = found
    for name, value in _facts(letter, payload):
        typer.echo(f"{name:<13}{value}")
    said = contents(letter, payload)
    if said:
        typer.echo("\nThe readings that it is about:")
        _print_table(said if whole else said[: SHOWN_LINES + 1])
        if not whole and len(said) > SHOWN_LINES + 1:
            typer.echo(f"... {len(said) - SHOWN_LINES - 1} more, with --all")
    typer.echo("")
    most = len(payload) if whole else SHOWN_BYTES
    text = readable(payload)
    if text is None:
        typer.echo(hex_dump(payload, most))
    else:
        typer.echo(text[:most] + ("" if len(text) <= most else f"\n... {len(text) - most} characters more"))


@filtered
def stats(
    which: "Filter",
    state: State = Path("state"),
    as_json: AsJson = False,
) -> None:
    """Count the letters by reason and gateway, the most first, and show the last replays. Works while ingest runs.

    \b
    aryk ingest dead-letters stats
    aryk ingest dead-letters stats --since 7d --json
    """
    with _letters(state) as letters:
        found = letters.stats(which)
        marks = letters.replayed(10)
    if as_json:
        document = {
            "letters": [{name: getattr(one, name) for name in one.__slots__} for one in found],
            "replayed": [one._asdict() for one in marks],
        }
        typer.echo(json.dumps(document))
        return
    rows = [("REASON", "GATEWAY", "LETTERS", "READINGS", "BYTES", "FIRST", "LAST REFUSED", "REPLAYED IN VAIN")]
    rows += [
        (
            one.reason,
            one.gateway or "-",
            str(one.letters),
            str(one.readings),
            str(one.bytes),
            _time(one.first_ms),
            _time(one.last_ms),
            str(one.replayed),
        )
        for one in found
    ]
    if found:
        _print_table(rows[: SHOWN_LINES + 1])
        rest = found[SHOWN_LINES:]
        if rest:
            typer.echo(f"... and {sum(one.letters for one in rest)} letters in {len(rest)} more lines; --json has all")
    else:
        typer.echo(_none(which))
    if marks:
        typer.echo("\nThe last letters that were replayed:")
        for mark in marks:
            typer.echo(
                f"{_time(mark.replayed_ms)}  letter {mark.letter} ({mark.reason}, {mark.gateway or '-'}):"
                f" {mark.stored} to the store, {mark.repeated} repeated, {mark.refused} refused again"
            )


@filtered
def replay(
    which: "Filter",
    config: Config = Path("ingest.toml"),
    state: State = Path("state"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would happen")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge letters again, by the registry and limits in force now, and store what is good. Works while ingest runs.

    Do it after a station was registered, a unit or a limit was put right. Letters that are refused again stay, with the reason
    that holds now. It may be done twice: what was stored is no letter any more.

    \b
    aryk ingest dead-letters replay --dry-run --reason unknown_sensor
    aryk ingest dead-letters replay --reason unknown_sensor --gateway gw-017
    """
    # A letter that kills whoever decodes it kills this process, and not ingest: so it is always tried here first.
    would = _try(config, state, which)
    answer = would
    if not dry_run:
        from ingest.requests import filter_document

        answer = do(state, config, "replay", {"filter": filter_document(which)})
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, **answer}))
        return
    if not answer["letters"]:
        typer.echo("No dead letters fit.")
        return
    verbs = ("would go", "would be", "would be") if dry_run else ("went", "were", "were")
    typer.echo(f"{answer['letters']} letters: {answer['stored']} readings {verbs[0]} to the store.")
    if answer["repeated"]:
        typer.echo(f"{answer['repeated']} {verbs[1]} repeated: they came by another way.")
    for why, number in answer["refused"].items():
        typer.echo(f"{number} {verbs[2]} refused again: {why}, {_meaning(why)}.")


def _try(config: Path, state: Path, which: "Filter") -> dict[str, Any]:
    """What a replay would do, without doing it."""
    import time

    from hydrology.load import load_registry
    from ingest.alone import make_intake
    from ingest.holding import SpoolReader
    from ingest.intake import Group
    from ingest.replay import Tally
    from ingest.replay import replay as judge
    from ingest.settings import load_settings, spool_path

    try:
        settings = load_settings(config)
        registry = load_registry(settings.registry)
    except SettingsError as error:
        fail(error)
    tally, after, now_ms = Tally(), 0, time.time_ns() // 1_000_000
    with _letters(state) as letters:
        reader = SpoolReader(spool_path(state))
        intake = make_intake(settings, registry, reader.holding(), 1)
        reader.close()
        while step := letters.after(after, which, 200, 1 << 20):
            after = step[-1][0].id
            tally.add(judge(step, intake, Group(), now_ms))
    return tally.document()


@filtered
def export(
    which: "Filter",
    to: Annotated[Path, typer.Option("--to", help="a new file; its name should end in .jsonl.gz")],
    state: State = Path("state"),
) -> None:
    """Write letters with their bytes to a compressed file of JSON lines; they stay where they are. Works while ingest runs.

    `aryk ingest import FILE` reads it again, here or elsewhere.

    \b
    aryk ingest dead-letters export --to letters.jsonl.gz
    aryk ingest dead-letters export --reason bad_cbor --since 7d --to for-the-maker.jsonl.gz
    """
    import time

    from ingest.exports import write_export

    if to.exists():
        stop(f"{to} is there already: give another name")
    with _letters(state) as letters:
        if not letters.number(which):
            stop(f"{_none(which)} No file was written.")

        def each() -> "Iterator[tuple[KeptLetter, bytes]]":
            after = 0
            while step := letters.after(after, which, 500, 1 << 20):
                after = step[-1][0].id
                yield from step

        try:
            number = write_export(to, each(), time.time_ns() // 1_000_000)
        except OSError as error:
            stop(cannot(error, to, "written"))
    typer.echo(f"{number} letters are in {to}.")


@filtered
def purge(
    which: "Filter",
    config: Config = Path("ingest.toml"),
    state: State = Path("state"),
    yes: Annotated[bool, typer.Option("--yes", help="do it")] = False,
) -> None:
    """Take letters away, after they were exported to files in the state folder. Works while ingest runs.

    The files are in ingest/dead-letters of the state folder; `aryk ingest import FILE` brings them back.
    Nobody deletes them but you.

    \b
    aryk ingest dead-letters purge --reason bad_json --until 30d --yes
    """
    from ingest.requests import filter_document

    if not yes:
        with _letters(state) as letters:
            number = sum(one.letters for one in letters.stats(which))
        stop(f"{number} letters would be exported and taken away: say --yes to do it", 2)
    answer = do(state, config, "purge", {"filter": filter_document(which)})
    if not answer["letters"]:
        typer.echo("No dead letters fit.")
        return
    typer.echo(f"{answer['letters']} letters were taken away. They are in")
    for file in answer["files"]:
        typer.echo(f"  {file}")


def _facts(letter: "KeptLetter", payload: bytes) -> Iterator[tuple[str, str]]:
    from wire.names import epoch_text

    yield "reason", f"{letter.reason}: {_meaning(letter.reason)}"
    yield "detail", _plain(letter.detail, 500)
    yield "received", _time(letter.received_ms)
    if letter.count > 1:
        yield "again", f"{letter.count} times, last {_time(letter.last_ms)}"
    if letter.replays:
        yield "replayed", f"{letter.replays} times in vain, last {_time(letter.replayed_ms or 0)}"
    yield "topic", _plain(letter.topic, 300)
    yield "content type", _plain(letter.content_type or "none", 100)
    yield "gateway", letter.gateway or "not known"
    if letter.sensor:
        yield "sensor", letter.sensor
    if letter.epoch is not None:
        yield "identity", f"epoch {epoch_text(letter.epoch)}, numbers {letter.ranges}"
    yield "bytes", f"{len(payload)}, digest {letter.digest}"


def _none(which: "Filter") -> str:
    from ingest.letters import ALL

    return "No dead letters." if which == ALL else "No dead letters fit."


def _meaning(reason: str) -> str:
    from wire.reasons import MEANING, Reason

    return MEANING[Reason(reason)] if reason in {one.value for one in Reason} else "not known here"


@contextmanager
def _letters(state: Path) -> Iterator["Letters"]:
    from ingest.letters import open_letters
    from ingest.settings import spool_path

    with spool_errors(state), open_letters(spool_path(state)) as letters:
        yield letters


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _plain(text: str, most: int) -> str:
    """Text from outside, without what a terminal would obey."""
    shown = "".join(one if one.isprintable() else "?" for one in text)
    return shown if len(shown) <= most else shown[: most - 3] + "..."

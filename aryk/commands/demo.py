"""`aryk demo`: everything on this machine, from sensor to page."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="of the page; when busy, the next one")] = 8080,
    for_: Annotated[str | None, typer.Option("--for", help='stop after this time: "20s", "5min"')] = None,
    check: Annotated[
        bool, typer.Option("--check", help="at the end, compare what left the sensors with what is stored")
    ] = False,
    state: Annotated[
        Path | None, typer.Option("--state", help="an empty folder to keep; else a temporary one, removed at the end")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="the same seed gives the same water")] = 1,
) -> None:
    """Bring up the whole of Aryk: broker, simulated river, reservoir and canal, gateways, ingest, store, live page.

    \b
    aryk demo
    aryk demo --port 9000
    aryk demo --for 20s --check     prints "scanned N, stored N, lost 0, doubled 0", or exits with 1
    """
    from aryk.demo import run
    from aryk.processes import ChildFailedError
    from settings import SettingsError
    from settings.load import parse_duration_s

    def say(text: str) -> None:
        typer.echo(text)
        sys.stdout.flush()

    try:
        for_s = None if for_ is None else float(parse_duration_s(for_))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    if check and for_s is None:
        raise typer.BadParameter("say how long: --for 20s --check", param_hint="--check")
    if state is not None and state.exists() and any(state.iterdir()):
        raise typer.BadParameter(f"{state} is not empty", param_hint="--state")
    with tempfile.TemporaryDirectory(prefix="aryk-demo-", ignore_cleanup_errors=True) as temporary:
        folder = state or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            good = run(folder.absolute(), port, for_s=for_s, check=check, seed=seed, say=say)
        except (ChildFailedError, SettingsError, OSError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
    if not good:
        raise typer.Exit(1)

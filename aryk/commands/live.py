"""`aryk live`: the web page over a store."""

from pathlib import Path
from typing import Annotated

import typer

from aryk.running import fail, start_logging
from aryk.running import run as run_role
from settings import SettingsError, load


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("live")(live)


def live(
    config: Annotated[Path, typer.Option("--config", "-c", help="live.toml")] = Path("live.toml"),
    state: Annotated[
        Path, typer.Option("--state", envvar="ARYK_STATE", help="state folder, where the embedded store is")
    ] = Path("state"),
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="instead of the file's; 0: any free one")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="log more")] = False,
) -> None:
    """Serve the live web page: every station's last value, age and state, and charts.

    \b
    aryk live --config live.toml
    aryk live --config live.toml --state /var/lib/aryk --port 8090

    \b
    A live.toml needs one line, and may have more:
    registry = "registry.toml"
    port = 8080
    [store]
    kind = "sqlite"
    """
    from dashboards.live import app as role
    from dashboards.live.listen import ListenError
    from dashboards.live.settings import ENV_PREFIX, LiveSettings

    start_logging(verbose=verbose)
    try:
        settings = load(LiveSettings, config, env_prefix=ENV_PREFIX)
        if port is not None:
            settings = settings.model_copy(update={"port": port})
        run_role(lambda stop: role.run(settings, state, stop))
    except SettingsError as error:
        fail(error)
    except ListenError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None

"""`aryk doctor`: what would fail or lose data, in plain words."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from settings import SettingsError, parse_duration_s

if TYPE_CHECKING:
    from doctor.checks import Check

State = Annotated[Path, typer.Option("--state", envvar="ARYK_STATE", help="state folder")]
Json = Annotated[bool, typer.Option("--json", help="for programs")]
BrokerConf = Annotated[
    Path | None, typer.Option("--broker-conf", help="the broker's mosquitto.conf, to be judged too", metavar="FILE")
]
Outage = Annotated[str, typer.Option("--outage", help="the longest outage that the broker's queue should bear")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    doctor = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    doctor.command("gateway")(gateway)
    doctor.command("ingest")(ingest)
    app.add_typer(doctor, name="doctor", help="Check all that a gateway or ingest needs, and say what to mend.")


def gateway(
    config: Annotated[Path, typer.Option("--config", help="the gateway's TOML file")] = Path("gateway.toml"),
    state: State = Path("state"),
    broker_conf: BrokerConf = None,
    outage: Outage = "1d",
    as_json: Json = False,
) -> None:
    """Check a gateway: ports, devices, log, disk, broker, and the centre end to end.

    Exits 0 when all is good, 1 when something would fail or lose data, 2 when the configuration is wrong. The gateway may run
    meanwhile; it is not disturbed.

    \b
    aryk doctor gateway --config gateway.toml --state /var/lib/aryk
    aryk doctor gateway --json | jq '.checks[] | select(.level != "ok")'
    """

    def examine() -> "list[Check]":
        from doctor.checks import Name, ok
        from gateway.doctor.examine import examine as examine_gateway
        from gateway.settings import load_settings
        from settings.files import check_readable

        settings = load_settings(config)
        check_readable(broker__password_file=settings.broker.password_file)
        conf, outage_s = _conf(broker_conf), _outage_s(outage)
        says = f"{config} is good: gateway {settings.id} of district {settings.district}."
        return [ok(Name.CONFIGURATION, says), *examine_gateway(settings, state, conf, outage_s)]

    _finish("gateway", examine, as_json)


def ingest(
    config: Annotated[Path, typer.Option("--config", help="ingest.toml")] = Path("ingest.toml"),
    state: State = Path("state"),
    broker_conf: BrokerConf = None,
    outage: Outage = "1d",
    as_json: Json = False,
) -> None:
    """Check ingest: broker, spool, dead letters, disk, and the store by writing a point.

    Exits 0 when all is good, 1 when something would fail or lose data, 2 when the configuration is wrong. Ingest may run
    meanwhile; it is not disturbed.

    \b
    aryk doctor ingest --config ingest.toml --state /var/lib/aryk
    aryk doctor ingest --broker-conf /etc/mosquitto/mosquitto.conf --outage 2d
    """

    def examine() -> "list[Check]":
        from doctor.checks import Name, ok
        from hydrology.load import load_registry
        from ingest.app import check_districts, read_secrets
        from ingest.doctor.examine import examine as examine_ingest
        from ingest.settings import load_settings

        settings = load_settings(config)
        registry = load_registry(settings.registry)
        check_districts(settings, registry)
        read_secrets(settings)
        conf, outage_s = _conf(broker_conf), _outage_s(outage)
        says = f"{config} is good: client id {settings.id}."
        return [
            ok(Name.CONFIGURATION, says),
            *asyncio.run(examine_ingest(settings, registry, state, conf, outage_s)),
        ]

    _finish("ingest", examine, as_json)


def _conf(path: Path | None) -> dict[str, str] | None:
    from doctor.mosquitto_conf import read
    from settings.errors import Fault

    if path is None:
        return None
    try:
        return read(path)
    except OSError as error:
        raise SettingsError(path, [Fault(None, "", f"cannot be read: {error.strerror or error}")]) from error


def _outage_s(text: str) -> float:
    from settings.errors import Fault

    try:
        return float(parse_duration_s(text))
    except ValueError as error:
        raise SettingsError("--outage", [Fault(None, "", str(error))]) from error


def _finish(side: str, examine: "Callable[[], list[Check]]", as_json: bool) -> NoReturn:
    from doctor.checks import Name, document, exit_code, fail, lines

    try:
        checks = examine()
    except SettingsError as error:
        checks = [fail(Name.CONFIGURATION, str(error), "mend this first; nothing else was checked")]
    typer.echo(json.dumps(document(side, checks), indent=2) if as_json else "\n".join(lines(checks)))
    raise typer.Exit(int(exit_code(checks)))

"""`aryk gateway`: the field agent, and looking at what it reads and keeps."""

import asyncio
import csv
import inspect
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, NoReturn

import typer

from aryk.running import fail, make_state, start_logging
from aryk.running import run as run_role
from settings import SettingsError

if TYPE_CHECKING:
    from gateway.log.inspect import Inspector
    from gateway.log.rows import Row
    from gateway.settings import GatewaySettings

Config = Annotated[Path, typer.Option("--config", help="the gateway's TOML file")]
State = Annotated[Path, typer.Option("--state", envvar="ARYK_STATE", help="state folder")]
Json = Annotated[bool, typer.Option("--json", help="for programs")]

FOLLOW_EVERY_S = 0.5
CSV_COLUMNS = (
    *("epoch", "seq", "time", "ms", "logged_ms", "sensor", "quantity", "unit", "value", "flag", "raw"),
    *("kind", "body", "delivery"),
)

EXAMPLE = """\
id = "gw-canal-7"
district = "sary-su"

[broker]
host = "10.0.0.1"

[[devices]]
id = "gauge"
protocol = "modbus-tcp"
host = "192.168.1.20"
unit_id = 1
interval = "15min"

[[devices.sensors]]
id = "canal-7-level"
quantity = "level"
register = 0
table = "input"
type = "float32"
valid = [0, 4.5]

[[devices]]
id = "battery"
protocol = "modbus-rtu"
port = "/dev/serial/by-id/usb-FTDI_1234-if00-port0"
baudrate = 9600
unit_id = 3
interval = "15min"

[[devices.sensors]]
id = "battery"
quantity = "battery_voltage"
register = 12
type = "uint16"
scale = 0.01
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    gateway = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    gateway.command("run")(run)
    gateway.command("check", help=f"{inspect.getdoc(check)}\n\nA small configuration:\n\n\b\n{_paragraphs(EXAMPLE)}")(
        check
    )
    gateway.command("read")(read)
    gateway.command("log")(log)
    app.add_typer(gateway, name="gateway", help="The field agent: polls sensors, logs on disk, sends until receipted.")


def run(
    config: Config = Path("gateway.toml"),
    state: State = Path("state"),
    verbose: Annotated[bool, typer.Option("--verbose", help="say more")] = False,
) -> None:
    """Poll the sensors, log every reading, and send the log to the centre. Ctrl-C or SIGTERM stops.

    \b
    aryk gateway run --config gateway.toml --state /var/lib/aryk
    ARYK_GATEWAY__BROKER__HOST=10.0.0.1 aryk gateway run
    """
    from gateway.app import run as run_gateway
    from gateway.log import LogError

    start_logging(verbose=verbose)
    settings = _settings(config)
    make_state(state / "gateway")
    try:
        run_role(lambda stop: run_gateway(settings, state, stop))
    except (LogError, OSError) as error:
        _fail(error)


def check(config: Config = Path("gateway.toml"), as_json: Json = False) -> None:
    """Check the configuration and show what would be polled. Nothing is connected.

    \b
    aryk gateway check --config gateway.toml
    """
    from gateway.blocks import plan_blocks

    settings = _settings(config)
    devices = [
        (device, plan_blocks(device.sensors, device.max_gap, device.max_registers)) for device in settings.devices
    ]
    if as_json:
        document = {
            "id": settings.id,
            "district": settings.district,
            "config": settings.config_hash,
            "devices": [
                {
                    "id": device.id,
                    "line": device.link,
                    "unit_id": device.unit_id,
                    "interval_s": device.interval,
                    "blocks": [
                        {
                            "table": block.table.value,
                            "start": block.start,
                            "count": block.count,
                            "sensors": [sensor.id for sensor in block.sensors],
                        }
                        for block in blocks
                    ],
                }
                for device, blocks in devices
            ],
        }
        typer.echo(json.dumps(document, indent=2))
        return
    broker = settings.broker
    typer.echo(f"{config}: gateway {settings.id} of district {settings.district}, configuration {settings.config_hash}")
    typer.echo(f"sends to {broker.host}:{broker.port} as {settings.codec.value}")
    for device, blocks in devices:
        typer.echo(f"\n{device.id}: unit {device.unit_id} at {device.link}, every {_duration(device.interval)}")
        for block in blocks:
            last = block.start + block.count - 1
            typer.echo(f"  {block.table.value} {block.start} to {last}, one request of {block.count} registers")
            for sensor in block.sensors:
                where = f"{sensor.register_}: {sensor.type.value} {sensor.word_order.value}"
                scaled = "" if sensor.scale == 1 and sensor.offset == 0 else f" x {sensor.scale:g} + {sensor.offset:g}"
                held = sensor.calibration
                calibrated = "" if held is None else f", calibrated x {held.scale:g} {held.offset:+g}"
                typer.echo(
                    f"    {sensor.id:<24} {sensor.quantity} in {sensor.unit}, register {where}{scaled}{calibrated}"
                )
    for warning in _warnings(settings):
        typer.echo(f"\nwarning: {warning}", err=True)


def read(config: Config = Path("gateway.toml"), as_json: Json = False) -> None:
    """Read every sensor once and print it. Nothing is logged and nothing is sent.

    Exits 1 when a sensor could not be read. Stop a running gateway first: a serial port has one reader.

    \b
    aryk gateway read --config gateway.toml
    aryk gateway read --json | jq '.[] | select(.flag != 1)'
    """
    from gateway.one_scan import read_all

    settings = _settings(config)
    shown = asyncio.run(read_all(settings))
    if as_json:
        document = [
            {
                "device": one.device,
                "sensor": one.reading.sensor,
                "quantity": one.reading.quantity,
                "registers": one.words,
                "value": one.reading.value,
                "unit": one.reading.unit,
                "flag": one.reading.flag,
                "latency_ms": round(one.latency_ms, 1),
                "why": one.reading.why,
            }
            for one in shown
        ]
        typer.echo(json.dumps(document, indent=2))
    else:
        rows = [
            (
                one.reading.sensor,
                " ".join(f"{word:04x}" for word in one.words) if one.words else "-",
                _number(one.reading.value),
                one.reading.unit,
                str(one.reading.flag),
                f"{one.latency_ms:.0f} ms" if one.words else "-",
                one.reading.why,
            )
            for one in shown
        ]
        _table(("SENSOR", "REGISTERS", "VALUE", "UNIT", "FLAG", "LATENCY", ""), rows)
    if any(one.words is None for one in shown):
        raise typer.Exit(1)


def log(
    config: Config = Path("gateway.toml"),
    state: State = Path("state"),
    as_json: Json = False,
    follow: Annotated[bool, typer.Option("--follow", help="print new entries as they come")] = False,
    export: Annotated[
        Path | None, typer.Option("--csv", help="write all of the log to this file; - is the screen")
    ] = None,
) -> None:
    """Show what the log holds and what of it the centre has receipted. The gateway may run meanwhile.

    \b
    aryk gateway log --config gateway.toml --state /var/lib/aryk
    aryk gateway log --follow
    aryk gateway log --csv /media/usb/log.csv
    """
    from gateway.log.file import log_path
    from gateway.log.inspect import InspectError, inspect_log

    settings = _settings(config)
    path = log_path(state, settings.id)
    try:
        with inspect_log(path) as inspector:
            if export is not None:
                _export(inspector, export)
            elif follow:
                _follow(inspector, as_json)
            elif as_json:
                typer.echo(json.dumps(_log_document(path, inspector), indent=2))
            else:
                _show_log(path, inspector)
    except (InspectError, OSError) as error:
        _fail(error)


def _settings(config: Path) -> "GatewaySettings":
    from gateway.settings import load_settings

    try:
        return load_settings(config)
    except SettingsError as error:
        fail(error)


def _fail(error: Exception) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(1)


def _warnings(settings: "GatewaySettings") -> list[str]:
    warnings = []
    lines: dict[str, float] = {}
    for device in settings.devices:
        if device.timeout * (1 + device.retries) > device.interval:
            warnings.append(f"{device.id}: while it does not answer, its tries take longer than its interval")
        lines[device.link] = lines.get(device.link, 0.0) + device.timeout / device.interval
    for line, share in lines.items():
        if share > 1:
            warnings.append(f"{line}: if every answer took its whole timeout, there would be no time for all scans")
    return warnings


def _log_document(path: Path, inspector: "Inspector") -> dict[str, object]:
    return {
        "path": str(path),
        "epochs": [
            {
                "epoch": f"{one.epoch:012x}",
                "opened": _time(one.opened_ms),
                "first": one.first,
                "last": one.last,
                "kept": one.kept,
                "receipted": one.receipted,
                "unreceipted": one.unsettled,
            }
            for one in inspector.epochs()
        ],
        "held": inspector.held(),
        "latest": [_entry_document(row) for row in inspector.latest()],
    }


def _entry_document(row: "Row") -> dict[str, object]:
    entry: dict[str, object] = {"seq": row.seq, "time": _time(row.ms)}
    if row.sensor is None:
        return entry | {"kind": row.kind, "body": row.body}
    return entry | {
        "sensor": row.sensor,
        "quantity": row.quantity,
        "value": row.value,
        "unit": row.unit,
        "flag": row.flag,
        "raw": row.raw,
    }


def _show_log(path: Path, inspector: "Inspector") -> None:
    typer.echo(f"{path}\n")
    epochs = [
        (
            f"{one.epoch:012x}",
            _time(one.opened_ms),
            f"{one.first} to {one.last}" if one.kept else "empty",
            str(one.kept),
            str(one.receipted),
            str(one.unsettled),
        )
        for one in inspector.epochs()
    ]
    _table(("EPOCH", "OPENED", "NUMBERS", "KEPT", "RECEIPTED", "WAITING"), epochs)
    held = inspector.held()
    if held:
        typer.echo(f"\n{held} entries are held until the centre has told the time.")
    typer.echo("")
    latest = [
        (row.sensor or "", _time(row.ms), _number(row.value), row.unit, str(row.flag), str(row.seq))
        for row in inspector.latest()
    ]
    _table(("SENSOR", "LAST READING", "VALUE", "UNIT", "FLAG", "NUMBER"), latest)


def _follow(inspector: "Inspector", as_json: bool) -> None:
    seq = inspector.newest()
    try:
        while True:
            for row in inspector.rows_after(seq):
                seq = row.seq
                if as_json:
                    typer.echo(json.dumps(_entry_document(row)))
                elif row.sensor is None:
                    typer.echo(f"{row.seq:>9}  {_time(row.ms)}  {row.kind:<24} {json.dumps(row.body)}")
                else:
                    value = f"{_number(row.value)} {row.unit}"
                    typer.echo(f"{row.seq:>9}  {_time(row.ms)}  {row.sensor:<24} {value:<20} flag {row.flag}")
            sys.stdout.flush()
            time.sleep(FOLLOW_EVERY_S)
    except KeyboardInterrupt:
        return


def _export(inspector: "Inspector", target: Path) -> None:
    if str(target) == "-":
        _write_csv(inspector, sys.stdout)
        return
    with target.open("w", newline="", encoding="utf-8") as file:
        count = _write_csv(inspector, file)
    typer.echo(f"{count} entries written to {target}")


def _write_csv(inspector: "Inspector", file: IO[str]) -> int:
    writer = csv.writer(file)
    writer.writerow(CSV_COLUMNS)
    count = 0
    for epoch, logged_ms, row, delivery in inspector.export():
        body = "" if row.body is None else json.dumps(row.body)
        reading = (row.sensor or "", row.quantity, row.unit, "" if row.value is None else repr(row.value))
        flags = (row.flag or "", "" if row.raw is None else repr(row.raw))
        writer.writerow(
            (f"{epoch:012x}", row.seq, _time(row.ms), row.ms, logged_ms, *reading, *flags, row.kind, body, delivery)
        )
        count += 1
    return count


def _paragraphs(text: str) -> str:
    """Text that the help prints line by line: each paragraph is marked so."""
    return text.strip().replace("\n\n", "\n\n\b\n")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    for row in [head, *rows]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.10g}"


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"

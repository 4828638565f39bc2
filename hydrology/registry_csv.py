"""Start a registry from a spreadsheet: one row a sensor, the station's own columns on its first row. Nothing is overwritten."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hydrology.load import STATIONS, merge
from hydrology.registry.stations import District, Gateway, Station
from hydrology.registry.whole import Parts
from hydrology.spreadsheet import Row, header_words, number, read_rows, unit_words
from hydrology.spreadsheet_words import COLUMNS_RU, plain_value
from hydrology.units import UNITS, UnitError, convert, spoken
from settings import SettingsError
from settings.errors import Fault
from settings.faults import NOT_AN_ID
from wire.quantities import QUANTITIES

_TEXT = ("name", "district", "kind", "river_or_canal", "note")
_NUMBERS = ("km", "latitude", "longitude")
_DATUM = {"gauge_zero_m": "zero_m", "height_system": "system"}
_PLAIN = {"missing": "this cell is needed", "string_pattern_mismatch": NOT_AN_ID}
"""What pydantic's own words do not say plainly; ids are the only patterns here."""
_SENSOR_TEXT = ("gateway", "quantity", "interval", "title")
_THRESHOLDS = ("low", "action", "minor", "moderate", "major", "adverse", "dangerous")

COLUMNS: dict[str, str] = {
    "station": "the station's id; rows of one station follow each other or not",
    "name": "the station's name",
    "district": "the district's id",
    "kind": "canal_gauge (if blank), river_gauge, reservoir, well, hydropower, rain",
    "river_or_canal": "the water's name",
    "km": "distance along the canal or river, km",
    "latitude": "degrees north, WGS 84",
    "longitude": "degrees east, WGS 84",
    "gauge_zero_m": "gauge zero in the height system, m",
    "height_system": 'its name, such as "Baltic 1977"',
    "note": "anything",
    "sensor": "the sensor's id, unique in its gateway; blank for a station without sensors",
    "gateway": "the gateway that reads it",
    "quantity": "level, discharge, gate_opening, ... ; its unit follows from it",
    "interval": "expected time between readings: 15min (if blank), 1h, 30s",
    "title": "the sensor's title on pages",
    "decimals": "decimals shown, 2 if blank",
    "span_low": "the sensor's span, in its unit",
    "span_high": "both ends or neither",
    "resolution": "the sensor's smallest step",
    **{name: f"threshold {name}, in the sensor's unit" for name in _THRESHOLDS},
}
"""The columns; `station` is required, and on a station's first row `name` and `district`."""
_NAMES = {name: COLUMNS_RU.get(name, ()) for name in COLUMNS}
_UNIT_OF = {"gauge_zero_m": "m", "km": "km"}
"""The registry's unit of a station's own numbers; a sensor's are in the sensor's unit."""

TEMPLATE = (
    "station,name,district,kind,river_or_canal,latitude,longitude,gauge_zero_m,height_system,"
    "sensor,gateway,quantity,interval,span_low,span_high,action,minor,moderate,major\n"
    "main-km6,Main canal km 6,talas,canal_gauge,Talas main canal,42.47,69.76,779.4,Baltic 1977,"
    "km6-level,gw-1,level,15min,0,4,2.1,2.3,2.5,2.8\n"
    "main-km6,,,,,,,,,km6-battery,gw-1,battery_voltage,1h,,,,,,\n"
)


@dataclass(slots=True)
class Import:
    """What an import would write: the files and their texts, and a word on each."""

    files: dict[Path, str] = field(default_factory=dict)
    stations: int = 0
    sensors: int = 0
    districts: list[str] = field(default_factory=list)
    gateways: list[str] = field(default_factory=list)


def plan_import(
    text: str, csv_file: Path, into: Path, before: Mapping[Path, Parts | Station], timezone: str | None = None
) -> Import:
    """What this spreadsheet adds to the registry in this folder, all of it checked; `before` is what its files say now.

    Districts that are new there need `timezone`; gateways that are new come in the first district whose station names them.
    Raises SettingsError that names the spreadsheet's lines; then nothing is to be written.
    """
    rows = read_rows(text, csv_file, _NAMES, ("station",))
    if not rows:
        raise SettingsError(csv_file, [Fault(1, "", "there are no rows under the header")])
    faults: list[Fault] = []
    units = _header_units(text)
    old, _ = merge(before, faults)
    made: dict[str, Station] = {}
    documents: dict[str, dict[str, Any]] = {}
    lines: dict[str, tuple[Row, list[Row]]] = {}
    for name, mine in _by_station(rows).items():
        documents[name], lines[name] = (
            _document(mine, units, faults),
            (mine[0], [row for row in mine if "sensor" in row.cells]),
        )
        try:
            made[name] = Station.model_validate(documents[name])
        except ValidationError as error:
            for one in error.errors(include_url=False):
                message = one["msg"].removeprefix("Value error, ")
                text_ = _PLAIN.get(one["type"]) or message[0].lower() + message[1:]
                says_input = text_ == NOT_AN_ID or one["type"] == "enum"
                mend = f"it is {one['input']!r}" if says_input else ""
                faults.append(_fault(one["loc"], text_, mend, lines[name]))
        target = into / STATIONS / f"{name}.toml"
        if target in before:
            faults.append(Fault(mine[0].line, "station", f"{target} is there already", "nothing is overwritten"))
    if not faults:
        plan = _frame(made, lines, old, timezone, faults)
        whole, _ = merge({**before, into / "new": plan[1]}, [])
        shift = len(old.stations)
        for problem in whole.problems():
            if problem.path[0] == "stations" and isinstance(problem.path[1], int) and problem.path[1] >= shift:
                station = plan[1].stations[problem.path[1] - shift]
                faults.append(_fault(problem.path[2:], problem.message, problem.mend, lines[station.id]))
            else:
                faults.append(Fault(None, "", problem.message, problem.mend))
    if faults:
        raise SettingsError(csv_file, sorted(faults, key=lambda fault: fault.line or 0))
    out = plan[0]
    for name, document in documents.items():
        out.files[into / STATIONS / f"{name}.toml"] = station_text(document, f"From {csv_file.name}.")
    if out.districts or out.gateways:
        frame = into / "districts.toml"
        if frame in before:
            frame = into / f"from-{csv_file.stem}.toml"
        if frame in before:
            raise SettingsError(csv_file, [Fault(None, "", f"{frame} is there already", "rename one of them")])
        out.files[frame] = _frame_text(plan[1], out, f"From {csv_file.name}.")
    return out


def _by_station(rows: Iterable[Row]) -> dict[str, list[Row]]:
    out: dict[str, list[Row]] = {}
    last = ""
    for row in rows:
        last = row.cells.get("station", last)
        out.setdefault(last, []).append(row)
    return out


def _header_units(text: str) -> dict[str, str]:
    """The unit that a column's name tells ("ОЯ, см над нулём"), by column; a word that is no unit is a remark."""
    told = {name: unit_words(header) for name, header in header_words(text, _NAMES).items()}
    codes = {name: [spoken(words), *map(spoken, words.split()[:1])] for name, words in told.items()}
    return {name: found for name, ones in codes.items() if (found := next((one for one in ones if one in UNITS), None))}


def _document(rows: list[Row], units: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    """A station as its file will say it."""
    first = rows[0]
    document: dict[str, Any] = {"id": first.cells.get("station", "")}
    datum: dict[str, Any] = {}
    for row in rows:
        for column in (*_TEXT, *_NUMBERS, *_DATUM):
            if column not in row.cells:
                continue
            is_number = column in (*_NUMBERS, "gauge_zero_m")
            given = _measured(row, column, units, _UNIT_OF.get(column), faults) if is_number else _said(row, column)
            table, key = (datum, _DATUM[column]) if column in _DATUM else (document, column)
            if table.setdefault(key, given) != given:
                problem = f"{given} here, {table[key]} on a line before"
                faults.append(Fault(row.line, column, problem, "a station's own columns stand on its first row"))
    if datum:
        document["datum"] = datum
    document["sensors"] = [_sensor(row, units, faults) for row in rows if "sensor" in row.cells]
    return document


def _sensor(row: Row, units: Mapping[str, str], faults: list[Fault]) -> dict[str, Any]:
    cells = row.cells
    sensor: dict[str, Any] = {"id": cells["sensor"]}
    sensor |= {column: _said(row, column) for column in _SENSOR_TEXT if column in cells}
    known = QUANTITIES.get(sensor.get("quantity", ""))
    stored = known.unit if known else None
    sensor["unit"] = stored or ""
    if "decimals" in cells:
        decimals = _value(row, "decimals", faults)
        sensor["decimals"] = int(decimals) if decimals.is_integer() else decimals
    ends = [_measured(row, column, units, stored, faults) for column in ("span_low", "span_high") if column in cells]
    if len(ends) == 1:
        faults.append(Fault(row.line, "span_low", "give both ends of the span or neither"))
    elif ends:
        sensor["span"] = ends
    if "resolution" in cells:
        sensor["resolution"] = _measured(row, "resolution", units, stored, faults)
    thresholds = {name: _measured(row, name, units, stored, faults) for name in _THRESHOLDS if name in cells}
    if thresholds:
        sensor["thresholds"] = thresholds
    return sensor


def _said(row: Row, column: str) -> str:
    return plain_value(column, row.cells[column])


def _value(row: Row, column: str, faults: list[Fault]) -> float:
    try:
        return number(row.cells[column])
    except ValueError as error:
        faults.append(Fault(row.line, column, str(error)))
        return 0.0


def _measured(row: Row, column: str, units: Mapping[str, str], target: str | None, faults: list[Fault]) -> float:
    """A cell's number in the registry's unit: the unit in the column's name must not be passed over, 280 cm are no 280 m."""
    value, told = _value(row, column, faults), units.get(column)
    if told is None or target is None or told == target:
        return value
    try:
        return convert(value, told, target)
    except UnitError:
        problem = f"the column is in {told}, this row's number in {target}"
        faults.append(Fault(row.line, column, problem, "give them a column each, or take the unit out of its name"))
        return value


_COLUMN_OF = {"id": "station", "zero_m": "gauge_zero_m", "system": "height_system", "span": "span_low"}


def _fault(path: tuple[str | int, ...], problem: str, mend: str, lines: tuple[Row, list[Row]]) -> Fault:
    """A fault of a station's document, at the line and column it came from."""
    row, names = lines[0], [part for part in path if isinstance(part, str)]
    if len(path) > 1 and path[0] == "sensors" and isinstance(path[1], int):
        row, names = lines[1][path[1]], [*names[1:]]
        column = "sensor" if names[-1:] == ["id"] else next((n for n in reversed(names) if n in COLUMNS), "")
    else:
        column = next((_COLUMN_OF.get(n, n) for n in reversed(names) if _COLUMN_OF.get(n, n) in COLUMNS), "")
    return Fault(row.line, column or _COLUMN_OF.get(names[-1] if names else "", ""), problem, mend)


def _frame(
    made: dict[str, Station],
    lines: dict[str, tuple[Row, list[Row]]],
    old: Parts,
    timezone: str | None,
    faults: list[Fault],
) -> tuple[Import, Parts]:
    """The districts and gateways that the new stations need, and what is there already has not."""
    out = Import(stations=len(made), sensors=sum(len(station.sensors) for station in made.values()))
    known = {gateway.id for gateway in old.gateways}
    districts: dict[str, District] = {}
    gateways: list[Gateway] = []
    for station in made.values():
        name = station.district
        if name not in old.districts and name not in districts:
            if timezone is None:
                mend = f"give --timezone, such as Asia/Almaty, to add it; known: {', '.join(old.districts) or 'none'}"
                faults.append(Fault(lines[station.id][0].line, "district", f"there is no district {name!r}", mend))
            districts[name] = District(name=name, timezone=timezone or "UTC")
        for sensor in station.sensors:
            if sensor.gateway not in known:
                known.add(sensor.gateway)
                gateways.append(Gateway(id=sensor.gateway, district=name))
    out.districts, out.gateways = list(districts), [gateway.id for gateway in gateways]
    return out, Parts(districts=districts, gateways=gateways, stations=list(made.values()))


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_scalar, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_scalar(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, int | float):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False)  # a JSON string is a TOML string too


def station_text(document: dict[str, Any], comment: str) -> str:
    """A station's document as the TOML of its file."""
    lines = [f"# {comment}"]
    lines += [f"{key} = {_scalar(value)}" for key, value in document.items() if key not in ("datum", "sensors")]
    if "datum" in document:
        lines += ["", "[datum]", *(f"{key} = {_scalar(value)}" for key, value in document["datum"].items())]
    for sensor in document["sensors"]:
        lines += ["", "[[sensors]]", *(f"{key} = {_scalar(value)}" for key, value in sensor.items())]
    return "\n".join(lines) + "\n"


def _frame_text(parts: Parts, out: Import, comment: str) -> str:
    lines = [f"# {comment}"]
    for name in out.districts:
        district = parts.districts[name]
        header = name if "." not in name else _scalar(name)
        lines += [
            "",
            f"[districts.{header}]",
            f"name = {_scalar(district.name)}",
            f"timezone = {_scalar(district.timezone)}",
        ]
    for gateway in parts.gateways:
        lines += ["", "[[gateways]]", f"id = {_scalar(gateway.id)}", f"district = {_scalar(gateway.district)}"]
    return "\n".join(lines) + "\n"

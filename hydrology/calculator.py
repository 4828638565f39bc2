"""What `aryk calc` asks: a structure, a rating or a storage table from its own text or a station's, and the answers in words."""

import difflib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from hydrology import storage as storage_laws
from hydrology.load import read_part
from hydrology.registry.flow_history import FlowHistory
from hydrology.registry.ratings import Rating
from hydrology.registry.stations import Levels, Station, Storage
from hydrology.registry.structures import Structure
from hydrology.structures.answer import Discharge
from settings import SettingsError
from settings.errors import Fault, FaultError
from settings.load import fault_at, parse_toml, validate
from wire.flags import Flag

MOST_STEPS = 1000
LARGEST = 1e9
"""From here on a figure has an exponent: the Amazon carries 2e5 m3/s."""
ALWAYS = date(1900, 1, 1)
"""From when a rating or table of a file of its own holds, unless it says."""
STRUCTURES: dict[str, Any] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(get_args(Structure)[0])
}
"""The model of each `kind` of structure."""
FLAG_WORDS = {
    Flag.PASS: "pass",
    Flag.NOT_EVALUATED: "not evaluated",
    Flag.SUSPECT: "suspect",
    Flag.FAIL: "fail, no value",
    Flag.MISSING: "missing",
}


class StorageFile(Storage):
    """A storage table in a file of its own, with the reservoir's named levels."""

    effective_from: Any = Field(default=ALWAYS)
    levels: Levels | None = None

    @model_validator(mode="after")
    def _levels_inside(self) -> Self:
        try:
            self.table(self.levels)
        except ValueError as error:
            raise FaultError((("levels",), str(error))) from error
        return self


def structure_of(text: str, file: Path) -> Any:
    """The structure of a file: `kind` and its dimensions. Raises SettingsError."""
    document = parse_toml(text, file)
    kind = document.get("kind")
    if kind is None and ("structure" in document or "ratings" in document or "segments" in document):
        mend = "ask it with `aryk calc rating`"
        raise SettingsError(file, [Fault(1, "", "this is a rating or a station, not a structure alone", mend)])
    if not isinstance(kind, str) or kind not in STRUCTURES:
        near = difflib.get_close_matches(str(kind), STRUCTURES, n=1)
        mend = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(STRUCTURES)}"
        problem = "kind is missing" if kind is None else f"there is no kind {kind!r}"
        raise SettingsError(file, [fault_at(("kind",), problem, mend, text, file)])
    return validate(STRUCTURES[kind], document, text, file)


def ratings_of(text: str, file: Path) -> tuple[list[Rating], Station | None]:
    """The ratings of a file: one rating, or a station of the registry. Raises SettingsError."""
    document = parse_toml(text, file)
    if "id" in document:
        station = _station(text, file)
        if not station.ratings:
            raise SettingsError(file, [Fault(None, "ratings", "this station has no ratings")])
        return list(station.ratings), station
    if "kind" in document:
        mend = "ask it with `aryk calc discharge`"
        raise SettingsError(file, [Fault(1, "", "this is a structure alone, not a rating", mend)])
    document.setdefault("effective_from", ALWAYS)
    return [validate(Rating, document, text, file)], None


def storage_of(text: str, file: Path) -> tuple[list[Storage], Levels | None, Station | None]:
    """The storage tables of a file: one table, or a station of the registry. Raises SettingsError."""
    document = parse_toml(text, file)
    if "id" in document:
        station = _station(text, file)
        if not station.storage:
            raise SettingsError(file, [Fault(None, "storage", "this station has no storage table")])
        return list(station.storage), station.levels, station
    found = validate(StorageFile, document, text, file)
    return [found], found.levels, None


def _station(text: str, file: Path) -> Station:
    found = read_part(text, file, True)
    assert isinstance(found, Station)
    return found


def one_series(ratings: list[Rating], series: str | None) -> tuple[str, list[Rating]]:
    """The ratings of one discharge series: the one that is named, or the only one. Raises ValueError."""
    known = sorted({rating.discharge for rating in ratings})
    if series is None and len(known) > 1:
        raise ValueError(f"there are ratings of {' and '.join(known)}: name one with --series")
    name = series or known[0]
    found = [rating for rating in ratings if rating.discharge == name]
    if not found:
        raise ValueError(f"there is no rating of {name!r}, there is {', '.join(known)}")
    return name, found


def rating_at(ratings: list[Rating], zone: str, when: datetime) -> Rating:
    """The rating in force. Raises ValueError that says which there are."""
    history = FlowHistory(ratings, zone)
    dated = history.in_force(when)
    if dated is None:
        local = ZoneInfo(zone)
        times = ", ".join(one.begins.astimezone(local).date().isoformat() for one in history.ratings)
        raise ValueError(f"no rating is in force on {when.astimezone(local).date()}; they begin {times}")
    return dated.rating


def begins_m(rating: Rating) -> float:
    """About the stage at which a rating's flow begins."""
    if rating.segments:
        return rating.segments[0].e_m
    return rating.table[0][0] if rating.table else rating.crest_m


def storage_at(tables: list[Storage], levels: Levels | None, when: date) -> storage_laws.StorageTable:
    """The storage table in force on a day: the latest that has begun. Raises ValueError where none has."""
    begun = [one for one in tables if _day(one.effective_from) <= when]
    if not begun:
        times = ", ".join(sorted(str(_day(one.effective_from)) for one in tables))
        raise ValueError(f"no survey is in force on {when}; they begin {times}")
    return max(begun, key=lambda one: _day(one.effective_from)).table(levels)


def _day(effective: date | datetime) -> date:
    return effective.date() if isinstance(effective, datetime) else effective


def discharge_facts(answer: Discharge) -> list[tuple[str, str]]:
    """An answer in lines of a name and a value."""
    value = "none"
    if answer.value_m3s is not None:
        value = f"{'at most ' if answer.upper_bound else ''}{figures(answer.value_m3s)} m3/s"
        if 0 < abs(answer.value_m3s) < 1:
            value += f" ({figures(1000 * answer.value_m3s)} L/s)"
    facts = [
        ("discharge", value),
        ("flag", f"{int(answer.flag)} {FLAG_WORDS[answer.flag]}"),
        ("regime", answer.regime),
        ("uncertainty", "not given" if answer.uncertainty_pct is None else f"{answer.uncertainty_pct:.2g} % (95 %)"),
        ("source", answer.source),
    ]
    return facts + [("note", note) for note in answer.notes]


def discharge_document(answer: Discharge, asked: Mapping[str, float | None]) -> dict[str, Any]:
    """An answer as JSON has it."""
    return {
        "value": answer.value_m3s,
        "unit": "m3/s",
        "flag": int(answer.flag),
        "flag_words": FLAG_WORDS[answer.flag],
        "regime": answer.regime,
        "uncertainty_pct": answer.uncertainty_pct,
        "upper_bound": answer.upper_bound,
        "source": answer.source,
        "notes": list(answer.notes),
        "asked": {name: value for name, value in asked.items() if value is not None},
    }


def figures(value: float) -> str:
    """Four significant figures, without an exponent where a flow can be so large: no flow is known better."""
    if value == 0:
        return "0"
    text = f"{value:.4g}"
    if abs(value) >= LARGEST:
        return text
    return f"{value:.0f}" if "e+" in text else f"{value:.8f}".rstrip("0") if "e" in text else text


def storage_facts(table: storage_laws.StorageTable, elevation_m: float) -> list[tuple[str, str]]:
    """What an elevation means, in lines of a name and a value."""
    answer = table.at(elevation_m)
    rows: list[tuple[str, float | None, str]] = [
        ("volume", answer.volume_hm3, "hm3"),
        ("area", answer.area_km2, "km2"),
        ("full", answer.full_pct, "% of the volume at the normal level"),
        ("useful", answer.useful_pct, "% between the dead and the normal level"),
        ("free", answer.free_hm3, "hm3 to the normal level"),
    ]
    facts = [("elevation", f"{elevation_m:.3f} m")]
    facts += [(name, f"{figures(value)} {unit}") for name, value, unit in rows if value is not None]
    facts.append(("flag", f"{int(answer.flag)} {FLAG_WORDS[answer.flag]}"))
    facts.append(
        ("source", f"storage table {table.survey}".rstrip() + (", linear" if table.linear else ", linear area"))
    )
    return facts + [("note", note) for note in answer.notes]


def storage_steps_m(table: storage_laws.StorageTable) -> list[float]:
    """The elevations of a printed table, the highest with them: each decimetre, or coarser or finer for a page's sake."""
    low, high = table.rows[0].elevation_m, table.rows[-1].elevation_m
    step = next(step for step in (0.01, 0.1, 1.0, 10.0) if high - low < step * MOST_STEPS or step == 10.0)
    step = max(step, 0.1) if high - low >= 1 else step
    steps = (round(low + step * k, 3) for k in range(int((high - low) / step + 1e-9) + 1))
    return [*(one for one in steps if low <= one < high), high]


def storage_document(table: storage_laws.StorageTable, elevation_m: float) -> dict[str, Any]:
    """What an elevation means, as JSON has it."""
    answer = table.at(elevation_m)
    return {
        "value": answer.volume_hm3,
        "unit": "hm3",
        "flag": int(answer.flag),
        "flag_words": FLAG_WORDS[answer.flag],
        "area_km2": answer.area_km2,
        "full_pct": answer.full_pct,
        "useful_pct": answer.useful_pct,
        "free_hm3": answer.free_hm3,
        "source": f"storage table {table.survey}".rstrip(),
        "notes": list(answer.notes),
        "asked": {"elevation_m": elevation_m},
    }

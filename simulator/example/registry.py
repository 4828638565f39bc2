"""The registry of the example system: where it is, and a copy of it for instruments that are read more often."""

import tomllib
from pathlib import Path
from typing import Any

from hydrology.load import load_registry
from hydrology.registry import Registry
from settings.load import parse_duration_s
from simulator.scenario.parts import SERVES
from simulator.toml_text import toml_text

FOLDER = Path(__file__).parents[2] / "registry"
"""In the repository and in the wheel: beside the packages."""
USUAL_S = 900.0


def example_registry() -> Registry:
    """The registry as it stands. Raises SettingsError."""
    return load_registry(FOLDER)


def without_ice(registry: Registry) -> Registry:
    """The registry for water that never freezes: its ratings know no ice."""
    stations = [
        station.model_copy(
            update={"ratings": tuple(one.model_copy(update={"ice_months": ()}) for one in station.ratings)}
        )
        for station in registry.stations
    ]
    return registry.model_copy(update={"stations": stations})


def registry_texts(interval: str, scan_s: float | None = None) -> dict[str, str]:
    """The registry's files by their relative path, for instruments that are read every `interval`.

    Each station gets the counter of its emulated device as a sensor. What changes from one reading to the next may be as much
    as in a quarter of an hour, which the rate's limit says by the hour. It is July all the year round: ratings know no ice.
    """
    quicker = USUAL_S / (scan_s or parse_duration_s(interval))
    out = {}
    for file in sorted(FOLDER.rglob("*.toml")):
        name = file.relative_to(FOLDER).as_posix()
        text = file.read_text(encoding="utf-8")
        if name.startswith("stations/"):
            text = toml_text(_read_often(tomllib.loads(text), interval, max(quicker, 1.0)))
        out[name] = text
    return out


def _read_often(station: dict[str, Any], interval: str, quicker: float) -> dict[str, Any]:
    for sensor in station["sensors"]:
        sensor["interval"] = interval
        rules = sensor.get("quality", {})
        if "rate_per_hour" in rules:
            rules["rate_per_hour"] = round(rules["rate_per_hour"] * quicker, 3)
    for rating in station.get("ratings", []):
        rating.pop("ice_months", None)
    counter = {
        "id": f"{station['id']}-{SERVES}",
        "gateway": station["sensors"][0]["gateway"],
        "quantity": "count",
        "unit": "1",
        "interval": interval,
        "title": "Blocks served",
        "decimals": 0,
    }
    station["sensors"].append(counter)
    return station


def write_registry(folder: Path, interval: str, scan_s: float | None = None) -> None:
    """Write these files into a folder. Raises OSError."""
    for name, text in registry_texts(interval, scan_s).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

"""How a quantity is written for people: the field's own unit, and whether it is the water's or the device's."""

from typing import Literal, NamedTuple

from hydrology.registry import Sensor
from wire.quantities import QUANTITIES


class Shown(NamedTuple):
    """Stored value times `scale` is the value in `unit`, with this many decimals."""

    unit: str
    scale: float
    decimals: int


_UNITS: dict[str, Shown] = {
    "volume": Shown("million m³", 1e-6, 3),
    "pressure": Shown("kPa", 1e-3, 2),
    "conductivity": Shown("µS/cm", 1e4, 0),
    "power": Shown("kW", 1e-3, 1),
    "energy": Shown("kWh", 1 / 3.6e6, 1),
    "area": Shown("km²", 1e-6, 3),
}

_SIGNS = {"m3/s": "m³/s", "m3": "m³", "Cel": "°C", "1": ""}

OF_THE_WATER = (
    "level",
    "elevation",
    "discharge",
    "volume",
    "fill",
    "area",
    "depth_to_water",
    "rain",
    "velocity",
    "gate_opening",
    "water_temperature",
    "conductivity",
    "turbidity",
    "power",
    "energy",
    "head",
    "efficiency",
    "air_temperature",
)
"""In the order in which they may stand for their station; all other quantities tell of the device."""

_PLACES = {quantity: place for place, quantity in enumerate(OF_THE_WATER)}


def is_of_device(quantity: str) -> bool:
    """Whether this tells of the station's device and not of its water: battery, signal, counters."""
    return quantity not in _PLACES


def place_of(quantity: str) -> int:
    """Its place in the order of quantities."""
    return _PLACES.get(quantity, len(_PLACES))


def shown(sensor: Sensor, level_unit: Literal["m", "cm"]) -> Shown:
    """How this sensor's values are written."""
    if sensor.quantity == "level" and level_unit == "cm":
        return Shown("cm", 100.0, max(sensor.decimals - 2, 0))
    special = _UNITS.get(sensor.quantity)
    if special is not None:
        return special
    return Shown(_SIGNS.get(sensor.unit, sensor.unit), 1.0, sensor.decimals)


def title_of(sensor: Sensor) -> str:
    """The sensor's own title, or the quantity's. An empty one lets the page use its catalogue."""
    return sensor.title if sensor.title or sensor.quantity in QUANTITIES else sensor.quantity

"""The quantities that Aryk knows, the unit each is stored in, and the short codes that CBOR uses for both."""

from typing import NamedTuple


class Quantity(NamedTuple):
    """A measured quantity. `code` is its number in CBOR and never changes; `unit` is the unit it is stored in."""

    name: str
    code: int
    unit: str
    title: str


_ALL = (
    Quantity("level", 1, "m", "Water level above gauge zero"),
    Quantity("discharge", 2, "m3/s", "Discharge"),
    Quantity("volume", 3, "m3", "Stored volume"),
    Quantity("elevation", 4, "m", "Water elevation in the named height system"),
    Quantity("velocity", 5, "m/s", "Velocity"),
    Quantity("gate_opening", 6, "m", "Gate opening"),
    Quantity("rain", 7, "mm", "Rain in the interval"),
    Quantity("water_temperature", 8, "Cel", "Water temperature"),
    Quantity("air_temperature", 9, "Cel", "Air temperature"),
    Quantity("pressure", 10, "Pa", "Pressure"),
    Quantity("depth_to_water", 11, "m", "Depth to groundwater below the measuring point"),
    Quantity("conductivity", 12, "S/m", "Electrical conductivity at 25 degC"),
    Quantity("turbidity", 13, "NTU", "Turbidity"),
    Quantity("power", 14, "W", "Electrical power"),
    Quantity("energy", 15, "J", "Electrical energy"),
    Quantity("battery_voltage", 16, "V", "Battery voltage"),
    Quantity("signal_strength", 17, "dBm", "Signal strength"),
    Quantity("enclosure_temperature", 18, "Cel", "Temperature in the enclosure"),
    Quantity("queue_age", 19, "s", "Age of the oldest reading without a receipt"),
    Quantity("current", 20, "mA", "Loop current"),
    Quantity("count", 21, "1", "Count"),
    Quantity("area", 22, "m2", "Water surface area"),
    Quantity("fill", 23, "%", "Filling of a reservoir"),
    Quantity("head", 24, "m", "Net head of a turbine"),
    Quantity("efficiency", 25, "%", "Efficiency of a turbine"),
)

QUANTITIES: dict[str, Quantity] = {quantity.name: quantity for quantity in _ALL}
QUANTITY_BY_CODE: dict[int, Quantity] = {quantity.code: quantity for quantity in _ALL}

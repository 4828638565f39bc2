"""States, flags and units as they look on every dashboard.

A state is never told by its colour alone: it has a shape and a word too. The colours are Okabe and Ito's, which colour-blind
people tell apart; the red one is for danger only.
"""

from typing import NamedTuple

from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import (
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from wire.flags import Flag
from wire.quantities import QUANTITIES

GREEN = "#009E73"
YELLOW = "#F0E442"
ORANGE = "#E69F00"
RED = "#D55E00"
SKY = "#56B4E9"
BLUE = "#0072B2"
PURPLE = "#CC79A7"
GREY = "#999999"
PALE = "#BBBBBB"


class Look(NamedTuple):
    """How one value of a state is shown."""

    text: str
    colour: str


# The values of the recording rule aryk:sensor_state (dashboards/prometheus/rules/states.yml).
STATES = {
    -2: Look("– no threshold", PALE),
    -1: Look("▽ low", SKY),
    0: Look("● normal", GREEN),
    1: Look("▲ action", YELLOW),
    2: Look("▲▲ warning", ORANGE),
    3: Look("■ danger (moderate)", RED),
    4: Look("■ danger (major)", RED),
    9: Look("◌ stale", GREY),
}

FLAGS = {
    int(Flag.PASS): Look("pass", GREEN),
    int(Flag.NOT_EVALUATED): Look("not evaluated", PALE),
    int(Flag.SUSPECT): Look("suspect", ORANGE),
    int(Flag.FAIL): Look("fail", PURPLE),
    int(Flag.MISSING): Look("missing", GREY),
}

IS_UP = {0: Look("■ down", RED), 1: Look("● up", GREEN)}

SEVERITY_COLOURS = {
    "low": SKY,
    "action": YELLOW,
    "minor": ORANGE,
    "moderate": RED,
    "major": RED,
    "adverse": ORANGE,
    "dangerous": RED,
}

# Grafana's ids of the units that the store keeps; what it has no id for is written behind the number.
UNITS = {
    "m": "lengthm",
    "m3/s": "flowcms",
    "m3": "m3",
    "m/s": "velocityms",
    "mm": "lengthmm",
    "Cel": "celsius",
    "Pa": "pressurepa",
    "S/m": "suffix: S/m",
    "NTU": "suffix: NTU",
    "W": "watt",
    "J": "joule",
    "V": "volt",
    "dBm": "dBm",
    "s": "s",
    "mA": "mamp",
    "1": "none",
    "m2": "areaM2",
    "%": "percent",
}

# What a station's instruments say of themselves; no water.
HEALTH_QUANTITIES = ("battery_voltage", "signal_strength", "enclosure_temperature", "queue_age", "current", "count")


def unit_of(quantity: str) -> str:
    """Grafana's id of the unit that a quantity is stored in."""
    return UNITS[QUANTITIES[quantity].unit]


def mappings(looks: dict[int, Look]) -> list[ValueMap]:
    """Show these values as words in their colours."""
    options = {
        str(value): ValueMappingResult(text=look.text, color=look.colour, index=index)
        for index, (value, look) in enumerate(looks.items())
    }
    return [ValueMap(options=options)]


def words(texts: dict[str, str]) -> list[ValueMap]:
    """Show these texts as other words."""
    options = {text: ValueMappingResult(text=word, index=index) for index, (text, word) in enumerate(texts.items())}
    return [ValueMap(options=options)]


def steps(base: str, *above: tuple[float, str]) -> ThresholdsConfig:
    """A colour from each value upwards; `base` is the one below them all."""
    found = [Threshold(value=None, color=base), *(Threshold(value=value, color=colour) for value, colour in above)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def fixed(colour: str) -> FieldColor:
    """One colour, whatever the value."""
    return FieldColor().mode(FieldColorModeId.FIXED).fixed_color(colour)


def by_step() -> FieldColor:
    """The colour of the step that the value is on."""
    return FieldColor().mode(FieldColorModeId.THRESHOLDS)

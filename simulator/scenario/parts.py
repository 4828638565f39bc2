"""The parts of a scenario: stations, their sensors, and what they read."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hydrology.registry import StationKind
from simulator.registers import Form
from wire.quantities import QUANTITIES

Measured = Callable[[float], dict[str, float]]
"""The engineering value of each sensor of a station at a time, seconds since 1970."""

SERVES = "serves"
"""The last part of the id of the sensor that counts the blocks served."""


@dataclass(frozen=True, slots=True)
class SensorPlan:
    """One sensor: what it measures, how its registers hold it, and the levels of concern.

    `calibration` (scale, offset) is what its gateway puts right; `form` has it in it, the instrument being off by as much.
    """

    id: str
    quantity: str
    title: str
    form: Form
    decimals: int = 2
    thresholds: dict[str, float] = field(default_factory=dict)
    calibration: tuple[float, float] | None = None

    @property
    def said(self) -> Form:
        """How its registers hold what it says itself."""
        if self.calibration is None:
            return self.form
        scale, offset = self.calibration
        return replace(self.form, scale=self.form.scale / scale, offset=(self.form.offset - offset) / scale)

    @property
    def unit(self) -> str:
        """The unit that the quantity is stored in."""
        return QUANTITIES[self.quantity].unit

    @property
    def counts_serves(self) -> bool:
        """Whether this is the device's serve counter and no measurement."""
        return self.quantity == "count"


@dataclass(frozen=True, slots=True)
class StationPlan:
    """One station with its sensors. `measure` gives every sensor's value but the serve counter's.

    `gateway` reads it; when empty, the scenario's one gateway does.
    """

    id: str
    name: str
    kind: StationKind
    water: str
    latitude: float
    longitude: float
    sensors: tuple[SensorPlan, ...]
    measure: Measured
    gateway: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A water system: one district, its first or only gateway, its stations."""

    seed: int
    district: str
    district_name: str
    timezone: str
    gateway: str
    gateway_name: str
    stations: tuple[StationPlan, ...]

    @property
    def gateways(self) -> tuple[str, ...]:
        """The gateways that read the instruments, in the stations' order."""
        return tuple(dict.fromkeys(station.gateway or self.gateway for station in self.stations))

    def values(self, t: float) -> dict[str, float]:
        """Every sensor's engineering value at this time, by sensor id."""
        out: dict[str, float] = {}
        for station in self.stations:
            out |= station.measure(t)
        return out

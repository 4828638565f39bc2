"""Who is in a fleet and what its sensors read. Pure: the same settings give the same gateways and the same values."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import pi, sin
from typing import Any

from simulator.physics.noise import mix
from simulator.settings import FleetSettings
from wire.quantities import QUANTITIES

_TWO_PI_A_DAY = 2.0 * pi / 86_400.0
_PER_MILLE = 1.0 / (1 << 64)


@dataclass(frozen=True, slots=True)
class PlannedSensor:
    """One sensor of every gateway: its mean, its daily swing, its noise, and the decimals that it resolves."""

    id: str
    quantity: str
    mean: float
    swing: float
    noise: float
    decimals: int

    @property
    def unit(self) -> str:
        """The unit that the quantity is stored in."""
        return QUANTITIES[self.quantity].unit


_KINDS = (
    ("level", 1.4, 0.12, 0.010, 3),
    ("discharge", 11.0, 1.5, 0.10, 2),
    ("battery_voltage", 13.0, 0.6, 0.02, 2),
    ("water_temperature", 17.0, 2.0, 0.1, 1),
    ("gate_opening", 0.65, 0.05, 0.001, 3),
)


@dataclass(frozen=True, slots=True)
class PlannedGateway:
    """One gateway; its one station has the same id."""

    number: int
    id: str
    district: str


class FleetPlan:
    """The fleet of these settings."""

    def __init__(self, settings: FleetSettings) -> None:
        self.seed = settings.seed
        self.sensors = tuple(_sensor(number) for number in range(settings.sensors))
        width = max(5, len(str(settings.gateways)))
        self.gateways = tuple(
            PlannedGateway(number, f"{settings.prefix}-{number:0{width}d}", _district(settings, number))
            for number in range(1, settings.gateways + 1)
        )
        # A rate stretches the interval: that keeps every gateway's rhythm even.
        slowest = settings.gateways * settings.sensors / settings.rate if settings.rate else 0.0
        self.interval_s = max(settings.interval, slowest)

    @property
    def rate(self) -> float:
        """Readings a second of the whole fleet."""
        return len(self.gateways) * len(self.sensors) / self.interval_s

    def values(self, gateway: PlannedGateway, time_ms: int) -> tuple[float, ...]:
        """What the gateway's sensors read at this time."""
        seed = self.seed * 1_000_003 + gateway.number
        daily = sin(time_ms / 1000.0 * _TWO_PI_A_DAY + gateway.number)
        return tuple(
            round(
                sensor.mean
                + sensor.swing * daily
                + sensor.noise * (mix(seed, time_ms + place) * 2.0 * _PER_MILLE - 1.0),
                sensor.decimals,
            )
            for place, sensor in enumerate(self.sensors)
        )


def _sensor(number: int) -> PlannedSensor:
    quantity, mean, swing, noise, decimals = _KINDS[number % len(_KINDS)]
    name = quantity.replace("_", "-")
    again = number // len(_KINDS)
    return PlannedSensor(name if not again else f"{name}-{again + 1}", quantity, mean, swing, noise, decimals)


def _district(settings: FleetSettings, number: int) -> str:
    if settings.districts == 1:
        return settings.district
    return f"{settings.district}-{(number - 1) % settings.districts + 1}"


def fleet_registry(plan: FleetPlan) -> dict[str, Any]:
    """What registry.toml says for this fleet, ready for `toml_text`."""
    districts = sorted({gateway.district for gateway in plan.gateways})
    return {
        "districts": {district: {"name": f"District {district}", "timezone": "Asia/Almaty"} for district in districts},
        "gateways": [{"id": gateway.id, "district": gateway.district} for gateway in plan.gateways],
        "stations": [
            {
                "id": gateway.id,
                "name": f"Station {gateway.id}",
                "district": gateway.district,
                "kind": "canal_gauge",
                "sensors": list(_registry_sensors(plan, gateway)),
            }
            for gateway in plan.gateways
        ],
    }


def _registry_sensors(plan: FleetPlan, gateway: PlannedGateway) -> Iterator[dict[str, Any]]:
    for sensor in plan.sensors:
        yield {
            "id": sensor.id,
            "gateway": gateway.id,
            "quantity": sensor.quantity,
            "unit": sensor.unit,
            "interval": plan.interval_s,
            "decimals": sensor.decimals,
        }

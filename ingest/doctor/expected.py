"""What the registry lets us expect in a day. Pure."""

from dataclasses import dataclass

from hydrology.registry import Registry

DAY_S = 86_400.0
READING_BYTES = 60.0
"""A reading in the spool, as gateways with a few sensors send: its share of the row, of the index and of free pages."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Readings, and the messages they come in: a gateway sends what it scans together in one."""

    readings_a_day: float
    messages_a_day: float


def expected(registry: Registry) -> Expected:
    """What these stations bring in."""
    readings = 0.0
    fastest: dict[str, float] = {}
    for station in registry.stations:
        for sensor in station.sensors:
            readings += DAY_S / sensor.interval
            fastest[sensor.gateway] = max(fastest.get(sensor.gateway, 0.0), DAY_S / sensor.interval)
    return Expected(readings, sum(fastest.values()))

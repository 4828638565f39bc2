"""Where a station's sensors stand among a device's registers: one block from register 0, one sensor after the other.

The first two registers are the serve counter. Holding and input registers are the same block: a gateway may read either.
A block is served when its registers are read; a reading is served when all of its registers are among them.
"""

from dataclasses import dataclass

from simulator.registers import Form
from simulator.scenario.parts import SensorPlan, StationPlan


@dataclass(frozen=True, slots=True)
class Place:
    """A sensor and its first register."""

    sensor: SensorPlan
    address: int

    @property
    def form(self) -> Form:
        """How its registers hold it."""
        return self.sensor.form

    @property
    def end(self) -> int:
        """The register after its last one."""
        return self.address + self.form.words


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """The block of one device."""

    places: tuple[Place, ...]

    @property
    def size(self) -> int:
        """How many registers the block has."""
        return self.places[-1].end if self.places else 0

    def whole_in(self, address: int, count: int) -> list[Place]:
        """The sensors whose registers are all among these."""
        return [place for place in self.places if address <= place.address and place.end <= address + count]

    def encode(self, numbers: dict[str, float | int]) -> bytes:
        """The block that holds these numbers, by sensor id."""
        return b"".join(place.form.encode(numbers[place.sensor.id]) for place in self.places)


def register_map(station: StationPlan) -> RegisterMap:
    """The map of a station's device."""
    places = []
    address = 0
    for sensor in station.sensors:
        places.append(Place(sensor, address))
        address += sensor.form.words
    return RegisterMap(tuple(places))

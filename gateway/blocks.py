"""Which registers are read together: as few blocks a device as it allows. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.settings import SensorSettings, TableName


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring registers of one table, read in one request, and the sensors whose numbers stand in it."""

    table: TableName
    start: int
    count: int
    sensors: tuple[SensorSettings, ...]

    @property
    def has_holes(self) -> bool:
        """Whether registers are read along that no sensor needs."""
        used = {at for sensor in self.sensors for at in range(sensor.register_, sensor.register_ + sensor.type.words)}
        return len(used) < self.count

    def words_of(self, sensor: SensorSettings, words: Sequence[int]) -> tuple[int, ...]:
        """The sensor's registers among those of the block."""
        first = sensor.register_ - self.start
        return tuple(words[first : first + sensor.type.words])


def plan_blocks(sensors: Iterable[SensorSettings], max_gap: int = 125, max_registers: int = 125) -> list[Block]:
    """The requests that read all these sensors, in the order of tables and registers.

    Registers at most `max_gap` apart go into one block; no block has more than `max_registers`, and no number is cut in two
    (a number longer than `max_registers` has a block of its own).
    """
    blocks: list[Block] = []
    ordered = sorted(sensors, key=lambda sensor: (sensor.table.value, sensor.register_, sensor.type.words))
    for sensor in ordered:
        end = sensor.register_ + sensor.type.words
        if blocks:
            last = blocks[-1]
            joined = max(last.start + last.count, end) - last.start
            near = sensor.register_ - (last.start + last.count) <= max_gap
            if sensor.table is last.table and near and joined <= max_registers:
                blocks[-1] = Block(last.table, last.start, joined, (*last.sensors, sensor))
                continue
        blocks.append(Block(sensor.table, sensor.register_, sensor.type.words, (sensor,)))
    return blocks

"""One scan of every device, for `aryk gateway read`: nothing is logged and nothing is sent."""

import asyncio
from dataclasses import dataclass

from gateway.clock import SystemClock
from gateway.drivers.open import open_drivers
from gateway.readings import Reading, missed, read_sensor
from gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class Shown:
    """A reading with the registers it was made of and how long the device took for the scan."""

    device: str
    reading: Reading
    words: tuple[int, ...] | None
    latency_ms: float


async def read_all(settings: GatewaySettings) -> list[Shown]:
    """Read every device once; those on different lines at the same time."""
    clock = SystemClock()
    with open_drivers(settings.devices, clock) as drivers:
        polls = await asyncio.gather(*(driver.poll() for driver in drivers.values()))
    out = []
    for device, poll in zip(drivers, polls, strict=True):
        latency_ms = (poll.answered.boot_ns - poll.asked.boot_ns) / 1e6
        for answer in poll.blocks:
            for sensor in answer.block.sensors:
                words = None if answer.words is None else answer.block.words_of(sensor, answer.words)
                why = answer.error.detail if answer.error else ""
                reading = missed(sensor, why) if words is None else read_sensor(sensor, words)
                out.append(Shown(device, reading, words, latency_ms))
    return out

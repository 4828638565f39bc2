"""Scans the devices, each on its own clock, and logs what was read. It knows nothing of the network.

A read that was tried and failed is logged with flag 9 and no value, with the time of the try: never an old value with a new
time. Scans that were never tried (a restart, a line that hung, a device taken for dead, a full disk) are told in a `gap`.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.breaker import Breaker
from gateway.clock import Clock, Moment, middle
from gateway.drivers import Driver, Poll
from gateway.log.gaps import RESTART
from gateway.log.log import ScanLog
from gateway.log.rows import NewRecord, Scan
from gateway.log.writer import LogUnavailableError
from gateway.metrics import GatewayMetrics
from gateway.readings import Reading, missed, read_sensor
from gateway.schedule import skipped, wait_s
from gateway.settings import DeviceSettings

log = logging.getLogger("gateway.sampler")

POLL_LONGEST_S = 120.0
"""A poll that lasts longer than any timeout allows is abandoned: a hung bus must not hang the sampler."""
RESTART_GAP = 1.5
"""A pause of more than so many intervals since the last entry is a gap."""


class DeviceSampler:
    """Scans one device."""

    def __init__(
        self, device: DeviceSettings, driver: Driver, log_: ScanLog, clock: Clock, metrics: GatewayMetrics, shared: bool
    ) -> None:
        """`shared`: other devices are on the same line, so that this one must not hold it when dead."""
        self._device = device
        self._driver = driver
        self._log = log_
        self._clock = clock
        self._metrics = metrics
        self._sensors = [sensor.id for sensor in device.sensors]
        self._breaker = Breaker(driver.dead_s) if shared else None
        self._answering: bool | None = None
        self._untried: dict[str, tuple[int, int]] = {}
        """By reason: first and last moment of scans that were not tried and are not logged yet, on the boot clock: the wall
        clock may be set meanwhile."""

    async def run(self) -> None:
        """Scan for ever."""
        await self._tell_restart()
        last_s: float | None = None
        while True:
            now_s = self._clock.monotonic_s()
            wait = wait_s(self._clock.now().ms, None if last_s is None else now_s - last_s, self._device.interval)
            due_s = now_s + wait
            await asyncio.sleep(wait)
            last_s = due_s
            await self.scan_once()
            missed_scans = skipped(due_s, self._clock.monotonic_s(), self._device.interval)
            if missed_scans:
                interval_ns = round(self._device.interval * 1e9)
                due_ns = self._clock.now().boot_ns - round((self._clock.monotonic_s() - due_s) * 1e9)
                self._not_tried("overrun", due_ns + interval_ns, due_ns + missed_scans * interval_ns)
                last_s = due_s + missed_scans * self._device.interval

    async def scan_once(self) -> None:
        """One scan: read, decode, log."""
        if self._breaker is not None and not self._breaker.allows(self._clock.monotonic_s()):
            self._not_tried("no_answer", self._clock.now().boot_ns)
            return
        began = self._clock.now()
        began_s = self._clock.monotonic_s()
        try:
            async with asyncio.timeout(POLL_LONGEST_S + self._device.interval):
                poll = await self._driver.poll()
        except TimeoutError:
            self._metrics.failed(self._device.id, "hung")
            self._not_tried("hung", began.boot_ns, self._clock.now().boot_ns)
            return
        if self._breaker is not None:
            self._breaker.tried(self._clock.monotonic_s(), poll.any_answer)
        self._note(poll)
        self._metrics.scanned(self._device.id, self._clock.monotonic_s() - began_s)
        moment = middle(poll.asked, poll.answered) if poll.any_answer else middle(began, self._clock.now())
        await self._append(moment, readings_of(poll))

    async def _append(self, moment: Moment, readings: tuple[Reading, ...]) -> None:
        gaps = [self._gap(reason, moment, *span) for reason, span in self._untried.items()]
        try:
            await self._log.append(Scan(moment, readings, tuple(gaps)))
        except LogUnavailableError as error:
            log.error("%s: the scan is lost: %s", self._device.id, error)
            self._metrics.failed(self._device.id, error.reason)
            self._not_tried(error.reason, moment.boot_ns)
            return
        for reason in self._untried:
            self._metrics.gaps.labels(reason).inc()
        self._untried.clear()

    async def _tell_restart(self) -> None:
        """Between the last entry of an earlier run and now nobody looked at the sensors."""
        last = await self._log.last_entry(self._sensors)
        if last is None:
            return
        now = self._clock.now()
        if last.boot == self._clock.boot:
            # The boot clock knows how long it was, whatever the wall clock was set to meanwhile.
            pause_ns = now.boot_ns - last.boot_ns
            if pause_ns <= RESTART_GAP * self._device.interval * 1e9:
                return
        else:
            # The wall clock may be anything, also just past the last reading where there is no battery: it is always told. How
            # long it was is known once the times are put right.
            pause_ns = max(0, now.ms - last.ms) * 1_000_000
        self._not_tried(RESTART, now.boot_ns - pause_ns, now.boot_ns)

    def _not_tried(self, reason: str, from_ns: int, to_ns: int | None = None) -> None:
        first, last = self._untried.get(reason, (from_ns, from_ns))
        self._untried[reason] = (min(first, from_ns), max(last, from_ns if to_ns is None else to_ns))

    def _gap(self, reason: str, moment: Moment, from_ns: int, to_ns: int) -> NewRecord:
        """Its times are as the wall clock is now, at `moment`: when that is put right, they move with it."""
        from_ms, to_ms = (moment.ms - (moment.boot_ns - at_ns) // 1_000_000 for at_ns in (from_ns, to_ns))
        return NewRecord("gap", {"reason": reason, "from_ms": from_ms, "to_ms": to_ms, "sensors": self._sensors})

    def _note(self, poll: Poll) -> None:
        errors = [answer.error for answer in poll.blocks if answer.error is not None]
        for error in errors:
            self._metrics.failed(self._device.id, error.trouble.value)
        if poll.any_answer != self._answering:
            if not poll.any_answer:
                log.warning("device %s does not answer: %s", self._device.id, errors[0].detail if errors else "")
            elif self._answering is not None:
                log.info("device %s answers again", self._device.id)
            self._answering = poll.any_answer


def readings_of(poll: Poll) -> tuple[Reading, ...]:
    """The readings of a poll, one for each sensor, missed ones too."""
    return tuple(
        missed(sensor, answer.error.detail if answer.error else "")
        if answer.words is None
        else read_sensor(sensor, answer.block.words_of(sensor, answer.words))
        for answer in poll.blocks
        for sensor in answer.block.sensors
    )


def device_samplers(
    devices: Sequence[DeviceSettings],
    drivers: Mapping[str, Driver],
    log_: ScanLog,
    clock: Clock,
    metrics: GatewayMetrics,
) -> dict[str, DeviceSampler]:
    """A sampler for each device, told whether it has its line to itself."""
    lines: list[Any] = [driver.line for driver in drivers.values()]
    return {
        device.id: DeviceSampler(
            device, drivers[device.id], log_, clock, metrics, shared=lines.count(drivers[device.id].line) > 1
        )
        for device in devices
    }

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
        """By reason: first and last time of scans that were not tried and are not logged yet."""

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
                interval_ms = round(self._device.interval * 1000)
                now = self._clock.now()
                due_ms = now.ms - round((self._clock.monotonic_s() - due_s) * 1000)
                self._not_tried("overrun", due_ms + interval_ms, due_ms + missed_scans * interval_ms)
                last_s = due_s + missed_scans * self._device.interval

    async def scan_once(self) -> None:
        """One scan: read, decode, log."""
        if self._breaker is not None and not self._breaker.allows(self._clock.monotonic_s()):
            self._not_tried("no_answer", self._clock.now().ms)
            return
        began = self._clock.now()
        began_s = self._clock.monotonic_s()
        try:
            async with asyncio.timeout(POLL_LONGEST_S + self._device.interval):
                poll = await self._driver.poll()
        except TimeoutError:
            self._metrics.failed(self._device.id, "hung")
            self._not_tried("hung", began.ms, self._clock.now().ms)
            return
        if self._breaker is not None:
            self._breaker.tried(self._clock.monotonic_s(), poll.any_answer)
        self._note(poll)
        self._metrics.scanned(self._device.id, self._clock.monotonic_s() - began_s)
        moment = middle(poll.asked, poll.answered) if poll.any_answer else middle(began, self._clock.now())
        await self._append(moment, readings_of(poll))

    async def _append(self, moment: Moment, readings: tuple[Reading, ...]) -> None:
        gaps = [self._gap(reason, *span) for reason, span in self._untried.items()]
        try:
            await self._log.append(Scan(moment, readings, tuple(gaps)))
        except LogUnavailableError as error:
            log.error("%s: the scan is lost: %s", self._device.id, error)
            self._metrics.failed(self._device.id, error.reason)
            self._not_tried(error.reason, moment.ms)
            return
        for reason in self._untried:
            self._metrics.gaps.labels(reason).inc()
        self._untried.clear()

    async def _tell_restart(self) -> None:
        """Between the last entry of an earlier run and now nobody looked at the sensors."""
        known = await self._log.last_times(self._sensors)
        if not known:
            return
        last_ms, now_ms = max(known.values()), self._clock.now().ms
        # A clock behind the log is wrong: how long the pause was will be known once the times are put right.
        if now_ms - last_ms > RESTART_GAP * self._device.interval * 1000 or now_ms < last_ms:
            self._untried["restart"] = (min(last_ms, now_ms), now_ms)

    def _not_tried(self, reason: str, from_ms: int, to_ms: int | None = None) -> None:
        first, last = self._untried.get(reason, (from_ms, from_ms))
        self._untried[reason] = (min(first, from_ms), max(last, from_ms if to_ms is None else to_ms))

    def _gap(self, reason: str, from_ms: int, to_ms: int) -> NewRecord:
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

"""Puts a gateway together and runs it: sampler and uplink over one log."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from random import Random

from prometheus_client import CollectorRegistry

from gateway.clock import Clock, SystemClock
from gateway.drivers.open import open_drivers
from gateway.log import Log, LogError, LogFullError, open_log
from gateway.log.load import is_damage
from gateway.log.writer import LogUnavailableError
from gateway.metrics import GatewayMetrics
from gateway.sampler import device_samplers
from gateway.settings import GatewaySettings
from gateway.uplink.paho_session import PahoConnector
from gateway.uplink.uplink import DRAIN_S, GOODBYE_S, Uplink, set_gauges
from health import HealthServer
from wire.messages import State, Status, encode_message
from wire.names import epoch_text
from wire.topics import Kind, topic

log = logging.getLogger("gateway")

TIDY_EVERY_S = 60.0
ROOM_EVERY_S = 5.0
"""How often room is made at most while the disk is full."""
RETRY_OPEN_S = 10.0
REOPEN_S = 1.0
"""After the log was found damaged; it must not be a busy loop when the card goes on failing."""
STOP_LONGEST_S = DRAIN_S + GOODBYE_S + 3.0
"""Then what still runs is cancelled; below systemd's 90 s and Docker's 10 s."""


async def run(settings: GatewaySettings, state: Path, stop: asyncio.Event, clock: Clock | None = None) -> None:
    """Sample and send until `stop` is set; everything that was read is on disk when this returns.

    A log that turns out to be damaged meanwhile is closed and opened anew, which sets it aside; a disk without any room is
    waited for. Raises LogError when the log cannot be used.
    """
    clock = clock or SystemClock()
    registry = CollectorRegistry()
    metrics = GatewayMetrics(registry)
    full = False
    while not stop.is_set():
        pause_s = REOPEN_S
        try:
            await _run_once(settings, state, stop, clock, registry, metrics)
        except* LogFullError as errors:
            if not full:
                log.error("%s: nothing can be logged; the gateway waits for room", errors.exceptions[0])
            full, pause_s = True, RETRY_OPEN_S
        except* sqlite3.DatabaseError as errors:
            if not all(is_damage(error) for error in _each(errors)):
                raise
            log.error("the log is damaged: %s; it is opened anew", errors.exceptions[0])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await stop.wait()
    log.info("stopped")


def _each(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _each(error)
        else:
            yield error


async def _run_once(
    settings: GatewaySettings,
    state: Path,
    stop: asyncio.Event,
    clock: Clock,
    registry: CollectorRegistry,
    metrics: GatewayMetrics,
) -> None:
    reserve_bytes = round(settings.log.reserve_mb * 1024 * 1024)
    log_ = await asyncio.to_thread(open_log, state, settings.id, clock, reserve_bytes=reserve_bytes)
    async with log_:
        log.info("log %s, epoch %s, entries from %d", log_.path, epoch_text(log_.epoch), log_.progress.last + 1)
        metrics.set_aside.inc(log_.set_aside)
        uplink = Uplink(settings, version("aryk"), log_, _connector(settings, clock), clock, metrics, Random())
        with (
            open_drivers(settings.devices, clock) as drivers,
            HealthServer(settings.health, registry, lambda: uplink.trouble) as health,
        ):
            if health.port:
                log.info("health page at http://%s:%d", settings.health.host, health.port)
            samplers = device_samplers(settings.devices, drivers, log_, clock, metrics)
            async with asyncio.TaskGroup() as tasks:
                working = [
                    tasks.create_task(sampler.run(), name=f"sampler {device}") for device, sampler in samplers.items()
                ]
                working.append(tasks.create_task(_keep_tidy(log_, settings, clock, metrics), name="retention"))
                working.append(tasks.create_task(_salvage(log_, metrics), name="salvage"))
                sending = tasks.create_task(uplink.run(stop), name="uplink")
                await stop.wait()
                for task in working:
                    task.cancel()
                await asyncio.wait({sending}, timeout=STOP_LONGEST_S)
                sending.cancel()


def _connector(settings: GatewaySettings, clock: Clock) -> PahoConnector:
    down = [topic(settings.district, settings.id, kind) for kind in (Kind.RECEIPTS, Kind.COMMANDS)]
    will = encode_message(Status(state=State.LOST))
    return PahoConnector(
        settings.broker, settings.id, down, topic(settings.district, settings.id, Kind.STATUS), will, clock
    )


async def _keep_tidy(log_: Log, settings: GatewaySettings, clock: Clock, metrics: GatewayMetrics) -> None:
    while True:
        try:
            metrics.trimmed.inc(await log_.keep_tidy(settings.log.keep))
            await set_gauges(log_, clock, metrics)
        except (sqlite3.Error, LogUnavailableError) as error:
            if is_damage(error):
                raise
            metrics.tidy_failures.inc()
            log.error("the log cannot be tidied now: %s", error)
        await asyncio.sleep(ROOM_EVERY_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TIDY_EVERY_S - ROOM_EVERY_S):
                await log_.short.wait()


async def _salvage(log_: Log, metrics: GatewayMetrics) -> None:
    while True:
        try:
            async with contextlib.aclosing(log_.salvage()) as salvaged:
                async for damaged, result in salvaged:
                    metrics.salvaged_rows.labels("whole").inc(result.rows - result.suspect)
                    metrics.salvaged_rows.labels("suspect").inc(result.suspect)
                    metrics.salvage_lost.inc(result.lost + result.nameless)
                    log.warning(
                        "%s is salvaged: %d entries, %d of them suspect; %d lost",
                        damaged.name,
                        result.rows,
                        result.suspect,
                        result.lost + result.nameless,
                    )
            return
        except (sqlite3.Error, OSError, LogError, LogUnavailableError) as error:
            metrics.salvage_failures.inc()
            log.error("the damaged log cannot be salvaged now: %s", error)
        await asyncio.sleep(TIDY_EVERY_S)

"""The fleet at work: one beat scans who is due, writes the ledger, and publishes what has room."""

import asyncio
import random
import time
from collections.abc import Callable

from simulator.fleet.gateway import Draws, FleetGateway
from simulator.fleet.link import MakeLink
from simulator.fleet.log import FleetLog, Outgoing
from simulator.fleet.plan import FleetPlan
from simulator.fleet.report import FleetReport
from simulator.ledger.rows import Published, Series
from simulator.ledger.writer import Recorder
from simulator.settings import FleetSettings
from wire.flags import Flag
from wire.names import EPOCH_BITS

_BEAT_S = 0.01
_SWEEP_S = 0.25
"""How often every gateway is looked at for overdue receipts."""
_TELL_S = 5.0
_STOP_DRAIN_S = 2.0
"""After a signal the last receipts are waited for no longer than this."""
_MOST_BEHIND = 2.0
"""Scans that are late by more than so many intervals are left out, and counted."""


class Fleet:
    """The gateways of a plan. `run` connects them, lets them work, and answers what they did."""

    def __init__(
        self,
        settings: FleetSettings,
        plan: FleetPlan,
        recorder: Recorder,
        make_link: MakeLink,
        *,
        say: Callable[[str], None] = lambda line: None,
        wall_s: Callable[[], float] = time.time,
        draw: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._plan = plan
        self._recorder = recorder
        self._make_link = make_link
        self._say = say
        self._wall_s = wall_s
        # Epochs are identities: a seed must never give the same one twice.
        self._draw = draw or random.SystemRandom()
        self.report = FleetReport(gateways=len(plan.gateways))
        self.gateways: list[FleetGateway] = []
        self._series_ids: list[list[int]] = []
        self._ready: set[FleetGateway] = set()
        self._draining = False

    async def run(self, stop: asyncio.Event) -> FleetReport:
        """Work until the settings' duration is over or until told to stop, then wait for the last receipts, and close."""
        loop = asyncio.get_running_loop()
        self._make_gateways(loop.time)
        started_s = loop.time()
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._connect(group), name="fleet connects"),
                group.create_task(self._sweep(), name="fleet looks for overdue receipts"),
                group.create_task(self._tell(started_s), name="fleet tells"),
            ]
            await self._work(stop, started_s)
            await self._drain(stop)
            for helper in helpers:
                helper.cancel()
            for gateway in self.gateways:
                gateway.say_goodbye()
            await asyncio.gather(*(gateway.link.close() for gateway in self.gateways))
        self._count()
        return self.report

    def _make_gateways(self, clock: Callable[[], float]) -> None:
        settings = self._settings
        for planned in self._plan.gateways:
            records = FleetLog(
                len(self._plan.sensors),
                scans_a_message=settings.scans_a_message,
                window=settings.window,
                receipt_timeout_s=settings.receipt_timeout,
                most_waiting=settings.most_waiting,
                keep=settings.keep,
            )
            draws = Draws(self._draw.getrandbits(EPOCH_BITS), self._draw.getrandbits(64))
            self.gateways.append(
                FleetGateway(
                    planned,
                    self._plan,
                    records,
                    self.report,
                    settings.codec,
                    self._make_link,
                    draws,
                    clock,
                    self._ready.add,
                )
            )
            self._series_ids.append(
                [
                    self._recorder.series_id(Series(planned.id, "", planned.id, sensor.id, sensor.quantity))
                    for sensor in self._plan.sensors
                ]
            )

    async def _connect(self, group: asyncio.TaskGroup) -> None:
        """A few at a time: a broker need not be stormed."""
        at_once = max(1, round(self._settings.connects_per_s * _BEAT_S))
        for start in range(0, len(self.gateways), at_once):
            for gateway in self.gateways[start : start + at_once]:
                group.create_task(gateway.link.run(), name=f"session of {gateway.planned.id}")
            await asyncio.sleep(at_once / self._settings.connects_per_s)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            self._ready.update(gateway for gateway in self.gateways if not gateway.log.idle)

    async def _tell(self, started_s: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TELL_S)
            self._count()
            self._say(self.report.progress(loop.time() - started_s))

    async def _work(self, stop: asyncio.Event, started_s: float) -> None:
        """Every gateway scans once in an interval, each at its own moment of it."""
        loop = asyncio.get_running_loop()
        step_s = self._plan.interval_s / len(self.gateways)
        end_s = started_s + (self._settings.duration or float("inf"))
        most_behind = round(_MOST_BEHIND * len(self.gateways))
        done = 0
        while not stop.is_set() and (now_s := loop.time()) < end_s:
            due = int((now_s - started_s) / step_s) + 1
            self.report.behind_s = (due - done) * step_s if due - done > 1 else 0.0
            if due - done > most_behind:
                self.report.skipped += (due - done - most_behind) * len(self._plan.sensors)
                done = due - most_behind
            time_ms = int(self._wall_s() * 1000.0)
            for number in range(done, due):
                gateway = self.gateways[number % len(self.gateways)]
                gateway.scan(time_ms)
                self._ready.add(gateway)
            done = due
            await self._beat()
            await _pause(stop, _BEAT_S)

    async def _drain(self, stop: asyncio.Event) -> None:
        """Send what is waiting, and wait for the receipts, for a bounded time."""
        loop = asyncio.get_running_loop()
        self._draining = True
        self._ready.update(self.gateways)
        end_s = loop.time() + self._settings.drain
        while not all(gateway.log.idle for gateway in self.gateways):
            if stop.is_set():
                end_s = min(end_s, loop.time() + _STOP_DRAIN_S)
                stop = asyncio.Event()
            if loop.time() >= end_s:
                return
            await self._beat()
            await asyncio.sleep(_BEAT_S)

    async def _beat(self) -> None:
        """Publish what the gateways with something to do have room for. The ledger knows of it before the broker."""
        ready = list(self._ready)
        self._ready.clear()
        fresh: list[tuple[FleetGateway, Outgoing]] = []
        rows: list[Published] = []
        for gateway in ready:
            if not gateway.link.live:
                continue
            gateway.say_hello()
            self._send_again(gateway)
            for _ in range(gateway.link.room):
                batch = gateway.log.take(whole=not self._draining)
                if batch is None:
                    break
                fresh.append((gateway, batch))
                rows.extend(self._rows(gateway, batch))
        if rows:
            await self._recorder.record_published(rows)
            self.report.published += len(rows)
        for gateway, batch in fresh:
            if not gateway.publish(batch, self._draw.random()):
                self._ready.add(gateway)
        for gateway in ready:
            gateway.link.flush()

    def _send_again(self, gateway: FleetGateway) -> None:
        now_s = asyncio.get_running_loop().time()
        while gateway.link.room > 0 and (batch := gateway.log.take_again(now_s)) is not None:
            if not gateway.publish(batch, self._draw.random()):
                return

    def _rows(self, gateway: FleetGateway, batch: Outgoing) -> list[Published]:
        ids = self._series_ids[gateway.planned.number - 1]
        flag = int(Flag.PASS)
        seq = batch.first
        out = []
        for scan in batch.scans:
            for series_id, value in zip(ids, scan.values, strict=True):
                out.append(Published(series_id, gateway.epoch, seq, scan.time_ms, value, flag))
                seq += 1
        return out

    def _count(self) -> None:
        logs = [gateway.log for gateway in self.gateways]
        self.report.waiting = sum(one.waiting for one in logs)
        self.report.under_way = sum(one.under_way for one in logs)
        self.report.dropped = sum(one.dropped for one in logs)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass

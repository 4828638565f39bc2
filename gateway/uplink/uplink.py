"""Keeps a connection, says hello, sends what the schedule lets through, takes in what the centre answers."""

import asyncio
import contextlib
import logging
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

from gateway.clock import Clock
from gateway.log import Log
from gateway.log.load import is_damage
from gateway.log.writer import LogUnavailableError
from gateway.metrics import GatewayMetrics
from gateway.settings import GatewaySettings
from gateway.uplink.batch import pack
from gateway.uplink.hello import Hello
from gateway.uplink.inbound import Inbound, numbers
from gateway.uplink.schedule import Kind, Schedule
from gateway.uplink.session import Arrived, Connector, Lost, NobodyListens, Session, SessionError
from wire.codec import CONTENT_TYPES
from wire.messages import MAX_MESSAGE_BYTES, LogExtent, State, Status, Stream, encode_message
from wire.names import epoch_text
from wire.topics import Kind as TopicKind
from wire.topics import topic

log = logging.getLogger("gateway.uplink")

RECONNECT_FIRST_S = 1.0
RECONNECT_LONGEST_S = 120.0
STABLE_S = 60.0
"""A connection that lasted so long was a good one: the next is tried at once again."""
DRAIN_S = 3.0
"""When stopping, how long the newest scans may take to be receipted."""
GOODBYE_S = 2.0
GAUGES_EVERY_S = 5.0
EXTENTS_TOLD = 300
"""Epochs named in a hello, the newest ones: 17 kB of the 64 that a status may have."""
STATUS_TYPE = "application/json"


class Uplink:
    """The uplink of one gateway. It knows the log and nothing of the sampler."""

    def __init__(
        self,
        settings: GatewaySettings,
        version: str,
        log_: Log,
        connector: Connector,
        clock: Clock,
        metrics: GatewayMetrics,
        random: Random,
    ) -> None:
        self._settings = settings
        self._version = version
        self._log = log_
        self._connector = connector
        self._clock = clock
        self._metrics = metrics
        self._random = random
        uplink = settings.uplink
        self.schedule = Schedule(
            window=uplink.window,
            receipt_timeout_s=uplink.receipt_timeout,
            backlog_pause_s=uplink.backlog_pause,
            send_interval_s=uplink.send_interval,
            random=random,
        )
        self._hello = Hello()
        self._inbound = Inbound(log_, self.schedule, self._hello, clock, metrics)
        self._session: Session | None = None
        self._salvaged_told = len(log_.salvaged)
        self._trouble = "not connected to the broker yet"
        self._gauges_at_s = float("-inf")
        self._readings_topic = topic(settings.district, settings.id, TopicKind.READINGS)
        self._status_topic = topic(settings.district, settings.id, TopicKind.STATUS)
        log_.on_commit(self._poke)

    @property
    def trouble(self) -> str | None:
        """Why nothing can be sent, or None while connected."""
        return None if self._session is not None else self._trouble

    async def run(self, stop: asyncio.Event) -> None:
        """Stay connected until `stop` is set; then what is new may still be receipted for a moment."""
        stopping = asyncio.ensure_future(stop.wait())
        stopping.add_done_callback(lambda _: self._poke())
        failures = 0
        try:
            while not stop.is_set():
                began_s = self._clock.monotonic_s()
                try:
                    async with self._connected() as session:
                        await self._talk(session, stop.is_set)
                        await self._leave(session)
                except Exception as error:
                    # The boundary between sending and sampling: whatever goes wrong in here, a defect of ours set off by
                    # some message too, must not take the sampler with it. Only damage to the log does: it is opened anew.
                    if is_damage(error):
                        raise
                    if self._clock.monotonic_s() - began_s >= STABLE_S:
                        failures = 0
                    failures += 1
                    self._note(error)
                    longest_s = min(RECONNECT_FIRST_S * 2 ** (failures - 1), RECONNECT_LONGEST_S)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(longest_s * self._random.uniform(0.3, 1.0)):
                            await stop.wait()
        finally:
            stopping.cancel()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Session]:
        async with self._connector.connect() as session:
            self._session = session
            self._metrics.connected.set(1)
            self._metrics.connects.inc()
            self._hello.connected()
            try:
                yield session
            finally:
                self._session = None
                self._metrics.connected.set(0)
                self.schedule.disconnected()

    async def _talk(self, session: Session, stopping: Callable[[], bool]) -> None:
        """Send and take in until told to stop and the newest scans are receipted, or for `DRAIN_S` at most then."""
        stop_at_s: float | None = None
        while True:
            while session.events:
                event = session.events.popleft()
                if isinstance(event, Arrived):
                    await self._inbound.take(event)
                elif isinstance(event, NobodyListens):
                    self._metrics.no_subscriber.inc()
                    self.schedule.nobody_listens()
                elif isinstance(event, Lost):
                    raise SessionError("lost", event.reason)
            now_s = self._clock.monotonic_s()
            if stopping():
                stop_at_s = stop_at_s if stop_at_s is not None else now_s + DRAIN_S
                if now_s >= stop_at_s or not (self.schedule.under_way or self._log.pending()):
                    return
            self._metrics.resends.inc(self.schedule.expire(now_s))
            if len(self._log.salvaged) != self._salvaged_told:
                self._salvaged_told = len(self._log.salvaged)
                self._hello.asked_for()  # the centre is to know which epochs there are
            if now_s >= self._hello.due_s and not stopping():
                self._say_hello(session)
            await self._settle_times()
            await self._send(session)
            await self._set_gauges()
            if not session.events:
                await session.wait(self._wait_s(stop_at_s))

    async def _send(self, session: Session) -> None:
        while True:
            now_s = self._clock.monotonic_s()
            progress = self._log.progress
            with progress.lock:
                commits = list(progress.commits)
                pending = self._log.pending()
            plan = self.schedule.next(now_s, self._log.epoch, commits, pending)
            if plan is None:
                return
            rows = await self._log.rows(plan.ranges, numbers(plan.ranges), plan.epoch)
            if len(rows) < numbers(plan.ranges):
                await self._inbound.missing_rows(plan.epoch, plan.ranges, [row.seq for row in rows])
            if not rows:
                continue
            message = pack(self._settings.id, plan.epoch, rows, self._settings.codec, newest=plan.newest)
            self._inbound.sent(message)
            content_type = CONTENT_TYPES[self._settings.codec]
            session.publish(self._readings_topic, message.payload, content_type=content_type)
            self.schedule.sent(plan, message.ranges, self._clock.monotonic_s())
            self._metrics.batches.labels(plan.kind.value).inc()
            self._metrics.sent_bytes.inc(len(message.payload))
            if plan.kind is Kind.PROBE:
                return

    def _say_hello(self, session: Session) -> None:
        nonce = secrets.token_hex(8)
        self._hello.sent(nonce, self._clock.now(), self._clock.monotonic_s())
        session.publish(self._status_topic, self.status(State.ONLINE, nonce), content_type=STATUS_TYPE, retain=True)

    async def _settle_times(self) -> None:
        """Rows that were held just before the anchor came."""
        anchor = self._log.anchor
        if anchor is not None and self._log.held and anchor.fresh_at(self._clock.now().boot_ns):
            await self._log.settle_times(anchor)

    def status(self, state: State, nonce: str | None = None) -> bytes:
        """What this gateway says of itself."""
        streams = [
            Stream(sensor=sensor.id, quantity=sensor.quantity, unit=sensor.unit, interval_s=device.interval)
            for device in self._settings.devices
            for sensor in device.sensors
        ]
        extents = self._log.extents()[-EXTENTS_TOLD:]
        logs = [LogExtent(epoch=epoch_text(one.epoch), first=one.first, last=one.last) for one in extents]
        while True:
            status = encode_message(
                Status(
                    state=state,
                    nonce=nonce,
                    logs=logs,
                    version=self._version,
                    config=self._settings.config_hash,
                    streams=streams,
                )
            )
            if len(status) <= MAX_MESSAGE_BYTES:
                return status
            streams = streams[: len(streams) // 2]  # the registry knows them too; who has been away must be told

    async def _leave(self, session: Session) -> None:
        session.publish(self._status_topic, self.status(State.LOST), content_type=STATUS_TYPE, retain=True)
        await session.flush(GOODBYE_S)

    def _wait_s(self, stop_at_s: float | None) -> float:
        now_s = self._clock.monotonic_s()
        times = [self._hello.due_s, self._gauges_at_s + GAUGES_EVERY_S]
        wake = self.schedule.wake_at_s(now_s)
        if wake is not None:
            times.append(wake)
        if stop_at_s is not None:
            times.append(stop_at_s)
        return max(0.0, min(times) - now_s)

    async def _set_gauges(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s < self._gauges_at_s + GAUGES_EVERY_S:
            return
        self._gauges_at_s = now_s
        await set_gauges(self._log, self._clock, self._metrics)

    def _note(self, error: Exception) -> None:
        if isinstance(error, SessionError):
            reason, what = error.reason, "no connection"
        elif isinstance(error, LogUnavailableError | sqlite3.Error):
            reason, what = "log", "the log fails"
        else:
            reason, what = "unexpected", "sending failed"
        self._metrics.connect_failures.labels(reason).inc()
        told = str(error) or type(error).__name__
        if told != self._trouble:
            log.warning("%s: %s", what, told, exc_info=error if reason == "unexpected" else None)
        self._trouble = told

    def _poke(self) -> None:
        if self._session is not None:
            self._session.poke()


async def set_gauges(log_: Log, clock: Clock, metrics: GatewayMetrics) -> None:
    """What the log holds, as metrics."""
    progress = log_.progress
    oldest_ms = await log_.oldest_unsettled_ms()
    now = clock.now()
    with progress.lock:
        kept = sum(max(0, state.last - state.first + 1) for state in progress.epochs.values())
    metrics.log_rows.set(kept)
    metrics.log_last_seq.set(progress.last)
    metrics.unreceipted.set(log_.unsettled())
    metrics.held.set(log_.held)
    metrics.salvaged_logs.set(len(log_.salvaged))
    metrics.unreceipted_age.set(0 if oldest_ms is None else max(0, now.ms - oldest_ms) / 1000)
    anchor = log_.anchor
    metrics.synchronised.set(int(anchor is not None and anchor.synchronised and anchor.fresh_at(now.boot_ns)))

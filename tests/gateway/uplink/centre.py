"""A centre in the test: takes batches, answers hellos, gives receipts, and can be told not to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry

from gateway.clock import Clock, SystemClock
from gateway.log import Log, NewRecord, Scan
from gateway.metrics import GatewayMetrics
from gateway.settings import GatewaySettings
from gateway.uplink.memory_session import MemoryConnector, Published
from gateway.uplink.uplink import Uplink
from tests.gateway.build import reading, settings
from tests.gateway.log.helpers import opened
from wire.batch import Batch
from wire.codec import decode_batch
from wire.messages import CentreTime, Command, Receipt, Refusal, Status, decode_message, encode_message
from wire.names import digest, epoch_text
from wire.ranges import Range, coalesce
from wire.reasons import Reason

STATUS = "aryk/v1/north/gw-1/status"
READINGS = "aryk/v1/north/gw-1/readings"
RECEIPTS = "aryk/v1/north/gw-1/receipts"
COMMANDS = "aryk/v1/north/gw-1/commands"


class Centre:
    """Behind the broker in memory. `receipts`, `answers_hello` and `refuse` say how it behaves."""

    def __init__(self, broker: MemoryConnector, clock: Clock) -> None:
        self.broker = broker
        self.clock = clock
        self.batches: list[Batch] = []
        self.hellos: list[Status] = []
        self.receipts = True
        self.answers_hello = True
        self.skew_ms = 0
        self.refuse: Callable[[Batch], bool] = lambda batch: False
        broker.on_publish = self._take

    @property
    def stored(self) -> dict[tuple[int, int], Any]:
        """What arrived, by identity."""
        out: dict[tuple[int, int], Any] = {}
        for batch in self.batches:
            for series in batch.series:
                for seq, ms, value in zip(series.seq, series.time_ms, series.value, strict=True):
                    out[batch.epoch, seq] = (series.sensor, ms, value)
            for record in batch.records:
                out[batch.epoch, record.seq] = record.body
        return out

    @property
    def gaps(self) -> list[dict[str, Any]]:
        return [one for one in self.stored.values() if isinstance(one, dict) and "reason" in one]

    def receipt(self, epoch: int, ranges: list[Range]) -> None:
        self.say(Receipt(durable={epoch_text(epoch): [list(one) for one in ranges]}))

    def say(self, message: Receipt | Command) -> None:
        topic = RECEIPTS if isinstance(message, Receipt) else COMMANDS
        self.broker.say(topic, encode_message(message))

    def resend(self, epoch: int, first: int, last: int) -> None:
        self.say(Command(command="resend", epoch=epoch_text(epoch), ranges=[[first, last]]))

    def _take(self, message: Published) -> None:
        if message.topic == STATUS:
            status = decode_message(Status, message.payload)
            assert message.retain
            self.hellos.append(status)
            if status.nonce is not None and self.answers_hello:
                time = CentreTime(nonce=status.nonce, ms=self.clock.now().ms + self.skew_ms)
                self.say(Receipt(time=time))
            return
        assert message.topic == READINGS
        batch = decode_batch(message.payload, message.content_type)
        if self.refuse(batch):
            refusal = Refusal(reason=Reason.POISON, detail="told to", digest=digest(message.payload))
            self.say(Receipt(refused=[refusal]))
            return
        self.batches.append(batch)
        if self.receipts:
            self.receipt(batch.epoch, coalesce(batch.seqs()))


class Bench:
    """A log, an uplink, a broker in memory and the centre behind it."""

    def __init__(self, log: Log, clock: Clock, configured: GatewaySettings) -> None:
        self.log = log
        self.clock = clock
        self.broker = MemoryConnector(clock)
        self.centre = Centre(self.broker, clock)
        self.registry = CollectorRegistry()
        self.metrics = GatewayMetrics(self.registry)
        self.uplink = Uplink(configured, "1.0", log, self.broker, clock, self.metrics, Random(1))
        self.stop = asyncio.Event()

    async def scan(self, *values: float, records: tuple[NewRecord, ...] = ()) -> None:
        readings = tuple(reading(value, f"level-{at}") for at, value in enumerate(values))
        await self.log.append(Scan(self.clock.now(), readings, records))

    def unsettled(self) -> int:
        return self.log.progress.unsettled()[0]

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"aryk_gateway_{name}", labels) or 0.0


@asynccontextmanager
async def bench(state: Path, clock: Clock | None = None, **uplink: Any) -> AsyncIterator[Bench]:
    """A bench; its uplink runs inside `running`."""
    clock = clock or SystemClock()
    times = {"receipt_timeout": 0.15, "backlog_pause": 0.0}
    async with opened(state, clock) as log:
        yield Bench(log, clock, settings(uplink={**times, **uplink}))


@asynccontextmanager
async def running(one: Bench) -> AsyncIterator[None]:
    """The uplink at work; it is stopped in good order at the end."""
    task = asyncio.ensure_future(one.uplink.run(one.stop))
    try:
        yield
        one.stop.set()
        async with asyncio.timeout(20):
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

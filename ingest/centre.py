"""The running ingest: takes groups of messages in, commits them, acknowledges, sends receipts. One task for each of these."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from ingest.alarms import Alarms
from ingest.asking import PATIENCE_S, Asking
from ingest.bulk import Bulk
from ingest.change import Change
from ingest.commands import Commands
from ingest.committer import Committer
from ingest.gateways import Gateways, missing_of, received_of
from ingest.gone import put_gone
from ingest.holding import SpoolReader
from ingest.intake import Arrival, Due, Group, Intake
from ingest.last_values import LastValues
from ingest.metrics import Metrics
from ingest.pipeline import Directory
from ingest.receipts import ReceiptBook
from ingest.received import count
from ingest.source import Queued, Source
from ingest.writer import Drain
from mqtt import Acknowledged, Client
from wire.codec import CONTENT_TYPES, Codec
from wire.messages import HELLO_EXPIRY_S, Command, encode_message
from wire.names import digest, epoch_text
from wire.ranges import Range
from wire.topics import Kind, Topic, is_status, topic

log = logging.getLogger(__name__)

GROUP_MESSAGES = 500
GROUP_BYTES = 512 * 1024
WINDOW_S = 0.005
"""Messages that come within this of the first share its fsync."""
GROUPS_UNDER_WAY = 2
"""One is synced while the next is decoded."""
WATCH_S = 0.5
ASK_LOOK_S = 30.0

REFILL_UNTIL = "refill_until_ms"
"""Until then every hello is answered with a request for what it names and was not received."""
REFILL_MS = 7 * 86_400_000

T = TypeVar("T")

JSON = CONTENT_TYPES[Codec.JSON]


def refill_until(now_ms: int) -> str:
    """When to stop asking for what was lost: a gateway that was away for a week is the exception."""
    return str(now_ms + REFILL_MS)


class _UnderWay(NamedTuple):
    committed: "asyncio.Future[None]"
    group: Group
    last: Queued
    hellos: list[tuple[Topic, str | None]]


class Centre:
    """Everything between the broker's connection and the spool."""

    def __init__(
        self,
        *,
        client: Client,
        source: Source,
        intake: Intake,
        committer: Committer,
        reader: SpoolReader,
        drain: Drain,
        gateways: Gateways,
        values: LastValues,
        alarms: Alarms,
        metrics: Metrics,
        spool_max_bytes: int,
        refill: bool,
        cautious: int,
        ask_after_s: float = PATIENCE_S,
    ) -> None:
        self._client, self._source, self._intake, self._committer = client, source, intake, committer
        self._bulk = Bulk(intake)
        self._reader, self._drain, self._gateways, self._values = reader, drain, gateways, values
        self._alarms = alarms
        self._metrics = metrics
        self._spool_max_bytes = spool_max_bytes
        self._refill = refill
        self._cautious = cautious
        self._asking = Asking(ask_after_s)
        self._book = ReceiptBook()
        self._commands = Commands()
        self._under_way: asyncio.Queue[_UnderWay] = asyncio.Queue(GROUPS_UNDER_WAY)
        self._taking = asyncio.Lock()
        self._speak = asyncio.Event()
        self._all_told = asyncio.Event()
        self._all_told.set()
        self.stopped: frozenset[str] = frozenset()

    # taking in

    async def take_in(self) -> None:
        """Groups of messages into the spool, for ever."""
        while True:
            careful = self._cautious > 0
            taken = await self._source.take(1 if careful else GROUP_MESSAGES, GROUP_BYTES, 0.0 if careful else WINDOW_S)
            async with self._taking:
                group = Group()
                hellos: list[tuple[Topic, str | None]] = []
                if careful:
                    await self._mark(taken[0], group)
                self._take_all(taken, group, hellos)
                await self._under_way.put(_UnderWay(self._committer.submit(group.change), group, taken[-1], hellos))

    async def _mark(self, queued: Queued, group: Group) -> None:
        """After an unclean stop: write down what is about to be decoded, so that a second death can name it."""
        self._cautious -= 1
        name = digest(queued.arrival.payload)
        if not self._intake.is_poison(name):
            await self._committer.commit(Change(marks=[name]))
            group.change.unmarks.append(name)

    def _take_all(self, taken: list[Queued], group: Group, hellos: list[tuple[Topic, str | None]]) -> None:
        """Runs of readings together; a status sees what came before it."""
        run: list[Arrival] = []
        for queued in taken:
            if is_status(queued.arrival.topic):
                self._take_readings(run, group)
                run = []
                self._metrics.messages.labels("status").inc()
                self._take_status(queued, group, hellos)
            else:
                run.append(queued.arrival)
        self._take_readings(run, group)

    def _take_readings(self, run: list[Arrival], group: Group) -> None:
        if not run:
            return
        readings = sum(1 for arrival in run if arrival.topic.endswith("/readings"))
        self._metrics.messages.labels("readings").inc(readings)
        self._metrics.messages.labels("other").inc(len(run) - readings)
        self._bulk.take(run, group)

    def _take_status(self, queued: Queued, group: Group, hellos: list[tuple[Topic, str | None]]) -> None:
        arrival = queued.arrival
        if not arrival.payload and not arrival.unreadable:  # somebody took the retained status away
            return
        address, status, refused = self._intake.take_status(arrival, group)
        if refused is not None:
            self._metrics.bad_statuses.labels(refused.reason.value).inc()
        if address is None or status is None:
            return
        gateway, is_known = address.gateway, refused is None
        if is_known:
            self._gateways.status_came(gateway, status, arrival.received_ms, retained=queued.message.retained)
        if status.nonce is None:
            return
        hellos.append((address, status.nonce))
        for epoch, ranges in received_of(status, gateway, self._intake.received).items():
            group.due.append(Due(address, epoch, ranges, [], arrival.arrived_s))
        # One set of commands at a time: while it waits to be sent another hello adds nothing.
        if self._refill and is_known and not self._commands.waits_for(topic(address.district, gateway, Kind.COMMANDS)):
            for epoch, ranges in missing_of(status, gateway, self._intake.received, self._intake.gone).items():
                self._ask_again(address.district, gateway, epoch, ranges)

    def _ask_again(self, district: str, gateway: str, epoch: int, ranges: list[Range]) -> None:
        ask = Command(command="resend", epoch=epoch_text(epoch), ranges=[[a, b] for a, b in ranges])
        self._command(district, gateway, ask)
        self._metrics.resends.inc()

    async def change(self, make: Callable[[Group], T]) -> T:
        """One change of the spool between two of intake's; it is durable when this returns."""
        async with self._taking:
            group = Group()
            answer = make(group)
            committed = self._committer.submit(group.change)
        await committed
        if group.change.rows:
            self._drain.rows_added()
        self._note(group)
        return answer

    def _note(self, group: Group) -> None:
        for accepted in group.accepted:
            self._values.note(accepted)
            self._alarms.note(accepted)
        for changed in group.changed:
            self._alarms.note_changed(changed)

    def set_registry(self, known: Directory, values: LastValues, districts: Mapping[str, str]) -> None:
        """From the next message on this registry is in force."""
        values.take_over(self._values)
        self._intake.known, self._values = known, values
        self._gateways.set_registry(districts)

    # after the fsync

    async def finish(self) -> None:
        """Acknowledge and prepare receipts, group by group, in order."""
        while True:
            under_way = await self._under_way.get()
            await under_way.committed
            self.look()
            group, now_s = under_way.group, time.monotonic()
            self._client.acknowledge(under_way.last.message)
            self._client.flush()
            if group.arrivals:
                self._metrics.acknowledge_s.observe(now_s - min(group.arrivals))
            if group.change.rows:
                self._drain.rows_added()
            for due in group.due:
                self._book.add(due.address, due.epoch, due.ranges, due.refused, due.arrived_s)
            for address, nonce in under_way.hellos:
                self._book.hello(address, nonce)
            if group.due or under_way.hellos:
                self._all_told.clear()
                self._speak.set()
            self._note(group)
            for gateway, received_ms in group.seen.items():
                self._gateways.readings_came(gateway, received_ms)
            self._under_way.task_done()

    async def speak(self) -> None:
        """Send receipts and commands when they are due and there is room."""
        while True:
            timeout_s = None
            if self._client.room:
                next_s = self._book.next_s()
                timeout_s = None if next_s is None else max(0.0, next_s - time.monotonic())
            if timeout_s is None or timeout_s > 0:
                try:
                    async with asyncio.timeout(timeout_s):
                        await self._speak.wait()
                except TimeoutError:
                    pass
            self._speak.clear()
            self._send()
            await asyncio.sleep(0)

    def _send(self) -> None:
        now_s, wall_ms = time.monotonic(), time.time_ns() // 1_000_000
        for outgoing in self._book.due(now_s, wall_ms, self._client.room):
            expiry_s = HELLO_EXPIRY_S if outgoing.answers_hello else None
            payload = encode_message(outgoing.receipt)
            if self._client.publish(outgoing.topic, payload, content_type=JSON, expiry_s=expiry_s) is None:
                self._book.unsent(outgoing)
                break
            self._metrics.receipts.inc()
            if outgoing.arrivals:
                self._metrics.receipt_s.observe(now_s - min(outgoing.arrivals))
        while self._commands and self._client.room:
            where, payload = self._commands.take()
            self._client.publish(where, payload, content_type=JSON)
        self._client.flush()
        if not self._book.waiting:
            self._all_told.set()

    def acknowledged(self, answer: Acknowledged) -> None:
        """The broker took something of ours: there is room for more."""
        if self._book.waiting or self._commands:
            self._speak.set()

    def connected(self) -> None:
        """The session is live."""
        if self._refill:
            for gateway, view in self._gateways.views.items():
                self._command(view.district, gateway, Command(command="hello"))
        self._speak.set()

    def _command(self, district: str, gateway: str, command: Command) -> None:
        if self._commands.add(topic(district, gateway, Kind.COMMANDS), encode_message(command)):
            self._speak.set()

    # watching

    async def ask_for_missing(self) -> None:
        """Ask gateways for what has been missing for long; what they no longer have is lost, and counted."""
        while True:
            await asyncio.sleep(min(ASK_LOOK_S, self._asking.patience_s))
            if not self._client.live:
                continue
            for gateway, view in list(self._gateways.views.items()):
                due = self._asking.look(gateway, view, self._intake.received, self._intake.gone, time.monotonic())
                for epoch, ranges in due.ask.items():
                    log.info("%s is asked again for %d missing readings", gateway, count(ranges))
                    self._ask_again(view.district, gateway, epoch, ranges)
                for epoch, ranges in due.lost.items():
                    await self._lost(gateway, epoch, ranges)

    async def _lost(self, gateway: str, epoch: int, ranges: list[Range]) -> None:
        log.error("%s no longer has %d readings that never came", gateway, count(ranges))
        intake = self._intake
        await self.change(
            lambda group: put_gone(group.change, intake.gone, intake.received, gateway, epoch, ranges, lost=True)
        )

    async def watch(self) -> None:
        """Stop intake while the disk or the spool is full."""
        while True:
            self.look()
            await asyncio.sleep(WATCH_S)
            self._book.forget_idle(time.monotonic())

    def look(self) -> None:
        """Decide whether messages may be taken in now."""
        why = set()
        if self._committer.usage.disk_is_low:
            why.add("disk")
        if self._committer.totals.bytes >= self._spool_max_bytes:
            why.add("spool")
        if self._committer.failing:
            why.add("commit")
        if frozenset(why) != self.stopped:
            self.stopped = frozenset(why)
            if why:
                log.error("intake is stopped (%s): readings wait at the broker and in the gateways", ", ".join(why))
            else:
                log.info("intake goes on")
            self._source.hold(bool(why))

    async def rebuild_received(self) -> None:
        """A spool row was damaged: find out anew what was received, and ask for the rest."""
        await self.forget(Change)

    async def forget(self, make: Callable[[], Change]) -> None:
        """Commit a change that takes something from what was received, find out what is left, and ask for the rest."""
        async with self._taking:
            change = make()
            change.meta[REFILL_UNTIL] = refill_until(time.time_ns() // 1_000_000)
            # Everything submitted before is in the database after this, too.
            await self._committer.commit(change)
            holding = await asyncio.to_thread(self._reader.holding)
            self._intake.received.replace(holding.received)
        self.refill()

    def refill(self) -> None:
        """Ask every gateway for a hello, and from now on for what its hello names and was not received."""
        self._refill = True
        if self._client.live:
            self.connected()

    async def settle_down(self) -> None:
        """Intake is stopped: wait until what was taken is committed, acknowledged and told."""
        await self._source.empty.wait()
        async with self._taking:
            await self._under_way.join()
        if self._client.live:
            await self._all_told.wait()

"""One gateway of a fleet: says hello, publishes its batches, keeps what has no receipt, answers the centre's commands."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from mqtt import Acknowledged, ConnectionState, Message
from simulator.fleet.link import LinkEvents, LinkRequest, MakeLink
from simulator.fleet.log import FleetLog, Outgoing, Scan
from simulator.fleet.plan import FleetPlan, PlannedGateway
from simulator.fleet.report import FleetReport
from wire.batch import Batch, Series
from wire.codec import CONTENT_TYPES, Codec, encode_batch
from wire.flags import Flag
from wire.messages import Command, LogExtent, Receipt, State, Status, Stream, decode_message, encode_message
from wire.names import epoch_text
from wire.reasons import WireError
from wire.topics import Kind, parse_topic, topic

log = logging.getLogger(__name__)

_NOBODY_LISTENING = 0x10


@dataclass(frozen=True, slots=True)
class Draws:
    """What is random about a gateway: the epoch of its log, and the nonces of its hellos."""

    epoch: int
    nonce: int


class FleetGateway:
    """One gateway. All its methods run in the event loop and none of them blocks."""

    def __init__(
        self,
        planned: PlannedGateway,
        plan: FleetPlan,
        records: FleetLog,
        report: FleetReport,
        codec: Codec,
        make_link: MakeLink,
        draws: Draws,
        clock: Callable[[], float],
        on_work: "Callable[[FleetGateway], None]",
    ) -> None:
        self.planned = planned
        self.log = records
        self.epoch = draws.epoch
        self._plan = plan
        self._report = report
        self._codec = codec
        self._nonce = draws.nonce
        self._clock = clock
        self._on_work = on_work
        self._live = False
        self._hello_wanted = False
        self._last_ms = 0
        self._topics = {kind: topic(planned.district, planned.id, kind) for kind in Kind}
        self.link = make_link(
            LinkRequest(
                planned.id,
                (self._topics[Kind.RECEIPTS], self._topics[Kind.COMMANDS]),
                self._topics[Kind.STATUS],
                encode_message(Status(state=State.LOST)),
                LinkEvents(self._on_messages, self._on_acknowledged, self._on_state),
            )
        )

    def scan(self, time_ms: int) -> None:
        """Read all sensors; no two scans have the same time."""
        self._last_ms = max(time_ms, self._last_ms + 1)
        self.log.add(Scan(self._last_ms, self._plan.values(self.planned, self._last_ms)))
        self._report.scanned += len(self._plan.sensors)

    def encode(self, batch: Outgoing) -> bytes:
        """The message of these scans."""
        if not batch.payload:
            count = len(self._plan.sensors)
            times = [scan.time_ms for scan in batch.scans]
            series = [
                Series(
                    sensor.id,
                    sensor.quantity,
                    sensor.unit,
                    list(range(batch.first + place, batch.last + 1, count)),
                    times,
                    [scan.values[place] for scan in batch.scans],
                    [int(Flag.PASS)] * len(times),
                )
                for place, sensor in enumerate(self._plan.sensors)
            ]
            batch.payload = encode_batch(Batch(self.planned.id, self.epoch, series), self._codec)
        return batch.payload

    def publish(self, batch: Outgoing, jitter: float) -> bool:
        """Send a batch; False when there is no room for it now, and then it is sent again as if it were overdue."""
        topic_name = self._topics[Kind.READINGS]
        sent = self.link.publish(topic_name, self.encode(batch), content_type=CONTENT_TYPES[self._codec]) is not None
        if sent:
            again = batch.tries > 0
            self.log.sent(batch, self._clock(), jitter)
            self._report.messages += not again
            self._report.sent_again += again
        return sent

    def say_hello(self) -> None:
        """Publish the retained status, if a hello is due and there is room."""
        if self._hello_wanted and self.link.room > 0:
            self._hello_wanted = False
            self._nonce = (self._nonce * 6364136223846793005 + 1442695040888963407) % (1 << 64)
            self._publish_status(State.ONLINE, f"{self._nonce:016x}")

    def say_goodbye(self) -> None:
        """Say that this gateway sleeps: it is not lost."""
        if self.link.live:
            self._publish_status(State.SLEEPING, None)

    def _publish_status(self, state: State, nonce: str | None) -> None:
        interval_s = self._plan.interval_s
        status = Status(
            state=state,
            nonce=nonce,
            logs=[LogExtent(epoch=epoch_text(self.epoch), first=self.log.first_kept, last=self.log.last_seq)],
            version="fleet",
            streams=[
                Stream(sensor=one.id, quantity=one.quantity, unit=one.unit, interval_s=interval_s)
                for one in self._plan.sensors
            ],
        )
        self.link.publish(self._topics[Kind.STATUS], encode_message(status), retain=True)
        self.link.flush()

    def _on_state(self, state: ConnectionState, why: str) -> None:
        live = state is ConnectionState.LIVE
        if live and not self._live:
            self._report.live += 1
            self._hello_wanted = True
            self.log.reconnected(self._clock(), self.planned.number % 97 / 97.0)
        elif self._live and not live:
            self._report.live -= 1
        self._live = live
        self._on_work(self)

    def _on_acknowledged(self, acknowledged: Acknowledged) -> None:
        if acknowledged.reason == _NOBODY_LISTENING:
            self._report.nobody_listening += 1

    def _on_messages(self, messages: list[Message]) -> None:
        for message in messages:
            try:
                if message.unreadable:
                    self._report.bad_messages += 1
                elif parse_topic(message.topic).kind is Kind.RECEIPTS:
                    self._on_receipt(decode_message(Receipt, message.payload))
                else:
                    self._on_command(decode_message(Command, message.payload))
            except WireError as error:
                self._report.bad_messages += 1
                log.debug("%s: %s", message.topic, error)
        self.link.acknowledge(messages[-1])
        self.link.flush()
        self._on_work(self)

    def _on_receipt(self, receipt: Receipt) -> None:
        self._report.receipts += 1
        ranges = receipt.durable.get(epoch_text(self.epoch))
        if ranges:
            before = self.log.under_way
            for latency_s in self.log.receipted(ranges, self._clock()):
                self._report.latencies.add(latency_s)
            self._report.receipted += before - self.log.under_way
        for refusal in receipt.refused:
            if refusal.digest:
                self._report.refused += self.log.refused(refusal.digest)
            else:
                self._report.refused += sum(last - first + 1 for first, last in refusal.ranges)

    def _on_command(self, command: Command) -> None:
        if command.command == "hello":
            self._hello_wanted = True
        elif command.epoch == epoch_text(self.epoch):
            # What is asked for and no longer here is told by the hello: it names the first number kept.
            self._hello_wanted = not self.log.asked(command.ranges) or self._hello_wanted
        else:
            self._hello_wanted = True

"""Takes in what the centre says: receipts move the cursor, refusals become gaps, commands open ranges again."""

import logging
from collections import OrderedDict

from gateway.clock import Clock
from gateway.log import Log, NewRecord
from gateway.log.progress import DROPPED
from gateway.log.retention import in_pieces
from gateway.metrics import GatewayMetrics
from gateway.uplink.batch import Message
from gateway.uplink.hello import Hello
from gateway.uplink.schedule import Schedule
from gateway.uplink.session import Arrived
from wire.messages import Command, Receipt, Refusal, decode_message
from wire.names import epoch_number, epoch_text
from wire.ranges import Range, RangeSet
from wire.reasons import WireError
from wire.topics import Kind, parse_topic

log = logging.getLogger("gateway.uplink")

DIGESTS_KEPT = 512
"""A refusal by digest comes soon after its batch, or after the batch was sent again."""
TOLD_KEPT = 256


class Inbound:
    """Acts on messages from the centre; what cannot be read is counted and left."""

    def __init__(self, log_: Log, schedule: Schedule, hello: Hello, clock: Clock, metrics: GatewayMetrics) -> None:
        self._log = log_
        self._schedule = schedule
        self._hello = hello
        self._clock = clock
        self._metrics = metrics
        self._sent: OrderedDict[str, tuple[int, list[Range]]] = OrderedDict()
        self._told: list[tuple[int, RangeSet, int]] = []
        """Ranges said to be gone: epoch, ranges, and the number of the record that says so."""

    def sent(self, message: Message) -> None:
        """Remember which readings are in this message, should it be refused by its digest."""
        self._sent[message.digest] = (message.epoch, message.ranges)
        while len(self._sent) > DIGESTS_KEPT:
            self._sent.popitem(last=False)

    async def take(self, event: Arrived) -> None:
        """Act on one message. Receipts and commands are never retained: one that is would be acted on at each connection."""
        if event.retained:
            log.warning("a retained message on %s is left: the broker should not keep one there", event.topic)
            self._metrics.bad_messages.labels("retained").inc()
            return
        try:
            kind = parse_topic(event.topic).kind
            if kind is Kind.RECEIPTS:
                await self._receipt(decode_message(Receipt, event.payload), event)
            elif kind is Kind.COMMANDS:
                await self._command(decode_message(Command, event.payload))
        except WireError as error:
            log.warning("a message on %s that cannot be read: %s", event.topic, error)
            self._metrics.bad_messages.labels(error.reason.value).inc()

    async def _receipt(self, receipt: Receipt, event: Arrived) -> None:
        self._metrics.receipts.inc()
        durable = {epoch_number(epoch): _ranges(ranges) for epoch, ranges in receipt.durable.items()}
        if durable:
            self._schedule.receipted(durable.items())
            self._metrics.receipted.inc(await self._log.receipt(durable))
        for refusal in receipt.refused:
            await self._refused(refusal)
        if receipt.time is not None:
            self._schedule.answered()
            anchor = self._hello.answered(self._clock.boot, receipt.time, event.at, self._clock.monotonic_s())
            if anchor is None and self._hello.doubted is not None:
                log.warning("the centre's clock has jumped: not believed until it says the same again")
            if anchor is not None:
                self._metrics.skew.set(anchor.skew_ms / 1000)
                self._metrics.round_trip.set(anchor.round_trip_s)
                if not anchor.synchronised:
                    log.warning("this clock is %.1f s off the centre's: times are put right", anchor.skew_ms / 1000)
                settled = await self._log.settle_times(anchor)
                if settled:
                    log.info("the times of %d held entries are final now", settled)

    async def _refused(self, refusal: Refusal) -> None:
        self._metrics.refusals.labels(refusal.reason.value).inc()
        if refusal.epoch is not None or refusal.digest is None:
            return  # these are receipted like the others; the centre keeps them as dead letters
        identities = self._sent.pop(refusal.digest, None)
        self._schedule.answered()
        if identities is None:
            return  # when it is sent again it will be refused again, and known then
        epoch, ranges = identities
        log.error("the centre refused a batch: %s %s", refusal.reason.value, refusal.detail)
        body: dict[str, object] = {
            "reason": "refused",
            "why": refusal.reason.value,
            "detail": refusal.detail[:200],
            "digest": refusal.digest,
        }
        # The gap comes first: a kill in between repeats the refusal, and does not forget it.
        for piece in in_pieces(ranges):
            await self._gap(body, epoch, piece)
        await self._log.refuse(epoch, ranges, refusal.digest, refusal.reason.value, refusal.detail)
        self._schedule.receipted([(epoch, ranges)])

    async def _command(self, command: Command) -> None:
        if command.command == "hello":
            self._hello.asked_for()
            return
        assert command.epoch is not None
        self._metrics.resend_commands.inc()
        epoch, ranges = epoch_number(command.epoch), _ranges(command.ranges)
        state = self._log.state_of(epoch)
        if state is None:
            await self.gone(epoch, ranges, "unknown_epoch")
            return
        lost = [(first, min(last, state.first - 1)) for first, last in ranges if first < state.first]
        kept = [
            (max(first, state.first), min(last, state.last))
            for first, last in ranges
            if max(first, state.first) <= min(last, state.last)
        ]
        given_up = state.settled[DROPPED]
        dropped = [
            (max(first, gone[0]), min(last, gone[1]))
            for first, last in kept
            for gone in given_up
            if gone[0] <= last and first <= gone[1]
        ]
        kept = [one for first, last in kept for one in given_up.missing(first, last)]
        if kept:
            await self._log.reopen(epoch, kept)
            self._schedule.answered()
        if lost:
            await self.gone(epoch, lost, "trimmed")
        if dropped:
            await self.gone(epoch, dropped, "dropped")

    async def gone(self, epoch: int, ranges: list[Range], reason: str) -> None:
        """Say in a gap that the log does not have these; once, until the centre has taken that in and asks again."""
        wanted = RangeSet(ranges)
        pending = RangeSet(one for _, rest in self._log.progress.pending() for one in rest)
        self._told = [
            told for told in self._told[-TOLD_KEPT:] if told[2] in pending or told[2] in self._log.progress.held
        ]
        for told_epoch, told, _ in self._told:
            if told_epoch == epoch:
                for first, last in told:
                    wanted.remove(first, last)
        for piece in in_pieces(list(wanted)):
            number = await self._gap({"reason": reason}, epoch, piece)
            self._told.append((epoch, RangeSet(piece), number))

    async def missing_rows(self, epoch: int, ranges: list[Range], found: list[int]) -> None:
        """Entries that should be in the log and are not: tell it, and do not look for them again."""
        there = RangeSet.of(found)
        holes = [hole for first, last in ranges for hole in there.missing(first, last)]
        if holes:
            log.error("entries of epoch %s are missing from the log: %s", epoch_text(epoch), holes[:5])
            await self.gone(epoch, holes, "missing")
            await self._log.settle(DROPPED, epoch, holes)

    async def _gap(self, body: dict[str, object], epoch: int, ranges: list[Range]) -> int:
        """Log one gap, with few enough ranges for a record; its number."""
        self._metrics.gaps.labels(body["reason"]).inc()
        whole = {**body, "epoch": epoch_text(epoch), "ranges": [list(one) for one in ranges]}
        return (await self._log.record(NewRecord("gap", whole))).first


def _ranges(ranges: list[list[int]]) -> list[Range]:
    return [(first, last) for first, last in ranges]


def numbers(ranges: list[Range]) -> int:
    """How many numbers are in these ranges."""
    return sum(last - first + 1 for first, last in ranges)

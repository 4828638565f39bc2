"""What becomes of the messages of one group: rows, dead letters, counts, and whom to tell. Pure but for what it remembers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from ingest.body import encode_body
from ingest.change import Change, Count, Letter, Row, make_row
from ingest.derive import Derive
from ingest.gone import REFUSED, gone_in, put_gone
from ingest.pipeline import (
    Accepted,
    Changed,
    Decoder,
    Directory,
    Judged,
    Refused,
    TimeBounds,
    judge,
    only,
    refuse_whole,
)
from ingest.quality import Quality
from ingest.received import MOST_HOLES, MOST_LOGS, Logs, count, take_new
from ingest.statuses import Heard, judge_status
from wire.batch import Batch, Record, Series
from wire.codec import CONTENT_TYPES, Codec, decode_batch, encode_batch
from wire.messages import Refusal
from wire.names import digest, epoch_text
from wire.quantities import QUANTITIES
from wire.ranges import Range, RangeSet, coalesce
from wire.reasons import Reason, WireError
from wire.topics import Topic, parse_topic

DETAIL_TOLD = 200
"""Characters of a refusal's detail that go back over a link that costs money."""


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A message from the broker with the times of its arrival: wall clock, and monotonic for latencies."""

    topic: str
    payload: bytes
    content_type: str | None
    received_ms: int
    arrived_s: float
    unreadable: str = ""
    too_large: bool = False


class Due(NamedTuple):
    """What a gateway is to be told once the group is durable."""

    address: Topic
    epoch: int | None
    ranges: list[Range]
    refused: list[Refusal]
    arrived_s: float


@dataclass(slots=True)
class Group:
    """Messages that become durable together."""

    change: Change = field(default_factory=Change)
    due: list[Due] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)
    """For the last values and the alarms."""
    changed: list[Changed] = field(default_factory=list)
    """For the alarms."""
    seen: dict[str, int] = field(default_factory=dict)
    """When a message of each gateway came, milliseconds since 1970."""
    arrivals: list[float] = field(default_factory=list)


class Intake:
    """Holds what was received, and numbers the spool's rows."""

    def __init__(
        self,
        known: Directory,
        bounds: Callable[[int], TimeBounds],
        *,
        received: Logs,
        dead_keys: set[str],
        poison: set[str],
        next_id: int,
        gone: Logs | None = None,
        quality: Quality | None = None,
        derive: Derive | None = None,
        decode: Decoder = decode_batch,
    ) -> None:
        self.known = known
        self.bounds = bounds
        self.received = received
        self.gone = gone if gone is not None else Logs()
        self.dead_keys = dead_keys
        self.poison = poison
        self._next_id = next_id
        self.decode = decode
        self._quality = quality
        self._derive = derive

    def is_poison(self, name: str) -> bool:
        """Whether messages of this digest are refused undecoded."""
        return name in self.poison

    def take(self, arrival: Arrival, group: Group) -> None:
        """Decide on one message of readings (or of no known kind, but no status)."""
        judged = self._judge(arrival)
        group.arrivals.append(arrival.arrived_s)
        if judged.address is not None:
            group.seen[judged.address.gateway] = arrival.received_ms
        if judged.gateway is None:
            self._without_identity(arrival, judged, group)
        else:
            self._with_identity(arrival, judged, judged.gateway, group)

    def _judge(self, arrival: Arrival) -> Judged:
        judged = self._refused_undecoded(arrival) or self.rejudge(arrival)
        if judged.gateway is not None and not self.received.has_room(judged.gateway, judged.epoch):
            detail = f"log {epoch_text(judged.epoch)}, beside {MOST_LOGS} others or with {MOST_HOLES} holes"
            return refuse_whole(judged.address, Reason.TOO_MANY_LOGS, detail)
        return judged

    def _refused_undecoded(self, arrival: Arrival) -> Judged | None:
        if arrival.unreadable:
            reason = Reason.TOO_LARGE if arrival.too_large else Reason.SCHEMA
            return refuse_whole(_address(arrival.topic), reason, arrival.unreadable)
        if self.poison and digest(arrival.payload) in self.poison:
            return refuse_whole(_address(arrival.topic), Reason.POISON, "refused undecoded")
        return None

    def rejudge(self, arrival: Arrival) -> Judged:
        """What becomes of a message by the registry and the limits in force, were it the first time that it came."""
        bounds = self.bounds(arrival.received_ms)
        return judge(arrival.topic, arrival.payload, arrival.content_type, self.known, bounds, self.decode)

    def take_status(self, arrival: Arrival, group: Group) -> Heard:
        """What a status says; one that cannot be used is kept as a dead letter."""
        whole = self._refused_undecoded(arrival)
        if whole is not None:
            heard = Heard(whole.address, refused=whole.refused[0])
        else:
            heard = judge_status(arrival.topic, arrival.payload, self.known)
        if heard.refused is not None:
            self._keep_whole(arrival, heard.refused, group)
        return heard

    def _without_identity(self, arrival: Arrival, judged: Judged, group: Group) -> None:
        (refused,) = judged.refused
        self._keep_whole(arrival, refused, group)
        if judged.address is not None:
            name = digest(arrival.payload)
            told = Refusal(reason=refused.reason, detail=refused.detail[:DETAIL_TOLD], digest=name)
            group.due.append(Due(judged.address, None, [], [told], arrival.arrived_s))

    def _keep_whole(self, arrival: Arrival, refused: Refused, group: Group) -> None:
        """A message without identity becomes a letter, or is one already and is counted there. It counts as one reading."""
        change = group.change
        letter = _letter(arrival, refused, digest(arrival.payload))
        change.counts[Count.RECEIVED] += 1
        if letter.key in self.dead_keys:
            change.counts[Count.REPEATED] += 1
            change.repeated_letters.append((letter.key, arrival.received_ms))
        else:
            self.dead_keys.add(letter.key)
            change.add_letter(letter)

    def _with_identity(self, arrival: Arrival, judged: Judged, gateway: str, group: Group) -> None:
        change, counts = group.change, group.change.counts
        ranges, new = take_new(self.received, gateway, judged.epoch, judged.seqs())
        total, new_total = count(ranges), count(new)
        counts[Count.RECEIVED] += total
        if new_total < total:
            counts[Count.REPEATED] += total - new_total
        told = [_told(one, judged.epoch) for one in _merged(judged.refused)] if judged.refused else []
        if new_total < total:
            keep_only(judged, RangeSet(new))
        refused_total = 0
        for letter in letters_of(arrival, judged, gateway):
            change.add_letter(letter)
            refused_total += letter.readings
        if new_total > refused_total:
            self.spool(arrival.received_ms, gateway, judged, group, None if refused_total else new)
        if judged.address is not None:
            group.due.append(Due(judged.address, judged.epoch, ranges, told, arrival.arrived_s))

    def spool(
        self, received_ms: int, gateway: str, judged: Judged, group: Group, ranges: list[Range] | None = None
    ) -> int:
        """Put what was accepted into the spool: these ranges, when they are known already. How many readings."""
        if ranges is None:
            ranges = coalesce(
                [seq for one in judged.accepted for seq in one.seq] + [record.seq for record in judged.records]
            )
        readings = count(ranges)
        accepted, changed = self.assess(judged.accepted, received_ms)
        self.put_row(received_ms, gateway, judged.epoch, ranges, readings, accepted, judged.records, changed, group)
        if judged.records:
            note_gone(judged.records, gateway, self, group.change)
        return readings

    def assess(self, accepted: list[Accepted], received_ms: int) -> tuple[list[Accepted], list[Changed]]:
        """The columns of one message as the quality tests judge them, what is derived from them, and changes of earlier points.

        Every message passes here once.
        """
        changed: list[Changed] = []
        if self._quality is not None:
            accepted, changed = self._quality.judge(accepted, received_ms)
        if self._derive is not None:
            accepted, changed = self._derive.take(accepted, changed)
        return accepted, changed

    def put_row(
        self,
        received_ms: int,
        gateway: str,
        epoch: int,
        ranges: list[Range],
        readings: int,
        accepted: list[Accepted],
        records: list[Record],
        changed: list[Changed],
        group: Group,
    ) -> None:
        """One message as a row of its own."""
        body = encode_body(accepted, records, changed)
        self.add_row(
            lambda row_id: make_row(row_id, received_ms, gateway, epoch, ranges, readings, body), readings, group
        )
        group.accepted.extend(accepted)
        group.changed.extend(changed)

    def add_row(self, make: Callable[[int], Row], readings: int, group: Group) -> None:
        """A row, made with the next number."""
        group.change.rows.append(make(self._next_id))
        self._next_id += 1
        group.change.counts[Count.WAITING] += readings


def note_gone(records: list[Record], gateway: str, intake: Intake, change: Change) -> None:
    """Gaps that name numbers: the gateway has them no longer, there is no use in asking for them."""
    for record in records:
        named = gone_in(record)
        if named is not None:
            reason, epoch, ranges = named
            put_gone(change, intake.gone, intake.received, gateway, epoch, ranges, lost=reason != REFUSED)


def letters_of(arrival: Arrival, judged: Judged, gateway: str) -> list[Letter]:
    """The dead letters of a message with an identity."""
    if not judged.refused:
        return []
    name = digest(arrival.payload)
    return [_letter(arrival, refused, name, gateway, judged.epoch) for refused in _merged(judged.refused)]


def _address(topic: str) -> Topic | None:
    try:
        return parse_topic(topic)
    except WireError:
        return None


def _told(refused: Refused, epoch: int) -> Refusal:
    ranges = [[first, last] for first, last in coalesce(refused.seqs)]
    return Refusal(reason=refused.reason, detail=refused.detail[:DETAIL_TOLD], epoch=epoch_text(epoch), ranges=ranges)


def keep_only(judged: Judged, new: RangeSet) -> None:
    """Leave of the message only what was not received before."""
    accepted: list[Accepted] = []
    for one in judged.accepted:
        keep = [seq in new for seq in one.seq]
        if all(keep):
            accepted.append(one)
        elif any(keep):
            accepted.append(only(one, keep))
    judged.accepted = accepted
    judged.records = [record for record in judged.records if record.seq in new]
    refused = [one._replace(seqs=[seq for seq in one.seqs if seq in new]) for one in judged.refused]
    judged.refused = [one for one in refused if one.seqs]


def _merged(refused: list[Refused]) -> list[Refused]:
    """One entry for each reason and sensor, with the first detail."""
    out: dict[tuple[Reason, str], Refused] = {}
    for one in refused:
        known = out.get((one.reason, one.sensor))
        out[one.reason, one.sensor] = one if known is None else known._replace(seqs=known.seqs + one.seqs)
    return list(out.values())


def _letter(arrival: Arrival, refused: Refused, name: str, gateway: str = "", epoch: int | None = None) -> Letter:
    address = _address(arrival.topic)
    return Letter(
        reason=refused.reason,
        detail=refused.detail,
        topic=arrival.topic,
        content_type=arrival.content_type,
        received_ms=arrival.received_ms,
        payload=arrival.payload,
        digest=name,
        gateway=gateway or (address.gateway if address else ""),
        epoch=epoch,
        ranges=coalesce(refused.seqs),
        sensor=refused.sensor,
    )


def point_letter(
    topic: str, gateway: str, epoch: int, received_ms: int, accepted: Accepted, at: int, why: str
) -> Letter:
    """A point that the store refused, its payload a batch in JSON as the gateway could have sent it."""
    target = accepted.target
    raw = [accepted.raw[at]] if accepted.raw is not None and accepted.raw[at] is not None else None
    unit = target.unit or QUANTITIES[target.quantity].unit
    columns = ([accepted.seq[at]], [accepted.time_ms[at]], [accepted.value[at]], [accepted.flag[at]], raw)
    batch = Batch(gateway, epoch, [Series(target.sensor, target.quantity, unit, *columns)])
    return _store_letter(topic, batch, received_ms, accepted.seq[at], target.sensor, why)


def record_letter(topic: str, gateway: str, epoch: int, received_ms: int, record: Record, why: str) -> Letter:
    """The same for a record."""
    return _store_letter(topic, Batch(gateway, epoch, [], [record]), received_ms, record.seq, "", why)


def _store_letter(topic: str, batch: Batch, received_ms: int, seq: int, sensor: str, why: str) -> Letter:
    payload = encode_batch(batch, Codec.JSON)
    return Letter(
        reason=Reason.STORE_REFUSED,
        detail=why[:500],
        topic=topic,
        content_type=CONTENT_TYPES[Codec.JSON],
        received_ms=received_ms,
        payload=payload,
        digest=digest(payload),
        gateway=batch.gateway,
        epoch=batch.epoch,
        ranges=[(seq, seq)],
        sensor=sensor,
    )

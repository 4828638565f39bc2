"""From a message to what can be stored of it and what must be refused, with reasons. Pure.

What is wrong with the message as a whole refuses all of it; what is wrong with a series or a reading refuses that, and the
others of the same message go on. What is accepted and new is then judged by the quality tests (ingest.quality).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import compress
from typing import NamedTuple

from hydrology.registry import Registry
from store.points import StoredPoint
from wire.batch import Batch, Record, Series
from wire.codec import decode_batch
from wire.names import thinned_from
from wire.reasons import Reason, WireError
from wire.topics import Kind, Topic, parse_topic


class Target(NamedTuple):
    """Where a sensor's readings go, and what the registry says they must be."""

    station: str
    sensor: str
    quantity: str
    unit: str


@dataclass(frozen=True, slots=True)
class Directory:
    """The registry as the pipeline asks it."""

    districts: Mapping[str, str]
    """The district of each gateway."""
    sensors: Mapping[str, Mapping[str, Target]]
    """For each gateway its sensors by id."""


def directory(registry: Registry) -> Directory:
    """The lookups of this registry."""
    return Directory(
        registry.district_of_gateway(),
        {
            gateway: {
                name: Target(station.id, sensor.id, sensor.quantity, sensor.unit)
                for name, (station, sensor) in sensors.items()
            }
            for gateway, sensors in registry.sensors_by_gateway().items()
        },
    )


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """The earliest and the latest time that is taken now, milliseconds since 1970."""

    earliest_ms: int
    latest_ms: int


class Accepted(NamedTuple):
    """Readings of one series that can be stored, as columns of equal length.

    `tests` is the mask of the quality tests that spoke, where the flag is 3 or 4. Derived points have no `seq`.
    """

    target: Target
    seq: list[int]
    time_ms: list[int]
    value: list[float | None]
    flag: list[int]
    raw: list[float | None] | None
    tests: list[int | None] | None = None


class Changed(NamedTuple):
    """A point of an earlier message that is changed by this one."""

    target: Target
    old: StoredPoint
    new: StoredPoint


class Refused(NamedTuple):
    """Readings refused for one reason. Without an identity `seqs` is empty. `sensor` is "" for records and whole messages."""

    reason: Reason
    sensor: str
    detail: str
    seqs: list[int]


@dataclass(slots=True)
class Judged:
    """What became of a message. `gateway` is None where no identity could be read or trusted."""

    address: Topic | None
    gateway: str | None = None
    epoch: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def seqs(self) -> list[int]:
        """All sequence numbers of the message, in no order."""
        out: list[int] = []
        for accepted in self.accepted:
            out.extend(accepted.seq)
        out.extend(record.seq for record in self.records)
        for refused in self.refused:
            out.extend(refused.seqs)
        return out


def refuse_whole(address: Topic | None, reason: Reason, detail: str) -> Judged:
    """A message without a usable identity."""
    return Judged(address, refused=[Refused(reason, "", detail, [])])


Decoder = Callable[[bytes, str | None], Batch]


def judge(
    topic: str,
    payload: bytes,
    content_type: str | None,
    known: Directory,
    bounds: TimeBounds,
    decode: Decoder = decode_batch,
) -> Judged:
    """Decode a message and check it against the registry and the bounds of time."""
    try:
        address = parse_topic(topic)
    except WireError as error:
        return refuse_whole(None, error.reason, error.detail)
    if address.kind is not Kind.READINGS:
        return refuse_whole(None, Reason.BAD_TOPIC, f"{topic[:200]!r} carries no readings")
    try:
        batch = decode(payload, content_type)
    except WireError as error:
        return refuse_whole(address, error.reason, error.detail)
    if batch.gateway != address.gateway:
        # Its numbers are not marked as received: one gateway must not be able to speak for another.
        detail = f"the payload says {batch.gateway}, the topic says {address.gateway}"
        return refuse_whole(address, Reason.TOPIC_MISMATCH, detail)
    return judge_batch(batch, address, known, bounds)


def judge_batch(batch: Batch, address: Topic, known: Directory, bounds: TimeBounds) -> Judged:
    """Check a batch whose gateway is the topic's."""
    judged = Judged(address, batch.gateway, batch.epoch)
    stranger = refused_sender(address, known)
    if stranger is not None:
        judged.refused.append(Refused(*stranger, batch.seqs()))
        return judged
    sensors = known.sensors.get(batch.gateway, {})
    for series in batch.series:
        _judge_series(series, _target(sensors, series.sensor), bounds, judged)
    for record in batch.records:
        fault = _time_fault(record.time_ms, bounds)
        if fault is None:
            judged.records.append(record)
        else:
            judged.refused.append(Refused(fault, "", f"{record.kind} at {record.time_ms} ms", [record.seq]))
    for bad in batch.refused:
        judged.refused.append(Refused(bad.reason, bad.sensor, bad.detail, [bad.seq]))
    return judged


def refused_sender(address: Topic, known: Directory) -> tuple[Reason, str, str] | None:
    """Why nothing of this sender is taken, as the start of a Refused: the registry does not place it here."""
    district = known.districts.get(address.gateway)
    if district is None:
        return Reason.UNKNOWN_GATEWAY, "", address.gateway
    if district != address.district:
        return Reason.WRONG_DISTRICT, "", f"sent in {address.district}, the registry says {district}"
    return None


def _target(sensors: Mapping[str, Target], sensor: str) -> Target | None:
    """Where this sensor's readings go. Hourly values of a sensor, which is all that a full disk may leave, go beside it."""
    target = sensors.get(sensor)
    if target is None and (origin := sensors.get(thinned_from(sensor) or "")) is not None:
        return origin._replace(sensor=sensor)
    return target


def _judge_series(series: Series, target: Target | None, bounds: TimeBounds, judged: Judged) -> None:
    reason = None
    if target is None:
        reason, detail = Reason.UNKNOWN_SENSOR, series.sensor
    elif series.quantity != target.quantity:
        reason, detail = Reason.WRONG_QUANTITY, f"sent {series.quantity}, the registry says {target.quantity}"
    elif series.unit != target.unit:
        reason, detail = Reason.WRONG_UNIT, f"sent {series.unit}, the registry says {target.unit}"
    if target is None or reason is not None:
        assert reason is not None
        judged.refused.append(Refused(reason, series.sensor, detail, series.seq))
        return
    times = series.time_ms
    if bounds.earliest_ms <= min(times) and max(times) <= bounds.latest_ms:
        judged.accepted.append(Accepted(target, series.seq, times, series.value, series.flag, series.raw))
        return
    faults = [_time_fault(time_ms, bounds) for time_ms in times]
    for reason in (Reason.TIME_PAST, Reason.TIME_FUTURE):
        bad = [at for at, fault in enumerate(faults) if fault is reason]
        if bad:
            detail = f"{_date(times[bad[0]])} is not within {_date(bounds.earliest_ms)} to {_date(bounds.latest_ms)}"
            judged.refused.append(Refused(reason, series.sensor, detail, [series.seq[at] for at in bad]))
    keep = [fault is None for fault in faults]
    if any(keep):
        judged.accepted.append(
            only(Accepted(target, series.seq, times, series.value, series.flag, series.raw), keep),
        )


def only(accepted: Accepted, keep: list[bool]) -> Accepted:
    """These rows of a series."""
    target, seq, time_ms, value, flag, raw, tests = accepted
    return Accepted(
        target,
        list(compress(seq, keep)),
        list(compress(time_ms, keep)),
        list(compress(value, keep)),
        list(compress(flag, keep)),
        list(compress(raw, keep)) if raw is not None else None,
        list(compress(tests, keep)) if tests is not None else None,
    )


def _time_fault(time_ms: int, bounds: TimeBounds) -> Reason | None:
    if time_ms < bounds.earliest_ms:
        return Reason.TIME_PAST
    return Reason.TIME_FUTURE if time_ms > bounds.latest_ms else None


def _date(time_ms: int) -> str:
    """A time as people read it, where it is one that a calendar has."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{time_ms} ms"

"""The short way for a message without fault, which nearly all are: decoded and checked in one pass. Pure.

What is not plain (a fault, a record, an unknown sensor, another district) gets None, and takes the long way
(wire.codec, ingest.pipeline), which finds the reason. tests/ingest/test_fast.py proves the two equal.
"""

from functools import lru_cache
from typing import Literal

import msgspec

from ingest.fast_cbor import Column, Row, from_cbor
from ingest.pipeline import Accepted, Directory, Target, TimeBounds
from wire import cbor_codec, json_codec
from wire.batch import MAX_PAYLOAD_BYTES, MAX_READINGS, MAX_SERIES
from wire.flags import FLAG_VALUES, Flag
from wire.names import MAX_EPOCH, MAX_SEQ, epoch_number
from wire.ranges import Range, coalesce
from wire.reasons import WireError
from wire.topics import Kind, Topic, parse_topic

MISSING = int(Flag.MISSING)
REMEMBERED = 65_536
"""Topics and epochs taken apart before."""
_PASS = int(Flag.PASS)

_topic = lru_cache(REMEMBERED)(parse_topic)
_epoch = lru_cache(REMEMBERED)(epoch_number)


class _Series(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    sensor: str
    quantity: str
    unit: str
    seq: list[int]
    time: list[int]
    value: Column
    flag: list[int]
    raw: Column | None = None


class _Batch(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    v: Literal[1]
    gateway: str
    epoch: str
    series: list[_Series]


_decode_json = msgspec.json.Decoder(_Batch).decode


class Plain(msgspec.Struct, frozen=True, gc=False):
    """A message of which everything can be stored. `size` readings, whose numbers are `ranges`."""

    address: Topic
    epoch: int
    accepted: list[Accepted]
    ranges: list[Range]
    size: int


def read_plain(
    topic: str, payload: bytes, content_type: str | None, known: Directory, bounds: TimeBounds
) -> Plain | None:
    """The message, or None where it must take the long way."""
    try:
        address = _topic(topic)
        if address.kind is not Kind.READINGS or known.districts.get(address.gateway) != address.district:
            return None
        if len(payload) > MAX_PAYLOAD_BYTES:
            return None
        if content_type == cbor_codec.CONTENT_TYPE:
            gateway, epoch, rows = from_cbor(payload)
        elif (content_type or json_codec.CONTENT_TYPE) == json_codec.CONTENT_TYPE:
            gateway, epoch, rows = _from_json(payload)
        else:
            return None
    except (WireError, ValueError):  # msgspec's errors and that of invalid UTF-8 are ValueErrors
        return None
    if gateway != address.gateway or type(epoch) is not int or not 0 <= epoch <= MAX_EPOCH or len(rows) > MAX_SERIES:
        return None
    sensors = known.sensors.get(gateway)
    if sensors is None:
        return None
    accepted: list[Accepted] = []
    for row in rows:
        one = _accept(row, sensors.get(row[0]), bounds)
        if one is None:
            return None
        accepted.append(one)
    return _numbered(address, epoch, accepted)


def _from_json(payload: bytes) -> tuple[str, int, list[Row]]:
    batch = _decode_json(payload)
    rows: list[Row] = [
        (one.sensor, one.quantity, one.unit, one.seq, one.time, one.value, one.flag, one.raw) for one in batch.series
    ]
    return batch.gateway, _epoch(batch.epoch), rows


def _accept(row: Row, target: Target | None, bounds: TimeBounds) -> Accepted | None:
    _, quantity, unit, seq, time_ms, value, flag, raw = row
    if target is None or quantity != target.quantity or unit != target.unit:
        return None
    length = len(seq)
    if not length == len(time_ms) == len(value) == len(flag):
        return None
    if length == 1:
        if not bounds.earliest_ms <= time_ms[0] <= bounds.latest_ms or abs(time_ms[0]) > MAX_SEQ:
            return None
        if flag[0] not in FLAG_VALUES or (value[0] is None) != (flag[0] == MISSING):
            return None
    else:
        if not length:
            return None
        first, last = min(time_ms), max(time_ms)
        if not (bounds.earliest_ms <= first and last <= bounds.latest_ms and first >= -MAX_SEQ and last <= MAX_SEQ):
            return None
        if flag.count(_PASS) != length or None in value:
            if not FLAG_VALUES.issuperset(flag):
                return None
            if [one is None for one in value] != [one == MISSING for one in flag]:
                return None
    if raw is not None:
        if len(raw) != length:
            return None
        if raw.count(None) == length:
            raw = None
    return Accepted(target, seq, time_ms, value, flag, raw)


def _numbered(address: Topic, epoch: int, accepted: list[Accepted]) -> Plain | None:
    """With its sequence numbers as ranges; None where one stands twice, or is none."""
    seqs = accepted[0].seq if len(accepted) == 1 else [seq for one in accepted for seq in one.seq]
    count = len(seqs)
    if not 0 < count <= MAX_READINGS:
        return None
    if count == 1:
        first = last = seqs[0]
        ranges = [(first, last)]
    else:
        first, last = min(seqs), max(seqs)
        if len(set(seqs)) != count:
            return None
        ranges = [(first, last)] if last - first + 1 == count else coalesce(seqs)
    return Plain(address, epoch, accepted, ranges, count) if first >= 1 and last <= MAX_SEQ else None

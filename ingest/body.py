"""The body of a spool row: accepted columns in a compact binary form that knows nothing of any store. Pure.

MessagePack: [version, [[quantity, station, sensor, seqs, times, values, flags, raws or nil, tests or nil] ...],
[[seq, time, kind, JSON] ...], [[quantity, station, sensor, old point, new point] ...]], a point as [time, value, flag, raw,
tests, rev]. A derived series has no seqs: it is no reading of a gateway. The points at the end are changes of earlier ones.
"""

import json
from typing import Any, NamedTuple

import msgspec

from ingest.pipeline import Accepted, Changed, Target
from store.points import StoredPoint
from wire.batch import Record

VERSION = 2


class BodyError(Exception):
    """The bytes are not a body that this version wrote."""


_Column = list[float | None]
_SeriesRow = tuple[str, str, str, list[int], list[int], _Column, list[int], _Column | None, list[int | None] | None]
_OldSeriesRow = tuple[str, str, str, list[int], list[int], _Column, list[int], _Column | None]
_RecordRow = tuple[int, int, str, str]
_Point = tuple[int, float | None, int, float | None, int | None, int]
_ChangeRow = tuple[str, str, str, _Point, _Point]
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(tuple[int, list[_SeriesRow], list[_RecordRow], list[_ChangeRow]])
_old_decoder = msgspec.msgpack.Decoder(tuple[int, list[_OldSeriesRow], list[_RecordRow]])
_OLD_START = b"\x93\x01"
"""Of a body of version 1, which an ingest from before the quality tests may have left."""


class Body(NamedTuple):
    """What a row holds: series (with no unit: it is the quantity's own), records as seq, time, kind, JSON, and changes."""

    series: list[Accepted]
    records: list[_RecordRow]
    changed: list[Changed]


def encode_body(accepted: list[Accepted], records: list[Record], changed: list[Changed] | None = None) -> bytes:
    """Write what was accepted of one message."""
    return _encode(
        (
            VERSION,
            [
                (target.quantity, target.station, target.sensor, seq, time_ms, value, flag, raw, tests)
                for target, seq, time_ms, value, flag, raw, tests in accepted
            ],
            [(one.seq, one.time_ms, one.kind, json.dumps(one.body, separators=(",", ":"))) for one in records],
            [
                (target.quantity, target.station, target.sensor, _fields(old), _fields(new))
                for target, old, new in changed or ()
            ],
        )
    )


def _fields(point: StoredPoint) -> _Point:
    return point.time_ms, point.value, point.flag, point.raw, point.tests, point.rev


def read_body(body: bytes) -> Body:
    """Read it back. Raises BodyError."""
    try:
        if body[:2] == _OLD_START:
            version, old_series, records = _old_decoder.decode(body)
            series: list[_SeriesRow] = [(*one, None) for one in old_series]
            changes: list[_ChangeRow] = []
        else:
            version, series, records, changes = _decoder.decode(body)
            if version != VERSION:
                raise BodyError(f"version {version}, this ingest reads {VERSION}")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BodyError(str(error)) from error
    return Body(
        [
            Accepted(Target(station, sensor, quantity, ""), seq, time_ms, value, flag, raw, tests)
            for quantity, station, sensor, seq, time_ms, value, flag, raw, tests in series
        ],
        records,
        [
            Changed(Target(station, sensor, quantity, ""), StoredPoint(*old), StoredPoint(*new))
            for quantity, station, sensor, old, new in changes
        ],
    )


def decode_body(body: bytes) -> tuple[list[Accepted], list[_RecordRow]]:
    """Series and records alone. Raises BodyError."""
    series, records, _ = read_body(body)
    return series, records


def record_body(text: str, epoch: str, seq: int) -> str:
    """A record's body as it is stored: the gateway's own, and its identity."""
    body: dict[str, Any] = {**json.loads(text), "identity": f"{epoch}/{seq}"}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)

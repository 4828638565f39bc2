"""The body of a spool row: accepted columns in a compact binary form that knows nothing of any store. Pure.

MessagePack: [version, [[quantity, station, sensor, seqs, times, values, flags, raws or nil] ...], [[seq, time, kind, JSON] ...]].
"""

import json
from typing import Any

import msgspec

from ingest.pipeline import Accepted, Target
from wire.batch import Record

VERSION = 1


class BodyError(Exception):
    """The bytes are not a body that this version wrote."""


_SeriesRow = tuple[str, str, str, list[int], list[int], list[float | None], list[int], list[float | None] | None]
_RecordRow = tuple[int, int, str, str]
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(tuple[int, list[_SeriesRow], list[_RecordRow]])


def encode_body(accepted: list[Accepted], records: list[Record]) -> bytes:
    """Write what was accepted of one message."""
    return _encode(
        (
            VERSION,
            [
                (target.quantity, target.station, target.sensor, seq, time_ms, value, flag, raw)
                for target, seq, time_ms, value, flag, raw in accepted
            ],
            [(one.seq, one.time_ms, one.kind, json.dumps(one.body, separators=(",", ":"))) for one in records],
        )
    )


def decode_body(body: bytes) -> tuple[list[Accepted], list[tuple[int, int, str, str]]]:
    """Read it back: series (with no unit: it is the quantity's own) and records as seq, time, kind, JSON. Raises BodyError."""
    try:
        version, series, records = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BodyError(str(error)) from error
    if version != VERSION:
        raise BodyError(f"version {version}, this ingest reads {VERSION}")
    return [
        Accepted(Target(station, sensor, quantity, ""), seq, time_ms, value, flag, raw)
        for quantity, station, sensor, seq, time_ms, value, flag, raw in series
    ], records


def record_body(text: str, epoch: str, seq: int) -> str:
    """A record's body as it is stored: the gateway's own, and its identity."""
    body: dict[str, Any] = {**json.loads(text), "identity": f"{epoch}/{seq}"}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)

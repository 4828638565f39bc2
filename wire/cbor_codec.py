"""A batch as CBOR for links that cost money: integer keys, times as differences of differences, values as scaled whole
numbers, the whole deflated where that is shorter.

| key | what | form |
|---|---|---|
| 0 | schema version | 1 |
| 1 | gateway | text |
| 2 | epoch | number of 48 bits |
| 3 | series | list of maps: 0 sensor, 1 quantity (code or text), 2 unit, 3 seq, 4 time, 5 value, 6 flag, 7 raw |
| 4 | records | list of [seq, time, kind, body] |

A column of whole numbers is `[first, first difference, differences of the differences ...]`. A column of values is
`[scale, first, differences ...]`, each value being a whole number divided by 10 to the scale, null where missing; or
`[null, plain numbers ...]` where no scale of up to 9 keeps every value exactly. Flags: one number when all are the same, else
one byte each. Left out: the unit when it is the one that the quantity is stored in, the time column when it is the same as in
the series before, the flags when all are 1, raw where it equals the value throughout. A payload that starts with byte 0x78
is a zlib stream of all this.
"""

import zlib
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, cast

import cbor2

from wire import cbor_load
from wire.batch import (
    MAX_INFLATED_BYTES,
    MAX_READINGS,
    SCHEMA_VERSION,
    Batch,
    Record,
    Series,
    check_batch,
    schema_error,
)
from wire.json_codec import check_version
from wire.quantities import QUANTITIES, QUANTITY_BY_CODE
from wire.reasons import Reason, WireError

CONTENT_TYPE = "cbor"
"""Short on purpose: the MQTT content type travels with every message."""

_ZLIB_MARK = b"\x78"
MAX_SCALE = 9
_POWERS = tuple(10**scale for scale in range(MAX_SCALE + 1))
_MAX_SCALED = 1 << 53
_MAX_DIFFERENCE = 1 << 64
_KEYS = frozenset(range(5))
_SERIES_KEYS = frozenset(range(8))


def encode_cbor(batch: Batch) -> bytes:
    """Write a batch, deflated where that is shorter."""
    doc: dict[int, Any] = {0: SCHEMA_VERSION, 1: batch.gateway, 2: batch.epoch}
    series_docs = []
    times: list[int] | None = None
    for series in batch.series:
        series_docs.append(_series_doc(series, times))
        times = series.time_ms
    if series_docs:
        doc[3] = series_docs
    if batch.records:
        doc[4] = [[record.seq, record.time_ms, record.kind, record.body] for record in batch.records]
    plain = cbor2.dumps(doc)
    packed = zlib.compress(plain, 9)
    return packed if len(packed) < len(plain) else plain


def _series_doc(series: Series, times: list[int] | None) -> dict[int, Any]:
    known = QUANTITIES.get(series.quantity)
    doc: dict[int, Any] = {0: series.sensor, 1: known.code if known else series.quantity}
    if known is None or known.unit != series.unit:
        doc[2] = series.unit
    doc[3] = _differences(series.seq)
    if series.time_ms != times:
        doc[4] = _differences(series.time_ms)
    doc[5] = _scaled(series.value)
    if any(flag != 1 for flag in series.flag):
        same = len(set(series.flag)) == 1
        doc[6] = series.flag[0] if same else bytes(series.flag)
    if series.raw is not None:
        doc[7] = _scaled(series.raw)
    return doc


def _differences(numbers: Sequence[int]) -> list[int]:
    if len(numbers) < 2:
        return list(numbers)
    steps = [b - a for a, b in pairwise(numbers)]
    return [numbers[0], steps[0], *(b - a for a, b in pairwise(steps))]


def _scaled(values: Sequence[float | None]) -> list[Any]:
    present = [value for value in values if value is not None]
    for scale, power in enumerate(_POWERS):
        if any(abs(value) * power >= _MAX_SCALED for value in present):
            break
        whole = [round(value * power) for value in present]
        if all(
            # repr and not ==, so that minus zero keeps its sign
            repr(n / power) == repr(value)
            for n, value in zip(whole, present, strict=True)
        ):
            out: list[Any] = [scale]
            last = 0
            numbers = iter(whole)
            for value in values:
                if value is None:
                    out.append(None)
                else:
                    n = next(numbers)
                    out.append(n - last)
                    last = n
            return out
    return [None, *values]


def decode_cbor(payload: bytes) -> Batch:
    """Read a batch. Raises WireError and nothing else, whatever the bytes are."""
    return check_batch(*take_apart(load(payload)))


def load(payload: bytes) -> Any:
    """The document in a payload, whatever it is: plain data only, see cbor_load. Raises WireError."""
    plain = _inflate(payload) if payload[:1] == _ZLIB_MARK else payload
    try:
        return cbor_load.load(plain)
    except cbor_load.CborError as error:
        raise WireError(Reason.BAD_CBOR, str(error)[:200]) from error


def take_apart(doc: Any) -> tuple[Any, Any, list[Series], list[Record]]:
    """Gateway, epoch, series and records of a document, none of them checked. Raises WireError."""
    if type(doc) is not dict:
        raise WireError(Reason.SCHEMA, "message: not a map")
    check_version(doc.get(0))
    if not _KEYS.issuperset(doc):
        raise schema_error("message", "a key that is not known")
    series_docs = _list("series", doc.get(3, []))
    records = [_record(at, one) for at, one in enumerate(_list("records", doc.get(4, [])))]
    series: list[Series] = []
    times: list[int] | None = None
    for at, one in enumerate(series_docs):
        found = _series(f"series[{at}]", one, times)
        times = found.time_ms
        series.append(found)
    return doc.get(1), doc.get(2), series, records


def _inflate(payload: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(payload, MAX_INFLATED_BYTES + 1)
    except zlib.error as error:
        raise WireError(Reason.BAD_CBOR, f"zlib: {error}") from error
    if len(plain) > MAX_INFLATED_BYTES:
        raise WireError(Reason.BOMB, f"grows beyond {MAX_INFLATED_BYTES} bytes")
    if not inflater.eof or inflater.unused_data:
        raise WireError(Reason.BAD_CBOR, "the compressed payload is cut short, or something follows it")
    return plain


def _list(where: str, thing: Any) -> list[Any]:
    if type(thing) is not list:
        raise schema_error(where, "not a list")
    if len(thing) > MAX_READINGS + 1:
        raise schema_error(where, f"{len(thing)} entries, at most {MAX_READINGS}")
    return thing


def _series(where: str, doc: Any, times: list[int] | None) -> Series:
    if type(doc) is not dict or not _SERIES_KEYS.issuperset(doc):
        raise schema_error(where, "not a map of the known keys")
    quantity = doc.get(1)
    known = QUANTITY_BY_CODE.get(quantity) if type(quantity) is int else None
    name = known.name if known else quantity
    unit = doc.get(2)
    if 2 not in doc and type(name) is str and name in QUANTITIES:
        unit = QUANTITIES[name].unit
    seq = _whole_numbers(f"{where}.seq", doc.get(3))
    if 4 in doc:
        times = _whole_numbers(f"{where}.time", doc[4])
    if times is None:
        raise schema_error(f"{where}.time", "missing in the first series")
    return Series(
        cast(str, doc.get(0)),
        cast(str, name),
        cast(str, unit),
        seq,
        times,
        _values(f"{where}.value", doc.get(5)),
        _flags(f"{where}.flag", doc.get(6, 1), len(seq)),
        _values(f"{where}.raw", doc[7]) if doc.get(7) is not None else None,
    )


def _whole_numbers(where: str, thing: Any) -> list[int]:
    column = _list(where, thing)
    if not {int}.issuperset(map(type, column)):
        raise schema_error(where, "not whole numbers")
    _check_size(where, column)
    if len(column) < 2:
        return column
    return list(accumulate([column[0], *accumulate(column[1:])]))


def _values(where: str, thing: Any) -> list[float | None]:
    column = _list(where, thing)
    if not column:
        raise schema_error(where, "no scale")
    scale = column[0]
    if scale is None:
        return column[1:]
    if type(scale) is not int or not 0 <= scale <= MAX_SCALE:
        raise schema_error(where, f"the scale is not null or 0 to {MAX_SCALE}")
    power = _POWERS[scale]
    del column[0]
    kinds = set(map(type, column))
    if kinds == {int}:
        _check_size(where, column)
        return [number / power for number in accumulate(column)]
    if not kinds <= {int, type(None)}:
        raise schema_error(where, "a scaled column holds whole numbers and nulls")
    present = [one for one in column if one is not None]
    _check_size(where, present)
    whole = accumulate(present)
    return [None if one is None else next(whole) / power for one in column]


def _check_size(where: str, column: list[int]) -> None:
    """Bignums could make a short message grow to gigabytes when they are summed up."""
    if column and not (min(column) >= -_MAX_DIFFERENCE and max(column) <= _MAX_DIFFERENCE):
        raise schema_error(where, "a whole number beyond 64 bits")


def _flags(where: str, thing: Any, length: int) -> list[int]:
    if type(thing) is bytes:
        return list(thing)
    if type(thing) is int:
        return [thing] * length
    raise schema_error(where, "neither a number nor bytes")


def _record(at: int, doc: Any) -> Record:
    if type(doc) is not list or len(doc) != 4:
        raise schema_error(f"records[{at}]", "not a list of seq, time, kind and body")
    return Record(*doc)

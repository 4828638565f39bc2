"""The short way for CBOR: what gateways pack, taken apart with each column looked at once. Pure.

Series with missing values, plain numbers, or a quantity by name are taken apart by wire.cbor_codec and looked at here.
"""

from itertools import accumulate
from math import isfinite
from typing import Any

from wire import cbor_codec
from wire.batch import SCHEMA_VERSION
from wire.flags import Flag
from wire.quantities import QUANTITY_BY_CODE

Column = list[float | None]
Row = tuple[str, str, str, list[int], list[int], Column, list[int], Column | None]
"""Sensor, quantity, unit, and the columns seq, time, value, flag, raw."""

_KEYS = frozenset(range(4))
_SERIES_KEYS = frozenset(range(8))
_INT = frozenset({int})
_FLOAT = frozenset({float})
_PASS = int(Flag.PASS)


def from_cbor(payload: bytes) -> tuple[Any, Any, list[Row]]:
    """Gateway and epoch, neither looked at, and rows whose columns have their types.

    Raises WireError, or ValueError for what is not plain.
    """
    doc = cbor_codec.load(payload)
    rows = _usual(doc)
    if rows is not None:
        return doc[1], doc[2], rows
    gateway, epoch, series, records = cbor_codec.take_apart(doc)
    if records:
        raise ValueError("it has records")
    rows = []
    for one in series:
        # JSON's columns have their types from the decoder, these can be of any.
        if (
            not _INT.issuperset(map(type, [*one.seq, *one.time_ms, *one.flag]))
            or type(one.sensor) is not str
            or not _are_finite(one.value)
            or not (one.raw is None or _are_finite(one.raw))
        ):
            raise ValueError("not plain")
        rows.append((one.sensor, one.quantity, one.unit, one.seq, one.time_ms, one.value, one.flag, one.raw))
    return gateway, epoch, rows


def _are_finite(column: Column) -> bool:
    present = column if None not in column else [each for each in column if each is not None]
    return _FLOAT.issuperset(map(type, present)) and isfinite(sum(present))  # type: ignore[arg-type]


def _usual(doc: Any) -> list[Row] | None:
    """All series, none with missing values or records beside it; else None."""
    if type(doc) is not dict or doc.keys() != _KEYS:
        return None
    version, series = doc[0], doc[3]
    if type(version) is not int or version != SCHEMA_VERSION or type(series) is not list:
        return None
    rows: list[Row] = []
    times: list[int] | None = None
    for one in series:
        row = _usual_row(one, times)
        if row is None:
            return None
        times = row[4]
        rows.append(row)
    return rows


def _usual_row(doc: Any, times: list[int] | None) -> Row | None:
    if type(doc) is not dict or not _SERIES_KEYS.issuperset(doc):
        return None
    get = doc.get
    sensor, code, seq, value = get(0), get(1), get(3), get(5)
    known = QUANTITY_BY_CODE.get(code) if type(code) is int else None
    if known is None or type(sensor) is not str or type(seq) is not list or type(value) is not list:
        return None
    if not _INT.issuperset(map(type, seq + value)):
        return None
    time_ms = get(4)
    if time_ms is not None:
        if type(time_ms) is not list or not _INT.issuperset(map(type, time_ms)):
            return None
        times = _summed(time_ms)
    elif times is None or 4 in doc:
        return None
    flags, raw = get(6, _PASS), get(7)
    if type(flags) is int:
        flags = [flags] * len(seq)
    elif type(flags) is bytes:
        flags = list(flags)
    else:
        return None
    if raw is not None and (type(raw) is not list or not _INT.issuperset(map(type, raw))):
        return None
    values, raws = _scaled(value), None if raw is None else _scaled(raw)
    if values is None or (raws is None and raw is not None):
        return None
    return sensor, known.name, get(2, known.unit), _summed(seq), times, values, flags, raws


def _summed(column: list[int]) -> list[int]:
    """Whole numbers from their differences of differences; the usual ones are evenly spaced."""
    count = len(column)
    if count < 2:
        return column
    first, step = column[0], column[1]
    if count == 2:
        return [first, first + step]
    if step and not any(column[2:]):
        return list(range(first, first + count * step, step))
    return list(accumulate([first, *accumulate(column[1:])]))


def _scaled(column: list[int]) -> Column | None:
    """Floats from a scale and differences of whole numbers."""
    if not column or not 0 <= column[0] <= cbor_codec.MAX_SCALE:
        return None
    power = 10 ** column[0]
    if len(column) == 2:
        return [column[1] / power]
    return [number / power for number in accumulate(column[1:])]

"""A batch of readings: the one model behind both codecs, and the check of what came in.

What is wrong with the batch as a whole raises `WireError`; what is wrong with one reading leaves the batch without that
reading and is told in `Batch.refused`, so that the good readings of the same batch go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from math import isfinite
from typing import Any

from wire.flags import FLAG_VALUES, Flag
from wire.names import MAX_EPOCH, MAX_SEQ, is_id
from wire.reasons import Reason, WireError

SCHEMA_VERSION = 1
MAX_PAYLOAD_BYTES = 256 * 1024
"""A batch of 20,000 readings in JSON stays below it; anything larger is kept as a dead letter, undecoded."""
MAX_INFLATED_BYTES = 512 * 1024
"""What a compressed payload may grow to: 20,000 readings with values and raw values that no scale keeps."""
MAX_READINGS = 20_000
MAX_SERIES = 1_000
MAX_BODY_DEPTH = 16
"""How deep the body of a record may be nested."""

MISSING = int(Flag.MISSING)
RECORD_KINDS = frozenset({"gap", "gauge", "calibration", "config", "event"})


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one sensor as columns of equal length.

    `time_ms` is milliseconds since 1970 in UTC, `value` is in `unit` and None exactly where the flag is 9; `raw` is the
    reading before calibration, in the same unit, None where it equals the value, and the whole column None where all do.
    """

    sensor: str
    quantity: str
    unit: str
    seq: list[int]
    time_ms: list[int]
    value: list[float | None]
    flag: list[int]
    raw: list[float | None] | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What a gateway logs beside readings, with the same identity and guarantee: a gap, a gauge reading, a calibration."""

    seq: int
    time_ms: int
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RefusedReading:
    """One reading or record of a batch that cannot be used, and why. `sensor` is empty for a record."""

    seq: int
    sensor: str
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Readings and records of one gateway under one epoch. No sequence number stands in it twice."""

    gateway: str
    epoch: int
    series: list[Series] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    refused: list[RefusedReading] = field(default_factory=list)

    def seqs(self) -> list[int]:
        """Every sequence number of the batch, the refused ones too, in no order."""
        out: list[int] = []
        for series in self.series:
            out.extend(series.seq)
        out.extend(record.seq for record in self.records)
        out.extend(refused.seq for refused in self.refused)
        return out

    @property
    def size(self) -> int:
        """How many readings and records came in, the refused ones too."""
        return sum(len(series.seq) for series in self.series) + len(self.records) + len(self.refused)


def schema_error(where: str, what: str) -> WireError:
    """A batch of the wrong shape: where in it, and what is wrong there."""
    return WireError(Reason.SCHEMA, f"{where}: {what}")


def check_batch(gateway: Any, epoch: Any, series: Sequence[Series], records: Sequence[Record]) -> Batch:
    """Check what a codec has taken apart, columns not yet trusted, and make a batch of it.

    Raises WireError(SCHEMA) when ids, epoch, sequence numbers or the columns' lengths are wrong: then no reading of it has
    an identity that could be trusted.
    """
    if not is_id(gateway):
        raise schema_error("gateway", f"not a well-formed id: {_shown(gateway)}")
    if type(epoch) is not int or not 0 <= epoch <= MAX_EPOCH:
        raise schema_error("epoch", "not a number of 48 bits")
    if len(series) > MAX_SERIES:
        raise schema_error("series", f"{len(series)} series, at most {MAX_SERIES}")
    count = len(records)
    for at, one in enumerate(series):
        _check_columns(f"series[{at}]", one)
        count += len(one.seq)
    if count > MAX_READINGS:
        raise schema_error("batch", f"{count} readings, at most {MAX_READINGS}")
    if count == 0:
        raise schema_error("batch", "it holds no reading and no record")
    for at, record in enumerate(records):
        _check_seqs(f"records[{at}].seq", [record.seq])
    seqs = [seq for one in series for seq in one.seq]
    seqs.extend(record.seq for record in records)
    if len(set(seqs)) != len(seqs):
        raise schema_error("seq", "a sequence number stands twice")
    refused: list[RefusedReading] = []
    good = [_good_readings(one, refused) for one in series]
    good_records = [record for record in records if _record_is_good(record, refused)]
    return Batch(gateway, epoch, [one for one in good if one.seq], good_records, refused)


def _check_seqs(where: str, seqs: list[Any]) -> None:
    if not {int}.issuperset(map(type, seqs)):
        raise schema_error(where, "a sequence number is not a whole number")
    if seqs and not (min(seqs) >= 1 and max(seqs) <= MAX_SEQ):
        raise schema_error(where, f"a sequence number is not between 1 and {MAX_SEQ}")


def _check_columns(where: str, series: Series) -> None:
    for name in ("sensor", "quantity"):
        if not is_id(getattr(series, name)):
            raise schema_error(f"{where}.{name}", f"not a well-formed id: {_shown(getattr(series, name))}")
    if type(series.unit) is not str or not 1 <= len(series.unit) <= 16 or not series.unit.isprintable():
        raise schema_error(f"{where}.unit", "not a unit of 1 to 16 printable characters")
    length = len(series.seq)
    for name in ("time_ms", "value", "flag", "raw"):
        column = getattr(series, name)
        if column is not None and len(column) != length:
            raise schema_error(f"{where}.{name}", f"{len(column)} entries beside {length} sequence numbers")
    _check_seqs(f"{where}.seq", series.seq)


_NUMBER = frozenset({float, int})


def _good_readings(series: Series, refused: list[RefusedReading]) -> Series:
    """The series without its bad readings, those being told in `refused`; values become floats."""
    value, flag, raw = series.value, series.flag, series.raw
    if (
        {float}.issuperset(map(type, value))
        and isfinite(sum(value))  # type: ignore[arg-type]  # NaN and infinity both survive a sum
        and {int}.issuperset(map(type, series.time_ms))
        and min(series.time_ms, default=0) >= -MAX_SEQ
        and max(series.time_ms, default=0) <= MAX_SEQ
        and {int}.issuperset(map(type, flag))
        and FLAG_VALUES.issuperset(flag)
        and MISSING not in flag
        and (raw is None or ({float}.issuperset(map(type, raw)) and isfinite(sum(raw))))  # type: ignore[arg-type]
    ):
        return series
    faults = [
        _fault(*row)
        for row in zip(series.time_ms, value, flag, raw if raw is not None else [None] * len(value), strict=True)
    ]
    keep = [fault is None for fault in faults]
    for seq, fault in zip(series.seq, faults, strict=True):
        if fault is not None:
            refused.append(RefusedReading(seq, series.sensor, *fault))
    return Series(
        series.sensor,
        series.quantity,
        series.unit,
        list(compress(series.seq, keep)),
        list(compress(series.time_ms, keep)),
        [None if one is None else float(one) for one in compress(value, keep)],
        list(compress(flag, keep)),
        _floats(compress(raw, keep)) if raw is not None else None,
    )


def _floats(column: Any) -> list[float | None] | None:
    out = [None if one is None else float(one) for one in column]
    return out if any(one is not None for one in out) else None


def _fault(time_ms: Any, value: Any, flag: Any, raw: Any) -> tuple[Reason, str] | None:
    """What is wrong with one reading, or None. What times are likely is the centre's business, not the contract's."""
    if not _is_time(time_ms):
        return Reason.BAD_TIME, f"time is {_shown(time_ms)}"
    if type(flag) is not int or flag not in FLAG_VALUES:
        return Reason.BAD_FLAG, f"flag is {_shown(flag)}"
    for name, number in (("value", value), ("raw", raw)):
        if number is None:
            continue
        if type(number) not in _NUMBER:
            return Reason.NOT_A_NUMBER, f"{name} is {_shown(number)}"
        try:
            finite = isfinite(number)
        except OverflowError:
            finite = False
        if not finite:
            return Reason.NOT_FINITE, f"{name} is {_shown(number)}"
    if (value is None) != (flag == MISSING):
        return Reason.BAD_FLAG, f"flag is {flag} and the value is {_shown(value)}"
    return None


def _is_time(time_ms: Any) -> bool:
    return type(time_ms) is int and -MAX_SEQ <= time_ms <= MAX_SEQ


def _shown(thing: Any) -> str:
    try:
        return repr(thing)[:80]
    except (ValueError, RecursionError):  # a whole number of thousands of digits, a structure of its own making
        return f"a {type(thing).__name__} that cannot be shown"


def _record_is_good(record: Record, refused: list[RefusedReading]) -> bool:
    fault: tuple[Reason, str] | None = None
    if not _is_time(record.time_ms):
        fault = Reason.BAD_TIME, f"time is {_shown(record.time_ms)}"
    elif type(record.kind) is not str or record.kind not in RECORD_KINDS:
        fault = Reason.SCHEMA, f"kind of record {_shown(record.kind)} is not known"
    else:
        problem = _plain(record.body, MAX_BODY_DEPTH)
        if type(record.body) is not dict or problem is not None:
            fault = Reason.SCHEMA, f"body of the record: {problem or 'not an object'}"
    if fault is not None:
        refused.append(RefusedReading(record.seq, "", *fault))
    return fault is None


def _plain(thing: Any, depth: int) -> str | None:
    """Why this cannot be written as JSON again, or None."""
    if depth == 0:
        return f"nested deeper than {MAX_BODY_DEPTH}"
    if thing is None or type(thing) in (str, bool):
        return None
    if type(thing) is int:
        return None if -MAX_SEQ <= thing <= MAX_SEQ else "a whole number beyond 53 bits"
    if type(thing) is float:
        return None if isfinite(thing) else "a number that is not finite"
    if type(thing) is dict:
        for key, inner in thing.items():
            if type(key) is not str:
                return "a key that is not text"
            problem = _plain(inner, depth - 1)
            if problem:
                return problem
        return None
    if type(thing) is list:
        return next((problem for inner in thing if (problem := _plain(inner, depth - 1))), None)
    return f"a {type(thing).__name__}"

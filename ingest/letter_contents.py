"""What the message of a dead letter says, for people: the readings that were refused, whichever codec they came in. Pure."""

from datetime import UTC, datetime

from ingest.letters import KeptLetter
from ingest.received import parse_ranges
from wire.batch import MISSING, Batch
from wire.codec import decode_batch
from wire.ranges import RangeSet
from wire.reasons import Reason, WireError

_HEADER = ("NUMBER", "SENSOR", "TIME", "VALUE", "UNIT", "FLAG", "QUANTITY")
_LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""


def contents(letter: KeptLetter, payload: bytes) -> list[tuple[str, ...]]:
    """A header and a row for each reading that the letter is about; nothing where there is none to be read.

    A message that has killed ingest is not decoded.
    """
    if letter.epoch is None or letter.reason == Reason.POISON.value:
        return []
    try:
        batch = decode_batch(payload, letter.content_type)
    except WireError:
        return []
    rows = _rows(batch, RangeSet(parse_ranges(letter.ranges)))
    return [_HEADER, *rows] if rows else []


def _rows(batch: Batch, numbers: RangeSet) -> list[tuple[str, ...]]:
    rows: list[tuple[int, tuple[str, ...]]] = []
    for series in batch.series:
        for seq, time_ms, value, flag in zip(series.seq, series.time_ms, series.value, series.flag, strict=True):
            if seq in numbers:
                shown = "none" if value is None or flag == MISSING else f"{value:g}"
                row = (str(seq), series.sensor, _time(time_ms), shown, series.unit, str(flag), series.quantity)
                rows.append((seq, row))
    rows += [
        (one.seq, (str(one.seq), one.sensor or "-", f"{one.reason.value}: {_plain(one.detail)}"))
        for one in batch.refused
        if one.seq in numbers
    ]
    rows += [
        (one.seq, (str(one.seq), "-", _time(one.time_ms), f"a record: {one.kind}"))
        for one in batch.records
        if one.seq in numbers
    ]
    width = len(_HEADER)
    return [(*row, *[""] * (width - len(row))) for _, row in sorted(rows)]


def _time(ms: int) -> str:
    if not 0 <= ms <= _LAST_MS:
        return f"{ms} ms"
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)[:80]

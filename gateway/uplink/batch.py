"""From rows of the log to a message, within the limits of a batch. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.log.rows import Row
from wire.batch import Batch, Record, Series
from wire.codec import Codec, encode_batch
from wire.names import digest
from wire.ranges import Range, coalesce

MAX_READINGS = 2000
MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """An encoded batch: the identities in it, and the digest by which it can be refused."""

    epoch: int
    ranges: list[Range]
    payload: bytes
    digest: str


def pack(gateway: str, epoch: int, rows: Sequence[Row], codec: Codec, *, newest: bool = False) -> Message:
    """As many of these rows (at least one) as fit into a message: the first ones, or with `newest` the last ones."""
    taken = rows[-MAX_READINGS:] if newest else rows[:MAX_READINGS]
    while True:
        payload = encode_batch(to_batch(gateway, epoch, taken), codec)
        if len(payload) <= MAX_BYTES or len(taken) == 1:
            return Message(epoch, coalesce(row.seq for row in taken), payload, digest(payload))
        half = max(1, int(len(taken) * min(0.9 * MAX_BYTES / len(payload), 0.9)))
        taken = taken[-half:] if newest else taken[:half]


def to_batch(gateway: str, epoch: int, rows: Sequence[Row]) -> Batch:
    """These rows as columns, one series for each sensor."""
    columns: dict[tuple[str, str, str], list[Row]] = {}
    records = []
    for row in rows:
        if row.sensor is None:
            records.append(Record(row.seq, row.ms, row.kind, row.body or {}))
        else:
            columns.setdefault((row.sensor, row.quantity, row.unit), []).append(row)
    series = [
        Series(
            *key,
            [row.seq for row in column],
            [row.ms for row in column],
            [row.value for row in column],
            [row.flag for row in column],
            [row.raw for row in column] if any(row.raw is not None for row in column) else None,
        )
        for key, column in columns.items()
    ]
    return Batch(gateway, epoch, series, records)

"""How spool rows are cut into the writer's lanes, and when a row is settled. Pure."""

import json
from dataclasses import dataclass, field
from zlib import crc32

from ingest.body import read_body, record_body
from ingest.change import Row
from ingest.pipeline import Accepted, Changed
from store.points import HistoryPoint, Points, RecordPoint, RefusedPoint, SeriesKey, SeriesPoints
from wire.batch import Record
from wire.names import epoch_text

ROW_BYTES, SERIES_BYTES, POINT_BYTES = 600, 900, 150
"""What a row, a series of it and a point of that take in memory, measured: a series with one point takes as much as six more."""
LANES = 4
"""Requests under way at once: one leaves a third of InfluxDB's speed unused, four are enough."""


@dataclass(slots=True)
class InHand:
    """A spool row that is being written: `lanes_left` lanes have not passed it yet."""

    row: Row
    points: int
    memory_bytes: int = 0
    """About what it takes here."""
    lanes_left: int = 0
    dead: list[tuple["Source", int, str]] = field(default_factory=list)
    """Refused points: where from, which row of it, why."""
    changes: bool = False
    """Whether it changes points of earlier rows: then it leaves the spool after them, or their replay would undo it."""


Source = Accepted | Record | Changed
"""What a point was made of."""


@dataclass(slots=True)
class Part:
    """What one lane has to write of one row."""

    hand: InHand
    items: list[Points] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    """Beside `items`."""
    points: int = 0


def lane_of(key: SeriesKey) -> int:
    """The lane of a series: always the same, in every process."""
    return crc32("\0".join(key).encode()) % LANES


class LaneCache:
    """Remembers the key and the lane of every series: the hash is worth a lookup."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], tuple[SeriesKey, int]] = {}

    def look(self, quantity: str, station: str, sensor: str) -> tuple[SeriesKey, int]:
        """The key and its lane."""
        found = self._known.get((quantity, station, sensor))
        if found is None:
            key = SeriesKey(quantity, station, sensor)
            found = self._known[quantity, station, sensor] = (key, lane_of(key))
        return found


def cut(row: Row, cache: LaneCache) -> tuple[InHand, dict[int, Part]]:
    """A row as parts for the lanes that it touches. Raises BodyError or ValueError for a row that cannot be used."""
    series, records, changed = read_body(row.body)
    row.identities()
    hand = InHand(row, 0, changes=bool(changed))
    parts: dict[int, Part] = {}
    for accepted in series:
        target, _, time_ms, value, flag, raw, tests = accepted
        key, lane = cache.look(target.quantity, target.station, target.sensor)
        part = parts.get(lane)
        if part is None:
            part = parts[lane] = Part(hand)
        part.items.append(SeriesPoints(key, time_ms, value, flag, raw, tests))
        part.sources.append(accepted)
        part.points += len(time_ms)
    for seq, at_ms, kind, text in records:
        _, lane = cache.look("record", row.gateway, kind)
        part = parts.setdefault(lane, Part(hand))
        body = record_body(text, epoch_text(row.epoch), seq)
        part.items.append(RecordPoint(row.gateway, kind, at_ms, body))
        part.sources.append(Record(seq, at_ms, kind, json.loads(text)))
        part.points += 1
    for one in changed:
        key, lane = cache.look(one.target.quantity, one.target.station, one.target.sensor)
        part = parts.setdefault(lane, Part(hand))
        part.items += (HistoryPoint(key, one.old), _changed_point(key, one))
        part.sources += (one, one)
        part.points += 2
    hand.lanes_left = len(parts)
    hand.points = sum(part.points for part in parts.values())
    hand.memory_bytes = (
        ROW_BYTES
        + len(row.body)
        + SERIES_BYTES * (len(series) + len(records) + len(changed))
        + POINT_BYTES * hand.points
    )
    return hand, parts


def _changed_point(key: SeriesKey, changed: Changed) -> SeriesPoints:
    new = changed.new
    return SeriesPoints(key, [new.time_ms], [new.value], [new.flag], [new.raw], [new.tests], [new.rev])


def passed(parts: list[Part], refused: list[RefusedPoint]) -> list[InHand]:
    """A lane has written these parts, but for the refused points; the rows that are settled by it."""
    if refused:
        owners = [(part, at) for part in parts for at in range(len(part.items))]
        for one in refused:
            part, at = owners[one.item]
            part.hand.dead.append((part.sources[at], one.row, one.reason))
    settled: list[InHand] = []
    for part in parts:
        part.hand.lanes_left -= 1
        if part.hand.lanes_left == 0:
            settled.append(part.hand)
    return settled

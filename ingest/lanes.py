"""How spool rows are cut into the writer's lanes, and when a row is settled. Pure."""

import json
from dataclasses import dataclass, field

from ingest.body import read_body, record_body
from ingest.change import Row
from ingest.group_body import GROUP, LaneSeries, Sent, accepted_of, messages_of, pack_lane, read_group, read_lane
from ingest.lane import LANES, LaneCache
from ingest.pipeline import Accepted, Changed
from store.points import HistoryPoint, Points, RecordPoint, RefusedPoint, SeriesKey, SeriesPoints
from wire.batch import Record
from wire.names import epoch_text

ROW_BYTES, SERIES_BYTES, POINT_BYTES = 600, 900, 150
"""What a row, a series of it and a point of that take in memory, measured: a series with one point takes as much as six more."""
SENT_BYTES = 350
"""What the identities of one message in a group take."""


@dataclass(slots=True)
class InHand:
    """A spool row that is being written: `lanes_left` lanes have not passed it yet."""

    row: Row
    points: int
    memory_bytes: int = 0
    """About what it takes here."""
    lanes_left: int = 0
    dead: list[tuple[Sent, "Source", int, str]] = field(default_factory=list)
    """Refused points: whose, where from, which row of it, why."""
    changes: bool = False
    """Whether it changes points of earlier rows: then it leaves the spool after them, or their replay would undo it."""
    messages: list[Sent] = field(default_factory=list)
    """Whose identities it holds."""


Source = Accepted | Record | Changed
"""What a point was made of."""


@dataclass(slots=True)
class Part:
    """What one lane has to write of one row. A group's part stays packed until its turn comes."""

    hand: InHand
    points: int = 0
    packed: memoryview | None = None
    ready: list[Points] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    """Beside `ready`."""

    def items(self, cache: LaneCache) -> list[Points]:
        """The points."""
        if self.packed is None:
            return self.ready
        look = cache.look
        return [
            SeriesPoints(look(quantity, station, sensor)[0], time_ms, value, flag, raw, tests)
            for _, quantity, station, sensor, _, time_ms, value, flag, raw, tests in read_lane(self.packed)
        ]

    def came_from(self) -> list[tuple[Sent, Source]]:
        """Beside `items`: whose each is, and what it was made of."""
        messages = self.hand.messages
        if self.packed is None:
            return [(messages[0], source) for source in self.sources]
        return [(messages[one[0]], accepted_of(one)) for one in read_lane(self.packed)]


def cut(row: Row, cache: LaneCache) -> tuple[InHand, dict[int, Part]]:
    """A row as parts for the lanes that it touches. Raises BodyError or ValueError for a row that cannot be used."""
    if row.gateway == GROUP:
        return _cut_group(row, cache)
    series, records, changed = read_body(row.body)
    hand = InHand(row, 0, changes=bool(changed), messages=messages_of(row))
    parts: dict[int, Part] = {}
    for accepted in series:
        target, _, time_ms, value, flag, raw, tests = accepted
        key, lane = cache.look(target.quantity, target.station, target.sensor)
        part = parts.get(lane)
        if part is None:
            part = parts[lane] = Part(hand)
        part.ready.append(SeriesPoints(key, time_ms, value, flag, raw, tests))
        part.sources.append(accepted)
        part.points += len(time_ms)
    for seq, at_ms, kind, text in records:
        _, lane = cache.look("record", row.gateway, kind)
        part = parts.setdefault(lane, Part(hand))
        body = record_body(text, epoch_text(row.epoch), seq)
        part.ready.append(RecordPoint(row.gateway, kind, at_ms, body))
        part.sources.append(Record(seq, at_ms, kind, json.loads(text)))
        part.points += 1
    for one in changed:
        key, lane = cache.look(one.target.quantity, one.target.station, one.target.sensor)
        part = parts.setdefault(lane, Part(hand))
        part.ready += (HistoryPoint(key, one.old), _changed_point(key, one))
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


def _cut_group(row: Row, cache: LaneCache) -> tuple[InHand, dict[int, Part]]:
    messages, lanes = read_group(row.body)
    hand = InHand(row, 0, messages=messages)
    if len(lanes) != LANES:
        lanes = _cut_anew([one for _, packed in lanes for one in read_lane(packed)], cache)
    parts = {lane: Part(hand, points, packed) for lane, (points, packed) in enumerate(lanes) if points}
    hand.lanes_left = len(parts)
    hand.points = sum(part.points for part in parts.values())
    hand.memory_bytes = ROW_BYTES + len(row.body) + SENT_BYTES * len(messages)
    return hand, parts


def _cut_anew(series: list[LaneSeries], cache: LaneCache) -> list[tuple[int, memoryview]]:
    """The series of a row that was written for another number of lanes."""
    lanes: list[list[LaneSeries]] = [[] for _ in range(LANES)]
    for one in series:
        lanes[cache.look(*one[1:4])[1]].append(one)
    return [(sum(len(one[5]) for one in lane), pack_lane(lane)) for lane in lanes]


def _changed_point(key: SeriesKey, changed: Changed) -> SeriesPoints:
    new = changed.new
    return SeriesPoints(key, [new.time_ms], [new.value], [new.flag], [new.raw], [new.tests], [new.rev])


def passed(parts: list[Part], refused: list[RefusedPoint]) -> list[InHand]:
    """A lane has written these parts, but for the refused points; the rows that are settled by it."""
    if refused:
        owners = [(part, *origin) for part in parts for origin in part.came_from()]
        for one in refused:
            part, sent, source = owners[one.item]
            part.hand.dead.append((sent, source, one.row, one.reason))
    settled: list[InHand] = []
    for part in parts:
        part.hand.lanes_left -= 1
        if part.hand.lanes_left == 0:
            settled.append(part.hand)
    return settled

"""The body of a spool row that holds many messages: who sent what, and what was accepted, cut into the writer's lanes. Pure.

MessagePack: [3, [[gateway, epoch, [[first, last] ...], received ms] ...], [[points, lane] ...]], a lane being the bytes of
[[message, quantity, station, sensor, seqs, times, values, flags, raws or nil, tests or nil] ...] in the order in which they came,
deflated where they are many; `message` is a place in the list of messages. Messages with records, or with changes of earlier
points, have a row each (ingest.body): their order to the others is the rows'.
"""

import zlib
from typing import NamedTuple

import msgspec

from ingest.body import Body, BodyError, read_body
from ingest.change import Row, make_row
from ingest.lane import LANES, LaneCache
from ingest.pipeline import Accepted, Target
from wire.ranges import Range

VERSION = 3
DEFLATE_FROM_BYTES = 256
"""Times and numbers of many readings are nearly the same bytes: a tenth is left, for less than writing them would cost."""
_ZLIB_MARK = 0x78
"""What a deflated lane starts with; no list in MessagePack does."""
GROUP = ""
"""Stands in the row for the gateway, which each message has itself. No id is empty."""


class Sent(NamedTuple):
    """The identities of one message."""

    gateway: str
    epoch: int
    ranges: list[Range]
    received_ms: int


_Column = list[float | None]
LaneSeries = tuple[
    int, str, str, str, list[int], list[int], _Column, list[int], _Column | None, list[int | None] | None
]
"""Place of the message, quantity, station, sensor, seqs, times, values, flags, raws, tests."""
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(tuple[int, list[Sent], list[tuple[int, memoryview]]])
_lane_decoder = msgspec.msgpack.Decoder(list[LaneSeries])


class Collected:
    """Messages that go into one row."""

    def __init__(self, cache: LaneCache) -> None:
        self._look = cache.look
        self.messages: list[Sent] = []
        self._lanes: list[list[LaneSeries]] = [[] for _ in range(LANES)]
        self._points = [0] * LANES
        self.readings = 0

    def add(self, sent: Sent, readings: int, accepted: list[Accepted]) -> None:
        """One message: so many readings of its gateway, and these points."""
        place = len(self.messages)
        self.messages.append(sent)
        self.readings += readings
        look, lanes, points = self._look, self._lanes, self._points
        for (station, sensor, quantity, _), seq, time_ms, value, flag, raw, tests in accepted:
            lane = look(quantity, station, sensor)[1]
            lanes[lane].append((place, quantity, station, sensor, seq, time_ms, value, flag, raw, tests))
            points[lane] += len(time_ms)

    def row(self, row_id: int) -> Row:
        """The row, as received when the first of them was."""
        lanes = [(points, pack_lane(lane)) for points, lane in zip(self._points, self._lanes, strict=True)]
        body = _encode((VERSION, self.messages, lanes))
        return make_row(row_id, self.messages[0].received_ms, GROUP, 0, [], self.readings, body)


class Packed(NamedTuple):
    """A row read back; the lanes as points and bytes, which are views of the body."""

    messages: list[Sent]
    lanes: list[tuple[int, memoryview]]


def read_group(body: bytes) -> Packed:
    """Take a row's body apart. Raises BodyError."""
    try:
        version, messages, lanes = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BodyError(str(error)) from error
    if version != VERSION:
        raise BodyError(f"version {version}, this ingest reads {VERSION}")
    return Packed(messages, lanes)


def pack_lane(series: list[LaneSeries]) -> memoryview:
    """One lane's bytes."""
    plain = _encode(series)
    return memoryview(zlib.compress(plain, 1) if len(plain) >= DEFLATE_FROM_BYTES else plain)


def read_lane(packed: memoryview) -> list[LaneSeries]:
    """The series of one lane. Raises BodyError."""
    try:
        plain = zlib.decompress(packed) if packed[0] == _ZLIB_MARK else packed
        return _lane_decoder.decode(plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, zlib.error, IndexError) as error:
        raise BodyError(str(error)) from error


def accepted_of(one: LaneSeries) -> Accepted:
    """A series as it was accepted; without a unit: it is the quantity's own."""
    _, quantity, station, sensor, seq, time_ms, value, flag, raw, tests = one
    return Accepted(Target(station, sensor, quantity, ""), seq, time_ms, value, flag, raw, tests)


def messages_of(row: Row) -> list[Sent]:
    """The identities in a row of either kind. Raises BodyError or ValueError."""
    if row.gateway == GROUP:
        return read_group(row.body).messages
    return [Sent(row.gateway, row.epoch, row.identities(), row.received_ms)]


def bodies_of(row: Row) -> list[tuple[Sent, Body]]:
    """What each message of a row of either kind holds, the messages in order. Raises BodyError or ValueError."""
    if row.gateway != GROUP:
        return [(messages_of(row)[0], read_body(row.body))]
    group = read_group(row.body)
    series: list[list[Accepted]] = [[] for _ in group.messages]
    for _, packed in group.lanes:
        for one in read_lane(packed):
            series[one[0]].append(accepted_of(one))
    return [(sent, Body(some, [], [])) for sent, some in zip(group.messages, series, strict=True)]

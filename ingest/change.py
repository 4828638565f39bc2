"""What one transaction on the spool does, as data. Pure.

Every change carries the counts it moves, so that received = stored + repeated + dead + waiting + exported + set aside
holds after every commit, whenever the process is killed.
"""

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from ingest.received import Logs, parse_ranges, ranges_text
from wire.names import epoch_text
from wire.ranges import Range
from wire.reasons import Reason
from wire.topics import is_status


class Count(StrEnum):
    """The counters of readings (a record counts as one, a message without readable identity too)."""

    RECEIVED = "received"
    STORED = "stored"
    REPEATED = "repeated"
    DEAD = "dead"
    WAITING = "waiting"
    EXPORTED = "exported"
    SET_ASIDE = "set_aside"


PARTS = (Count.STORED, Count.REPEATED, Count.DEAD, Count.WAITING, Count.EXPORTED, Count.SET_ASIDE)
"""Their sum is what was received."""


class Row(NamedTuple):
    """One message in the spool: its identities, and in `body` what was accepted of it."""

    id: int
    received_ms: int
    gateway: str
    epoch: int
    ranges: str
    readings: int
    body: bytes
    crc: int

    @property
    def whole(self) -> bool:
        """Whether the row is as it was written."""
        try:
            return self.crc == _checksum(self[:7])
        except TypeError:  # a damaged column may have another type
            return False

    def identities(self) -> list[Range]:
        """The numbers that stand in it. Raises ValueError."""
        return parse_ranges(self.ranges)


def make_row(
    row_id: int, received_ms: int, gateway: str, epoch: int, ranges: list[Range], readings: int, body: bytes
) -> Row:
    """A row with its checksum."""
    fields = (row_id, received_ms, gateway, epoch, ranges_text(ranges), readings, body)
    return Row(*fields, _checksum(fields))


def _checksum(fields: tuple[int, int, str, int, str, int, bytes]) -> int:
    row_id, received_ms, gateway, epoch, ranges, readings, body = fields
    head = f"{row_id} {received_ms} {gateway} {epoch} {ranges} {readings} "
    return zlib.crc32(body, zlib.crc32(head.encode(errors="replace")))


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: readings of one message refused for one reason, or a message without readable identity."""

    reason: Reason
    detail: str
    topic: str
    content_type: str | None
    received_ms: int
    payload: bytes
    digest: str
    gateway: str = ""
    epoch: int | None = None
    ranges: list[Range] = field(default_factory=list)
    sensor: str = ""
    count: int = 1
    """How often the same was refused."""
    last_ms: int = 0
    """When last; 0 is when it was received."""

    @property
    def readings(self) -> int:
        """How many it counts for."""
        return sum(last - first + 1 for first, last in self.ranges) or 1

    @property
    def is_status(self) -> bool:
        """Whether it was a status: it names no readings."""
        return is_status(self.topic)

    @property
    def key(self) -> str:
        """The same refusal twice has the same key. Statuses of two gateways may well be the same bytes, such as a last will."""
        if self.epoch is None:
            return f"{self.gateway}/status/{self.digest}" if self.is_status else self.digest
        return f"{self.gateway}/{epoch_text(self.epoch)}/{ranges_text(self.ranges)}"


Piece = tuple[str, int, int, int]
"""Gateway, epoch, first and last number of one range."""


class Mark(NamedTuple):
    """What a replay did with a letter that is no longer one, or not all of it. Numbers of readings."""

    replayed_ms: int
    letter: int
    reason: str
    gateway: str
    epoch: int | None
    ranges: str
    sensor: str
    stored: int
    repeated: int
    refused: int


class Again(NamedTuple):
    """A letter that a replay refused again, and why now."""

    letter: int
    reason: Reason
    detail: str
    replayed_ms: int


@dataclass(slots=True)
class Change:
    """All parts of it become durable together, or none."""

    rows: list[Row] = field(default_factory=list)
    trimmed: list[int] = field(default_factory=list)
    gone_bytes: int = 0
    """Of the bodies of the rows that are trimmed or set aside."""
    set_aside: list[tuple[int, str]] = field(default_factory=list)
    """Rows that cannot be used, and why."""
    letters: list[Letter] = field(default_factory=list)
    repeated_letters: list[tuple[str, int]] = field(default_factory=list)
    """Key of a letter that is there, and when it was refused again."""
    kept_letters: list[Letter] = field(default_factory=list)
    """What a replay left of a letter, or an import brought: letters, but no new refusals."""
    letters_gone: list[int] = field(default_factory=list)
    """Letters that were replayed or exported, by id. Their counts are moved by whoever takes them away."""
    refused_again: list[Again] = field(default_factory=list)
    replayed: list[Mark] = field(default_factory=list)
    settled_drop: list[Piece] = field(default_factory=list)
    settled_put: list[Piece] = field(default_factory=list)
    exported_drop: list[Piece] = field(default_factory=list)
    exported_put: list[Piece] = field(default_factory=list)
    gone_drop: list[Piece] = field(default_factory=list)
    gone_put: list[Piece] = field(default_factory=list)
    """What a gateway says it no longer has."""
    tallies: Counter[str] = field(default_factory=Counter)
    """Counters that no equation needs."""
    counts: Counter[Count] = field(default_factory=Counter)
    marks: list[str] = field(default_factory=list)
    """Digests of messages about to be decoded after an unclean stop."""
    unmarks: list[str] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)

    def trim(self, row: Row) -> None:
        """Take this row out of the spool."""
        self.trimmed.append(row.id)
        self.gone_bytes += len(row.body)

    def put_aside(self, row: Row, why: str) -> None:
        """Take a row that cannot be used out of the spool, keep it aside, and move its count."""
        self.set_aside.append((row.id, why))
        self.gone_bytes += len(row.body) if isinstance(row.body, bytes) else 0
        number = row.readings if isinstance(row.readings, int) else 0
        self.counts[Count.WAITING] -= number
        self.counts[Count.SET_ASIDE] += number

    def keep_letter(self, letter: Letter) -> None:
        """Put a letter in that was refused before, and count its readings as dead."""
        self.kept_letters.append(letter)
        self.counts[Count.DEAD] += letter.readings

    def add_letter(self, letter: Letter) -> None:
        """Put a new letter in, and count it."""
        self.letters.append(letter)
        self.counts[Count.DEAD] += letter.readings


def move_pieces(
    pieces: tuple[list[Piece], list[Piece]],
    logs: Logs,
    gateway: str,
    epoch: int,
    *,
    add: Iterable[Range] = (),
    remove: Iterable[Range] = (),
) -> None:
    """Change a set of identities, here and in a change: `pieces` are its lists of dropped and of new ranges.

    A log that is changed twice in one change leaves only what holds at its end. The work is that of what changes: a set has
    a hole for each scan of a sensor that is refused, and may have a million.
    """
    numbers = logs.of(gateway, epoch)
    add, remove = list(add), list(remove)
    before = {piece for one in (*add, *remove) for piece in numbers.near(*one)}
    numbers.update(add)
    for first, last in remove:
        numbers.remove(first, last)
    after = {piece for one in (*add, *remove) for piece in numbers.near(*one)}
    drop, put = pieces
    for first, last in before - after:
        piece = (gateway, epoch, first, last)
        if piece in put:
            put.remove(piece)
        else:
            drop.append(piece)
    put.extend((gateway, epoch, first, last) for first, last in after - before)

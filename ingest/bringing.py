"""What an old spool or an export brings back: rows and letters, each judged by what was received since. Pure.

Nothing is drained from the old file: its readings become rows of this spool, once, whatever came by another way meanwhile.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ingest.body import Body
from ingest.change import Count, Letter, Row, move_pieces
from ingest.group_body import Sent, bodies_of
from ingest.intake import Group, Intake, keep_only
from ingest.pipeline import Judged
from ingest.received import Logs, count, take_new
from wire.batch import Record
from wire.ranges import Range, RangeSet


@dataclass(slots=True)
class Brought:
    """What an import did, in readings and letters; `damaged` rows were left out, the gateways are asked for them."""

    rows: int = 0
    readings: int = 0
    waiting: int = 0
    repeated: int = 0
    letters: int = 0
    kept: int = 0
    """Letters that are letters here now; the others are here already."""
    damaged: int = 0

    def add(self, other: "Brought") -> None:
        """Add another one's numbers."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def document(self) -> dict[str, int]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def bring_rows(rows: Iterable[Row], intake: Intake, group: Group) -> Brought:
    """Rows of another spool into this one. Raises BodyError or ValueError for a row that another version wrote."""
    brought = Brought()
    for row in rows:
        if not row.whole:
            brought.damaged += 1
            continue
        for sent, body in bodies_of(row):
            _bring(sent, body, intake, group, brought)
        brought.rows += 1
    return brought


def _bring(sent: Sent, body: Body, intake: Intake, group: Group, brought: Brought) -> None:
    ranges, new = take_new(intake.received, sent.gateway, sent.epoch, _numbers(sent.ranges))
    total, new_total = count(ranges), count(new)
    judged = Judged(
        None,
        sent.gateway,
        sent.epoch,
        [one for one in body.series if one.seq],  # what was derived there is derived here anew
        [Record(seq, time_ms, kind, json.loads(text)) for seq, time_ms, kind, text in body.records],
    )
    keep_only(judged, RangeSet(new))
    if new_total:
        intake.spool(sent.received_ms, sent.gateway, judged, group, new)
    group.change.counts[Count.RECEIVED] += total
    group.change.counts[Count.REPEATED] += total - new_total
    brought.readings += total
    brought.waiting += new_total
    brought.repeated += total - new_total


def bring_letters(letters: Iterable[Letter], intake: Intake, exported: Logs, group: Group) -> Brought:
    """Letters of an export or of another spool. One whose numbers were exported from here is a letter here again."""
    brought = Brought()
    counts = group.change.counts
    for letter in letters:
        brought.letters += 1
        if letter.epoch is None:
            counts[Count.RECEIVED] += 1
            if letter.key in intake.dead_keys:
                counts[Count.REPEATED] += 1
                continue
            intake.dead_keys.add(letter.key)
            group.change.keep_letter(letter)
            brought.kept += 1
            continue
        away = exported.look(letter.gateway, letter.epoch)
        back = [piece for first, last in letter.ranges for piece in _inside(away, first, last)]
        if back:
            pieces = group.change.exported_drop, group.change.exported_put
            move_pieces(pieces, exported, letter.gateway, letter.epoch, remove=back)
            counts[Count.EXPORTED] -= count(back)
        _, new = take_new(intake.received, letter.gateway, letter.epoch, _numbers(letter.ranges))
        counts[Count.RECEIVED] += letter.readings - count(back)
        counts[Count.REPEATED] += letter.readings - count(back) - count(new)
        here = RangeSet([*back, *new])
        if here:
            group.change.keep_letter(_only(letter, list(here)))
            brought.kept += 1
    return brought


def _inside(numbers: RangeSet | None, first: int, last: int) -> list[Range]:
    if numbers is None:
        return []
    inside = RangeSet([(first, last)])
    for hole in numbers.missing(first, last):
        inside.remove(*hole)
    return list(inside)


def _only(letter: Letter, ranges: list[Range]) -> Letter:
    return Letter(
        letter.reason,
        letter.detail,
        letter.topic,
        letter.content_type,
        letter.received_ms,
        letter.payload,
        letter.digest,
        letter.gateway,
        letter.epoch,
        ranges,
        letter.sensor,
        letter.count,
        letter.last_ms,
    )


def _numbers(ranges: Iterable[Range]) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]

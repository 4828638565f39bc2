"""What a gateway no longer has, by its own word (a `gap` that names numbers) or by its silence. Pure.

It is another set than what was received: a reading that comes all the same, from a log that was salvaged, is welcome.
"""

from ingest.change import Change, Piece, move_pieces
from ingest.received import Logs, count
from wire.batch import Record
from wire.names import MAX_EPOCH, MAX_SEQ
from wire.ranges import Range, RangeSet

REFUSED = "refused"
"""The gap of a message that the centre refused by its digest: its bytes are here, as a dead letter."""
LOST_PREFIX = "lost."
"""Counters of readings that were lost at a gateway: lost.gw-17."""
MOST_PIECES = 10_000
"""Of one gateway's epoch; a gateway that invents more is not believed. Its numbers are asked for again, no more."""


def gone_in(record: Record) -> tuple[str, int, list[Range]] | None:
    """Reason, epoch and numbers that this gap says are gone; None when it is no such gap, or makes no sense."""
    if record.kind != "gap":
        return None
    epoch, ranges = record.body.get("epoch"), record.body.get("ranges")
    if not isinstance(epoch, str) or not isinstance(ranges, list):
        return None
    try:
        number = int(epoch, 16)
        pairs = [(int(first), int(last)) for first, last in ranges]
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 <= number <= MAX_EPOCH or any(not 1 <= first <= last <= MAX_SEQ for first, last in pairs):
        return None
    return str(record.body.get("reason", ""))[:40], number, pairs


def put_gone(
    change: Change, gone: Logs, received: Logs, gateway: str, epoch: int, ranges: list[Range], *, lost: bool
) -> list[Range]:
    """Note these as gone, and count as lost those of them that never came; which are new among them."""
    if not gone.has_room(gateway, epoch):
        return []
    known, here = gone.of(gateway, epoch), received.look(gateway, epoch)
    never: list[Range] = []
    for first, last in ranges:
        never += here.missing(first, last) if here is not None else [(first, last)]
    new = RangeSet(piece for first, last in never for piece in known.missing(first, last))
    if not new or known.pieces + new.pieces > MOST_PIECES:
        return []
    pieces: tuple[list[Piece], list[Piece]] = change.gone_drop, change.gone_put
    move_pieces(pieces, gone, gateway, epoch, add=new)
    if lost:
        change.tallies[LOST_PREFIX + gateway] += count(new)
    return list(new)


def had_or_gone(received: Logs, gone: Logs, gateway: str, epoch: int) -> RangeSet:
    """What need not be asked for."""
    here, known = received.look(gateway, epoch), gone.look(gateway, epoch)
    out = here.copy() if here is not None else RangeSet()
    if known is not None:
        out.update(known)
    return out

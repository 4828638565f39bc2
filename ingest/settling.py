"""From rows that the store has passed to the transaction that trims the spool. Pure but for the settled ranges it keeps."""

import json
import logging
from collections.abc import Callable
from itertools import chain

from ingest.change import Change, Count, Piece, move_pieces
from ingest.intake import point_letter, record_letter
from ingest.lanes import InHand
from ingest.pipeline import Changed
from ingest.received import Logs
from store.points import DeliveryPoint
from wire.batch import Record
from wire.names import epoch_text
from wire.ranges import RangeSet

log = logging.getLogger(__name__)

DELIVERY_BYTES = 60_000
"""InfluxDB's longest string field is 64 KB: older epochs and ranges are left out beyond this. What is left out is stored
again, as the same points, should this spool be lost."""
LEAST_RANGE_BYTES = len("[1,1],")
NEWEST_EPOCHS = 3_000
"""More than stand in a body. Of more than these it is not remembered which of them changed last."""
HOUR_MS = 3_600_000


def settle(hands: list[InHand], settled: Logs, topic_of: Callable[[str], str]) -> Change:
    """Trim these rows, note their ranges as settled, and make dead letters of what the store refused in them."""
    change = Change()
    touched: dict[tuple[str, int], RangeSet] = {}
    for hand in hands:
        change.trim(hand.row)
        for gateway, epoch, ranges, _ in hand.messages:
            stored = touched.get((gateway, epoch))
            if stored is None:
                stored = touched[gateway, epoch] = RangeSet()
            for first, last in ranges:
                stored.add(first, last)
        dead = 0
        for sent, source, at, why in hand.dead:
            where = topic_of(sent.gateway)
            if isinstance(source, Changed) or (not isinstance(source, Record) and not source.seq):
                # No reading of a gateway: what it was made of is stored, or a dead letter itself.
                log.warning("the store refused a point of %s/%s that ingest made: %s", *source.target[:2], why)
                continue
            dead += 1
            if isinstance(source, Record):
                letter = record_letter(where, sent.gateway, sent.epoch, sent.received_ms, source, why)
            else:
                letter = point_letter(where, sent.gateway, sent.epoch, sent.received_ms, source, at, why)
            change.add_letter(letter)
            for first, last in letter.ranges:
                touched[sent.gateway, sent.epoch].remove(first, last)
        change.counts[Count.WAITING] -= hand.row.readings
        change.counts[Count.STORED] += hand.row.readings - dead
    for (gateway, epoch), stored in touched.items():
        put_settled(change, settled, gateway, epoch, stored)
    return change


def put_settled(change: Change, settled: Logs, gateway: str, epoch: int, stored: RangeSet) -> None:
    """Add these ranges to what is settled, here and in the change."""
    drop: list[Piece] = []
    put: list[Piece] = []
    move_pieces((drop, put), settled, gateway, epoch, add=stored)
    change.settled_drop += drop  # a log comes once in a change
    change.settled_put += put


class Deliveries:
    """Whose settled ranges the store does not know yet; each gateway's are written at most every `interval_s`."""

    def __init__(self, settled: Logs, interval_s: float = 10.0) -> None:
        self._settled = settled
        self._interval_s = interval_s
        self._changed: dict[str, None] = {}
        self._newest: dict[str, dict[int, None]] = {}
        self._next_s: dict[str, float] = {}

    def note(self, hands: list[InHand]) -> None:
        """These rows were settled."""
        for gateway, epoch in dict.fromkeys(sent[:2] for hand in hands for sent in hand.messages):
            self._changed[gateway] = None
            epochs = self._newest.setdefault(gateway, {})
            epochs.pop(epoch, None)
            epochs[epoch] = None
            if len(epochs) > NEWEST_EPOCHS:
                del epochs[next(iter(epochs))]

    def due(self, now_s: float, wall_ms: int, most: int, *, all_of_them: bool = False) -> list[DeliveryPoint]:
        """Up to `most` points to be written now. An hour's point overwrites itself: a day has 24 of a gateway, not 8,640."""
        out: list[DeliveryPoint] = []
        for gateway in list(self._changed):
            if len(out) == most:
                break
            if all_of_them or self._next_s.get(gateway, 0.0) <= now_s:
                self._next_s[gateway] = now_s + self._interval_s
                del self._changed[gateway]
                out.append(DeliveryPoint(gateway, wall_ms - wall_ms % HOUR_MS, self._body(gateway)))
        return out

    def changed(self, gateway: str) -> None:
        """This gateway's ranges were set anew."""
        self._changed[gateway] = None

    def again(self, points: list[DeliveryPoint]) -> None:
        """They were not written."""
        for point in points:
            self._changed[point.gateway] = None

    def _body(self, gateway: str) -> str:
        """Epoch to ranges, the epochs that changed last first; bounded, and so is the work, whatever a gateway invents."""
        newest, epochs = self._newest.get(gateway, {}), self._settled.epochs(gateway)
        pieces: list[str] = []
        left = DELIVERY_BYTES - 2
        for epoch in chain(reversed(newest), (one for one in epochs if one not in newest)):
            head = f'"{epoch_text(epoch)}":['
            left -= len(head) + 2
            if left < 0:
                break
            newest_ranges = epochs[epoch].newest(DELIVERY_BYTES // LEAST_RANGE_BYTES) if epoch in epochs else []
            texts: list[str] = []
            for first, last in reversed(newest_ranges):
                text = f"[{first},{last}]"
                left -= len(text) + 1
                if left < 0:
                    break
                texts.append(text)
            pieces.append(f"{head}{','.join(reversed(texts))}]")
        return "{" + ",".join(pieces) + "}"


def read_delivery(body: str) -> dict[int, RangeSet]:
    """The ranges of a `delivery` point. Raises ValueError."""
    try:
        doc = json.loads(body)
        return {int(epoch, 16): RangeSet((int(a), int(b)) for a, b in ranges) for epoch, ranges in doc.items()}
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"not a delivery: {body[:80]!r}") from error

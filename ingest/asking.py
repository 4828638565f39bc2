"""When a gateway is asked for readings that are missing though it is there and sends others. Pure; the time comes in.

A gateway sends by itself what has no receipt, oldest first behind the newest; so what is missing and becomes less is left
alone. What has stood still for `PATIENCE_S` is asked for, again and again with back-off. It ends when it comes, when a `gap`
says that it is gone, or when the gateway's hello no longer names it: then it is lost, and somebody must know.
"""

from dataclasses import dataclass, field

from ingest.gateways import MOST_RANGES, GatewayView
from ingest.gone import had_or_gone
from ingest.received import Logs
from wire.messages import State
from wire.names import MAX_SEQ, epoch_number
from wire.ranges import Range, RangeSet

PATIENCE_S = 600.0
"""Longer than a gateway waits for a receipt before it sends again."""
LONGEST_S = 6 * 3600.0
EXTENTS_TOLD = 300
"""A hello that names so many epochs may have left older ones out: nothing follows from their absence."""


@dataclass(slots=True)
class _Watch:
    stuck: RangeSet
    since_s: float
    wait_s: float = PATIENCE_S


@dataclass(slots=True)
class Due:
    """What to do for one gateway: what to ask for, and what it no longer has, by epoch."""

    ask: dict[int, list[Range]] = field(default_factory=dict)
    lost: dict[int, list[Range]] = field(default_factory=dict)


class Asking:
    """Watches what is missing of every gateway."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        self._watched: dict[tuple[str, int], _Watch] = {}

    def look(self, gateway: str, view: GatewayView, received: Logs, gone: Logs, now_s: float) -> Due:
        """What is due for this gateway now."""
        due = Due()
        if view.state is not State.ONLINE or not view.logs:
            return due
        extents = {epoch_number(one.epoch): (one.first, one.last) for one in view.logs}
        newest = epoch_number(view.logs[-1].epoch)
        epochs = set(extents)
        if len(view.logs) < EXTENTS_TOLD:
            epochs |= set(received.epochs(gateway))
        for epoch in epochs:
            stuck = self._stuck(gateway, epoch, _missing(gateway, epoch, extents.get(epoch), received, gone), now_s)
            if not stuck:
                continue
            kept, away = _split(stuck, extents.get(epoch), epoch == newest)
            if kept:
                due.ask[epoch] = kept[:MOST_RANGES]
            if away:
                due.lost[epoch] = away
        return due

    def _stuck(self, gateway: str, epoch: int, missing: RangeSet, now_s: float) -> RangeSet | None:
        """What has stood still for as long as it may; None when nothing has, or it is not yet time."""
        key = gateway, epoch
        watch = self._watched.get(key)
        if not missing:
            self._watched.pop(key, None)
            return None
        still = _both(watch.stuck, missing) if watch is not None else RangeSet()
        if watch is None or still != watch.stuck:  # some of it came
            self._watched[key] = _Watch(missing, now_s, self.patience_s)
            return None
        if now_s - watch.since_s < watch.wait_s:
            return None
        self._watched[key] = _Watch(missing, now_s, min(2 * watch.wait_s, LONGEST_S))
        return still


def _missing(gateway: str, epoch: int, extent: tuple[int, int] | None, received: Logs, gone: Logs) -> RangeSet:
    """Holes in what came, and what the hello names and did not come."""
    known = had_or_gone(received, gone, gateway, epoch)
    here = received.look(gateway, epoch)
    edges = [edge for edge in (here.lowest, here.highest) if edge is not None] if here is not None else []
    if extent is not None and extent[0] <= extent[1]:
        edges += extent
    return RangeSet(known.missing(min(edges), max(edges))) if edges else RangeSet()


def _split(stuck: RangeSet, extent: tuple[int, int] | None, grows: bool) -> tuple[list[Range], list[Range]]:
    """What the gateway may still have, and what it cannot have. The newest epoch has more by now than its hello says."""
    kept = stuck.copy()
    if extent is None:
        return [], list(stuck)
    first, last = extent
    if first > 1:
        kept.remove(1, first - 1)
    if not grows:
        kept.remove(max(last, first - 1) + 1, MAX_SEQ)
    away = stuck.copy()
    for one in kept:
        away.remove(*one)
    return list(kept), list(away)


def _both(left: RangeSet, right: RangeSet) -> RangeSet:
    out = left.copy()
    for first, last in left:
        for hole in right.missing(first, last):
            out.remove(*hole)
    return out

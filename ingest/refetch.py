"""Asks the gateways again for what a restored backup of the store lost.

What was settled is set to what the store says it had accepted by then; the rest is missing, and asked for. Each order is kept
in the spool until it is carried out, so that it survives a kill and a store that is away.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hydrology.registry import Registry
from ingest.change import Change, Piece, move_pieces
from ingest.gateways import Gateways
from ingest.intake import Intake
from ingest.recall import FOR_EVER_S, ask
from ingest.received import Logs, count
from ingest.settling import HOUR_MS, Deliveries, read_delivery
from store.points import PointReader
from wire.ranges import RangeSet

if TYPE_CHECKING:
    from ingest.centre import Centre

log = logging.getLogger(__name__)

REFETCH = "refetch"
"""The orders' key in the spool."""


@dataclass(frozen=True, slots=True)
class Order:
    """Ask again for what was stored since then, of the gateways that read this station, or of all of them."""

    since_ms: int
    station: str | None = None


def orders_text(orders: Sequence[Order]) -> str:
    """As they are kept."""
    return json.dumps([{"since_ms": one.since_ms, "station": one.station} for one in orders]) if orders else ""


def wanted(text: str | None) -> list[Order]:
    """The orders that are kept, in the order in which they were given."""
    if not text:
        return []
    try:
        documents = json.loads(text)
        # A spool of before has one, by itself.
        return [
            Order(int(one["since_ms"]), one["station"])
            for one in (documents if isinstance(documents, list) else [documents])
        ]
    except (ValueError, KeyError, TypeError) as error:
        log.error(
            "the orders %r in the spool are damaged (%s): give them again with `aryk ingest refetch`", text, error
        )
        return []


def gateways_of(order: Order, registry: Registry, known: set[str]) -> set[str]:
    """The gateways that it is about. Raises LookupError when there is no such station."""
    if order.station is None:
        return known
    for station in registry.stations:
        if station.id == order.station:
            return {sensor.gateway for sensor in station.sensors}
    raise LookupError(f"the registry has no station {order.station!r}")


def forget(change: Change, settled: Logs, gateway: str, by_then: dict[int, RangeSet]) -> int:
    """Leave of a gateway's settled ranges what the store had by then; how many readings are to be asked for."""
    total = 0
    drop: list[Piece] = []
    put: list[Piece] = []
    for epoch, numbers in list(settled.epochs(gateway).items()):
        away = numbers.copy()
        for one in by_then.get(epoch, RangeSet()):
            away.remove(*one)
        total += count(away)
        move_pieces((drop, put), settled, gateway, epoch, remove=away)
    change.settled_drop += drop
    change.settled_put += put
    return total


class Refetch:
    """For the running ingest."""

    def __init__(
        self,
        reader: PointReader,
        intake: Intake,
        settled: Logs,
        gateways: Gateways,
        deliveries: Deliveries,
        centre: "Centre",
        registry: Callable[[], Registry],
        kept: Sequence[Order] = (),
    ) -> None:
        self._kept, self._later = list(kept), list(kept)
        self._reader, self._intake, self._settled = reader, intake, settled
        self._gateways, self._deliveries, self._centre, self._registry = gateways, deliveries, centre, registry
        self._one_at_a_time, self._more = asyncio.Lock(), asyncio.Event()

    async def run(self, order: Order, patience_s: float) -> int | None:
        """Carry an order out: how many readings are asked for again; None when the store did not answer in time.

        Then it is kept, and carried out when the store answers. Raises LookupError when there is no such station.
        """
        which = self._which(order)
        if order not in self._kept:
            self._kept.append(order)
            await self._write_down(self._kept)
        total = await self._carry_out(order, which, patience_s)
        if total is None and order not in self._later:
            self._later.append(order)
            self._more.set()
        return total

    async def carry_on(self) -> None:
        """Carry out what an earlier process was given, and what a command did not wait for; for ever."""
        while True:
            while self._later:
                order = self._later.pop(0)
                try:
                    await self._carry_out(order, self._which(order), FOR_EVER_S)
                except LookupError as error:
                    log.error("what was to be asked for again is not known any more: %s", error)
                    self._kept = [one for one in self._kept if one != order]
                    await self._write_down(self._kept)
            await self._more.wait()
            self._more.clear()

    async def _carry_out(self, order: Order, which: set[str], patience_s: float) -> int | None:
        try:
            await asyncio.wait_for(self._one_at_a_time.acquire(), None if patience_s == FOR_EVER_S else patience_s)
        except TimeoutError:
            return None
        try:
            if order not in self._kept:  # meanwhile somebody else has carried it out
                return 0
            # An hour's point holds what was settled until that hour's end.
            upto_ms = order.since_ms - HOUR_MS
            bodies = await ask(lambda: self._reader.deliveries(upto_ms), "what it had accepted by then", patience_s)
            if bodies is None:
                return None
            by_then: dict[str, dict[int, RangeSet]] = {}
            for gateway, body in bodies.items():
                try:
                    by_then[gateway] = read_delivery(body)
                except ValueError as error:
                    log.warning("the store's delivery ranges of %s cannot be read: %s", gateway, error)
            total = 0

            def make() -> Change:
                nonlocal total
                change = Change(meta={REFETCH: orders_text([one for one in self._kept if one != order])})
                total = sum(forget(change, self._settled, gateway, by_then.get(gateway, {})) for gateway in which)
                return change

            await self._centre.forget(make)
            self._kept.remove(order)
            for gateway in which:
                self._deliveries.changed(gateway)
        finally:
            self._one_at_a_time.release()
        log.info("%d readings of %d gateways are asked for again", total, len(which))
        return total

    async def _write_down(self, orders: Sequence[Order]) -> None:
        await self._centre.change(lambda group: group.change.meta.update({REFETCH: orders_text(orders)}))

    def _which(self, order: Order) -> set[str]:
        known = {gateway for (gateway, _), _ in self._settled} | set(self._gateways.views)
        return gateways_of(order, self._registry(), known)

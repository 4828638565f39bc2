"""Asks the gateways again for what a restored backup of the store lost.

What was settled is set to what the store says it had accepted by then; the rest is missing, and asked for. The order is kept
in the spool until it is carried out, so that it survives a kill and a store that is away.
"""

import asyncio
import json
import logging
from collections.abc import Callable
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
"""The order's key in the spool."""


@dataclass(frozen=True, slots=True)
class Order:
    """Ask again for what was stored since then, of the gateways that read this station, or of all of them."""

    since_ms: int
    station: str | None = None

    def text(self) -> str:
        """As it is kept."""
        return json.dumps({"since_ms": self.since_ms, "station": self.station})


def wanted(text: str | None) -> Order | None:
    """The order that is kept, if there is one."""
    if not text:
        return None
    try:
        document = json.loads(text)
        return Order(int(document["since_ms"]), document["station"])
    except (ValueError, KeyError, TypeError) as error:
        log.error("the order %r in the spool is damaged (%s): give it again with `aryk ingest refetch`", text, error)
        return None


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
    ) -> None:
        self._reader, self._intake, self._settled = reader, intake, settled
        self._gateways, self._deliveries, self._centre, self._registry = gateways, deliveries, centre, registry
        self._one_at_a_time = asyncio.Lock()

    async def run(self, order: Order, patience_s: float = FOR_EVER_S) -> int | None:
        """Carry an order out: how many readings are asked for again; None when the store did not answer in time.

        Raises LookupError when there is no such station.
        """
        async with self._one_at_a_time:
            which = self._which(order)
            await self._centre.change(lambda group: group.change.meta.update({REFETCH: order.text()}))
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
                change = Change(meta={REFETCH: ""})
                total = sum(forget(change, self._settled, gateway, by_then.get(gateway, {})) for gateway in which)
                return change

            await self._centre.forget(make)
            for gateway in which:
                self._deliveries.changed(gateway)
        log.info("%d readings of %d gateways are asked for again", total, len(which))
        return total

    async def resume(self, order: Order) -> None:
        """Carry out an order that an earlier process was given."""
        try:
            await self.run(order)
        except LookupError as error:
            log.error("what was to be asked for again is not known any more: %s", error)
            await self._centre.change(lambda group: group.change.meta.update({REFETCH: ""}))

    def _which(self, order: Order) -> set[str]:
        known = {gateway for (gateway, _), _ in self._settled} | set(self._gateways.views)
        return gateways_of(order, self._registry(), known)

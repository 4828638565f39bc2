"""What the store remembers that we have lost: settled ranges for a new spool, newest values for the metrics."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ingest.change import Change
from ingest.received import Logs
from ingest.settling import put_settled, read_delivery
from store.points import PointReader, StoreError

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""A new spool waits this long for the store, then takes readings in without knowing what was stored before: what comes
again is stored again, as the same points. It goes on asking."""
PAUSE_S = 2.0
FOR_EVER_S = float("inf")

_T = TypeVar("_T")


async def ask(question: Callable[[], Awaitable[_T]], what: str, patience_s: float) -> _T | None:
    """Ask the store until it answers or patience ends; None then."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            return await question()
        except (StoreError, OSError) as error:
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                log.warning("the store did not say %s: %s", what, error)
                return None
        await asyncio.sleep(min(PAUSE_S, left_s))


async def settled_change(
    reader: PointReader, settled: Logs, received: Logs, patience_s: float = PATIENCE_S
) -> Change | None:
    """The ranges that the store has accepted, put into both sets, and the change that keeps them; None without an answer."""
    bodies = await ask(reader.deliveries, "what it has accepted", patience_s)
    if bodies is None:
        return None
    change = Change()
    for gateway, body in bodies.items():
        try:
            epochs = read_delivery(body)
        except ValueError as error:
            log.warning("the store's delivery ranges of %s cannot be read: %s", gateway, error)
            continue
        for epoch, ranges in epochs.items():
            put_settled(change, settled, gateway, epoch, ranges)
            received.add(gateway, epoch, ranges)
    log.info("the store has accepted readings of %d gateways before", len(bodies))
    return change

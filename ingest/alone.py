"""Works on the spool while no ingest runs: the same operations, under the spool's own lock."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from hydrology.registry import Registry
from ingest.caretaker import Caretaker
from ingest.change import Change
from ingest.holding import Holding
from ingest.intake import Group, Intake
from ingest.pipeline import TimeBounds, directory
from ingest.refetch import REFETCH, Order, orders_text, wanted
from ingest.settings import IngestSettings
from ingest.spool import Spool

T = TypeVar("T")


def make_intake(settings: IngestSettings, registry: Registry, holding: Holding, next_id: int) -> Intake:
    """An intake over what a spool holds, without poison: its user may die of it, ingest does not."""
    limits = settings.limits
    return Intake(
        directory(registry),
        lambda now_ms: TimeBounds(limits.earliest_ms, now_ms + limits.future_ms),
        received=holding.received,
        dead_keys=holding.dead_keys,
        poison=set(),
        next_id=next_id,
        gone=holding.gone,
    )


@asynccontextmanager
async def alone(
    path: Path, settings: IngestSettings, registry: Registry, now_ms: Callable[[], int]
) -> AsyncIterator[Caretaker]:
    """A caretaker of the spool at this path. Raises FileNotFoundError, SpoolUnusableError, sqlite3.Error."""
    if not path.exists():  # noqa: ASYNC240 (nothing else runs in this loop)
        raise FileNotFoundError(path)
    with Spool(path) as spool:
        holding = spool.load()
        intake = make_intake(settings, registry, holding, spool.next_id())

        async def change(make: Callable[[Group], T]) -> T:
            group = Group()
            answer = make(group)
            spool.commit([group.change], now_ms())
            return answer

        yield Caretaker(path, intake, holding.exported, change, now_ms=now_ms)
        if spool.was_clean:
            spool.commit([Change(meta={"clean": "1"})], now_ms())


def keep_order(path: Path, order: Order, now_ms: int) -> None:
    """Have ingest ask again when it starts. Raises FileNotFoundError, SpoolUnusableError, sqlite3.Error."""
    if not path.exists():
        raise FileNotFoundError(path)
    with Spool(path) as spool:
        kept = [one for one in wanted(spool.meta(REFETCH)) if one != order]
        meta = {REFETCH: orders_text([*kept, order]), **({"clean": "1"} if spool.was_clean else {})}
        spool.commit([Change(meta=meta)], now_ms)

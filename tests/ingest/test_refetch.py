"""An order that a command did not wait for is carried out when the store answers; orders do not push each other out."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ingest.change import Change
from ingest.intake import Group
from ingest.received import Logs
from ingest.refetch import REFETCH, Order, Refetch, wanted
from store.points import StoreUnavailableError
from tests.ingest.samples import EPOCH, registry
from tests.servers.wait import eventually

ALL, ONE = Order(9 * 3_600_000), Order(8 * 3_600_000, "k-12")


class Spool:
    """Stands for the centre: what was committed."""

    def __init__(self) -> None:
        self.kept = ""
        self.forgotten = 0

    async def change(self, make: Callable[[Group], Any]) -> None:
        group = Group()
        make(group)
        self.kept = group.change.meta.get(REFETCH, self.kept)

    async def forget(self, make: Callable[[], Change]) -> None:
        change = make()
        self.kept = change.meta[REFETCH]
        self.forgotten += 1


class Store:
    """Accepted nothing by then; fails until told to answer."""

    answers = False

    async def deliveries(self, upto_ms: int) -> dict[str, Any]:
        if not self.answers:
            raise StoreUnavailableError("told to be away")
        return {}


def refetch(spool: Spool, store: Store, *kept: Order) -> Refetch:
    settled = Logs()
    settled.add("gw1", EPOCH, [(1, 20)])
    nobody, told = SimpleNamespace(views={}), SimpleNamespace(changed=lambda gateway: None)
    return Refetch(
        cast("Any", store),
        cast("Any", None),
        settled,
        cast("Any", nobody),
        cast("Any", told),
        cast("Any", spool),
        registry,
        kept,
    )


async def test_what_a_command_does_not_wait_for_is_done_when_the_store_answers() -> None:
    spool, store = Spool(), Store()
    asks = refetch(spool, store)
    keeper = asyncio.create_task(asks.carry_on())
    assert await asks.run(ALL, 0.0) is None
    store.answers = True
    assert wanted(spool.kept) == [ALL]
    await eventually(lambda: spool.kept == "")
    assert spool.forgotten == 1
    keeper.cancel()


async def test_an_order_takes_nothing_from_another() -> None:
    spool, store = Spool(), Store()
    asks = refetch(spool, store, ALL)
    assert await asks.run(ONE, 0.0) is None
    assert wanted(spool.kept) == [ALL, ONE]
    store.answers = True
    assert await asks.run(ALL, 5.0) == 20
    assert wanted(spool.kept) == [ONE]
    keeper = asyncio.create_task(asks.carry_on())
    await eventually(lambda: spool.kept == "")
    assert spool.forgotten == 2
    keeper.cancel()


async def test_a_station_that_is_gone_from_the_registry_keeps_nothing_up() -> None:
    spool, store = Spool(), Store()
    store.answers = True
    asks = refetch(spool, store, Order(5, "nowhere"), ALL)
    with pytest.raises(LookupError):
        await asks.run(Order(6, "nowhere"), 5.0)
    keeper = asyncio.create_task(asks.carry_on())
    await eventually(lambda: spool.forgotten == 1)
    assert wanted(spool.kept) == []
    keeper.cancel()

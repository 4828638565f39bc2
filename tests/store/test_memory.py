"""The double's failures on demand; that it answers as the real stores do is in test_contract."""

import asyncio

import pytest

from store.memory import MemoryStore
from store.points import Points, RefusedPoint, SeriesKey, SeriesPoints, StoreMisconfiguredError, StoreUnavailableError
from tests.servers.wait import eventually

KEY = SeriesKey("level", "kok-su-1", "radar")
BATCH: list[Points] = [SeriesPoints(KEY, [1, 2, 3], [1.0, 2.0, 3.0], [1, 1, 1])]


async def test_points_may_be_refused_by_a_predicate() -> None:
    store = MemoryStore()
    store.refuse_if = lambda one, row: "odd" if isinstance(one, SeriesPoints) and one.time_ms[row] % 2 else None
    assert await store.write(BATCH) == [RefusedPoint(0, 0, "odd"), RefusedPoint(0, 2, "odd")]
    assert list(store.series[KEY]) == [2]


async def test_unavailable_a_number_of_times() -> None:
    store = MemoryStore()
    store.fail(2, retry_after_s=5)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError) as caught:
            await store.write(BATCH)
        assert (caught.value.retry_after_s, caught.value.timed_out) == (5, False)
    assert store.rows() == 0
    assert await store.write(BATCH) == []
    assert (store.rows(), store.writes) == (3, 3)


async def test_timed_out_but_carried_out() -> None:
    store = MemoryStore()
    store.fail_after_storing()
    with pytest.raises(StoreUnavailableError) as caught:
        await store.write(BATCH)
    assert caught.value.timed_out
    assert store.rows() == 3
    assert await store.write(BATCH) == []


async def test_misconfigured_until_mended() -> None:
    store = MemoryStore()
    store.misconfigured = "no such bucket"
    with pytest.raises(StoreMisconfiguredError, match="no such bucket"):
        await store.write(BATCH)
    store.misconfigured = None
    assert await store.write(BATCH) == []


async def test_writes_can_be_held() -> None:
    store = MemoryStore()
    store.hold()
    task = asyncio.create_task(store.write(BATCH), name="held write")
    await eventually(lambda: store.writes == 1)
    assert (task.done(), store.rows()) == (False, 0)
    store.release()
    assert await task == []
    assert store.rows() == 3

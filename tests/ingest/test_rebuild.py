from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.payloads import registry
from hydrology.registry import Registry
from ingest.alarms import Alarms
from ingest.derive import Derive
from ingest.holding import SpoolReader
from ingest.pipeline import Accepted, Target
from ingest.quality import Need, Quality
from ingest.rebuild import READERS, SERIES_AT_ONCE, rebuild, together
from ingest.spool import Spool
from ingest.waiting import MOST_READINGS, Waiting
from store.memory import MemoryStore
from store.points import SeriesKey, SeriesPoints, StoredPoint, StoreUnavailableError

NOW_MS = 1_790_000_000_000
numbers = st.integers(0, 40)


def key(number: int) -> SeriesKey:
    return SeriesKey("level", f"k-{number}", "s")


@given(st.sets(numbers), st.lists(st.lists(numbers, min_size=2, max_size=4)), st.integers(1, 20))
def test_tied_series_are_in_one_batch(numbers: set[int], ties: list[list[int]], most: int) -> None:
    batches = together(map(key, numbers), [tuple(map(key, tie)) for tie in ties], most)
    assert sorted(one for batch in batches for one in batch) == sorted(map(key, numbers))
    place = {one: at for at, batch in enumerate(batches) for one in batch}
    for tie in ties:
        assert len({place[key(one)] for one in tie if one in numbers}) <= 1
    if not ties:
        assert all(len(batch) <= most for batch in batches)


class CountingStore(MemoryStore):
    """Says how many series it was asked for at once, and can be away after some answers."""

    asked: list[int]
    answers = 1 << 30

    async def tails(self, keys: list[SeriesKey], most: int) -> dict[SeriesKey, list[StoredPoint]]:
        self.asked.append(len(keys))
        if len(self.asked) > self.answers:
            raise StoreUnavailableError("told to be away")
        return await super().tails(keys, most)


async def start(tmp_path: Path, store: CountingStore) -> tuple[Quality, dict[SeriesKey, Need]]:
    """What the quality tests know after a start: each of 250 gauges has two readings in the store."""
    store.asked = []
    whole = Registry.model_validate(registry(50))
    quality = Quality(whole)
    for one in quality.needs():
        await store.write([SeriesPoints(one, [NOW_MS, NOW_MS + 1000], [1.0, 1.1], [1, 1])])
    with Spool(tmp_path / "spool.sqlite") as spool:
        spool.load()
        reader = SpoolReader(spool.path)
        try:
            lacking = await rebuild(quality, Derive(whole), Alarms(whole), store, reader, 0.0)
        finally:
            reader.close()
    return quality, lacking


def known(quality: Quality, number: int, sensor: str) -> bool:
    """Whether a reading right after the stored ones is judged beside them: it is too far from the last."""
    target = Target(f"gw-{number:05d}", sensor, "level", "m")
    (judged,), _ = quality.judge([Accepted(target, [3], [NOW_MS + 1001], [4.9], [1], None)], NOW_MS + 2000)
    return judged.flag == [3]


async def test_all_series_are_read_some_at_a_time(tmp_path: Path) -> None:
    store = CountingStore()
    quality, lacking = await start(tmp_path, store)
    assert (sum(store.asked), max(store.asked)) == (250, SERIES_AT_ONCE)
    assert lacking == {}
    assert all(known(quality, number, f"s{place}") for number in range(50) for place in range(5))


async def test_what_was_answered_before_the_store_went_away_is_known(tmp_path: Path) -> None:
    store = CountingStore()
    store.answers = 1
    quality, _ = await start(tmp_path, store)
    assert len(store.asked) <= 1 + READERS
    found = [known(quality, number, f"s{place}") for number in range(50) for place in range(5)]
    assert found.count(True) == SERIES_AT_ONCE


def test_of_what_waits_the_later_point_of_a_time_holds() -> None:
    target = Target("k-1", "s", "level", "m")
    waiting = Waiting()
    assert not waiting
    waiting.extend(Accepted(target, [1, 2], [10, 20], [1.0, None], [1, 9], None))
    waiting.extend(Accepted(target, [3], [30], [5.0], [3], [4.9], [8]))
    waiting.add(StoredPoint(10, 1.0, 4, None, 32, 1))
    assert waiting.points() == {
        10: StoredPoint(10, 1.0, 4, None, 32, 1),
        20: StoredPoint(20, None, 9),
        30: StoredPoint(30, 5.0, 3, 4.9, 8),
    }


def test_of_very_many_that_wait_the_newest_are_kept() -> None:
    target = Target("k-1", "s", "level", "m")
    waiting = Waiting()
    count = 2 * MOST_READINGS + 1
    waiting.add(StoredPoint(count - 1, 7.0, 3, None, 8, 2))
    for time_ms in range(count - 1):
        waiting.extend(Accepted(target, [time_ms], [time_ms], [1.0], [1], None))
    points = waiting.points()
    assert sorted(points) == list(range(count - MOST_READINGS, count))
    assert points[count - 1] == StoredPoint(count - 1, 7.0, 3, None, 8, 2)

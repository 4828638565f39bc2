"""Derived series made anew from stored readings: new versions, their history, twice is once, killed and done again."""

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hydrology.derived import derivations
from hydrology.registry import Registry
from ingest.lineage import LineageKeeper, missing, read_body, record, records
from ingest.lineage_show import explain
from ingest.rederive import Outcome, Tally, rederive
from store.memory import MemoryStore
from store.open import open_reader, open_writer
from store.points import PointReader, PointWriter, RecordPoint, SeriesKey, SeriesPoints, StoredPoint
from store.settings import InfluxSettings, SqliteSettings
from tests.ingest.test_derive import ALL, DISCHARGE, HEAD, LEVEL, MINUTE, RATED, START_MS, THROUGH, Centre, level, rated
from tests.servers.influxdb import InfluxBucket
from tests.servers.wait import eventually

LATER = RATED + RATED.replace("of 2020", "of 2026").replace("2020-01-01", "2026-01-01").replace("8.0", "16.0")
END_MS = START_MS + 100 * MINUTE


class KilledError(Exception):
    """In place of a kill."""


def registry(text: str) -> Registry:
    return Registry.model_validate(tomllib.loads(HEAD + text))


async def anew(
    store: MemoryStore, text: str, *, dry_run: bool = False, start_ms: int = START_MS, end_ms: int = END_MS
) -> Outcome:
    writer = None if dry_run else store
    return await rederive(
        store, writer, derivations(registry(text)), start_ms, end_ms, registry="r1", now_ms=START_MS + 7
    )


def stored(store: MemoryStore, key: SeriesKey = DISCHARGE) -> dict[int, tuple[float | None, int, int]]:
    return {
        (time_ms - START_MS) // MINUTE: (one.value, one.flag, one.rev or 0)
        for time_ms, one in sorted(store.series.get(key, {}).items())
    }


def filled(text: str = RATED) -> Centre:
    centre = Centre(text)
    centre.take(*(level(minute, 1.0 + minute / 1000) for minute in range(0, 50, 10)), level(60, None, 9))
    centre.drain()
    return centre


async def test_a_rating_with_a_past_date_makes_new_versions_and_keeps_the_old() -> None:
    centre = await asyncio.to_thread(filled)
    store, before = centre.store, stored(centre.store)
    assert before[10] == (rated(1.01), 1, 0)
    outcome = await anew(store, LATER)
    assert outcome.tallies == {"k-12/discharge": Tally(made=0, changed=5, same=1)}
    assert stored(store)[10] == (round(2 * rated(1.01), 6), 1, 1)
    assert stored(store)[60] == (None, 9, 0)
    assert store.replaced[DISCHARGE, START_MS + 10 * MINUTE, 0] == StoredPoint(START_MS + 10 * MINUTE, before[10][0], 1)
    assert await store.versions(DISCHARGE, START_MS, END_MS) == [
        StoredPoint(START_MS + minute * MINUTE, before[minute][0], 1) for minute in range(0, 50, 10)
    ]


async def test_twice_changes_nothing_more_and_a_dry_run_nothing_at_all() -> None:
    centre = await asyncio.to_thread(filled)
    store = centre.store
    writes = store.writes
    assert (await anew(store, LATER, dry_run=True)).touched == 5
    assert store.writes == writes
    await anew(store, LATER)
    after, history, lineage = stored(store), dict(store.replaced), dict(store.records)
    assert (await anew(store, LATER)).tallies == {"k-12/discharge": Tally(made=0, changed=0, same=6)}
    assert (stored(store), store.replaced, store.records) == (after, history, lineage)


async def test_only_the_span_is_derived_anew() -> None:
    centre = await asyncio.to_thread(filled)
    await anew(centre.store, LATER, start_ms=START_MS + 10 * MINUTE, end_ms=START_MS + 30 * MINUTE)
    assert [row[2] for row in stored(centre.store).values()] == [0, 1, 1, 0, 0, 0]


async def test_asked_from_the_year_one_on_no_empty_century_is_walked() -> None:
    centre = await asyncio.to_thread(filled)

    class Counting(MemoryStore):
        """A store that counts what it is asked."""

        asked = 0

        async def points(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> list[StoredPoint]:
            Counting.asked += 1
            return await super().points(key, start_ms, end_ms, most)

    store = Counting()
    store.series = dict(centre.store.series)
    far_ms = 40 * 365 * 1440 * MINUTE
    store.series[LEVEL] = dict(store.series[LEVEL])
    store.series[LEVEL][START_MS + far_ms] = store.series[LEVEL][START_MS]
    come: list[int] = []
    outcome = await rederive(
        store,
        store,
        derivations(registry(LATER)),
        -62_135_596_800_000,
        START_MS + far_ms + 1,
        registry="r1",
        now_ms=1,
        progress=come.append,
    )
    assert outcome.tallies == {"k-12/discharge": Tally(made=1, changed=5, same=1)}
    assert Counting.asked < 20
    assert come[-1] == START_MS + far_ms + 1
    assert come == sorted(come)
    assert stored(store)[10] == (round(2 * rated(1.01), 6), 1, 1)


async def test_what_was_never_derived_is_made_without_history() -> None:
    centre = await asyncio.to_thread(filled, "")
    assert stored(centre.store) == {}
    outcome = await anew(centre.store, RATED)
    assert outcome.tallies == {"k-12/discharge": Tally(made=6, changed=0, same=0)}
    assert stored(centre.store)[10] == (rated(1.01), 1, 0)
    assert centre.store.replaced == {}


async def test_a_rating_that_was_ended_earlier_takes_the_values_away_and_keeps_the_numbers() -> None:
    centre = await asyncio.to_thread(filled)
    ended = RATED.replace('head = "level"', 'effective_to = 2021-01-01\nhead = "level"')
    outcome = await anew(centre.store, ended)
    assert outcome.tallies["k-12/discharge"].changed == 6
    assert stored(centre.store)[10] == (rated(1.01), 4, 1)
    assert (await anew(centre.store, ended)).touched == 0
    await anew(centre.store, RATED)
    assert stored(centre.store)[10] == (rated(1.01), 1, 2)


async def test_ingest_and_rederive_agree_on_everything_that_is_derived() -> None:
    def run() -> Centre:
        centre = Centre(ALL)
        for minute in range(0, 100, 5):
            centre.take(level(minute, 1.5 + minute / 500), ("below", minute, 1.0, 1), ("gate", minute + 1, 0.3, 1))
        centre.drain()
        return centre

    centre = await asyncio.to_thread(run)
    outcome = await anew(centre.store, ALL)
    assert outcome.touched == 0
    assert outcome.tallies["k-12/through"].same == 20


async def test_killed_between_history_and_change_it_does_the_rest_when_run_again() -> None:
    centre = await asyncio.to_thread(filled)
    store, whole = centre.store, await asyncio.to_thread(filled)
    await anew(whole.store, LATER)
    for stop_at in range(1, 4):

        class Dying:
            """A writer that is gone before this write."""

            left = stop_at

            async def write(self, points: list[object]) -> list[object]:
                Dying.left -= 1
                if Dying.left == 0:
                    raise KilledError
                return await store.write(points)  # type: ignore[arg-type, return-value]

        writer: PointWriter = Dying()  # type: ignore[assignment]
        with pytest.raises(KilledError):
            await rederive(store, writer, derivations(registry(LATER)), START_MS, END_MS, registry="r1", now_ms=1)
    await anew(store, LATER)
    assert stored(store) == stored(whole.store)
    assert store.replaced == whole.store.replaced


async def test_each_new_derivation_writes_its_lineage_and_ingest_only_what_has_changed() -> None:
    store = MemoryStore()
    (old,), (new,) = derivations(registry(RATED)), derivations(registry(LATER))
    await store.write([*missing([old], await records(store), "r0", 5)])
    assert missing([old], await records(store), "r9", 6) == []
    assert [one.time_ms for one in missing([new], await records(store), "r1", 7)] == [7]
    ((only,),) = (await records(store)).values()
    body = read_body(only)
    assert (body["why"], body["registry"]) == ("registry", "r0")
    assert body["sources"] == {"head": "level/k-12/level"}
    assert body["series"] == ["discharge/k-12/discharge"]
    assert body["methods"][0]["rating"]["segments"] == [{"a": 8.0, "e_m": 0.2, "b": 1.5}]


def test_a_long_table_is_left_out_of_the_record_and_its_digest_stays() -> None:
    rows = ", ".join(f"[{1 + n / 1000:.3f}, {2 + n / 100:.2f}]" for n in range(6000))
    table = RATED.replace("segments = [{ a = 8.0, e_m = 0.2, b = 1.5 }]", f"no_flow_m = 0.2\ntable = [{rows}]")
    (one,) = derivations(registry(table))
    found = record(one, "r1", 1)
    assert len(found.body) < 60_000
    assert set(read_body(found)["methods"][0]) == {"title", "from", "to"}


async def test_the_keeper_waits_for_the_store_and_follows_the_registry() -> None:
    store = MemoryStore()
    store.fail()
    said = [derivations(registry(RATED))]
    keeper = LineageKeeper(store, store, lambda: (said[0], "r1"), lambda: 1_000 * len(store.records), pause_s=0.0)
    task = asyncio.create_task(keeper.run())
    await eventually(lambda: len(store.records) == 1)
    said[0] = derivations(registry(LATER))
    keeper.changed()
    await eventually(lambda: len(store.records) == 2)
    task.cancel()


async def test_a_value_is_explained_by_its_inputs_its_rating_and_the_record_it_was_made_under() -> None:
    centre = await asyncio.to_thread(filled)
    store = centre.store
    (old,), (new,) = derivations(registry(RATED)), derivations(registry(LATER))
    await store.write([record(old, "r0", START_MS - 5)])
    at_ms = START_MS + 15 * MINUTE

    first = await explain(store, old, at_ms, (await records(store))["k-12/discharge"])
    assert first is not None
    assert (first.time_ms, first.method) == (START_MS + 10 * MINUTE, "of 2020 (power rating, from 2020-01-01)")
    assert first.inputs == [("head", "level/k-12/level", (1.01, 1))]
    assert first.says == ["power rating of 2020; rated"]
    assert first.made[0].agrees
    assert first.record is not None
    assert read_body(first.record)["registry"] == "r0"
    late = await explain(store, new, at_ms, (await records(store))["k-12/discharge"])
    assert late is not None
    assert not late.made[0].agrees
    await anew(store, LATER)
    after = await explain(store, new, at_ms, (await records(store))["k-12/discharge"])
    assert after is not None
    assert after.made[0].agrees
    assert [one.value for one in after.made[0].earlier] == [rated(1.01)]
    assert after.record is not None
    assert read_body(after.record)["why"] == "rederive"
    assert await explain(store, new, START_MS - MINUTE, []) is None


@pytest.fixture(params=["sqlite", "influxdb"])
async def real(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[PointReader, PointWriter]]:
    settings: SqliteSettings | InfluxSettings = SqliteSettings(path=tmp_path / "points.sqlite")
    if request.param == "influxdb":
        bucket: InfluxBucket = request.getfixturevalue("influxdb")
        settings = InfluxSettings.model_validate(
            {"kind": "influxdb", "url": bucket.url, "token": bucket.token, "org": bucket.org, "bucket": bucket.bucket}
        )
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(open_writer(settings, tmp_path))
        yield await stack.enter_async_context(open_reader(settings, tmp_path)), writer


@pytest.mark.server
async def test_in_the_real_stores_the_old_version_stays_readable(real: tuple[PointReader, PointWriter]) -> None:
    reader, writer = real
    times = [START_MS + minute * MINUTE for minute in range(0, 3000, 10)]
    levels: list[float | None] = [round(1 + at / 1000, 3) for at in range(len(times))]
    await writer.write([SeriesPoints(LEVEL, times, levels, [1] * len(times))])
    end_ms = times[-1] + 1
    old, new = derivations(registry(RATED)), derivations(registry(LATER))
    made = await rederive(reader, writer, old, START_MS, end_ms, registry="r0", now_ms=1_000)
    assert made.touched == 300
    first = await reader.points(DISCHARGE, START_MS, end_ms, 1_000)
    assert [one.value for one in first] == [rated(value or 0.0) for value in levels]
    dry = await rederive(reader, None, new, START_MS, end_ms, registry="r1", now_ms=2_000)
    assert dry.touched == 300
    assert await reader.points(DISCHARGE, START_MS, end_ms, 1_000) == first
    for _ in range(2):
        await rederive(reader, writer, new, START_MS, end_ms, registry="r1", now_ms=2_000)
        second = await reader.points(DISCHARGE, START_MS, end_ms, 1_000)
        assert [(one.time_ms, one.flag, one.rev) for one in second] == [(one.time_ms, 1, 1) for one in first]
        assert [one.value for one in second] == [pytest.approx(2 * (one.value or 0.0), abs=3e-6) for one in first]
        assert await reader.versions(DISCHARGE, START_MS, end_ms) == first
    written: list[RecordPoint] = (await records(reader))["k-12/discharge"]
    assert [json.loads(one.body)["registry"] for one in written] == ["r0", "r1"]
    assert await reader.points(THROUGH, START_MS, end_ms, 10) == []

"""The versions of the quality tests are in the store, from when they held."""

import asyncio
import json
import tomllib
from pathlib import Path

import pytest

from hydrology.registry import Registry
from ingest.app import run
from ingest.rule_book import KIND, RuleBook, book_of
from ingest.settings import IngestSettings
from settings.broker import BrokerSettings
from store.memory import MemoryStore
from store.open import open_reader
from store.points import RecordPoint, StoreError
from store.settings import SqliteSettings
from tests.ingest.samples import NOW_MS
from tests.ingest.test_quality import HEAD, OTHERS, SPAN, THREE
from tests.servers.mosquitto import Mosquitto
from tests.servers.wait import eventually


def registry(rules: str = THREE) -> Registry:
    return Registry.model_validate(tomllib.loads(HEAD + SPAN + rules + OTHERS))


def kept(store: MemoryStore) -> list[tuple[str, int, dict[str, str]]]:
    return [
        (gateway, time_ms, {name: one["version"] for name, one in json.loads(body).items()})
        for (gateway, kind, time_ms), body in sorted(store.records.items(), key=lambda row: row[0][2])
        if kind == KIND
    ]


async def test_only_what_has_changed_is_written_also_after_a_restart() -> None:
    store = MemoryStore()
    book = RuleBook(store, store)
    assert await book.keep(registry(), NOW_MS) == 1
    assert await book.keep(registry(), NOW_MS + 1) == 0
    assert await RuleBook(store, store).keep(registry(), NOW_MS + 2) == 0
    other = registry(THREE.replace("5.0", "6.0"))
    assert await RuleBook(store, store).keep(other, NOW_MS + 3) == 1
    assert await RuleBook(store, store).keep(Registry.model_validate(tomllib.loads(HEAD + OTHERS)), NOW_MS + 4) == 1
    station = other.stations[0]
    assert kept(store) == [
        ("gw1", NOW_MS, {"k-12/level": registry().stations[0].sensors[0].rules("UTC").version}),
        ("gw1", NOW_MS + 3, {"k-12/level": station.sensors[0].rules("UTC").version}),
        ("gw1", NOW_MS + 4, {}),
    ]


def test_the_record_says_the_tests_too() -> None:
    one = dict(book_of(registry()))["gw1"]["k-12/level"]
    assert one["tests"]["range"] == [0.0, 5.0]
    assert one["tests"]["span"] == [-0.5, 10.0]
    assert len(one["version"]) == 12


async def test_a_record_that_cannot_be_read_is_written_anew() -> None:
    store = MemoryStore()
    await store.write([RecordPoint("gw1", KIND, NOW_MS, "[]")])
    assert await RuleBook(store, store).keep(registry(), NOW_MS + 1) == 1


@pytest.mark.server
async def test_ingest_keeps_them_at_start_and_at_a_change(tmp_path: Path, mosquitto: Mosquitto) -> None:
    file = tmp_path / "registry.toml"
    file.write_text(HEAD + SPAN + THREE + OTHERS)
    settings = IngestSettings(registry=file, broker=BrokerSettings(port=mosquitto.port))

    async def found() -> int:
        try:
            async with open_reader(SqliteSettings(path=None), tmp_path / "state") as reader:
                return len(await reader.records_of(KIND, 0, 1 << 43))
        except StoreError:
            return 0

    async def has(count: int) -> bool:
        return await found() == count

    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, tmp_path / "state", stop))
    await eventually(lambda: has(1))
    file.write_text(HEAD + SPAN + THREE.replace("5.0", "6.0") + OTHERS)
    await eventually(lambda: has(2))
    stop.set()
    await asyncio.wait_for(task, 20)

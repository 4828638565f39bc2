from pathlib import Path

import pytest

from simulator.audit import Fault, audit
from simulator.ledger import Ledger, Published, Series
from store.memory import MemoryStore
from store.points import SeriesKey, SeriesPoints

T0 = 1_795_400_000_000
KEYS = [SeriesKey("level", f"fleet-{n}", "level") for n in range(3)]


@pytest.fixture
async def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    async with Ledger(path) as rows:
        for place, key in enumerate(KEYS):
            number = rows.series_id(Series(key.station, "", key.station, key.sensor, key.quantity))
            await rows.record_published([Published(number, place, n, T0 + 10 * n, n / 10, 1) for n in range(1, 21)])
    return path


@pytest.fixture
async def store() -> MemoryStore:
    store = MemoryStore()
    times = [T0 + 10 * n for n in range(1, 21)]
    await store.write([SeriesPoints(key, times, [n / 10 for n in range(1, 21)], [1] * 20) for key in KEYS])
    return store


async def test_nothing_wrong(ledger: Path, store: MemoryStore) -> None:
    found = await audit(ledger, store)
    assert str(found) == "scanned 60, stored 60, lost 0, doubled 0"
    assert found.clean


async def test_a_lost_reading_is_named_with_its_identity(ledger: Path, store: MemoryStore) -> None:
    del store.series[KEYS[1]][T0 + 50]
    found = await audit(ledger, store)
    (lost,) = found.missing
    assert (lost.station, lost.time_ms, lost.gateway, lost.epoch, lost.seq) == ("fleet-1", T0 + 50, "fleet-1", 1, 5)
    assert (found.scanned, found.stored) == (60, 59)


async def test_a_wrong_value_and_a_foreign_one(ledger: Path, store: MemoryStore) -> None:
    store.series[KEYS[0]][T0 + 50].value = 7.0
    await store.write([SeriesPoints(KEYS[0], [T0 + 55], [1.0], [1])])
    found = await audit(ledger, store)
    assert [one.fault for one in found.findings] == [Fault.WRONG, Fault.FOREIGN]
    assert not found.clean

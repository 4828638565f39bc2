"""An audit of a device's blocks, with what can go wrong put into the store by hand."""

import sqlite3
from pathlib import Path

import pytest

from gateway.log.schema import connect, create
from simulator.audit import Audit, Fault, audit, read_logs
from simulator.ledger import Ledger, LedgerError, Series, Serve, Served, State
from store.memory import MemoryStore
from store.points import History, SeriesKey, SeriesPoints

T0 = 1_795_400_000_000
STEP_MS = 2_000
COUNTER = SeriesKey("count", "aksu-canal", "canal-serves")
LEVEL = SeriesKey("level", "aksu-canal", "canal-level")


class Water:
    """A ledger of a device with a counter and a level, and the store of a gateway that lost nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = MemoryStore()

    async def serve(
        self, count: int, states: dict[int, State] | None = None, late_ms: dict[int, int] | None = None
    ) -> None:
        async with Ledger(self.path) as ledger:
            series = [
                ledger.series_id(Series("", "canal", key.station, key.sensor, key.quantity)) for key in (COUNTER, LEVEL)
            ]
            for number in range(1, count + 1):
                state = (states or {}).get(number, State.SENT)
                requested = T0 + number * STEP_MS
                readings = (Served(series[0], number, number), Served(series[1], 1000 + number, level(number)))
                answered = requested + (late_ms or {}).get(number, 4) if state is not State.SENDING else None
                await ledger.record_serve(Serve("canal", number, requested, answered, state, readings))
                if state is State.SENT:
                    await self.store_scan(number)

    async def store_scan(self, number: int, time_ms: int | None = None, value: float | None = None) -> None:
        at = time_ms if time_ms is not None else T0 + number * STEP_MS + 2
        value = value if value is not None else level(number)
        await self.store.write([SeriesPoints(COUNTER, [at], [number], [1]), SeriesPoints(LEVEL, [at], [value], [1])])

    def forget(self, number: int, *keys: SeriesKey) -> None:
        for key in keys or (COUNTER, LEVEL):
            del self.store.series[key][T0 + number * STEP_MS + 2]

    async def audit(self, **options: object) -> Audit:
        return await audit(self.path, self.store, **options)  # type: ignore[arg-type]


def level(number: int) -> float:
    return 1.0 + number / 1000.0


@pytest.fixture
def water(tmp_path: Path) -> Water:
    return Water(tmp_path / "ledger.sqlite")


async def test_nothing_wrong(water: Water) -> None:
    await water.serve(10)
    found = await water.audit()
    assert str(found) == "scanned 20, stored 20, lost 0, doubled 0"
    assert found.clean
    assert found.missing == []


async def test_a_lost_scan(water: Water) -> None:
    await water.serve(10)
    water.forget(4)
    found = await water.audit()
    assert (found.scanned, found.stored, found.lost) == (20, 18, 2)
    assert not found.clean
    assert {(one.sensor, one.serve) for one in found.missing} == {("canal-serves", 4), ("canal-level", 4)}


async def test_one_lost_reading_of_a_scan(water: Water) -> None:
    await water.serve(10)
    water.forget(4, LEVEL)
    found = await water.audit()
    assert [str(one) for one in found.findings] == [f"lost: aksu-canal/canal-level at {T0 + 4 * STEP_MS}, serve 4"]


async def test_a_neighbour_with_the_same_value_hides_no_loss(water: Water) -> None:
    await water.serve(10)
    water.store.series[LEVEL][T0 + 5 * STEP_MS + 2].value = level(4)
    water.forget(4, LEVEL)
    found = await water.audit(slack_ms=3_000)
    assert (found.lost, found.wrong) == (1, 1)


async def test_a_lost_counter_alone_does_not_lose_its_scan(water: Water) -> None:
    await water.serve(10)
    water.forget(4, COUNTER)
    found = await water.audit()
    assert [(one.fault, one.sensor) for one in found.findings] == [(Fault.LOST, "canal-serves")]


async def test_a_block_read_in_two_parts_is_joined_by_value(water: Water) -> None:
    """Two requests for one scan: two serve numbers, of which the scan holds the first."""
    async with Ledger(water.path) as ledger:
        counter, reading = (
            ledger.series_id(Series("", "canal", key.station, key.sensor, key.quantity)) for key in (COUNTER, LEVEL)
        )
        for place, part in enumerate([Served(counter, 1, 1), Served(reading, 1001, 1.001)]):
            at = T0 + 3 * place
            await ledger.record_serve(Serve("canal", 1 + place, at, at + 1, State.SENT, (part,)))
    await water.store_scan(1, T0 + 2)
    found = await water.audit()
    assert found.clean, found.findings
    assert found.stored == 2


async def test_a_doubled_scan(water: Water) -> None:
    await water.serve(10)
    await water.store_scan(4, T0 + 4 * STEP_MS + 60)
    found = await water.audit()
    assert (found.scanned, found.stored, found.lost, found.doubled) == (20, 20, 0, 2)
    assert not found.clean


async def test_a_wrong_value(water: Water) -> None:
    await water.serve(10)
    water.store.series[LEVEL][T0 + 4 * STEP_MS + 2].value = 9.9
    found = await water.audit()
    assert [str(one) for one in found.findings] == [
        f"wrong: aksu-canal/canal-level at {T0 + 4 * STEP_MS + 2}, serve 4: stored 9.9, served 1.004"
    ]
    assert str(found) == "scanned 20, stored 20, lost 0, doubled 0, wrong 1"


async def test_a_value_under_another_scans_time(water: Water) -> None:
    """A late answer taken for the answer to the next request."""
    await water.serve(10)
    water.forget(4)
    await water.store_scan(4, T0 + 7 * STEP_MS + 500)
    found = await water.audit()
    assert (found.lost, found.wrong) == (0, 2)
    assert "requested at" in str(found.findings[0])


async def test_a_value_that_was_never_served(water: Water) -> None:
    await water.serve(10)
    await water.store_scan(77, T0 + 4 * STEP_MS + 700)
    found = await water.audit()
    assert found.foreign == 2
    assert not found.clean


async def test_a_missing_reading_is_no_foreign_one(water: Water) -> None:
    await water.serve(10)
    at = T0 + 4 * STEP_MS + 700
    await water.store.write([SeriesPoints(COUNTER, [at], [None], [9]), SeriesPoints(LEVEL, [at], [None], [9])])
    assert (await water.audit()).clean


async def test_what_lies_before_the_ledger_is_not_looked_at(water: Water) -> None:
    await water.serve(10)
    await water.store.write([SeriesPoints(LEVEL, [T0 - 600_000], [1.0], [1])])
    assert (await water.audit()).clean


async def test_cut_answers_are_uncertain_whether_stored_or_not(water: Water) -> None:
    await water.serve(10, states={3: State.CUT, 4: State.SENDING, 5: State.CUT})
    await water.store_scan(5)
    found = await water.audit()
    assert (found.scanned, found.stored, found.uncertain) == (14, 14, 6)
    assert found.clean


async def test_a_spoiled_answer_must_not_be_stored(water: Water) -> None:
    await water.serve(10, states={3: State.SPOILED, 4: State.SPOILED})
    assert (await water.audit()).clean
    await water.store_scan(4)
    assert (await water.audit()).wrong == 2


async def test_an_answer_beyond_the_timeout_is_uncertain_when_told(water: Water) -> None:
    await water.serve(10, late_ms={4: 900})
    water.forget(4)
    assert (await water.audit()).lost == 2
    found = await water.audit(answer_within_ms=500)
    assert (found.scanned, found.lost, found.uncertain) == (18, 0, 2)


def gateway_log(path: Path, numbers: list[int]) -> Path:
    db = connect(path)
    create(db, "aksu-1")
    db.execute("INSERT INTO boot (id, boot) VALUES (1, 'b')")
    db.execute("INSERT INTO epoch (id, epoch, first, boot, opened_ms) VALUES (1, 4711, 1, 1, 0)")
    db.execute("INSERT INTO series VALUES (1, 'canal-serves', 'count', '1'), (2, 'canal-level', 'level', 'm')")
    for seq, number in enumerate(numbers, 100):
        db.execute(
            "INSERT INTO entry (seq, epoch, series, ms, value, flag, boot_ns, final) VALUES (?, 1, 1, ?, ?, 1, 0, 1)",
            (seq, T0 + number * STEP_MS, number),
        )
    db.close()
    return path


async def test_with_the_gateways_log_unlogged_is_told_from_lost(water: Water, tmp_path: Path) -> None:
    await water.serve(10)
    water.forget(4)
    water.forget(7)
    log = gateway_log(tmp_path / "log.sqlite", [n for n in range(1, 11) if n != 7])
    found = await water.audit(gateway_logs=[log])
    assert (found.lost, found.unlogged, found.unlogged_scans) == (2, 2, 1)
    lost = [one for one in found.findings if one.fault is Fault.LOST]
    assert {(one.gateway, one.epoch, one.seq) for one in lost} == {("aksu-1", 4711, 103)}
    assert str(found) == "scanned 20, stored 16, lost 2, doubled 0, unlogged 2"


async def test_unlogged_alone_is_clean(water: Water, tmp_path: Path) -> None:
    await water.serve(3)
    water.forget(3)
    found = await water.audit(gateway_logs=[gateway_log(tmp_path / "log.sqlite", [1, 2])])
    assert found.clean
    assert found.unlogged == 2


def test_what_is_no_gateways_log(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.sqlite").close()
    for name in ("empty.sqlite", "missing.sqlite"):
        with pytest.raises(LedgerError, match="not a gateway's log"):
            read_logs([tmp_path / name])


async def test_an_empty_ledger_is_clean(water: Water) -> None:
    await water.serve(0)
    found = await water.audit()
    assert (found.scanned, found.clean) == (0, True)


class Thinning(MemoryStore):
    """Thins as a real store does with much more."""

    async def history(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> History:
        return await super().history(key, start_ms, end_ms, min(most, 4))


@pytest.mark.parametrize("spoil", [None, 7])
async def test_a_reader_that_thins_hides_nothing(water: Water, spoil: int | None) -> None:
    water.store = Thinning()
    await water.serve(40)
    if spoil:
        water.forget(spoil)
    found = await water.audit()
    assert found.scanned == 80
    assert found.lost == (2 if spoil else 0)

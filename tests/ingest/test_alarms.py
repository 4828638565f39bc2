"""Alarms in ingest's path: by the registry's rules, confirmed by a neighbour, and the same after a restart."""

import asyncio
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from health import HealthSettings
from hydrology.registry import Registry
from hydrology.warnings import LevelName
from ingest.alarms import Alarms
from ingest.app import run
from ingest.change import Change
from ingest.derive import Derive
from ingest.holding import SpoolReader
from ingest.pipeline import Accepted, Changed, Target
from ingest.quality import Quality
from ingest.rebuild import read_tails, rebuild, recall_alarms
from ingest.settings import IngestSettings
from ingest.spool import Spool
from settings.broker import BrokerSettings
from store.memory import MemoryStore
from store.points import SeriesKey, SeriesPoints, StoredPoint, StoreUnavailableError
from tests.ingest.test_app import _page
from tests.ingest.test_quality import HEAD, MINUTE, OTHERS, START_MS, Centre
from tests.ingest.test_quality_server import Gauge
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import free_port
from tests.servers.wait import eventually

LEVEL = Target("k-12", "level", "level", "m")
BELOW = Target("k-12", "below", "level", "m")
RULES = "thresholds = { action = 2.0, minor = 2.5, dangerous = 3.0 }\n"
STRICT = RULES + "[stations.sensors.alarm]\nconfirmations = 3\nhysteresis = 0.2\nclear = '10min'\n"
NEAR = (
    RULES
    + """
[stations.sensors.quality.neighbour]
station = "k-12"
sensor = "below"
suspect = 1
fail = 2
max_age = "10min"
offset = 0.5
"""
)


def registry(rules: str, others: str = OTHERS) -> Registry:
    return Registry.model_validate(tomllib.loads(HEAD + rules + others))


def readings(target: Target, rows: Iterable[tuple[int, float | None]], flag: int = 1, seq: int = 1) -> Accepted:
    times, values = zip(*rows, strict=True)
    return Accepted(
        target, [seq] * len(times), [START_MS + one * MINUTE for one in times], list(values), [flag] * len(times), None
    )


def raised(alarms: Alarms, sensor: str = "level") -> list[LevelName]:
    return [one.severity for one in alarms.states() if one.sensor == sensor and one.raised]


def test_two_in_a_row_raise_and_half_an_hour_below_the_hysteresis_clears() -> None:
    alarms = Alarms(registry(RULES))
    assert list(alarms.states()) == []
    alarms.note(readings(LEVEL, [(0, 2.6)]))
    assert raised(alarms) == []
    assert [one.severity for one in alarms.states()] == ["action", "minor", "dangerous"]
    alarms.note(readings(LEVEL, [(5, 2.6)]))
    assert raised(alarms) == ["action", "minor"]
    alarms.note(readings(LEVEL, [(10, 2.39), (35, 2.39)]))
    assert raised(alarms) == ["action", "minor"]
    alarms.note(readings(LEVEL, [(40, 2.39)]))
    assert raised(alarms) == ["action"]


def test_the_registry_says_how() -> None:
    alarms = Alarms(registry(STRICT))
    alarms.note(readings(LEVEL, [(0, 2.6), (5, 2.6)]))
    assert raised(alarms) == []
    alarms.note(readings(LEVEL, [(10, 2.6)]))
    assert raised(alarms) == ["action", "minor"]
    alarms.note(readings(LEVEL, [(15, 2.35), (30, 2.35)]))  # not below 2.5 less 0.2
    assert raised(alarms) == ["action", "minor"]
    alarms.note(readings(LEVEL, [(35, 1.7), (45, 1.7)]))
    assert raised(alarms) == []


def test_suspect_flood_peaks_alarm_and_failed_readings_do_not() -> None:
    alarms = Alarms(registry(RULES))
    alarms.note(readings(LEVEL, [(0, 9.0), (5, 9.0)], flag=4))
    alarms.note(readings(LEVEL, [(10, None), (15, None)], flag=9))
    assert list(alarms.states()) == []
    alarms.note(readings(LEVEL, [(20, 3.1), (25, 3.1)], flag=3))
    assert raised(alarms) == ["action", "minor", "dangerous"]


def test_a_neighbour_confirms_whichever_comes_first() -> None:
    for order in (0, 1):
        alarms = Alarms(registry(NEAR))
        both = [readings(LEVEL, [(0, 2.6)]), readings(BELOW, [(3, 2.05)])]  # with its offset of half a metre 2.55
        for one in both[order:] + both[:order]:
            alarms.note(one)
        assert raised(alarms) == ["action", "minor"]


@pytest.mark.parametrize("rows", [[(11, 2.6)], [(3, 1.4)]])
def test_an_old_or_a_low_neighbour_confirms_nothing(rows: list[tuple[int, float | None]]) -> None:
    alarms = Alarms(registry(NEAR))
    alarms.note(readings(BELOW, rows))
    alarms.note(readings(LEVEL, [(0, 2.6)]))
    assert raised(alarms) == []


def test_a_neighbour_with_thresholds_confirms_by_its_own() -> None:
    others = OTHERS.rstrip() + "\nthresholds = { minor = 1.0 }\n"
    alarms = Alarms(registry(NEAR, others))
    alarms.note(readings(BELOW, [(3, 1.0)]))
    alarms.note(readings(LEVEL, [(0, 2.6)]))
    assert raised(alarms) == ["minor"]


def test_a_spike_that_fails_at_the_next_reading_confirms_nothing() -> None:
    alarms = Alarms(registry(RULES))
    alarms.note(readings(LEVEL, [(0, 1.0), (5, 3.5)], flag=1))
    at_ms = START_MS + 5 * MINUTE
    alarms.note_changed(Changed(LEVEL, StoredPoint(at_ms, 3.5, 1), StoredPoint(at_ms, 3.5, 4, rev=1)))
    alarms.note(readings(LEVEL, [(10, 3.5)]))
    assert raised(alarms) == []


def test_intake_names_the_changes_for_the_alarms() -> None:
    from ingest.intake import Group
    from tests.ingest.samples import arrival, batch
    from wire.batch import Series

    centre = Centre("[stations.sensors.quality]\nspike = { suspect = 0.1, fail = 0.2 }\n")
    group = Group()
    for seq, value in enumerate([1.0, 1.0, 3.5, 1.0], 1):
        time_ms = START_MS + seq * MINUTE
        centre.intake.take(arrival(batch(Series("level", "level", "m", [seq], [time_ms], [value], [1], None))), group)
    assert [(one.new.time_ms, one.new.flag) for one in group.changed] == [(START_MS + 3 * MINUTE, 4)]


def test_a_change_of_the_registry_keeps_what_is_raised() -> None:
    alarms = Alarms(registry(NEAR))
    alarms.note(readings(LEVEL, [(0, 2.6), (5, 2.6), (10, 2.45)]))
    alarms.reload(registry(RULES.replace("dangerous", "adverse")))
    assert raised(alarms) == ["action", "minor"]
    alarms.reload(registry("", OTHERS))
    assert list(alarms.states()) == []


async def stored(rows: list[tuple[int, float]]) -> MemoryStore:
    store = MemoryStore()
    times = [START_MS + one * MINUTE for one, _ in rows]
    key = SeriesKey("level", "k-12", "level")
    await store.write([SeriesPoints(key, times, [value for _, value in rows], [1] * len(rows))])
    return store


async def test_a_restart_finds_an_alarm_that_was_raised_long_ago() -> None:
    """Raised by two readings, then in the hysteresis for two thousand: the last few say nothing."""
    store = await stored([(0, 2.6), (5, 2.6)] + [(10 + 5 * at, 2.45) for at in range(2000)])
    alarms = Alarms(registry(RULES))
    needs = alarms.needs()
    tails = await read_tails(store, needs)
    alarms.seed(tails)
    assert alarms.undecided() == [SeriesKey("level", "k-12", "level")]
    assert raised(alarms) == ["action"]
    further = await read_tails(store, needs, 4096)
    alarms.seed(further)
    assert alarms.undecided() == []
    assert raised(alarms) == ["action", "minor"]


async def test_quiet_water_needs_no_second_look() -> None:
    store = await stored([(5 * at, 1.0) for at in range(2000)])
    alarms = Alarms(registry(RULES))
    alarms.seed(await read_tails(store, alarms.needs()))
    assert alarms.undecided() == []
    assert alarms.latest()[SeriesKey("level", "k-12", "level")].value == 1.0


class AwayStore(MemoryStore):
    """A store that can be away for its readers."""

    away = True

    async def tails(self, keys: list[SeriesKey], most: int) -> dict[SeriesKey, list[StoredPoint]]:
        if self.away:
            raise StoreUnavailableError("told to be away")
        return await super().tails(keys, most)


async def test_with_the_store_away_the_spool_alone_alarms_and_the_store_is_heard_later(tmp_path: Path) -> None:
    centre, store = Centre(RULES), AwayStore()
    centre.take(("level", 0, 2.6, 1))
    centre.take(("level", 5, 2.6, 3))
    with Spool(tmp_path / "spool.sqlite") as spool:
        spool.load()
        spool.commit([Change(rows=centre.rows)], START_MS)
        reader = SpoolReader(spool.path)
        try:
            quality, alarms = Quality(centre.registry), Alarms(centre.registry)
            lacking = await rebuild(quality, Derive(centre.registry), alarms, store, reader, 0.0)
            assert raised(alarms) == ["action", "minor"]
            store.away = False
            key = SeriesKey("level", "k-12", "level")
            times = [START_MS - 10 * MINUTE, START_MS - 5 * MINUTE]
            await store.write([SeriesPoints(key, times, [3.1, 3.1], [1, 1])])
            alarms.note(readings(LEVEL, [(10, 2.6)]))
            await recall_alarms(alarms, store, reader, lacking)
            assert raised(alarms) == ["action", "minor", "dangerous"]
        finally:
            reader.close()


@pytest.mark.server
async def test_the_page_shows_it_at_once_after_a_restart(tmp_path: Path, mosquitto: Mosquitto) -> None:
    settings = IngestSettings(
        registry=tmp_path / "registry.toml",
        broker=BrokerSettings(port=mosquitto.port),
        health=HealthSettings(port=free_port()),
    )
    settings.registry.write_text(HEAD + RULES + OTHERS)

    async def page() -> str:
        return (await asyncio.to_thread(_page, settings, "/metrics"))[1]

    shown = 'aryk_sensor_alarm{district="karatal",quantity="level",sensor="level",severity="minor",station="k-12"} 1.0'
    async with Gauge(mosquitto, time.time_ns() // 1_000_000 - 3_600_000).open() as gauge:
        for at in range(2):
            stop = asyncio.Event()
            task = asyncio.create_task(run(settings, tmp_path / "state", stop))

            async def has_begun() -> bool:
                return "aryk_ingest_broker_connected 1.0" in await page()

            await eventually(has_begun)
            assert (shown in await page()) == (at == 1)
            if not at:
                await gauge.send(gauge.log([("level", 0, 2.6, 1)]), 1)
                assert shown not in await page()
                await gauge.send(gauge.log([("level", 5, 2.6, 3)]), 2)

                async def is_shown() -> bool:
                    return shown in await page()

                await eventually(is_shown)
            stop.set()
            await asyncio.wait_for(task, 20)

"""The quality tests in ingest's path: flags, masks, changes of earlier points, and a restart that changes none of them."""

import asyncio
import tomllib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrology.quality import Check
from hydrology.registry import Registry
from ingest.body import read_body
from ingest.change import Row
from ingest.intake import Group, Intake
from ingest.lane import LaneCache
from ingest.lanes import cut
from ingest.pipeline import TimeBounds, directory
from ingest.quality import Quality
from ingest.rebuild import merged, read_tails
from ingest.received import Logs
from ingest.waiting import waiting_points
from store.memory import MemoryStore
from store.points import SeriesKey, StoredPoint
from tests.ingest.samples import EPOCH, NOW_MS, arrival, batch
from wire.batch import Series

MINUTE = 60_000
START_MS = NOW_MS - 10 * 86_400_000
HEAD = """
[districts.karatal]
name = "Karatal"
[[gateways]]
id = "gw1"
district = "karatal"
[[stations]]
id = "k-12"
name = "Karatal 12"
district = "karatal"
[[stations.sensors]]
id = "level"
gateway = "gw1"
quantity = "level"
unit = "m"
"""
SPAN = "span = [-0.5, 10.0]\n"
THREE = """
[stations.sensors.quality]
range = [0.0, 5.0]
rate_per_hour = 0.605
flat = { suspect = "20min", fail = "40min", tolerance = 0.0011 }
"""
ALL = (
    THREE
    + """
gap = "20min"
spike = { suspect = 0.1, fail = 0.2 }
attenuated = { window = "1h", suspect = 0.03, fail = 0.005, min_readings = 4 }
moves = { sensors = ["gate"], threshold = 0.05, settle = "15min" }
neighbour = { station = "k-12", sensor = "below", suspect = 0.5, fail = 2.0, max_age = "30min" }
"""
)
OTHERS = """
[[stations.sensors]]
id = "gate"
gateway = "gw1"
quantity = "gate_opening"
unit = "m"
[[stations.sensors]]
id = "below"
gateway = "gw1"
quantity = "level"
unit = "m"
"""
QUANTITY = {"level": "level", "gate": "gate_opening", "below": "level"}
LEVEL = SeriesKey("level", "k-12", "level")

Reading = tuple[str, int, float | None, int]
"""Sensor, minute, value, the gateway's flag."""


def registry(rules: str) -> Registry:
    return Registry.model_validate(tomllib.loads(HEAD + SPAN + rules + OTHERS))


class Centre:
    """Intake, spool and store without their disks; `drain(n)` stores the next n rows, `restart` forgets the rest."""

    def __init__(self, rules: str = THREE, capacity: int = 128) -> None:
        self.registry, self.capacity = registry(rules), capacity
        self.store = MemoryStore()
        self.rows: list[Row] = []
        self.received = Logs()
        self.seq = 0
        self.now_ms = NOW_MS
        self.next_id = 1
        self.quality = Quality(self.registry, capacity=capacity)
        self.intake = self._intake()

    def _intake(self) -> Intake:
        bounds = TimeBounds(0, NOW_MS + 86_400_000)
        known = directory(self.registry)
        return Intake(
            known,
            lambda now_ms: bounds,
            received=self.received,
            dead_keys=set(),
            poison=set(),
            next_id=self.next_id,
            quality=self.quality,
        )

    def take(self, *readings: Reading, raw: float | None = None) -> list[StoredPoint]:
        """One message; what it says of `level`, as spooled."""
        series: dict[str, Series] = {}
        for sensor, minute, value, flag in readings:
            self.seq += 1
            one = series.setdefault(sensor, Series(sensor, QUANTITY[sensor], "m", [], [], [], [], []))
            one.seq.append(self.seq)
            one.time_ms.append(START_MS + minute * MINUTE)
            one.value.append(value)
            one.flag.append(flag)
            assert one.raw is not None
            one.raw.append(raw)
        return self.send(list(series.values()))

    def send(self, series: list[Series]) -> list[StoredPoint]:
        group = Group()
        self.intake.take(arrival(batch(*series), received_ms=self.now_ms), group)
        assert not group.change.letters
        self.rows += group.change.rows
        self.next_id += len(group.change.rows)
        out = []
        for row in group.change.rows:
            for one in read_body(row.body).series:
                if one.target.sensor == "level":
                    masks = one.tests or [None] * len(one.seq)
                    raws = one.raw or [None] * len(one.seq)
                    columns = zip(one.time_ms, one.value, one.flag, raws, masks, strict=True)
                    out += [StoredPoint(*fields) for fields in columns]
        return out

    def changes(self) -> list[tuple[StoredPoint, StoredPoint]]:
        return [(one.old, one.new) for row in self.rows for one in read_body(row.body).changed]

    def drain(self, count: int | None = None) -> None:
        rows, self.rows = (self.rows, []) if count is None else (self.rows[:count], self.rows[count:])
        cache = LaneCache()
        items = [item for row in rows for part in cut(row, cache)[1].values() for item in part.items(cache)]
        assert asyncio.run(self.store.write(items)) == []

    def restart(self) -> None:
        self.quality = Quality(self.registry, capacity=self.capacity)
        needs = self.quality.needs()
        tails = asyncio.run(read_tails(self.store, needs, self.capacity + 8))
        for key, points in waiting_points(self.rows, needs).items():
            tails[key] = merged(*tails.get(key, ([], False)), points)
        self.quality.seed(tails)
        self.intake = self._intake()

    def flags(self) -> dict[int, tuple[int, int | None]]:
        """Of `level` in the store: flag and mask by minute."""
        self.drain()
        points = self.store.series.get(LEVEL, {})
        return {(t - START_MS) // MINUTE: (one.flag, one.tests or None) for t, one in sorted(points.items())}


def level(minute: int, value: float | None, flag: int = 1) -> Reading:
    return "level", minute, value, flag


def spoke(*checks: Check) -> int:
    return sum(1 << check for check in checks)


def test_each_reading_has_its_flag_and_the_mask_of_the_tests_that_spoke() -> None:
    centre = Centre()
    found = centre.take(level(0, 1.0), level(10, 1.05), level(20, 6.0), level(30, 11.0), level(40, None, 9))
    assert [(one.flag, one.tests) for one in found] == [
        (1, None),
        (1, None),
        (3, spoke(Check.RANGE, Check.RATE)),
        (4, spoke(Check.RANGE, Check.RATE)),
        (9, None),
    ]
    assert centre.quality.flags == {1: 2, 3: 1, 4: 1, 9: 1}


def test_a_flood_peak_is_suspect_and_stored() -> None:
    centre = Centre()
    centre.take(level(0, 1.0), level(10, 4.0))
    assert centre.flags() == {0: (1, None), 10: (3, spoke(Check.RATE))}
    assert centre.store.series[LEVEL][START_MS + 10 * MINUTE].value == 4.0


@pytest.mark.parametrize("flag", [3, 4, 9])
def test_what_the_gateway_said_is_kept(flag: int) -> None:
    centre = Centre()
    value = None if flag == 9 else 1.0
    (found,) = centre.take(level(0, value, flag))
    assert (found.value, found.flag) == (value, flag)


def test_a_missing_value_is_missing_whatever_the_tests_say() -> None:
    centre = Centre(ALL)
    found = centre.take(level(0, 1.0), level(300, None, 9), level(310, 1.0))
    assert [one.flag for one in found] == [1, 9, 1]


def test_a_sensor_without_rules_keeps_the_gateways_flag() -> None:
    centre = Centre()
    centre.take(("gate", 0, 99.0, 2), ("gate", 1, -99.0, 1))
    ((one,), _, _) = read_body(centre.rows[0].body)
    assert (one.flag, one.tests) == ([2, 1], None)
    assert centre.quality.flags == {2: 1, 1: 1}


def test_a_time_from_the_future_fails_and_disturbs_nothing() -> None:
    centre = Centre()
    ahead = (NOW_MS - START_MS) // MINUTE + 60
    centre.take(level(0, 1.0), level(ahead, 1.0))
    (found,) = centre.take(level(10, 1.01))
    assert centre.flags()[ahead] == (4, spoke(Check.FUTURE))
    assert found.flag == 1


def test_a_late_reading_is_judged_in_its_place_and_changes_its_neighbour() -> None:
    centre = Centre()
    centre.take(level(0, 1.0), level(20, 1.15), raw=2.0)
    assert centre.changes() == []
    (late,) = centre.take(level(10, 1.0))
    assert late.flag == 1
    ((old, new),) = centre.changes()
    assert old == StoredPoint(START_MS + 20 * MINUTE, 1.15, 1, 2.0, None, 0)
    assert new == StoredPoint(START_MS + 20 * MINUTE, 1.15, 3, 2.0, spoke(Check.RATE), 1)
    assert centre.flags()[20] == (3, spoke(Check.RATE))
    stored = centre.store.series[LEVEL][START_MS + 20 * MINUTE]
    assert (stored.value, stored.raw, stored.rev) == (1.15, 2.0, 1)
    assert centre.store.replaced == {(LEVEL, old.time_ms, 0): old}
    # A second change of the same point: the first one stays readable too.
    (old_again, new_again) = (centre.take(level(15, 1.14)), centre.changes())[1][-1]
    assert (old_again.flag, old_again.rev, new_again.flag, new_again.rev) == (3, 1, 1, 2)
    assert centre.flags()[20] == (1, None)
    assert {rev for _, _, rev in centre.store.replaced} == {0, 1}
    assert centre.quality.changed == 2


def test_a_spike_in_one_message_is_flagged_at_once() -> None:
    centre = Centre(ALL)
    found = centre.take(level(0, 1.0), level(10, 1.01), level(20, 1.5), level(30, 1.02), level(40, 1.03))
    assert [one.flag for one in found] == [1, 1, 4, 3, 1]
    assert centre.changes() == []


def test_a_spike_at_the_end_of_a_message_is_changed_by_the_next() -> None:
    centre = Centre(ALL)
    centre.take(level(0, 1.0), level(10, 1.01), level(20, 1.5))
    centre.take(level(30, 1.02))
    ((old, new),) = centre.changes()
    assert (old.flag, new.flag) == (3, 4)
    assert new.tests is not None
    assert new.tests >> Check.SPIKE & 1


def test_a_gate_that_moved_explains_a_quick_change_whichever_comes_first() -> None:
    gate: list[Reading] = [("gate", 0, 0.1, 1), ("gate", 10, 0.9, 1)]
    levels = [level(0, 1.0), level(10, 1.3)]
    for messages in ([gate + levels], [gate, levels], [levels, gate]):
        centre = Centre(ALL)
        for message in messages:
            centre.take(*message)
        assert centre.flags()[10] == (1, None)


def test_a_repeated_reading_is_not_judged_again() -> None:
    centre = Centre()
    series = [Series("level", "level", "m", [1, 2], [START_MS, START_MS + MINUTE], [1.0, 1.0], [1, 1])]
    assert len(centre.send(series)) == 2
    assert centre.send(series) == []
    assert centre.quality.flags == {1: 2}


def test_a_new_registry_judges_by_the_new_rules_and_remembers_the_readings() -> None:
    centre = Centre(THREE)
    centre.take(level(0, 1.0), level(20, 1.15))
    centre.quality.reload(registry(THREE.replace("0.605", "0.305")))
    (found,) = centre.take(level(30, 1.3))
    assert (found.flag, found.tests) == (3, spoke(Check.RATE))
    # The one at 20 was good under the old rules, is not under the new ones, and is again with this: it was never changed.
    centre.take(level(15, 1.145))
    assert centre.changes() == []
    centre.take(level(18, 1.0))
    ((old, new),) = centre.changes()
    assert (old.flag, new.flag, new.rev) == (1, 3, 1)


VALUES = st.sampled_from([1.0, 1.0, 1.0005, 1.001, 1.04, 1.3, 4.0, -0.2, 11.0])
GATES = st.sampled_from([0.1, 0.1, 0.12, 0.5])


@st.composite
def readings(draw: st.DrawFn) -> list[list[Reading]]:
    """Messages with readings in any order of time; each sensor and minute once."""
    count = draw(st.integers(1, 40))
    order = draw(st.permutations(range(count)) | st.just(list(range(count))))
    late: int = draw(st.integers(0, 3))
    order = sorted(order, key=lambda minute: minute + (minute * 7919 % 11) * late)
    out: list[list[Reading]] = []
    for minute in order:
        sensor: str = draw(st.sampled_from(["level", "level", "level", "gate", "below"]))
        value = (
            draw(st.none() | (GATES if sensor == "gate" else VALUES))
            if sensor != "level"
            else draw(st.one_of(VALUES, VALUES, VALUES, st.none()))
        )
        flag = 9 if value is None else draw(st.sampled_from([1, 1, 1, 1, 3, 4]))
        reading = (sensor, minute * 5, value, flag)
        with_the_last: bool = draw(st.booleans())
        if out and with_the_last:
            out[-1].append(reading)
        else:
            out.append([reading])
    return out


def final(messages: list[list[Reading]], rules: str, capacity: int, between: Callable[[Centre, int], None]) -> object:
    centre = Centre(rules, capacity)
    for number, message in enumerate(messages):
        centre.take(*message)
        between(centre, number)
    centre.drain()
    return centre.store.series, centre.store.replaced


@pytest.mark.parametrize("rules", [THREE, ALL])
@settings(deadline=None)
@given(messages=readings(), capacity=st.sampled_from([4, 9, 128]), data=st.data())
def test_a_restart_changes_no_flag(
    rules: str, messages: list[list[Reading]], capacity: int, data: st.DataObject
) -> None:
    """Whatever was stored by then, and whatever waits: flags, masks, revs and history are those of one long run."""
    at = data.draw(st.integers(0, len(messages)))
    stored = data.draw(st.integers(0, len(messages)))

    def restart(centre: Centre, number: int) -> None:
        if number == at:
            centre.drain(stored)
            centre.restart()

    assert final(messages, rules, capacity, restart) == final(messages, rules, capacity, lambda centre, number: None)


@pytest.mark.parametrize("rules", [THREE, ALL])
@settings(deadline=None)
@given(messages=readings(), data=st.data())
def test_the_order_of_arrival_changes_no_final_flag(
    rules: str, messages: list[list[Reading]], data: st.DataObject
) -> None:
    other = data.draw(st.permutations(messages))
    found = []
    for order in (messages, other):
        centre = Centre(rules)
        for message in order:
            centre.take(*message)
        found.append(centre.flags())
    assert found[0] == found[1]


def test_the_rows_name_only_what_gateways_sent() -> None:
    centre = Centre()
    centre.take(level(0, 1.0), level(20, 1.15))
    centre.take(level(10, 1.0))
    assert [(row.ranges, row.readings) for row in centre.rows] == [("1-2", 2), ("3-3", 1)]
    assert sorted(centre.received.of("gw1", EPOCH)) == [(1, 3)]

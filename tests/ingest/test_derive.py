"""Derived series in ingest's path: beside the measured points, the same after a restart and whatever the order of arrival."""

import asyncio
import tomllib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrology.registry import Heads, Registry
from ingest.body import read_body
from ingest.change import Count, Row
from ingest.derive import Derive
from ingest.intake import Group, Intake
from ingest.lane import LaneCache
from ingest.lanes import cut
from ingest.pipeline import TimeBounds, directory
from ingest.quality import Quality
from ingest.rebuild import both, merged, read_tails
from ingest.received import Logs
from ingest.waiting import waiting_points
from store.memory import Fields, MemoryStore
from store.points import HistoryPoint, SeriesKey
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
interval = "5min"
quality = { range = [0.0, 5.0], rate_per_hour = 6.05 }
[[stations.sensors]]
id = "below"
gateway = "gw1"
quantity = "level"
unit = "m"
interval = "5min"
[[stations.sensors]]
id = "gate"
gateway = "gw1"
quantity = "gate_opening"
unit = "m"
interval = "5min"
"""
RATED = """
[[stations.ratings]]
name = "of 2020"
effective_from = 2020-01-01
head = "level"
segments = [{ a = 8.0, e_m = 0.2, b = 1.5 }]
high_m = 3.0
"""
GATED = """
[[stations.ratings]]
name = "gate"
effective_from = 2020-01-01
discharge = "through"
head = "level"
tail = "below"
opening = "gate"
structure = { kind = "sluice_gate", width_m = 2.0 }
"""
STORED = """
[stations.datum]
zero_m = 100.0
system = "Baltic 1977"
[stations.levels]
dead_m = 101.0
normal_m = 104.0
[[stations.storage]]
effective_from = 2020-01-01
rows = [[100.0, 0.0, 1.0], [106.0, 12.0, 3.0]]
"""
ALL = RATED + GATED + STORED
QUANTITY = {"level": "level", "below": "level", "gate": "gate_opening"}
LEVEL = SeriesKey("level", "k-12", "level")
DISCHARGE = SeriesKey("discharge", "k-12", "discharge")
THROUGH = SeriesKey("discharge", "k-12", "through")
VOLUME = SeriesKey("volume", "k-12", "volume")

Reading = tuple[str, int, float | None, int]
"""Sensor, minute, value, the gateway's flag."""


def registry(text: str) -> Registry:
    return Registry.model_validate(tomllib.loads(HEAD + text))


class Centre:
    """Intake, spool and store without their disks; `drain(n)` stores the next n rows, `restart` forgets the rest."""

    def __init__(self, text: str = ALL, capacity: int = 64) -> None:
        self.registry, self.capacity = registry(text), capacity
        self.store = MemoryStore()
        self.rows: list[Row] = []
        self.counts: dict[Count, int] = {}
        self.received = Logs()
        self.seq = 0
        self.next_id = 1
        self.quality = Quality(self.registry, capacity=capacity)
        self.derive = Derive(self.registry, capacity=capacity)
        self.intake = self._intake()

    def _intake(self) -> Intake:
        bounds = TimeBounds(0, NOW_MS + 86_400_000)
        return Intake(
            directory(self.registry),
            lambda now_ms: bounds,
            received=self.received,
            dead_keys=set(),
            poison=set(),
            next_id=self.next_id,
            quality=self.quality,
            derive=self.derive,
        )

    def message(self, *readings: Reading) -> list[Series]:
        series: dict[str, Series] = {}
        for sensor, minute, value, flag in readings:
            self.seq += 1
            one = series.setdefault(sensor, Series(sensor, QUANTITY[sensor], "m", [], [], [], []))
            one.seq.append(self.seq)
            one.time_ms.append(START_MS + minute * MINUTE)
            one.value.append(value)
            one.flag.append(flag)
        return list(series.values())

    def take(self, *readings: Reading) -> None:
        self.send(self.message(*readings))

    def send(self, series: list[Series]) -> None:
        group = Group()
        self.intake.take(arrival(batch(*series), received_ms=NOW_MS), group)
        assert not group.change.letters
        self.rows += group.change.rows
        self.next_id += len(group.change.rows)
        for name, number in group.change.counts.items():
            self.counts[name] = self.counts.get(name, 0) + number

    def drain(self, count: int | None = None) -> None:
        rows, self.rows = (self.rows, []) if count is None else (self.rows[:count], self.rows[count:])
        cache = LaneCache()
        items = [item for row in rows for part in cut(row, cache)[1].values() for item in part.items(cache)]
        assert asyncio.run(self.store.write(items)) == []

    def restart(self) -> None:
        self.quality = Quality(self.registry, capacity=self.capacity)
        self.derive = Derive(self.registry, capacity=self.capacity)
        needs = self.quality.needs()
        for key, need in self.derive.needs().items():
            needs[key] = both(needs.get(key, need), need)
        tails = asyncio.run(read_tails(self.store, needs, self.capacity + 8))
        for key, points in waiting_points(self.rows, needs).items():
            tails[key] = merged(*tails.get(key, ([], False)), points)
        self.quality.seed(tails)
        self.derive.seed(tails)
        self.intake = self._intake()

    def of(self, key: SeriesKey) -> dict[int, tuple[float | None, int]]:
        """Value and flag by minute, as stored."""
        self.drain()
        return {
            (time_ms - START_MS) // MINUTE: (one.value, one.flag)
            for time_ms, one in sorted(self.store.series.get(key, {}).items())
        }


def level(minute: int, value: float | None, flag: int = 1) -> Reading:
    return "level", minute, value, flag


def rated(level_m: float) -> float:
    return float(round(8 * (level_m - 0.2) ** 1.5, 6))


def near(found: tuple[float | None, int], value: float, flag: int) -> bool:
    """Vectors of the reference are with g 9.81, ours with 9.80665."""
    return found[1] == flag and found[0] == pytest.approx(value, rel=2e-4)


def test_derived_points_travel_in_the_row_of_their_reading_and_move_no_counter() -> None:
    centre = Centre(RATED + STORED)
    centre.take(level(0, 1.0), level(5, 1.1))
    (row,) = centre.rows
    assert (row.ranges, row.readings) == ("1-2", 2)
    series = read_body(row.body).series
    assert [(one.target.quantity, one.target.sensor, one.seq) for one in series] == [
        ("level", "level", [1, 2]),
        ("discharge", "discharge", []),
        ("volume", "volume", []),
        ("area", "area", []),
        ("fill", "full", []),
        ("fill", "useful", []),
    ]
    assert centre.counts == {Count.RECEIVED: 2, Count.WAITING: 2}
    assert sorted(centre.received.of("gw1", EPOCH)) == [(1, 2)]
    assert centre.of(DISCHARGE) == {0: (rated(1.0), 1), 5: (rated(1.1), 1)}
    assert centre.of(VOLUME)[0][0] == pytest.approx((1 + 1 / 6) * 1e6, abs=1)
    assert centre.derive.points == 10


def test_a_repeated_message_derives_nothing_again() -> None:
    centre = Centre(RATED)
    message = centre.message(level(0, 1.0))
    centre.send(message)
    centre.send(message)
    assert len(centre.rows) == 1
    assert centre.derive.points == 1


def test_the_judged_flag_rolls_up_and_a_flag_that_changes_later_changes_the_discharge_too() -> None:
    centre = Centre(RATED)
    centre.take(level(0, 1.0), level(20, 3.5))  # over the rated 3.0 m, and too quick
    assert centre.of(DISCHARGE)[20] == (rated(3.5), 3)
    centre.take(level(40, 2.0), level(60, 3.0))
    assert centre.of(DISCHARGE)[60] == (rated(3.0), 1)
    centre.take(level(50, 0.5))  # late: now the rise to 3.0 m is too quick
    assert centre.of(LEVEL)[60] == (3.0, 3)
    assert centre.of(DISCHARGE)[60] == (rated(3.0), 3)
    old = centre.store.replaced[DISCHARGE, START_MS + 60 * MINUTE, 0]
    assert (old.value, old.flag) == (rated(3.0), 1)
    assert centre.store.series[DISCHARGE][START_MS + 60 * MINUTE].rev == 1


def test_a_late_level_gets_its_discharge_too() -> None:
    centre = Centre(RATED)
    centre.take(level(0, 1.0))
    centre.take(level(-3000, 1.2))
    assert centre.of(DISCHARGE) == {-3000: (rated(1.2), 1), 0: (rated(1.0), 1)}


def test_a_gate_waits_for_its_inputs_and_pairs_the_nearest() -> None:
    centre = Centre(GATED)
    centre.take(level(0, 1.5))
    assert centre.of(THROUGH) == {}
    centre.take(("below", 0, 1.0, 1))
    assert centre.of(THROUGH) == {}
    centre.take(("gate", 1, 0.3, 1))  # a minute after: near enough to be of the same scan
    assert near(centre.of(THROUGH)[0], 1.37654, 1)
    centre.take(level(5, 1.5), ("below", 5, 1.2, 3), ("gate", 5, 0.3, 1))
    assert near(centre.of(THROUGH)[5], 0.97676, 3)


def test_what_cannot_be_is_told_by_its_flag_at_ingest_too() -> None:
    centre = Centre(GATED.replace("width_m = 2.0", "width_m = 2.0, full_opening_m = 1.2"))
    for minute, (head, opening) in enumerate([(1.5, 0.3), (1.5, 2.4), (1.5, -0.4), (400.0, 0.3)]):
        centre.take(level(10 * minute, head), ("below", 10 * minute, 0.2, 1), ("gate", 10 * minute, opening, 1))
    found = centre.of(THROUGH)
    assert near(found[0], 1.7709, 1)
    assert found[10][1] == 3
    assert found[20] == (0.0, 3)
    assert found[30] == (None, 4)


def test_a_gate_without_its_opening_is_missing_once_nothing_more_is_waited_for() -> None:
    centre = Centre(GATED)
    centre.take(level(0, 1.5), ("below", 0, 1.0, 1))
    centre.take(level(5, 1.5), ("below", 5, 1.0, 1))
    assert centre.of(THROUGH) == {}
    centre.take(level(10, 1.5), ("below", 10, 1.0, 1))
    assert centre.of(THROUGH) == {0: (None, 9)}
    centre.take(("gate", 0, 0.3, 1))  # late: put right, and the old one kept
    assert centre.of(THROUGH)[0][1] == 1
    assert (THROUGH, START_MS, 0) in centre.store.replaced


def test_a_new_registry_derives_by_the_new_rating_and_remembers_the_partners() -> None:
    centre = Centre(GATED)
    centre.take(("below", 0, 1.0, 1), ("gate", 0, 0.3, 1))
    centre.derive.reload(registry(GATED.replace("2.0 }", "4.0 }")))
    centre.take(level(0, 1.5))
    assert near(centre.of(THROUGH)[0], 2 * 1.37654, 1)


def test_a_row_of_another_spool_is_derived_once() -> None:
    from ingest.bringing import bring_rows

    there, here = Centre(RATED), Centre(RATED)
    there.take(level(0, 1.0))
    group = Group()
    bring_rows(there.rows, here.intake, group)
    (row,) = group.change.rows
    assert [one.target.sensor for one in read_body(row.body).series] == ["level", "discharge"]


def test_a_reading_too_late_to_be_paired_is_counted_and_the_count_outlives_a_new_registry() -> None:
    centre = Centre(GATED, capacity=4)
    for minute in range(0, 50, 5):
        centre.take(level(minute, 1.5), ("below", minute, 1.0, 1), ("gate", minute, 0.3, 1))
    centre.take(level(-600, 1.5))
    assert -600 not in centre.of(THROUGH)
    assert centre.derive.late == 1
    # With its partners in the same message nothing is too late.
    centre.take(level(-700, 1.5), ("below", -700, 1.0, 1), ("gate", -700, 0.3, 1))
    assert -700 in centre.of(THROUGH)
    centre.derive.reload(registry(RATED))
    assert centre.derive.late == 1


VALUES = st.sampled_from([1.0, 1.0, 1.2, 1.3, 3.2, 5.5, 0.1])
GATES = st.sampled_from([0.1, 0.3, 0.5])


@st.composite
def readings(draw: st.DrawFn) -> list[list[Reading]]:
    """Messages with readings in any order of time; each sensor and minute once."""
    out: list[list[Reading]] = []
    minutes = draw(st.lists(st.tuples(st.sampled_from(sorted(QUANTITY)), st.integers(0, 60)), unique=True, max_size=40))
    late: int = draw(st.integers(0, 3))
    for sensor, minute in sorted(minutes, key=lambda one: one[1] + (one[1] * 7919 % 11) * late):
        value = draw(st.one_of(GATES if sensor == "gate" else VALUES, st.none()))
        flag = 9 if value is None else draw(st.sampled_from([1, 1, 1, 1, 3, 4]))
        with_the_last: bool = draw(st.booleans())
        if out and with_the_last:
            out[-1].append((sensor, minute, value, flag))
        else:
            out.append([(sensor, minute, value, flag)])
    return out


Stored = dict[SeriesKey, dict[int, Fields]]


def final(
    messages: list[list[Reading]], capacity: int, between: Callable[[Centre, int], None]
) -> tuple[Stored, dict[tuple[SeriesKey, int, int], object]]:
    centre = Centre(ALL, capacity)
    for number, message in enumerate(messages):
        centre.take(*message)
        between(centre, number)
    centre.drain()
    return centre.store.series, dict(centre.store.replaced)


@settings(deadline=None)
@given(messages=readings(), capacity=st.sampled_from([4, 9, 64]), data=st.data())
def test_a_restart_changes_no_derived_point(messages: list[list[Reading]], capacity: int, data: st.DataObject) -> None:
    """Whatever was stored by then, and whatever waits: values, flags, revs and history are those of one long run."""
    at = data.draw(st.integers(0, len(messages)))
    stored = data.draw(st.integers(0, len(messages)))

    def restart(centre: Centre, number: int) -> None:
        if number == at:
            centre.drain(stored)
            centre.restart()

    assert final(messages, capacity, restart) == final(messages, capacity, lambda centre, number: None)


@settings(deadline=None)
@given(messages=readings(), data=st.data())
def test_the_order_of_arrival_changes_no_final_value(messages: list[list[Reading]], data: st.DataObject) -> None:
    """What is still waited for at the end is brought to an end by a reading long after."""
    other = data.draw(st.permutations(messages))
    found = []
    for order in (messages, other):
        centre = Centre()
        for message in order:
            centre.take(*message)
        centre.take(level(500, 1.0))
        centre.drain()
        found.append(
            {
                key: {time_ms: (one.value, one.flag) for time_ms, one in points.items() if one.flag not in (4, 9)}
                for key, points in centre.store.series.items()
            }
        )
    assert found[0] == found[1]


@settings(deadline=None)
@given(messages=readings())
def test_each_derived_point_is_what_its_inputs_say_at_the_end(messages: list[list[Reading]]) -> None:
    """An oracle without any memory: at each level's time the nearest of the others, by what is stored at the end."""
    centre = Centre(GATED)
    for message in messages:
        centre.take(*message)
    centre.take(level(500, 1.0))
    stored = {name: centre.of(SeriesKey(quantity, "k-12", name)) for name, quantity in QUANTITY.items()}
    law = registry(GATED).stations[0].ratings[0].law()
    found = centre.of(THROUGH)
    for minute, (head, flag) in stored["level"].items():
        if minute == 500:
            continue
        pairs = []
        for name in ("below", "gate"):
            around = [(abs(at - minute), at, row) for at, row in stored[name].items() if row[0] is not None]
            best = min(around, key=lambda one: one[:2], default=None)
            pairs.append(best[2] if best is not None and best[0] <= 7.5 else None)
        below, gate = pairs
        if below is None or gate is None or head is None or max(flag, below[1], gate[1]) >= 4:
            assert found[minute][1] in (4, 9)
            continue
        answer = law(Heads(head, below[0], gate[0]))
        worst = max(int(answer.flag), flag, below[1], gate[1])
        assert found[minute][1] == worst
        if answer.value_m3s is not None:
            assert found[minute][0] == round(answer.value_m3s, 6)


def test_history_points_are_those_of_derived_series_too() -> None:
    centre = Centre(RATED)
    centre.take(level(40, 2.0), level(60, 3.0))
    centre.take(level(50, 0.5))
    cache = LaneCache()
    items = [item for row in centre.rows for part in cut(row, cache)[1].values() for item in part.items(cache)]
    assert {one.key for one in items if isinstance(one, HistoryPoint)} == {LEVEL, DISCHARGE}

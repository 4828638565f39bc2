"""A reservoir's inflow by balance at ingest: one point a step of its window, the same after a restart and after late readings."""

import asyncio
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrology.derived import derivations
from hydrology.registry import Registry
from ingest.derive import Derive
from ingest.derive_memory import Track
from ingest.quality import Quality
from ingest.rederive import rederive
from store.points import SeriesKey
from tests.ingest.test_derive import HEAD, MINUTE, RATED, START_MS, STORED, Centre, level, registry

BALANCE = RATED + STORED + '[stations.inflow]\noutflows = ["k-12"]\nwindow = "4h"\n'
INFLOW = SeriesKey("discharge", "k-12", "inflow")
HOUR = 60 * MINUTE


def track(*rows: tuple[int, float | None, int]) -> Track:
    out = Track()
    for row in rows:
        out.put(*row)
    return out


def test_a_rate_is_the_slope_whatever_the_noise_of_single_readings() -> None:
    straight = track(*((minute * MINUTE, 2.0 * minute, 1) for minute in range(0, 361, 5)))
    rate = straight.rate(360 * MINUTE, 360 * MINUTE)
    assert rate is not None
    assert rate[0] == pytest.approx(2.0 / 60)
    assert straight.rate(800 * MINUTE, 360 * MINUTE) is None
    noisy = track(*((minute * MINUTE, 2.0 * minute + (-1) ** minute * 5.0, 1) for minute in range(361)))
    found = noisy.rate(360 * MINUTE, 360 * MINUTE)
    assert found is not None
    assert found[0] == pytest.approx(2.0 / 60, rel=0.01)


def test_a_mean_is_that_of_the_line_and_knows_its_gaps() -> None:
    rows = [(0, 0.0, 1), (2 * HOUR, 4.0, 1), (3 * HOUR, 4.0, 3), (4 * HOUR, 0.0, 1)]
    assert track(*rows).mean(4 * HOUR, 4 * HOUR, 2 * HOUR) == ((4 + 4 + 2) / 4, 3)
    assert track(*rows).mean(4 * HOUR, 3 * HOUR, 2 * HOUR) == ((3 + 4 + 2) / 3, 3)
    assert track(*rows).mean(5 * HOUR, 3 * HOUR, 2 * HOUR) == ((4 + 2 + 0) / 3, 3)  # the last one holds
    assert track(*rows).mean(4 * HOUR, 4 * HOUR, HOUR) is None
    assert track(*rows).mean(8 * HOUR, 2 * HOUR, 2 * HOUR) is None
    assert (
        track((0, 1.0, 1), (HOUR, None, 9), (2 * HOUR, 9.0, 4), (3 * HOUR, 1.0, 1)).mean(3 * HOUR, 2 * HOUR, HOUR)
        is None
    )
    assert track().mean(0, HOUR, HOUR) is None


def test_a_rising_level_makes_an_inflow_above_what_flows_out() -> None:
    centre = Centre(BALANCE, capacity=16)
    for minute in range(0, 481, 5):
        centre.take(level(minute, 1.0 + minute / 4800))
    found = centre.of(INFLOW)
    assert list(found)[:4] == [0, 10, 20, 30]  # the first reading in each ten minutes
    assert found[0] == (None, 9)
    value, flag = found[480]
    assert flag == 1
    hours = {at: centre.of(SeriesKey("volume", "k-12", "volume"))[at][0] or 0.0 for at in (260, 460)}
    flow = [row[0] or 0.0 for at, row in centre.of(SeriesKey("discharge", "k-12", "discharge")).items() if at >= 240]
    assert value == pytest.approx((hours[460] - hours[260]) / 12_000 + sum(flow) / len(flow), rel=0.01)


def test_a_late_reading_changes_the_inflows_whose_window_holds_it() -> None:
    centre = Centre(BALANCE)
    for minute in range(0, 481, 5):
        if minute != 300:
            centre.take(level(minute, 1.0 + minute / 4800))
    centre.drain()
    before = centre.of(INFLOW)
    centre.take(level(300, 1.2))
    centre.drain()
    changed = {(time_ms - START_MS) // MINUTE for key, time_ms, _ in centre.store.replaced if key == INFLOW}
    assert changed
    assert min(changed) >= 300
    assert all(before[minute] == row for minute, row in centre.of(INFLOW).items() if minute < 300)


MESSAGES = st.lists(
    st.tuples(st.integers(0, 70), st.sampled_from([1.0, 1.2, 1.5, 3.4, 5.5]), st.sampled_from([1, 1, 1, 4])),
    unique_by=lambda one: one[0],
    max_size=40,
)


@settings(deadline=None)
@given(messages=MESSAGES, late=st.integers(0, 3), data=st.data())
def test_a_restart_changes_no_inflow(messages: list[tuple[int, float, int]], late: int, data: st.DataObject) -> None:
    hourly = Registry.model_validate(tomllib.loads((HEAD + BALANCE).replace("5min", "1h")))
    order = sorted(messages, key=lambda one: one[0] + (one[0] * 7919 % 11) * late)
    at, stored = data.draw(st.integers(0, len(order))), data.draw(st.integers(0, len(order)))
    found = []
    for restarts in (False, True):
        centre = Centre()
        centre.registry = hourly
        centre.quality = Quality(hourly)
        centre.derive = Derive(hourly)
        centre.intake = centre._intake()
        for number, (place, value, flag) in enumerate(order):
            centre.take(level(10 * place, value, flag))
            if restarts and number == at:
                centre.drain(stored)
                centre.restart()
        centre.drain()
        found.append((centre.store.series, dict(centre.store.replaced)))
    assert found[0] == found[1]


async def test_rederive_makes_the_same_inflows() -> None:
    def run() -> Centre:
        centre = Centre(BALANCE)
        for minute in range(0, 600, 5):
            centre.take(level(minute, 1.0 + minute / 4800))
        centre.drain()
        return centre

    centre = await asyncio.to_thread(run)
    some = derivations(registry(BALANCE))
    # From where the memory of a start is out of the window.
    start_ms, end_ms = START_MS + 300 * MINUTE, START_MS + 600 * MINUTE
    outcome = await rederive(centre.store, None, some, start_ms, end_ms, registry="r", now_ms=1)
    assert outcome.touched == 0
    assert outcome.tallies["k-12/inflow"].same == 30

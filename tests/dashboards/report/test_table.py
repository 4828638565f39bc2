"""The worked examples of the reference, through the whole table; gaps, unfinished periods, reservoirs."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dashboards.report.flows import Amount
from dashboards.report.span import decades, local_day
from dashboards.report.table import Report, ReportError, choose_district
from dashboards.report.users import Cell, indicators
from hydrology.accounting import Alarm, Deviation
from tests.dashboards.report.district import example, example_report, hourly, meter, registry, report

ALMATY = "Asia/Almaty"
FLAT = [1.25, 1.25, 1.25]


def user(turnouts: list[str], **more: Any) -> dict[str, Any]:
    return {"id": "u", "name": "User", "district": "d", "turnouts": turnouts, **more}


async def february(zone: str) -> Report:
    plan = {"year": 2024, "feb": FLAT}
    limit = {"year": 2024, "season": "other", "volume_hm3": 10.0}
    known = registry(zone, [meter("canal")], users=[user(["canal"], plans=[plan], limits=[limit])])
    water = [hourly("canal", zone, date(2024, 2, 1), date(2024, 3, 1), lambda t: 1.25)]
    return await report(known, water, "2024-02-3", datetime(2024, 3, 5, tzinfo=UTC))


@pytest.mark.parametrize(("zone", "hm3"), [("Asia/Almaty", 0.9765), ("Asia/Qostanay", 0.9765), ("Asia/Oral", 0.9720)])
async def test_the_third_decade_of_february_2024_has_217_hours_in_almaty(zone: str, hm3: float) -> None:
    found = await february(zone)
    row = found.users[0]
    assert row.delivered.volume_m3 == pytest.approx(hm3 * 1e6)
    assert row.delivered.coverage_pct == pytest.approx(100)
    assert row.plan_m3 == pytest.approx(hm3 * 1e6)
    assert row.of_plan_pct == pytest.approx(100)
    assert row.deviation is Deviation.NORMAL
    assert not found.provisional
    # Ten days of decade I, ten of II, and these: since 1 October, when the other season began.
    assert row.since.volume_m3 == pytest.approx(1.25 * 20 * 86_400 + hm3 * 1e6)
    assert row.season.name == "2023/2024 other"
    assert row.since.provisional, "October to January were not measured, and the report says so"


async def test_limit_12_delivered_9_10_and_20_days_at_2_m3s_are_104_63_percent() -> None:
    zone = "UTC"
    plan = {"year": 2026, "sep": [2.0, 2.0, 2.0]}
    limit = {"year": 2026, "volume_hm3": 12.0}
    known = registry(zone, [meter("canal")], users=[user(["canal"], plans=[plan], limits=[limit])])
    days = (date(2026, 9, 10) - date(2026, 4, 1)).days + 1
    flow = 9.10e6 / (days * 86_400)
    water = [hourly("canal", zone, date(2026, 4, 1), date(2026, 9, 10), lambda t: flow)]
    found = await report(known, water, "2026-09-1", datetime(2026, 9, 11, tzinfo=UTC))
    share = found.users[0].share
    assert share is not None
    assert share.delivered_m3 == pytest.approx(9.10e6)
    assert share.projected_m3 == pytest.approx(12.556e6)
    assert share.projected_pct == pytest.approx(104.63, abs=0.005)
    assert found.users[0].overrun_m3 == pytest.approx(0.556e6)
    assert found.users[0].alarm is Alarm.PROJECTED


async def test_a_reach_that_loses_11_percent_of_10_million() -> None:
    days = 10 * 86_400
    flows = {"head": 10.0, "a": 2.9, "b": 3.1, "c": 1.7, "tail": 1.2}
    turnouts = ["a", "b", "c"]
    reach = {"id": "r", "head": "head", "tail": "tail", "length_km": 20.0, "turnouts": turnouts}
    canal = {"id": "main", "name": "Main", "district": "d", "reaches": [reach]}
    known = registry("UTC", [meter(name) for name in flows], canals=[canal])
    first, last = date(2026, 7, 11), date(2026, 7, 20)

    def steady(hm3: float) -> Callable[[datetime], float]:
        return lambda t: hm3 * 1e6 / days

    water = [hourly(name, "UTC", first, last, steady(hm3)) for name, hm3 in flows.items()]
    row = (await report(known, water, "2026-07-2", datetime(2026, 8, 1, tzinfo=UTC))).reaches[0]
    assert row.balance is not None
    assert row.judged
    assert row.balance.loss == pytest.approx(1.10e6)
    assert row.balance.loss_pct == pytest.approx(11)
    assert row.balance.efficiency_pct == pytest.approx(89)
    assert row.balance.uncertainty == pytest.approx(0.553e6, abs=500)
    assert row.balance.significant
    assert row.balance.loss_pct_per_km(20) == pytest.approx(0.5810, abs=5e-5)
    coarse = await report(
        known, water, "2026-07-2", datetime(2026, 8, 1, tzinfo=UTC), uncertainty_pct=dict.fromkeys(flows, 12.0)
    )
    balance = coarse.reaches[0].balance
    assert balance is not None
    assert not balance.significant, "the meters' own uncertainty may be given, and then decides"


def test_molden_and_gates_example() -> None:
    delivered = [[90, 80, 70, 85], [100, 95, 90, 100], [60, 50, 55, 40]]
    required = [[100] * 4, [90, 95, 90, 95], [100, 100, 90, 80]]
    periods = decades(date(2026, 5, 1), date(2026, 6, 10), "UTC")
    cells: list[list[Cell]] = [
        [(Amount(q, 100.0, float(q), False), r * p.seconds) for q, r, p in zip(got, wanted, periods, strict=True)]
        for got, wanted in zip(delivered, required, strict=True)
    ]
    found = indicators(["a", "b", "c"], cells, periods)
    assert found.season is not None
    assert found.season.adequacy == pytest.approx(0.788426, abs=1e-6)
    assert found.season.efficiency == pytest.approx(0.987500, abs=1e-6)
    assert found.season.equity == pytest.approx(0.252489, abs=1e-6)
    assert found.season.dependability == pytest.approx(0.076938, abs=1e-6)
    assert found.season.classes() == {
        "adequacy": "poor",
        "efficiency": "good",
        "equity": "poor",
        "dependability": "good",
    }
    assert (found.decades, found.of_decades) == (4, 4)


def test_a_dead_meter_silences_its_user_and_not_all() -> None:
    periods = decades(date(2026, 5, 1), date(2026, 6, 10), "UTC")
    good: list[Cell] = [(Amount(p.seconds, 100.0, 1.0, False), p.seconds) for p in periods]
    dead: list[Cell] = [(Amount(None, 0.0, None, True), p.seconds) for p in periods]
    once: list[Cell] = [*good[:2], dead[2], good[3]]
    found = indicators(["good", "dead", "once"], [good, dead, once], periods)
    assert found.left_out == ("dead",)
    assert (found.decades, found.of_decades) == (3, 4)
    nobody = indicators(["dead"], [dead], periods)
    assert nobody.season is None
    assert nobody.decade is None


async def test_a_gap_is_not_filled() -> None:
    plan = {"year": 2026, "jul": [1.0, 1.0, 1.0]}
    known = registry("UTC", [meter("canal")], users=[user(["canal"], plans=[plan])])
    silent = (datetime(2026, 7, 13, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC))

    def flow(t: datetime) -> float | None:
        return None if silent[0] < t < silent[1] else 1.0

    water = [hourly("canal", "UTC", date(2026, 7, 11), date(2026, 7, 20), flow)]
    row = (await report(known, water, "2026-07-2", datetime(2026, 8, 1, tzinfo=UTC))).users[0]
    assert row.delivered.volume_m3 == pytest.approx(8 * 86_400)
    assert row.delivered.coverage_pct == pytest.approx(80)
    assert row.delivered.provisional
    assert row.of_plan_pct == pytest.approx(80)
    assert row.deviation is None, "a class is not given on four fifths"
    assert row.share is None
    assert row.alarm is Alarm.NONE


@pytest.mark.parametrize(("flag", "coverage"), [(3, 100.0), (4, 0.0)])
async def test_suspect_readings_count_and_failed_ones_do_not(flag: int, coverage: float) -> None:
    known = registry("UTC", [meter("canal")], users=[user(["canal"])])
    water = [hourly("canal", "UTC", date(2026, 7, 11), date(2026, 7, 20), lambda t: 1.0, flag)]
    row = (await report(known, water, "2026-07-2", datetime(2026, 8, 1, tzinfo=UTC))).users[0]
    assert row.delivered.coverage_pct == pytest.approx(coverage)
    assert row.suspect == (1.0 if flag == 3 else 0.0)


async def test_a_user_of_two_turnouts_of_which_one_is_silent() -> None:
    known = registry("UTC", [meter("east"), meter("west")], users=[user(["east", "west"])])
    water = [hourly("east", "UTC", date(2026, 7, 11), date(2026, 7, 20), lambda t: 1.0)]
    row = (await report(known, water, "2026-07-2", datetime(2026, 8, 1, tzinfo=UTC))).users[0]
    assert row.delivered.volume_m3 == pytest.approx(864_000)
    assert row.delivered.coverage_pct == pytest.approx(50)
    assert row.delivered.covered_mean_m3s is None
    assert row.delivered.provisional


async def test_integration_by_steps_where_it_is_asked_for() -> None:
    known = registry("UTC", [meter("canal")], users=[user(["canal"])])
    opened = datetime(2026, 7, 15, tzinfo=UTC)
    water = [hourly("canal", "UTC", date(2026, 7, 11), date(2026, 7, 20), lambda t: 2.0 if t >= opened else 0.0)]
    now = datetime(2026, 8, 1, tzinfo=UTC)
    slope = (await report(known, water, "2026-07-2", now)).users[0].delivered.volume_m3
    steps = (await report(known, water, "2026-07-2", now, integration={"canal": "step"})).users[0].delivered.volume_m3
    assert steps == pytest.approx(6 * 86_400 * 2.0)
    assert slope == pytest.approx(6 * 86_400 * 2.0 + 3600)


async def test_a_period_that_is_not_over_is_counted_up_to_now() -> None:
    plan = {"year": 2026, "jul": [1.0, 1.0, 1.0]}
    known = registry("UTC", [meter("canal")], users=[user(["canal"], plans=[plan])])
    water = [hourly("canal", "UTC", date(2026, 7, 11), date(2026, 7, 14), lambda t: 1.0)]
    found = await report(known, water, "2026-07-2", datetime(2026, 7, 15, tzinfo=UTC))
    assert found.unfinished
    assert found.users[0].plan_m3 == pytest.approx(4 * 86_400)
    assert found.users[0].of_plan_pct == pytest.approx(100)
    with pytest.raises(ReportError, match="has not begun"):
        await report(known, water, "2026-07-3", datetime(2026, 7, 15, tzinfo=UTC))


async def test_a_wrong_meter_in_the_settings_is_named() -> None:
    known = registry("UTC", [meter("canal")])
    with pytest.raises(ReportError, match="uncertainty_pct: there is no station 'cannal'"):
        await report(known, [], "2026-07-2", datetime(2026, 8, 1, tzinfo=UTC), uncertainty_pct={"cannal": 5})


def test_the_district_is_named_where_there_are_two() -> None:
    two = registry("UTC", [])
    two = two.model_copy(update={"districts": {**two.districts, "e": two.districts["d"]}})
    assert choose_district(example(), None) == "talas"
    assert choose_district(two, "e") == "e"
    with pytest.raises(ReportError, match="the registry has d, e"):
        choose_district(two, None)
    with pytest.raises(ReportError, match="no district 'x'"):
        choose_district(two, "x")


async def test_a_store_with_nothing_in_it_makes_a_report_that_says_so() -> None:
    known = registry("UTC", [meter("canal")], users=[user(["canal"])])
    found = await report(known, [], "2026-07-2", datetime(2026, 8, 1, tzinfo=UTC))
    assert found.users[0].delivered == Amount(None, 0.0, None, True)
    assert found.first_reading is None
    assert found.silent


async def test_readings_of_before_and_after_are_none_of_the_period() -> None:
    known = registry("UTC", [meter("canal")], users=[user(["canal"])])
    water = [hourly("canal", "UTC", date(2026, 7, 1), date(2026, 7, 9), lambda t: 1.0)]
    now = datetime(2026, 8, 1, tzinfo=UTC)
    assert (await report(known, water, "2026-07-2", now)).silent
    after = [hourly("canal", "UTC", date(2026, 7, 21), date(2026, 7, 22), lambda t: 1.0)]
    assert (await report(known, after, "2026-07-2", now)).silent
    assert not (await report(known, water, "2026-07-1", now)).silent


async def test_the_example_hangs_together() -> None:
    found = await example_report()
    assert [row.user.id for row in found.users] == [user.id for user in example().users]
    assert [row.user.id for row in found.users if row.delivered.provisional] == ["dostyk"]
    by_id = {row.user.id: row for row in found.users}
    assert by_id["birlik"].alarm is Alarm.PROJECTED
    assert by_id["saryozek"].deviation is Deviation.WARN
    assert by_id["orchard-of-sadyr"].suspect > 0.1
    upper, middle, lower = found.reaches
    assert upper.balance is not None
    assert not upper.balance.significant
    assert not middle.judged
    assert lower.balance is not None
    assert lower.balance.significant
    basin = found.reservoirs[0]
    assert basin.rest_m3 is not None
    # What the balance leaves over is the evaporation that the sample takes: 5 mm a day from about 6.5 km2.
    assert 0.2e6 < basin.rest_m3 < 0.45e6
    assert {row.station.id for row in found.posts}.isdisjoint(
        {turnout for u in example().users for turnout in u.turnouts}
    )
    assert found.first_reading == found.season.start
    assert local_day(found.period.end - timedelta(seconds=1), ALMATY) == date(2026, 7, 20)
    sums = {one.period.name: one for one in found.decades}
    assert sums["2026-07 II"].provisional
    assert sums["2026-05 II"].delivered_m3 < 0.9 * sums["2026-05 II"].plan_m3  # type: ignore[operator]

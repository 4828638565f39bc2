from datetime import UTC, date, datetime, timedelta

import pytest

from hydrology.registry import FlowHistory, Heads, Rating, moment
from wire.flags import Flag

ZONE = "Asia/Almaty"
SEGMENTS = [{"a": 8.0, "e_m": 0.2, "b": 1.5}, {"a": 10.488783, "e_m": 0.35, "b": 5 / 3, "start_m": 1.2}]


def rating(**keys: object) -> Rating:
    return Rating.model_validate({"effective_from": date(2026, 4, 1), "segments": SEGMENTS} | keys)


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_the_references_segments() -> None:
    history = FlowHistory([rating()], ZONE)
    when = at(date(2026, 5, 1))
    assert history.discharge(when, Heads(1.2)).value_m3s == pytest.approx(8.0, rel=1e-6)
    assert history.discharge(when, Heads(2.0)).value_m3s == pytest.approx(24.1656, abs=1e-4)


def test_the_references_shift_halfway_between_two_dates() -> None:
    shifts = [
        {"effective_from": date(2026, 5, 1)},
        {"effective_from": date(2026, 5, 11), "points": [[0.5, 0.03], [1.5, 0.0]]},
    ]
    history = FlowHistory([rating(segments=SEGMENTS[:1], shifts=shifts)], ZONE)
    halfway = moment(date(2026, 5, 6), ZONE)
    answer = history.discharge(halfway, Heads(1.0))
    assert answer.value_m3s == pytest.approx(5.8050, abs=1e-4)
    assert answer.source.endswith("shift +0.007 m")


def test_a_date_begins_at_local_midnight() -> None:
    history = FlowHistory([rating()], ZONE)
    midnight = datetime(2026, 3, 31, 19, tzinfo=UTC)
    assert history.in_force(midnight) is not None
    before = history.discharge(midnight - timedelta(seconds=1), Heads(1.0))
    assert (before.flag, before.value_m3s) == (Flag.FAIL, None)
    assert "no rating is in force" in before.notes[0]


def test_the_later_rating_takes_over_and_ends() -> None:
    late = rating(name="late", effective_from=date(2026, 6, 1), effective_to=date(2026, 7, 1))
    history = FlowHistory([late, rating(name="early")], ZONE)
    found = [history.in_force(at(date(2026, month, 15))) for month in (5, 6, 7)]
    assert [one and one.rating.name for one in found] == ["early", "late", None]


def test_a_structure_has_its_head_above_the_crest() -> None:
    gate = {"kind": "sluice_gate", "width_m": 2.0}
    made = rating(segments=[], structure=gate, opening="gate", tail="tail", crest_m=10.0)
    answer = FlowHistory([made], ZONE).discharge(at(date(2026, 5, 1)), Heads(11.5, 11.2, 0.3))
    assert answer.value_m3s == pytest.approx(0.97676, rel=1e-3)
    assert answer.regime == "submerged orifice"


def test_in_winter_the_rating_of_open_water_is_doubted() -> None:
    history = FlowHistory([rating(ice_months=[11, 12])], ZONE)
    assert history.discharge(at(date(2026, 10, 30)), Heads(1.0)).flag is Flag.PASS
    # 19:00 UTC is the first of November at the gauge.
    winter = history.discharge(at(date(2026, 10, 31), 19), Heads(1.0))
    assert winter.flag is Flag.SUSPECT
    assert winter.notes[0].startswith("ICE")


def test_no_level_is_no_discharge() -> None:
    history = FlowHistory([rating()], ZONE)
    assert history.discharge(at(date(2026, 5, 1)), Heads()).flag is Flag.MISSING


@pytest.mark.parametrize(
    "ratings",
    [[rating(effective_to=date(2026, 3, 1))], [rating(), rating(name="again")]],
    ids=["ends early", "same day"],
)
def test_impossible_dates_are_refused(ratings: list[Rating]) -> None:
    with pytest.raises(ValueError, match=r"ends before it begins|begin at the same time"):
        FlowHistory(ratings, ZONE)

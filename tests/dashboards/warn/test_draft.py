from dataclasses import replace

import pytest

from dashboards.warn.check import check
from dashboards.warn.draft import NothingToWarnError, Place, draft_warning
from dashboards.warn.gauge import gauge_state
from hydrology.cap import Alert, CapStatus, Certainty, to_xml
from hydrology.cap_words import LANGUAGES
from hydrology.warnings import LevelName
from tests.dashboards.warn.gauges import AT, AT_MS, QUARTER_MS, bridge, rising, with_thresholds

PLACE = Place(dict.fromkeys(LANGUAGES, "Bridge"), centre=(42.512, 72.214))


def draft(level_m: float, per_h: float, late_ms: int = 0, flag: int = 1, wanted: LevelName | None = None) -> Alert:
    state = gauge_state(bridge(), rising(level_m, per_h, flag=flag), AT_MS + late_ms)
    return draft_warning(state, PLACE, sender="duty@office.example", zone="Asia/Almaty", now=AT, wanted=wanted)


def test_a_raised_gauge_gives_a_draft_in_three_languages() -> None:
    alert = draft(3.9, 0.05)
    assert alert.status is CapStatus.DRAFT
    assert [info.language for info in alert.infos] == list(LANGUAGES)
    assert {info.certainty for info in alert.infos} == {Certainty.OBSERVED}
    english = alert.infos[2]
    assert english.headline == "Bridge: water level 390 cm, adverse level (НЯ) 380 cm"
    assert "At 29.04.2026 09:00 the water level was 390 cm above gauge zero" in english.description
    assert "Change in 24 hours: +120 cm." in english.description
    found = check(to_xml(alert))
    assert found.faults == ()
    assert found.schema_checked


def test_below_all_thresholds_the_trend_names_the_next_with_its_spread() -> None:
    alert = draft(2.5, 0.05)
    english = alert.infos[2]
    assert "this is not a forecast" in english.description
    assert english.certainty is Certainty.POSSIBLE
    parameters = dict(english.parameters)
    assert (
        float(parameters["trend_earliest_h"]) <= float(parameters["trend_hours"]) <= float(parameters["trend_latest_h"])
    )
    assert parameters["trend_label"] == "persistence of trend, not a forecast"
    assert parameters["threshold"] == "action"


def test_a_suspect_reading_is_drafted_and_says_so() -> None:
    assert "in doubt" in draft(3.9, 0.05, flag=3).infos[2].description


def test_no_draft_from_an_unknown_gauge() -> None:
    with pytest.raises(NothingToWarnError, match="unknown, which is not safe: its last usable reading is 75 min old"):
        draft(3.9, 0.05, late_ms=5 * QUARTER_MS, wanted=LevelName.MAJOR)
    state = gauge_state(bridge(), [], AT_MS)
    with pytest.raises(NothingToWarnError, match="it has no usable reading"):
        draft_warning(state, PLACE, sender="a@b", zone="UTC", now=AT)


def test_no_draft_from_a_quiet_one_but_by_name() -> None:
    with pytest.raises(NothingToWarnError, match="below its thresholds"):
        draft(1.0, 0.0)
    assert "Bridge" in draft(1.0, 0.0, wanted=LevelName.MAJOR).infos[0].headline


def test_a_falling_gauge_is_not_said_to_rise() -> None:
    english = draft(3.9, -0.05).infos[2]
    assert english.event == "High water level"
    assert "has been falling by about 5 cm an hour; this is not a forecast" in english.description
    assert draft(3.9, 0.05).infos[2].event == "Rising water level"
    assert draft(3.9, 0.0).infos[2].event == "High water level"


def test_a_discharge_with_thresholds_gives_a_draft_and_a_battery_none() -> None:
    rows = rising(130.0, 2.0)
    alert = draft_warning(
        gauge_state(with_thresholds("discharge", "m3/s"), rows, AT_MS),
        PLACE,
        sender="a@b.kz",
        zone="Asia/Almaty",
        now=AT,
    )
    english = alert.infos[2]
    assert english.event == "Rising discharge"
    assert (
        "the discharge was 130.000 m³/s. That is 10.000 m³/s above the minor flood level (120.000 m³/s)"
        in english.description
    )
    assert check(to_xml(alert)).faults == ()
    battery = gauge_state(with_thresholds("battery_voltage", "V"), rows, AT_MS)
    with pytest.raises(
        NothingToWarnError, match="measures battery_voltage, and a warning for the public is of one of level"
    ):
        draft_warning(battery, PLACE, sender="a@b.kz", zone="Asia/Almaty", now=AT)


def test_an_area_is_a_polygon_a_circle_or_a_name() -> None:
    square = ((51.0, 51.0), (51.0, 52.0), (52.0, 52.0), (51.0, 51.0))
    assert PLACE.area("kk-KZ").circles == (((42.512, 72.214), 5.0),)
    assert replace(PLACE, polygon=square).area("kk-KZ").polygons == (square,)
    assert replace(PLACE, polygon=square).area("kk-KZ").circles == ()
    assert replace(PLACE, centre=None).area("kk-KZ").circles == ()

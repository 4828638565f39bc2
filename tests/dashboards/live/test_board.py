"""The board: which sensor speaks for a station, the order, the sentence's parts, silent gateways."""

from dashboards.live.board import Board, beside, build, catalogue, judged, judged_keys, sensors_in_order
from dashboards.live.knowledge import Knowledge
from hydrology.registry import District, Gateway, Registry, Sensor, Station, Thresholds
from store.buckets import plain
from store.points import Latest, SeriesKey

NOW_MS = 1_795_424_700_000
MINUTE_MS = 60_000
HIGH = Thresholds(action=1.0, minor=2.0, moderate=3.0, major=4.0)


def sensor(
    id_: str, quantity: str = "level", unit: str = "m", thresholds: Thresholds = HIGH, gateway: str = "gw"
) -> Sensor:
    return Sensor(id=id_, gateway=gateway, quantity=quantity, unit=unit, thresholds=thresholds)


def station(id_: str, *sensors: Sensor, name: str = "") -> Station:
    return Station(id=id_, name=name or id_, district="chu", sensors=list(sensors))


def registry(*stations: Station) -> Registry:
    gateways = sorted({one.gateway for place in stations for one in place.sensors})
    return Registry(
        districts={"chu": District(name="Chu", timezone="Asia/Bishkek")},
        gateways=[Gateway(id=id_, district="chu") for id_ in gateways],
        stations=list(stations),
    )


def levels(**values: tuple[float | None, int]) -> Knowledge:
    """By station: the value of its level, and its age in minutes."""
    knowledge = Knowledge()
    latest = {}
    for id_, (value, age_min) in values.items():
        at = NOW_MS - age_min * MINUTE_MS
        latest[SeriesKey("level", id_, f"{id_}-l")] = Latest(at, value, 1, at)
    knowledge.take_latest(latest, NOW_MS)
    return knowledge


def board_of(**values: tuple[float | None, int]) -> Board:
    stations = [station(id_, sensor(f"{id_}-l", gateway=f"gw-{id_}")) for id_ in values]
    return build(registry(*stations), levels(**values), NOW_MS)


def test_the_worst_stands_first_and_silent_comes_before_normal() -> None:
    board = board_of(calm=(0.5, 5), flood=(3.5, 5), silent=(0.5, 300), warned=(2.5, 5), acted=(1.2, 5))
    assert board.order == ["flood", "warned", "acted", "silent", "calm"]


def test_among_silent_stations_the_longest_silent_stands_first() -> None:
    board = board_of(b=(0.5, 60), a=(0.5, 45), c=(0.5, 600))
    assert board.order == ["c", "b", "a"]


def test_among_the_punctual_the_name_decides_and_a_late_one_stands_before_them() -> None:
    board = board_of(zulu=(0.5, 3), alpha=(0.5, 9), late=(0.5, 25))
    assert board.order == ["late", "alpha", "zulu"]


def test_the_sentence_counts_every_station_once_worst_first() -> None:
    board = board_of(a=(3.5, 5), b=(4.5, 5), c=(0.5, 505), d=(0.5, 5))
    assert [(part["state"], part["count"]) for part in board.summary] == [("danger", 2), ("stale", 1), ("normal", 1)]
    silent = board.summary[1]
    assert silent["since_ms"] == NOW_MS - 505 * MINUTE_MS
    assert silent["zone"] == "Asia/Bishkek"
    assert silent["together"] is True


def test_stations_that_fell_silent_at_different_times_are_not_said_to_be_together() -> None:
    board = board_of(a=(0.5, 60), b=(0.5, 300))
    assert board.summary[0]["together"] is False
    assert board.summary[0]["since_ms"] == NOW_MS - 300 * MINUTE_MS


def test_a_station_never_seen_waits() -> None:
    board = build(registry(station("new", sensor("new-l"))), Knowledge(), NOW_MS)
    assert board.stations["new"]["state"] == "waiting"
    assert board.summary == [{"state": "waiting", "count": 1}]
    assert board.gateways == []


def test_a_station_without_sensors_waits() -> None:
    board = build(registry(station("bare")), Knowledge(), NOW_MS)
    assert board.stations["bare"]["head"] is None
    assert board.stations["bare"]["state"] == "waiting"


def test_the_sensor_in_the_worst_state_speaks_for_its_station() -> None:
    place = station("dam", sensor("l"), sensor("f", "discharge", "m3/s"))
    knowledge = Knowledge()
    latest = {
        SeriesKey("level", "dam", "l"): Latest(NOW_MS, 0.5, 1, NOW_MS),
        SeriesKey("discharge", "dam", "f"): Latest(NOW_MS, 2.2, 1, NOW_MS),
    }
    knowledge.take_latest(latest, NOW_MS)
    record = build(registry(place), knowledge, NOW_MS).stations["dam"]
    assert (record["state"], record["head"]) == ("warning", "discharge/f")


def test_a_sensor_without_thresholds_does_not_decide_where_another_has_some() -> None:
    place = station("dam", sensor("t", "water_temperature", "Cel", Thresholds()), sensor("v", "volume", "m3"))
    assert [one.id for one in judged(place)] == ["v"]
    assert [one.id for one in sensors_in_order(place)] == ["v", "t"]


def test_without_thresholds_the_first_of_the_water_speaks_and_never_the_battery() -> None:
    place = station(
        "gauge",
        sensor("b", "battery_voltage", "V", Thresholds()),
        sensor("f", "discharge", "m3/s", Thresholds()),
        sensor("l", "level", "m", Thresholds()),
    )
    assert [one.id for one in judged(place)] == ["l"]
    assert judged_keys(registry(place)) == [SeriesKey("level", "gauge", "l")]


def test_a_suspect_flood_peak_is_still_danger() -> None:
    knowledge = Knowledge()
    knowledge.take_latest({SeriesKey("level", "a", "a-l"): Latest(NOW_MS, 4.2, 3, NOW_MS)}, NOW_MS)
    record = build(registry(station("a", sensor("a-l"))), knowledge, NOW_MS).stations["a"]
    assert record["state"] == "danger"
    assert record["sensors"]["level/a-l"][1] == 3


def test_a_failed_value_does_not_raise_an_alarm() -> None:
    knowledge = levels(a=(0.5, 10))
    knowledge.take_latest({SeriesKey("level", "a", "a-l"): Latest(NOW_MS, 99.99, 4, NOW_MS)}, NOW_MS)
    record = build(registry(station("a", sensor("a-l"))), knowledge, NOW_MS).stations["a"]
    assert record["state"] == "normal"
    assert record["sensors"]["level/a-l"][:4] == [0.5, 1, NOW_MS - 10 * MINUTE_MS, NOW_MS]


def test_a_missing_reading_leaves_the_last_value_with_its_own_time() -> None:
    knowledge = Knowledge()
    before = NOW_MS - 40 * MINUTE_MS
    knowledge.take_latest({SeriesKey("level", "a", "a-l"): Latest(NOW_MS, 0.5, 9, before)}, NOW_MS)
    record = build(registry(station("a", sensor("a-l"))), knowledge, NOW_MS).stations["a"]
    assert record["state"] == "stale"
    assert record["sensors"]["level/a-l"][2:4] == [before, NOW_MS]


def test_a_gateway_is_silent_when_none_of_its_sensors_speaks() -> None:
    place = station("a", sensor("a-l"), sensor("bat", "battery_voltage", "V", Thresholds()))
    knowledge = levels(a=(0.5, 120))
    silent = build(registry(place), knowledge, NOW_MS).gateways
    assert [(one["id"], one["since_ms"], one["stations"]) for one in silent] == [
        ("gw", NOW_MS - 120 * MINUTE_MS, ["a"])
    ]
    speaking = {SeriesKey("battery_voltage", "a", "bat"): Latest(NOW_MS, 12.4, 1, NOW_MS)}
    knowledge.take_latest(speaking, NOW_MS)
    assert build(registry(place), knowledge, NOW_MS).gateways == []


def test_the_change_and_the_small_line_come_from_the_last_day() -> None:
    knowledge = levels(a=(0.75, 0))
    key = SeriesKey("level", "a", "a-l")
    knowledge.take_history(key, plain([(NOW_MS - 86_400_000, 0.5, 1), (NOW_MS, 0.75, 1)]), NOW_MS)
    record = build(registry(station("a", sensor("a-l"))), knowledge, NOW_MS).stations["a"]
    assert record["change"] == 0.25
    assert record["spark"]["steps"][-1] is not None


def test_last_days_are_due_once_seen_and_again_after_a_while() -> None:
    knowledge = levels(a=(0.5, 0), b=(0.5, 0))
    keys = [SeriesKey("level", "a", "a-l"), SeriesKey("level", "b", "b-l"), SeriesKey("level", "new", "new-l")]
    assert knowledge.due(keys, NOW_MS, 600_000) == keys[:2]
    knowledge.take_history(keys[0], plain([]), NOW_MS)
    assert knowledge.due(keys, NOW_MS, 600_000) == keys[1:2]
    assert knowledge.due(keys, NOW_MS + 600_000, 600_000) == [keys[1], keys[0]]


def test_the_catalogue_has_the_fields_own_units() -> None:
    place = station("dam", sensor("v", "volume", "m3"), sensor("l"), sensor("f", "discharge", "m3/s"))
    sensors = catalogue(registry(place), "cm")["dam"]["sensors"]
    assert (sensors["volume/v"]["unit"], sensors["volume/v"]["scale"]) == ("million m³", 1e-6)
    assert (sensors["level/l"]["unit"], sensors["level/l"]["scale"], sensors["level/l"]["decimals"]) == ("cm", 100, 0)
    assert sensors["discharge/f"]["unit"] == "m³/s"
    assert catalogue(registry(place), "m")["dam"]["sensors"]["level/l"]["unit"] == "m"


def test_a_reservoirs_filling_stands_beside_its_level_and_a_gauges_discharge_beside_its_own() -> None:
    level, full, useful = sensor("l"), sensor("full", "fill", "%"), sensor("useful", "fill", "%")
    volume, flow = sensor("v", "volume", "m3"), sensor("q", "discharge", "m3/s")
    assert beside(station("dam", level, volume, flow, full, useful), level) is full
    assert beside(station("dam", volume, full), volume) is full
    assert beside(station("gauge", level, flow), level) is flow
    assert beside(station("gauge", level, flow), flow) is None
    assert beside(station("gauge", level), level) is None
    record = build(registry(station("dam", level, full)), Knowledge(), NOW_MS).stations["dam"]
    assert record["beside"] == "fill/full"


def test_two_series_of_one_title_are_told_apart() -> None:
    flows = [
        Sensor(id=id_, gateway="gw", quantity="discharge", unit="m3/s", title="Discharge, rated")
        for id_ in ("spillway", "outlet")
    ]
    sensors = catalogue(registry(station("dam", *flows)), "m")["dam"]["sensors"]
    assert [one["title"] for one in sensors.values()] == ["Discharge, rated: spillway", "Discharge, rated: outlet"]

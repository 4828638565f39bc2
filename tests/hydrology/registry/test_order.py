from hydrology.registry import Station, along_water
from hydrology.registry.order import by_number


def station(name: str, water: str = "canal", km: float | None = None) -> Station:
    return Station(id=name, name=name, district="d", river_or_canal=water, km=km)


def test_stations_stand_along_their_water() -> None:
    given = [
        station("canal-km17", km=17.0),
        station("river", "river"),
        station("canal-km8", km=8.0),
        station("x", km=0),
    ]
    assert [one.id for one in along_water(given)] == ["x", "canal-km8", "canal-km17", "river"]


def test_where_no_km_is_given_numbers_in_the_id_count_as_numbers() -> None:
    given = [station(name) for name in ("well-10", "well-9", "Well-2", "well")]
    assert [one.id for one in along_water(given)] == ["well", "Well-2", "well-9", "well-10"]
    assert [one.id for one in along_water([station("a-1"), station("z-2", km=3.0)])] == ["z-2", "a-1"]
    assert by_number("km8b2") < by_number("km17") < by_number("km17a")

import pytest

from hydrology.wells import Well, barometer_at, barometric_efficiency, well_level
from wire.flags import Flag

WELL = Well(cable_m=25.0, measuring_point_m=431.20)


def test_groundwater_vector() -> None:
    level = well_level(WELL, 145_000, 93_200, temperature_c=12)
    assert level.head_m == pytest.approx(5.2848, abs=5e-5)
    assert level.depth_to_water_m == pytest.approx(19.7152, abs=5e-5)
    assert level.elevation_m == pytest.approx(411.4848, abs=5e-5)
    assert level.flag is Flag.PASS


def test_no_barometer_no_level() -> None:
    level = well_level(WELL, 145_000, None)
    assert level.elevation_m is None
    assert level.flag is Flag.FAIL


def test_dry_sensor_is_suspect() -> None:
    assert well_level(WELL, 93_000, 93_200).flag is Flag.SUSPECT


def test_barometer_is_interpolated_within_an_hour() -> None:
    times, values = [0.0, 3600.0], [93_000.0, 93_200.0]
    assert barometer_at(1800, times, values) == pytest.approx(93_100)
    assert barometer_at(3600, times, values) == 93_200
    assert barometer_at(7200, times, values) == 93_200
    assert barometer_at(7201, times, values) is None
    assert barometer_at(-1, times, values) == 93_000
    assert barometer_at(0, [], []) is None


def test_barometer_across_a_gap_takes_the_near_side_only() -> None:
    assert barometer_at(1000, [0.0, 90_000.0], [1.0, 2.0]) == 1.0


def test_barometric_efficiency_of_a_made_series() -> None:
    baro = [93_000.0, 93_400.0, 92_900.0, 93_100.0]
    weight = 999.5005 * 9.80665
    heads = [5.0 - 0.4 * (b - baro[0]) / weight for b in baro]
    assert barometric_efficiency(heads, baro) == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize("baro", [[1.0, 1.0, 1.0], [1.0, 2.0]])
def test_barometric_efficiency_needs_a_barometer_that_moves(baro: list[float]) -> None:
    with pytest.raises(ValueError, match=r"moved|pairs"):
        barometric_efficiency([1.0, 2.0, 3.0][: len(baro)], baro)

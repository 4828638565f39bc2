from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.quality import SeriesJudge
from hydrology.quality.checks import range_flag
from hydrology.registry.quality import Quality, to_rules
from hydrology.sensors import (
    counter_step,
    current_loop,
    drift_correction_m,
    ec25,
    encoder_circumference_m,
    encoder_stage_m,
    head_from_pressure_m,
    local_gravity,
    loop_spans,
    sound_speed_m_s,
    staff_agrees,
    stage_from_absolute_pressure,
    stage_from_distance,
    standard_atmosphere_pa,
    ultrasonic_distance_m,
    water_density_kg_m3,
)
from wire.flags import Flag


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [(0, 999.8428), (4, 999.97495), (10, 999.7027), (15, 999.1026), (20, 998.2067), (25, 997.0470), (30, 995.6488)],
)
def test_water_density_tanaka_2001(celsius: float, expected: float) -> None:
    assert water_density_kg_m3(celsius) == pytest.approx(expected, abs=1e-3)


@given(st.floats(0, 40))
def test_water_density_agrees_with_kell_1975(t: float) -> None:
    top = 999.83952 + 16.945176 * t - 7.9870401e-3 * t**2 - 46.170461e-6 * t**3 + 105.56302e-9 * t**4
    kell = (top - 280.54253e-12 * t**5) / (1 + 16.879850e-3 * t)
    assert water_density_kg_m3(t) == pytest.approx(kell, abs=0.0036)


def test_ten_kilopascal_at_twenty_degrees() -> None:
    assert head_from_pressure_m(10_000, 20) == pytest.approx(1.02155, abs=1e-5)


def test_one_hectopascal_is_ten_millimetres() -> None:
    assert head_from_pressure_m(100) == pytest.approx(0.0102, abs=5e-5)


def test_absolute_logger_with_barometer() -> None:
    level = stage_from_absolute_pressure(111_325, 101_325, 0.25)
    assert level.flag is Flag.PASS
    assert level.value_m == pytest.approx(1.27155, abs=1e-5)


@pytest.mark.parametrize(("baro", "age"), [(None, 0.0), (101_325.0, 3601.0), (101_325.0, -3601.0)])
def test_absolute_logger_without_contemporaneous_barometer_is_suspect(baro: float | None, age: float) -> None:
    level = stage_from_absolute_pressure(111_325, baro, 0.0, baro_age_s=age)
    assert level.flag is Flag.SUSPECT
    assert level.value_m == pytest.approx(1.02155, abs=1e-5)


@pytest.mark.parametrize(
    ("elevation", "expected"), [(0, 101325), (200, 98945), (500, 95461), (1000, 89875), (2000, 79495)]
)
def test_standard_atmosphere(elevation: float, expected: float) -> None:
    assert standard_atmosphere_pa(elevation) == pytest.approx(expected, abs=0.6)


def test_standard_atmosphere_refuses_space() -> None:
    with pytest.raises(ValueError, match="outside"):
        standard_atmosphere_pa(20_000)


def test_local_gravity_is_within_a_third_of_a_percent_of_standard() -> None:
    assert local_gravity(45.0) == pytest.approx(9.80620, abs=1e-4)
    assert local_gravity(43.2, 800) == pytest.approx(9.80665, rel=3e-3)


def test_radar_five_metres_at_ten_degrees() -> None:
    level = stage_from_distance(5.0, 6.0, tilt_deg=10)
    assert level.value_m == pytest.approx(6.0 - 4.9240, abs=1e-4)
    assert level.flag is Flag.PASS


@pytest.mark.parametrize("distance", [0.1, 15.0])
def test_radar_in_the_blanking_zone_or_beyond_range_fails(distance: float) -> None:
    level = stage_from_distance(distance, 6.0, blanking_m=0.2, max_range_m=10)
    assert level.value_m is None
    assert level.flag is Flag.FAIL


def test_radar_cannot_look_sideways() -> None:
    with pytest.raises(ValueError, match="tilt"):
        stage_from_distance(1.0, 2.0, tilt_deg=90)


@pytest.mark.parametrize(("celsius", "expected"), [(-20, 318.94), (0, 331.30), (20, 343.21), (40, 354.73)])
def test_sound_speed(celsius: float, expected: float) -> None:
    assert sound_speed_m_s(celsius) == pytest.approx(expected, abs=0.005)


def test_ultrasonic_twenty_kelvin_on_five_metres() -> None:
    assert ultrasonic_distance_m(5.0, 40, 20) - 5.0 == pytest.approx(0.17, abs=0.005)


def test_encoder() -> None:
    assert encoder_stage_m(250, encoder_circumference_m(0.1), 500, 1.0) == pytest.approx(1.1570796)


@pytest.mark.parametrize(
    ("current", "value", "flag"),
    [
        (3.6, None, Flag.FAIL),
        (3.7, -0.09375, Flag.SUSPECT),
        (3.8, -0.0625, Flag.PASS),
        (4.0, 0.0, Flag.PASS),
        (12.0, 2.5, Flag.PASS),
        (20.5, 5.15625, Flag.PASS),
        (20.7, 5.21875, Flag.SUSPECT),
        (21.0, None, Flag.FAIL),
    ],
)
def test_namur_ne_43_span_0_to_5_m(current: float, value: float | None, flag: Flag) -> None:
    reading = current_loop(current, 0.0, 5.0)
    assert reading.flag is flag
    assert reading.value == (None if value is None else pytest.approx(value))


@given(st.floats(3.0, 22.0))
def test_namur_ne_43_as_spans_of_the_value(current: float) -> None:
    works, valid = loop_spans(0.0, 5.0)
    value = (current - 4) / 16 * 5
    flag = range_flag(value, works, valid)
    assert (
        flag == current_loop(current, 0.0, 5.0).flag or min(abs(current - edge) for edge in (3.6, 3.8, 20.5, 21)) < 1e-9
    )


@pytest.mark.parametrize(
    ("current", "flag"),
    [(3.6, 4), (3.61, 3), (3.7, 3), (3.8, 1), (4, 1), (12, 1), (20.5, 1), (20.7, 3), (20.99, 3), (21, 4)],
)
def test_namur_ne_43_in_the_streaming_engine(current: float, flag: int) -> None:
    rules = to_rules(Quality(loop=(0.0, 5.0)), None, None, "UTC")
    assert SeriesJudge(rules).judge(0, (current - 4) / 16 * 5).flag == flag


def test_a_loop_narrows_what_the_registry_allows() -> None:
    rules = to_rules(Quality(loop=(0.0, 5.0), range=(0.2, 9.0)), (-0.1, 4.0), None, "UTC")
    assert rules.suspect_span == (0.2, 5.15625)
    assert rules.fail_span == (-0.1, 4.0)
    with pytest.raises(ValueError, match="current loop"):
        to_rules(Quality(loop=(0.0, 5.0)), (8.0, 9.0), None, "UTC")


def test_counter_16_bit_rollover_65530_to_4_gives_10() -> None:
    step = counter_step(65530, 4, 65536)
    assert (step.counts, step.flag, step.event) == (10, Flag.PASS, "rollover")


def test_counter_reset_1200_to_7_gives_7_suspect() -> None:
    step = counter_step(1200, 7, 65536)
    assert (step.counts, step.flag, step.event) == (7, Flag.SUSPECT, "reset")


def test_counter_rollover_faster_than_the_span_is_a_reset() -> None:
    assert counter_step(65530, 4, 65536, max_counts=9).event == "reset"


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_counter_never_goes_back(old: int, new: int) -> None:
    assert counter_step(old, new, 65536, max_counts=inf).counts >= 0


def test_ec25() -> None:
    assert ec25(0.05, 25) == 0.05
    assert ec25(0.05, 15) == pytest.approx(0.05 / 0.809)


def test_drift_is_linear_between_two_checks_and_held_outside() -> None:
    assert drift_correction_m(5, 0, 0.01, 10, 0.03) == pytest.approx(0.02)
    assert drift_correction_m(-5, 0, 0.01, 10, 0.03) == 0.01
    assert drift_correction_m(50, 0, 0.01, 10, 0.03) == pytest.approx(0.03)
    with pytest.raises(ValueError, match="later"):
        drift_correction_m(5, 10, 0.01, 10, 0.03)


def test_staff_agreement() -> None:
    assert staff_agrees(1.006, 1.0)
    assert not staff_agrees(1.007, 1.0)
    assert staff_agrees(8.015, 8.0)

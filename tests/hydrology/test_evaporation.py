import pytest

from hydrology.evaporation import (
    air_pressure_kpa,
    evaporated_m3,
    extraterrestrial_mj,
    hargreaves_mm,
    pan_mm,
    reference_et_mm,
    saturation_kpa,
)


def test_fao_56_saturation_at_20_degrees() -> None:
    assert saturation_kpa(20) == pytest.approx(2.338, abs=5e-4)


def test_fao_56_pressure_at_1800_m() -> None:
    assert air_pressure_kpa(1800) == pytest.approx(81.756, abs=5e-3)


def test_fao_56_example_8_extraterrestrial_radiation() -> None:
    assert extraterrestrial_mj(-20, 246) == pytest.approx(32.194, abs=5e-3)


def test_fao_56_example_18_brussels() -> None:
    assert reference_et_mm(21.5, 12.3, 2.078, 1.409, 13.28, 100) == pytest.approx(3.879, abs=5e-3)


def test_fao_56_example_20_hargreaves() -> None:
    assert extraterrestrial_mj(45.72, 196) == pytest.approx(40.55, abs=0.02)
    assert hargreaves_mm(26.6, 14.8, 40.55) == pytest.approx(5.033, abs=5e-3)


def test_polar_night_and_day_have_an_answer() -> None:
    assert extraterrestrial_mj(80, 355) == pytest.approx(0, abs=1e-9)
    assert extraterrestrial_mj(80, 172) > 30
    with pytest.raises(ValueError, match="day_of_year"):
        extraterrestrial_mj(0, 0)


def test_pan_and_volume() -> None:
    assert pan_mm(10) == 7.0
    assert evaporated_m3(7, 50) == 350_000

import pytest

from hydrology.hydropower import (
    ecological_release,
    efficiency,
    energy_j,
    net_head_m,
    plant_factor,
    power_w,
    specific_use_m3_per_kwh,
)
from wire.flags import Flag


def test_power_and_specific_use_example() -> None:
    power = power_w(5, 12, 0.88)
    assert power / 1000 == pytest.approx(517.8, abs=0.05)
    assert specific_use_m3_per_kwh(5, power) == pytest.approx(34.76, abs=0.005)
    assert efficiency(power, 5, 12) == pytest.approx(0.88)


def test_head_energy_and_plant_factor() -> None:
    assert net_head_m(512.0, 499.5, 0.5) == 12.0
    assert net_head_m(499.0, 499.5) == 0.0
    energy = energy_j([(0, 500e3), (3600, 500e3), (7200, 0)])
    assert energy / 3.6e6 == pytest.approx(750)
    assert plant_factor(energy, 500e3, 2) == pytest.approx(0.75)


def test_ecological_release() -> None:
    assert ecological_release(1.2, 1.0).met is True
    short = ecological_release(0.7, 1.0)
    assert short.met is False
    assert short.short_m3s == pytest.approx(0.3)
    unknown = ecological_release(None, 1.0)
    assert unknown.met is None
    assert unknown.flag is Flag.MISSING


def test_impossible_efficiency() -> None:
    with pytest.raises(ValueError, match="efficiency"):
        power_w(5, 12, 1.2)
    with pytest.raises(ValueError, match="flow"):
        efficiency(1, 0, 1)

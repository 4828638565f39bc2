from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.physics.noise import ar1, gauss, lattice, mix, quantised, stream, uniform, waves

TIMES = st.floats(min_value=-1e9, max_value=4e9)


def spread(values: list[float]) -> tuple[float, float]:
    mean = sum(values) / len(values)
    return mean, sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def test_draws_have_the_distribution_they_say() -> None:
    mean, deviation = spread([gauss(7, n) for n in range(20_000)])
    assert abs(mean) < 0.03
    assert deviation == pytest.approx(1.0, abs=0.03)
    mean, deviation = spread([uniform(7, n) for n in range(20_000)])
    assert mean == pytest.approx(0.5, abs=0.01)
    assert deviation == pytest.approx(sqrt(1 / 12), abs=0.01)


def test_streams_of_one_seed_are_not_alike() -> None:
    left = [gauss(stream(1, "wave"), n) for n in range(5_000)]
    right = [gauss(stream(1, "pool"), n) for n in range(5_000)]
    assert abs(sum(a * b for a, b in zip(left, right, strict=True)) / 5_000) < 0.05


def test_the_same_seed_gives_the_same_bits_for_ever() -> None:
    assert mix(1, 2) == 0x131B7A54D371A836
    assert stream(1, "canal") == stream(1, "canal") != stream(2, "canal")


@given(TIMES)
def test_a_lattice_is_bounded_and_continuous(t: float) -> None:
    assert -1.0 <= lattice(3, t, 60.0) <= 1.0
    assert lattice(3, t + 0.001, 60.0) == pytest.approx(lattice(3, t, 60.0), abs=1e-3)


@pytest.mark.parametrize("tau_s", [300.0, 3_600.0])
def test_an_ar1_series_has_its_deviation_and_its_memory(tau_s: float) -> None:
    values = [ar1(5, n * 300.0, 300.0, tau_s) for n in range(20_000)]
    mean, deviation = spread(values)
    assert abs(mean) < 0.15
    assert deviation == pytest.approx(1.0, abs=0.1)
    lag = round(tau_s / 300.0)
    memory = sum(a * b for a, b in zip(values, values[lag:], strict=False)) / len(values) / deviation**2
    assert memory == pytest.approx(0.3679, abs=0.08)


def test_an_ar1_series_is_continuous_over_the_blocks_it_is_worked_out_in() -> None:
    for n in range(126, 131):
        edge = n * 300.0
        assert ar1(5, edge - 1e-6, 300.0, 3_600.0) == pytest.approx(ar1(5, edge, 300.0, 3_600.0), abs=1e-6)


def test_waves_have_a_deviation_near_one_and_are_continuous() -> None:
    mean, deviation = spread([waves(5, n * 0.37, 4.0) for n in range(40_000)])
    assert abs(mean) < 0.05
    assert deviation == pytest.approx(1.0, abs=0.05)
    assert waves(5, 8.0 - 1e-9, 4.0) == pytest.approx(waves(5, 8.0, 4.0), abs=1e-6)


@given(st.floats(min_value=-1e4, max_value=1e4))
def test_quantising_moves_a_value_by_half_a_step_at_most(value: float) -> None:
    assert abs(quantised(value, 0.001) - value) <= 0.0005 + 1e-9

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.warnings import Contingency, brier, kge, nse, pbias, persistence_index, rmse

OBSERVED = [10.0, 12, 20, 35, 50, 42, 30, 22, 16, 12]
SIMULATED = [11.0, 13, 18, 30, 46, 45, 33, 24, 17, 13]


def test_nse_rmse_and_pbias_vector() -> None:
    assert nse(OBSERVED, SIMULATED) == pytest.approx(0.958646, abs=5e-7)
    assert rmse(OBSERVED, SIMULATED) == pytest.approx(2.664583, abs=5e-7)
    assert pbias(OBSERVED, SIMULATED) == pytest.approx(-0.4016, abs=5e-5)


def test_kge_vector() -> None:
    got = kge(OBSERVED, SIMULATED)
    assert got.value == pytest.approx(0.939760, abs=5e-7)
    assert (got.r, got.alpha, got.beta) == pytest.approx((0.979812, 0.943385, 1.004016), abs=5e-7)


@pytest.mark.parametrize(("lead", "expected"), [(1, 0.916865), (2, 0.974196)])
def test_persistence_index_vector(lead: int, expected: float) -> None:
    assert persistence_index(OBSERVED, SIMULATED, lead) == pytest.approx(expected, abs=5e-7)


def test_persistence_itself_scores_0() -> None:
    assert persistence_index(OBSERVED, [0.0, *OBSERVED[:-1]], 1) == pytest.approx(0)


def test_contingency_vector() -> None:
    table = Contingency(8, 2, 4)
    assert table.pod == pytest.approx(0.8)
    assert table.far == pytest.approx(0.3333, abs=5e-5)
    assert table.csi == pytest.approx(0.5714, abs=5e-5)
    assert table.bias == pytest.approx(1.2)
    nothing = Contingency(0, 0, 0)
    assert (nothing.pod, nothing.far, nothing.csi, nothing.bias) == (None, None, None, None)


def test_brier() -> None:
    assert brier([0.9, 0.2], [True, False]) == pytest.approx(0.025)
    with pytest.raises(ValueError, match="outside"):
        brier([1.2], [True])
    with pytest.raises(ValueError, match="length"):
        brier([], [])


@given(st.lists(st.floats(1, 100), min_size=2, max_size=20, unique=True))
def test_a_perfect_simulation_scores_1(values: list[float]) -> None:
    assert nse(values, values) == 1
    assert kge(values, values).value == pytest.approx(1)


def test_scores_of_what_does_not_move() -> None:
    flat = [1.0, 1.0, 1.0]
    for score in (lambda: nse(flat, flat), lambda: kge(flat, flat), lambda: persistence_index(flat, flat, 1)):
        with pytest.raises(ValueError, match="move"):
            score()
    with pytest.raises(ValueError, match="lead"):
        persistence_index(flat, flat, 3)
    with pytest.raises(ValueError, match="sum to 0"):
        pbias([1.0, -1.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="same length"):
        rmse([1.0], [1.0])

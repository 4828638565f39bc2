import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.accounting import (
    Alarm,
    Deviation,
    Metered,
    cut,
    deviation,
    gini,
    head_tail_ratio,
    performance,
    reach_balance,
    share,
    variation,
)

QD = [[90, 80, 70, 85], [100, 95, 90, 100], [60, 50, 55, 40]]
QR = [[100] * 4, [90, 95, 90, 95], [100, 100, 90, 80]]


def test_projected_overrun_example() -> None:
    account = share(12.0e6, 9.0e6, 9.10e6, planned_m3s=2.0, remaining_days=20)
    assert account.projected_m3 / 1e6 == pytest.approx(12.556)
    assert account.projected_pct == pytest.approx(104.63, abs=0.005)
    assert account.alarm is Alarm.PROJECTED
    assert account.left_m3 == pytest.approx(2.9e6)
    assert account.of_plan_pct == pytest.approx(101.11, abs=0.005)


@pytest.mark.parametrize(
    ("delivered", "alarm"),
    [(7.9, Alarm.NONE), (8.0, Alarm.USED_80), (9.5, Alarm.USED_95), (10.0, Alarm.USED_95), (10.1, Alarm.OVER)],
)
def test_alarms_at_80_95_and_100_percent(delivered: float, alarm: Alarm) -> None:
    assert share(10.0, 10.0, delivered).alarm is alarm


def test_a_user_without_a_limit_or_plan_has_no_percentages() -> None:
    account = share(0.0, 0.0, 0.0)
    assert (account.of_limit_pct, account.of_plan_pct, account.projected_pct) == (None, None, None)
    with pytest.raises(ValueError, match="negative"):
        share(-1.0, 0.0, 0.0)


def test_deviation_bands() -> None:
    assert deviation(1.04, 1.0)[1] is Deviation.NORMAL
    assert deviation(0.93, 1.0)[1] is Deviation.NOTICE
    percent, band = deviation(0.8, 1.0)
    assert percent == pytest.approx(-20)
    assert band is Deviation.WARN
    with pytest.raises(ValueError, match="positive"):
        deviation(1.0, 0.0)


def test_cut_serves_classes_first_and_equals_inside_them() -> None:
    given_out = cut(10.0, [(2, {"a": 10.0, "b": 6.0}), (1, {"town": 2.0})])
    assert given_out == pytest.approx({"town": 2.0, "a": 5.0, "b": 3.0})
    with pytest.raises(ValueError, match="one class"):
        cut(1.0, [(1, {"a": 1.0}), (2, {"a": 1.0})])


@given(st.floats(-1, 100), st.lists(st.tuples(st.integers(1, 3), st.floats(0, 20)), max_size=8))
def test_cut_never_gives_more_than_there_is_or_was_asked(available: float, asked: list[tuple[int, float]]) -> None:
    requests = [(order, {f"u{i}": amount}) for i, (order, amount) in enumerate(asked)]
    given_out = cut(available, requests)
    assert sum(given_out.values()) <= max(available, 0) + 1e-9
    assert all(given_out[f"u{i}"] <= amount + 1e-12 for i, (_, amount) in enumerate(asked))


def five_percent(volume: float) -> Metered:
    return Metered(volume, 5.0)


def test_reach_balance_example() -> None:
    balance = reach_balance(five_percent(10.0), [five_percent(v) for v in (2.9, 3.1, 1.7)], five_percent(1.2))
    assert balance.loss == pytest.approx(1.10)
    assert balance.loss_pct == pytest.approx(11)
    assert balance.efficiency_pct == pytest.approx(89)
    assert balance.uncertainty == pytest.approx(0.553, abs=5e-4)
    assert balance.significant
    assert balance.loss_pct_per_km(20) == pytest.approx(0.5810, abs=5e-5)


def test_reach_balance_within_the_meters_uncertainty_is_no_imbalance() -> None:
    assert not reach_balance(five_percent(10.0), [five_percent(9.0)], five_percent(0.7)).significant


def test_reach_with_inflow_and_storage() -> None:
    balance = reach_balance(
        five_percent(10.0), [five_percent(8.0)], five_percent(2.0), [five_percent(1.0)], Metered(0.5, 10.0)
    )
    assert balance.loss == pytest.approx(0.5)
    assert reach_balance(five_percent(0.0), [], five_percent(0.0)).efficiency_pct is None
    assert reach_balance(five_percent(0.0), [], five_percent(0.0)).loss_pct_per_km(1) is None
    with pytest.raises(ValueError, match="length"):
        balance.loss_pct_per_km(0)


def test_molden_and_gates_vector() -> None:
    got = performance(QD, QR)
    assert got.adequacy == pytest.approx(0.788426, abs=5e-7)
    assert got.efficiency == pytest.approx(0.987500, abs=5e-7)
    assert got.equity == pytest.approx(0.252489, abs=5e-7)
    assert got.dependability == pytest.approx(0.076938, abs=5e-7)
    sample = performance(QD, QR, sample=True)
    assert sample.equity == pytest.approx(0.309235, abs=5e-7)
    assert sample.dependability == pytest.approx(0.088841, abs=5e-7)
    assert got.classes() == {"adequacy": "poor", "efficiency": "good", "equity": "poor", "dependability": "good"}


def test_gini_vector() -> None:
    assert gini([76.8, 101, 56]) == pytest.approx(0.128315, abs=5e-7)
    assert gini([3, 3, 3]) == pytest.approx(0)
    assert gini([0, 0]) == 0
    with pytest.raises(ValueError, match="Gini"):
        gini([])


def test_head_tail_ratio() -> None:
    assert head_tail_ratio([1.0, 1.0, 0.9, 0.9, 0.6, 0.4]) == pytest.approx(0.5)
    assert head_tail_ratio([0.0, 1.0, 1.0]) is None
    with pytest.raises(ValueError, match="three"):
        head_tail_ratio([1.0, 2.0])


def test_variation_of_one_is_zero() -> None:
    assert variation([1.0], sample=True) == 0.0
    assert variation([0.0, 0.0]) == 0.0


@pytest.mark.parametrize(
    ("delivered", "required"), [([], []), ([[1.0]], [[1.0, 2.0]]), ([[1.0]], [[0.0]]), ([[-1.0]], [[1.0]])]
)
def test_tables_that_have_no_indicators(delivered: list[list[float]], required: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="must be"):
        performance(delivered, required)


@given(st.lists(st.lists(st.floats(0, 10), min_size=3, max_size=3), min_size=1, max_size=4))
def test_adequacy_and_efficiency_stay_between_0_and_1(delivered: list[list[float]]) -> None:
    got = performance(delivered, [[2.0] * 3 for _ in delivered])
    assert 0 <= got.adequacy <= 1
    assert 0 < got.efficiency <= 1

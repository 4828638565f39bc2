from datetime import UTC, datetime

import pytest

from dashboards.report.chart import ticks
from dashboards.report.figures import Figures

POINT, COMMA = Figures(".", "Asia/Almaty"), Figures(",", "Asia/Almaty")


def test_numbers_are_grouped_and_have_the_readers_sign() -> None:
    assert POINT.number(1234567.891, 2) == "1\N{NO-BREAK SPACE}234\N{NO-BREAK SPACE}567.89"
    assert COMMA.number(1234.5, 1) == "1\N{NO-BREAK SPACE}234,5"
    assert COMMA.number(-0.04, 1) == "0,0", "nothing is not negative"
    assert POINT.number(-3.0, 0) == "−3"
    assert POINT.number(3.0, 0, sign=True) == "+3"
    assert POINT.number(None, 3) == "–"
    assert COMMA.thousand(430_678.0) == "430,7"
    assert POINT.million(976_500.0, 4) == "0.9765"


def test_times_are_local() -> None:
    assert POINT.time(datetime(2024, 2, 29, 18, 30, tzinfo=UTC)) == "2024-02-29 23:30"
    assert POINT.time(datetime(2024, 2, 29, 19, 30, tzinfo=UTC)) == "2024-03-01 00:30"


@pytest.mark.parametrize("most", [0.0, 0.003, 0.9, 1.0, 4.4, 9.99, 250.0])
def test_an_axis_reaches_the_top_with_few_round_values(most: float) -> None:
    found = ticks(most)
    assert found[0] == 0
    assert found[-1] >= most
    assert 2 <= len(found) <= 7

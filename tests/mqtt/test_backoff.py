from hypothesis import given
from hypothesis import strategies as st

from mqtt.backoff import FIRST_S, LONGEST_S, backoff_s


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_is_bounded_and_never_less_than_half_a_step(failures: int, jitter: float) -> None:
    assert FIRST_S / 2 <= backoff_s(failures, jitter) <= LONGEST_S


def test_doubles() -> None:
    assert [backoff_s(n, 1.0) for n in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]


def test_those_that_failed_together_do_not_return_together() -> None:
    assert backoff_s(5, 0.0) == backoff_s(5, 1.0) / 2

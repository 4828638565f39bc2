"""ioos_qc itself, on its vectors and on made series: the same flags as ours, but for the differences that
hydrology/quality/checks.py lists. A dependency of the tests only."""

import warnings
from math import isnan, nan
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hydrology.quality import Attenuated, Flat, Spike
from hydrology.quality.checks import attenuated_flag, flat_flag, range_flag, rate_flag, spike_flag
from tests.hydrology.quality.test_ioos_vectors import V_NAN, V, X

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ioos_qc import qartod  # type: ignore[import-untyped]

STEP_S = 600
LEVELS = st.lists(st.integers(0, 400).map(lambda n: n / 100), min_size=6, max_size=24)
SOME = settings(max_examples=40, deadline=None)


def times_ms(values: list[float]) -> list[int]:
    return [at * STEP_S * 1000 for at in range(len(values))]


def theirs(name: str, values: list[float], **limits: Any) -> list[int]:
    seconds = numpy.arange(len(values)) * STEP_S
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        given_time = {} if name in ("gross_range_test", "spike_test") else {"tinp": seconds.astype("datetime64[s]")}
        flags = getattr(qartod, name)(inp=numpy.array(values), **given_time, **limits)
    return [int(flag) for flag in numpy.ma.filled(flags, 9)]


def check_gross(values: list[float]) -> None:
    ours = [range_flag(value, (-0.5, 10), (0, 3)) for value in values]
    assert ours == theirs("gross_range_test", values, fail_span=(-0.5, 10), suspect_span=(0, 3))


def check_spike(values: list[float], differential: bool) -> None:
    method = "differential" if differential else "average"
    ours = [spike_flag(values, at, Spike(0.1005, 0.2005, differential)) for at in range(len(values))]
    assert ours == theirs("spike_test", values, suspect_threshold=0.1005, fail_threshold=0.2005, method=method)


def check_rate(values: list[float]) -> None:
    """They give 1 to the first reading and to the one after a missing value, which have no step: 2 here."""
    ours = [rate_flag(times_ms(values), values, at, 0.1005 / 600_000) for at in range(len(values))]
    found = theirs("rate_of_change_test", values, threshold=0.1005 / 600)
    for at, value in enumerate(values):
        without = at == 0 or isnan(values[at - 1])
        assert ours[at] == (2 if without and not isnan(value) else found[at])


def check_flat(values: list[float]) -> None:
    """Equal steps and no missing value: then a count of readings and a duration are the same."""
    rule = Flat(0.0105, 1200, 2400)
    ours = [flat_flag(times_ms(values), values, at, rule, 2_400_000) for at in range(len(values))]
    limits = {"suspect_threshold": 1200, "fail_threshold": 2400, "tolerance": 0.0105}
    assert ours == theirs("flat_line_test", values, **limits)


def check_attenuated(values: list[float]) -> None:
    rule = Attenuated(3600, 0.0305, 0.0055, 6)
    ours = [attenuated_flag(times_ms(values), values, at, rule) for at in range(len(values))]
    limits = {"suspect_threshold": 0.0305, "fail_threshold": 0.0055, "test_period": 3600, "min_obs": 6}
    assert ours == theirs("attenuated_signal_test", values, check_type="range", **limits)


@pytest.mark.parametrize("values", [V, V_NAN, X])
def test_the_vectors(values: list[float]) -> None:
    check_gross(values)
    for differential in (True, False):
        check_spike(values, differential)
    check_rate(values)
    if not any(map(isnan, values)):
        check_flat(values)
    check_attenuated(X)


@SOME
@given(LEVELS, st.sets(st.integers(0, 23), max_size=3))
def test_range_spike_and_rate_of_made_series_with_holes(values: list[float], holes: set[int]) -> None:
    holed = [nan if at in holes else value for at, value in enumerate(values)]
    check_gross(holed)
    for differential in (True, False):
        check_spike(holed, differential)
    check_rate(holed)


@SOME
@given(st.lists(st.integers(100, 103).map(lambda n: n / 100), min_size=6, max_size=24))
def test_flat_and_attenuated_of_made_series(values: list[float]) -> None:
    check_flat(values)
    check_attenuated(values)

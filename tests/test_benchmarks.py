"""The benchmarks' own arithmetic, and the smallest form of an end-to-end run. No figure decides anything here."""

import time

import pytest

from benchmarks import ours
from benchmarks.latency import quantiles_of
from benchmarks.outcome import Outcome
from benchmarks.payloads import Work, batch_of, expected, line_bodies, payloads
from benchmarks.publish import Timed
from benchmarks.results import Goal, Results, goals
from benchmarks.steady import slope
from benchmarks.table import render
from wire.codec import CONTENT_TYPES, Codec, decode_batch

NOW_MS = 1_790_000_000_000


@pytest.mark.parametrize("size", [1, 10, 60])
def test_every_form_holds_the_same_readings(size: int) -> None:
    work = Work(size, 40, 3, NOW_MS)
    held = expected(work)
    assert sum(count for count, _ in held.values()) == work.readings
    lines = [line for body in line_bodies(work, 100) for line in body.splitlines()]
    assert len(lines) == len({line.split(b" ")[0] + line.split(b" ")[2] for line in lines}) == work.readings
    for codec in Codec:
        decoded = [decode_batch(payload, CONTENT_TYPES[codec]) for _, payload in payloads(work, codec)]
        assert decoded == [batch_of(work, number) for number in range(work.messages)]


@pytest.mark.parametrize("size", [1, 10, 60])
def test_the_numbers_of_a_gateway_follow_each_other(size: int) -> None:
    work = Work(size, 30, 3, NOW_MS)
    seqs = sorted(seq for number in range(0, 30, 3) for seq in batch_of(work, number).seqs())
    assert seqs == list(range(1, 10 * size + 1))


def test_a_fast_loss_is_no_rate_and_meets_no_goal() -> None:
    tuned = Outcome("telegraf tuned", 60, "json", 600, 50.0, {"telegraf": 10.0})
    lossy = Outcome("aryk", 60, "json", 600, 500.0, {"ingest": 1.0}, {}, "599 of 600 readings stored")
    results = Results(outcomes=[lossy, tuned])
    assert results.ratio(lossy, "telegraf tuned") is None
    assert not any(goal.met for goal in goals(results))
    assert "599 of 600 readings stored" in render(results)
    sound = Results(outcomes=[Outcome("aryk", 60, "json", 600, 100.0, {"ingest": 2.5}), tuned])
    assert [goal.met for goal in goals(sound) if "Telegraf" in goal.name] == [True, True]


def test_a_goal_that_was_not_measured_is_neither_met_nor_missed() -> None:
    assert Goal("any", None, 1.0, "s", at_least=False).met is None


def test_a_receipt_ends_the_wait_of_all_up_to_it() -> None:
    timed = Timed()
    for last_seq, now_s in ((60, 1.0), (120, 2.0), (180, 3.0)):
        timed.published("gw", last_seq, now_s)
    timed.receipted("gw", [[1, 120]], 4.0)
    assert timed.took_s == [3.0, 2.0]
    assert timed.open == 1


def test_quantiles_lie_in_their_buckets() -> None:
    half, most, last = quantiles_of([(0.01, 50.0), (0.02, 100.0), (float("inf"), 100.0)])
    assert half == pytest.approx(0.01)
    assert 0.01 < most < last <= 0.02


def test_a_slope_is_what_a_unit_of_time_adds() -> None:
    assert slope([0.0, 1.0, 2.0], [5.0, 7.0, 9.0]) == pytest.approx(2.0)


@pytest.mark.server
def test_the_smallest_end_to_end_run_holds_all() -> None:
    out = ours.run(Work(60, 20, 4, int(time.time() * 1000) - 60_000), Codec.CBOR)
    assert out.complaint == ""
    assert out.per_s > 0

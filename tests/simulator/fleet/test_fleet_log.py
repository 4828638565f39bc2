import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from simulator.fleet.log import FleetLog, Outgoing, Scan
from wire.names import digest

TIMEOUT_S = 10.0


def a_log(sensors: int = 2, scans: int = 1, window: int = 4, most_waiting: int = 100, keep: int = 10) -> FleetLog:
    return FleetLog(
        sensors,
        scans_a_message=scans,
        window=window,
        receipt_timeout_s=TIMEOUT_S,
        most_waiting=most_waiting,
        keep=keep,
    )


def add(log: FleetLog, count: int) -> None:
    for n in range(count):
        log.add(Scan(n, (1.0, 2.0)))


def send(log: FleetLog, now_s: float = 0.0) -> Outgoing:
    batch = log.take()
    assert batch is not None
    log.sent(batch, now_s, 0.0)
    return batch


def test_numbers_run_on_over_messages() -> None:
    log = a_log(scans=3)
    add(log, 6)
    assert [(batch.first, batch.last) for batch in (send(log), send(log))] == [(1, 6), (7, 12)]
    assert log.last_seq == 12


def test_a_message_that_is_not_full_waits_until_draining() -> None:
    log = a_log(scans=3)
    add(log, 2)
    assert log.take() is None
    batch = log.take(whole=False)
    assert batch is not None
    assert (batch.first, batch.last) == (1, 4)


def test_the_window_is_honoured_and_a_receipt_opens_it() -> None:
    log = a_log(window=2)
    add(log, 3)
    send(log, 1.0)
    send(log, 1.0)
    assert log.take() is None
    assert log.receipted([[1, 2]], 1.5) == [0.5]
    assert send(log, 1.5).first == 5


def test_a_receipt_in_two_parts_ends_a_message_only_when_whole() -> None:
    log = a_log(scans=2)
    add(log, 2)
    send(log, 0.0)
    assert log.receipted([[1, 3]], 1.0) == []
    assert log.under_way == 4
    assert log.receipted([[4, 4]], 2.0) == [2.0]
    assert log.idle


def test_without_an_answer_only_the_oldest_is_tried_less_and_less_often() -> None:
    log = a_log()
    add(log, 10)
    first = send(log, 0.0)
    send(log, 0.0)
    assert log.take_again(TIMEOUT_S - 0.1) is None
    tries, now_s = [], 0.0
    for _ in range(5):
        now_s = first.due_s
        assert log.take_again(now_s) is first
        log.sent(first, now_s, 0.0)
        assert log.take_again(now_s) is None
        assert log.take() is None, "nobody answers: nothing new is sent"
        tries.append(now_s)
    pauses = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert pauses == [2 * TIMEOUT_S, 4 * TIMEOUT_S, 8 * TIMEOUT_S, 16 * TIMEOUT_S]
    log.receipted([[1, 2]], now_s + 1.0)
    assert not log.silent
    assert log.take_again(now_s + 1.0) is not None, "somebody answers: what is overdue goes at once"
    assert log.take() is not None


def test_a_lost_message_among_answered_ones_is_sent_again() -> None:
    log = a_log()
    add(log, 3)
    lost, later = send(log, 0.0), send(log, 0.0)
    log.receipted([[later.first, later.last]], 1.0)
    assert log.take_again(1.0) is None
    assert log.take_again(lost.due_s) is lost


def test_a_new_connection_makes_what_is_under_way_due() -> None:
    log = a_log()
    add(log, 1)
    batch = send(log, 0.0)
    log.reconnected(1.0, 0.5)
    assert log.take_again(1.4) is None
    assert log.take_again(1.5) is batch


def test_a_refused_message_is_not_sent_again() -> None:
    log = a_log()
    add(log, 1)
    batch = send(log)
    batch.payload = b"what the centre could not read"
    assert log.refused(digest(b"another")) == 0
    assert log.refused(digest(batch.payload)) == 2
    assert log.idle


def test_what_the_centre_asks_for_is_sent_again_while_it_is_kept() -> None:
    log = a_log(keep=2)
    add(log, 3)
    for n in range(3):
        batch = send(log, float(n))
        log.receipted([[batch.first, batch.last]], float(n))
    assert log.first_kept == 3
    assert log.asked([[4, 6]])
    again = [log.take_again(3.0), log.take_again(3.0), log.take_again(3.0)]
    assert [batch and batch.first for batch in again] == [3, 5, None]
    assert not log.asked([[1, 3]]), "the first is no longer here"


def test_too_many_waiting_drops_the_oldest_and_leaves_no_hole() -> None:
    log = a_log(most_waiting=3)
    add(log, 5)
    assert (log.dropped, log.waiting) == (4, 6)
    batch = send(log)
    assert (batch.first, batch.scans[0].time_ms) == (1, 2)


class Deliveries(RuleBasedStateMachine):
    """Whatever gets lost, and in whatever order receipts come: everything is receipted in the end, once."""

    def __init__(self) -> None:
        super().__init__()
        self.log = a_log(scans=2, window=3, most_waiting=20)
        self.now_s = 0.0
        self.scanned = 0
        self.arrived: list[tuple[int, int]] = []
        self.done = 0

    @rule(count=st.integers(1, 5))
    def scan(self, count: int) -> None:
        add(self.log, count)
        self.scanned += count

    @rule(arrives=st.booleans())
    def publish(self, arrives: bool) -> None:
        batch = self.log.take_again(self.now_s) or self.log.take()
        if batch is not None:
            self.log.sent(batch, self.now_s, 0.5)
            if arrives:
                self.arrived.append((batch.first, batch.last))

    @rule(data=st.data())
    def receipt(self, data: st.DataObject) -> None:
        if self.arrived:
            ranges = self.arrived.pop(data.draw(st.integers(0, len(self.arrived) - 1)))
            self.done += len(self.log.receipted([ranges], self.now_s))

    @rule(seconds=st.floats(0.1, 400.0))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @rule()
    def reconnect(self) -> None:
        self.log.reconnected(self.now_s, 0.1)

    @invariant()
    def nothing_vanishes(self) -> None:
        receipted = self.log.last_seq - self.log.under_way
        assert self.scanned * 2 == self.log.waiting + self.log.under_way + receipted + self.log.dropped
        assert self.log.under_way <= 3 * 4

    def teardown(self) -> None:
        for _ in range(1000):
            if self.log.idle:
                break
            self.now_s += 400.0
            while (batch := self.log.take_again(self.now_s) or self.log.take(whole=False)) is not None:
                self.log.sent(batch, self.now_s, 0.5)
                self.log.receipted([(batch.first, batch.last)], self.now_s)
        assert self.log.idle


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("seconds", [0.0, 0.0001])
def test_latencies_of_nothing(seconds: float) -> None:
    from simulator.fleet.report import Latencies

    latencies = Latencies()
    assert latencies.quantile_s(0.5) == 0.0
    latencies.add(seconds)
    assert latencies.quantile_s(0.99) == seconds


def test_latencies_are_told_to_a_tenth() -> None:
    from simulator.fleet.report import Latencies

    latencies = Latencies()
    for n in range(1, 1001):
        latencies.add(n / 1000.0)
    assert latencies.quantile_s(0.5) == pytest.approx(0.5, rel=0.11)
    assert latencies.quantile_s(0.99) == pytest.approx(0.99, rel=0.11)
    assert latencies.longest_s == 1.0

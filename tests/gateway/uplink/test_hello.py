from gateway.clock import ManualClock
from gateway.uplink.hello import DOUBT_S, EVERY_S, RETRY_LONGEST_S, SLOW_ANSWERS, Hello
from wire.messages import CentreTime


def test_an_answered_hello_is_repeated_after_an_hour() -> None:
    clock, hello = ManualClock(), Hello()
    assert hello.due_s == 0.0
    hello.sent("a" * 16, clock.now(), clock.monotonic_s())
    clock.advance(0.2)
    anchor = hello.answered(clock.boot, CentreTime(nonce="a" * 16, ms=clock.now().ms), clock.now(), clock.monotonic_s())
    assert anchor is not None
    assert anchor.synchronised
    assert hello.due_s == clock.monotonic_s() + EVERY_S


def test_only_the_newest_nonce_counts_and_only_once() -> None:
    clock, hello = ManualClock(), Hello()
    hello.sent("a" * 16, clock.now(), clock.monotonic_s())
    clock.advance(1)
    hello.sent("b" * 16, clock.now(), clock.monotonic_s())
    clock.advance(1)

    def answered(nonce: str) -> bool:
        time = CentreTime(nonce=nonce * 16, ms=0)
        return hello.answered(clock.boot, time, clock.now(), clock.monotonic_s()) is not None

    assert not answered("a")
    assert answered("b")
    assert not answered("b")


def test_a_late_answer_makes_it_ask_again_soon() -> None:
    clock, hello = ManualClock(), Hello()
    for _ in range(8):
        hello.sent("a" * 16, clock.now(), clock.monotonic_s())
        clock.advance(hello.due_s - clock.monotonic_s())
    hello.sent("b" * 16, clock.now(), clock.monotonic_s())
    assert hello.due_s - clock.monotonic_s() == RETRY_LONGEST_S
    clock.advance(15)
    late = hello.answered(clock.boot, CentreTime(nonce="b" * 16, ms=0), clock.now(), clock.monotonic_s())
    assert late is None
    assert hello.due_s <= clock.monotonic_s()


def test_the_centre_can_ask_for_one() -> None:
    clock, hello = ManualClock(), Hello()
    hello.sent("a" * 16, clock.now(), clock.monotonic_s())
    assert hello.due_s > 0
    hello.asked_for()
    assert hello.due_s == 0.0


def test_a_slow_answer_is_asked_again_before_any_time_is_put_right_by_it() -> None:
    hello, clock = Hello(), ManualClock()
    hello.connected()

    def asked_and_answered(nonce: str, round_trip_s: float) -> bool:
        assert hello.due_s <= clock.monotonic_s(), "asks at once"
        hello.sent(nonce * 16, clock.now(), clock.monotonic_s())
        clock.advance(round_trip_s)
        time = CentreTime(nonce=nonce * 16, ms=clock.now().ms)
        return hello.answered(clock.boot, time, clock.now(), clock.monotonic_s()) is not None

    assert not asked_and_answered("a", 7.7)
    assert asked_and_answered("b", 0.2)


def test_on_a_slow_link_a_slow_answer_counts_in_the_end() -> None:
    hello, clock = Hello(), ManualClock()
    hello.connected()
    counted = []
    for nonce in "abcd":
        hello.sent(nonce * 16, clock.now(), clock.monotonic_s())
        clock.advance(3.0)
        time = CentreTime(nonce=nonce * 16, ms=clock.now().ms)
        counted.append(hello.answered(clock.boot, time, clock.now(), clock.monotonic_s()) is not None)
    assert counted == [False] * SLOW_ANSWERS + [True]


class Asking:
    """Says hello when it is due, or now, and takes an answer from a centre that is `ahead_s` of us."""

    def __init__(self) -> None:
        self.clock, self.hello, self._asked = ManualClock(), Hello(), 0

    def answered(self, ahead_s: float, *, now: bool = False) -> bool:
        clock, hello = self.clock, self.hello
        if not now:
            clock.advance(max(0.0, hello.due_s - clock.monotonic_s()))
        self._asked += 1
        nonce = f"{self._asked:016x}"
        hello.sent(nonce, clock.now(), clock.monotonic_s())
        clock.advance(0.2)
        time = CentreTime(nonce=nonce, ms=clock.now().ms + round(ahead_s * 1000))
        return hello.answered(clock.boot, time, clock.now(), clock.monotonic_s()) is not None


def test_a_centre_whose_clock_jumps_is_believed_when_it_says_the_same_a_minute_later() -> None:
    asking = Asking()
    assert asking.answered(0.0)
    assert not asking.answered(86_400.0)
    assert 0 < asking.hello.due_s - asking.clock.monotonic_s() <= DOUBT_S
    assert not asking.answered(86_400.0, now=True), "a new connection asks at once: that is too soon to tell"
    assert asking.answered(86_400.0)
    assert asking.answered(86_400.0)


def test_a_jump_that_is_over_is_never_believed() -> None:
    asking = Asking()
    assert asking.answered(0.0)
    assert not asking.answered(-86_400.0)
    assert asking.answered(0.0)
    assert not asking.answered(-86_400.0), "the first time no longer counts"
    assert not asking.answered(-2 * 86_400.0), "it says another time each time"
    assert asking.answered(1800.0), "less than an hour is no jump"

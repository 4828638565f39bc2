from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gateway.log.rows import Commit
from gateway.uplink.batch import MAX_READINGS
from gateway.uplink.schedule import FRESH_S, LONGEST_WAIT_S, Kind, Plan, Schedule
from wire.ranges import Range, RangeSet

OLD, NEW = 1, 2


def schedule(window: int = 16, send_interval_s: float = 0.0, backlog_pause_s: float = 0.0) -> Schedule:
    return Schedule(
        window=window,
        receipt_timeout_s=10.0,
        backlog_pause_s=backlog_pause_s,
        send_interval_s=send_interval_s,
        random=Random(7),
    )


def take(one: Schedule, now_s: float, commits: list[Commit], pending: list[tuple[int, list[Range]]]) -> Plan | None:
    plan = one.next(now_s, NEW, commits, pending)
    if plan is not None:
        one.sent(plan, plan.ranges, now_s)
    return plan


def test_the_newest_scan_goes_first_then_the_backlog_oldest_first() -> None:
    one = schedule()
    commits = [Commit(101, 110, 0.0)]
    pending = [(OLD, [(1, 50)]), (NEW, [(60, 110)])]
    assert take(one, 0.0, commits, pending) == Plan(Kind.LIVE, NEW, [(101, 110)])
    assert take(one, 0.0, commits, pending) == Plan(Kind.BACKLOG, OLD, [(1, 50)])
    assert take(one, 0.0, commits, pending) == Plan(Kind.BACKLOG, NEW, [(60, 100)])
    assert take(one, 0.0, commits, pending) is None


def test_a_new_scan_overtakes_a_backlog_under_way() -> None:
    one = schedule(window=4)
    pending = [(OLD, [(1, 100_000)])]
    plans = [take(one, 0.0, [], pending) for _ in range(5)]
    assert [plan and plan.kind for plan in plans] == [Kind.BACKLOG] * 3 + [None] * 2
    commits = [Commit(100_001, 100_003, 1.0)]
    assert take(one, 1.0, commits, [*pending, (NEW, [(100_001, 100_003)])]) == Plan(
        Kind.LIVE, NEW, [(100_001, 100_003)]
    )


def test_the_backlog_is_paced() -> None:
    one = schedule(backlog_pause_s=2.0)
    pending = [(OLD, [(1, 10 * MAX_READINGS)])]
    assert take(one, 0.0, [], pending) is not None
    assert take(one, 1.9, [], pending) is None
    assert one.wake_at_s(1.9) == 2.0
    assert take(one, 2.0, [], pending) is not None


def test_scans_are_gathered_over_the_send_interval() -> None:
    one = schedule(send_interval_s=60.0)
    commits: list[Commit] = []
    done = RangeSet()
    sent = []
    for second in range(180):
        commits.append(Commit(second + 1, second + 1, float(second)))
        plan = take(one, float(second), commits, [(NEW, done.missing(1, second + 1))])
        done.update(plan.ranges if plan else [])
        one.receipted([(NEW, plan.ranges if plan else [])])
        if plan is not None:
            sent.append((second, plan.kind, plan.ranges))
    assert sent == [(0, Kind.LIVE, [(1, 1)]), (60, Kind.LIVE, [(2, 61)]), (120, Kind.LIVE, [(62, 121)])]


def test_a_scan_that_waited_too_long_is_backlog() -> None:
    one = schedule()
    commits = [Commit(1, 3, 0.0)]
    plan = take(one, FRESH_S + 1, commits, [(NEW, [(1, 3)])])
    assert plan == Plan(Kind.BACKLOG, NEW, [(1, 3)])


def test_a_held_scan_is_not_sent_and_not_forgotten() -> None:
    one = schedule()
    commits = [Commit(1, 3, 0.0)]
    assert take(one, 0.0, commits, []) is None
    assert take(one, 1.0, commits, [(NEW, [(1, 3)])]) == Plan(Kind.LIVE, NEW, [(1, 3)])


def test_a_lost_receipt_is_sent_again_and_a_repeated_one_does_no_harm() -> None:
    one = schedule()
    pending = [(NEW, [(1, 3)])]
    commits = [Commit(1, 3, 0.0)]
    assert take(one, 0.0, commits, pending) is not None
    assert take(one, 1.0, commits, pending) is None
    wake_s = one.wake_at_s(1.0)
    assert wake_s is not None
    assert 7.5 <= wake_s <= 12.5
    assert one.expire(wake_s) == 1
    assert one.silent
    assert take(one, wake_s, commits, pending) == Plan(Kind.PROBE, NEW, [(1, 3)])
    for _ in range(3):
        one.receipted([(NEW, [(1, 3)])])
        assert one.under_way == 0
        assert not one.silent


def test_a_receipt_for_a_part_leaves_the_rest_under_way() -> None:
    one = schedule()
    pending = [(OLD, [(1, 10)])]
    take(one, 0.0, [], pending)
    one.receipted([(OLD, [(1, 4)]), (NEW, [(5, 10)])])
    assert one.under_way == 1
    one.receipted([(OLD, [(5, 10)])])
    assert one.under_way == 0


def test_while_nobody_answers_one_probe_waits_ever_longer() -> None:
    one = schedule()
    pending = [(OLD, [(1, 20_000)]), (NEW, [(20_001, 30_000)])]
    now_s = 0.0
    while take(one, now_s, [], pending) is not None:
        pass
    waits = []
    for _ in range(30):
        wake_s = one.wake_at_s(now_s)
        assert wake_s is not None
        waits.append(wake_s - now_s)
        now_s = wake_s
        one.expire(now_s)
        if one.under_way == 0:
            plan = take(one, now_s, [], pending)
            assert plan is not None
            assert plan.kind is Kind.PROBE
            assert plan.ranges[-1][1] == 30_000
        assert one.under_way <= 15
    probes = waits[15:]
    assert probes[0] < 30
    assert waits[-1] > 0.7 * LONGEST_WAIT_S
    assert waits[-1] <= 1.25 * LONGEST_WAIT_S
    one.answered()
    assert take(one, now_s, [], pending) is not None


def test_nobody_listening_is_only_a_hint() -> None:
    one = schedule()
    pending = [(OLD, [(1, 5)])]
    one.nobody_listens()
    plan = take(one, 0.0, [], pending)
    assert plan is not None
    assert plan.kind is Kind.PROBE
    one.receipted([(OLD, [(1, 5)])])
    assert not one.silent


def test_after_a_lost_connection_everything_is_sendable_again() -> None:
    one = schedule()
    pending = [(OLD, [(1, 5)])]
    take(one, 0.0, [], pending)
    assert take(one, 1.0, [], pending) is None
    one.disconnected()
    assert take(one, 1.0, [], pending) is not None


@given(st.data())
def test_whatever_happens_the_window_holds_and_in_the_end_all_is_receipted(data: st.DataObject) -> None:
    window = data.draw(st.integers(2, 16))
    one = schedule(window=window)
    everything = RangeSet([(1, data.draw(st.integers(1, 20_000)))])
    done = RangeSet()
    now_s = 0.0
    under_way: list[Plan] = []

    def pending() -> list[tuple[int, list[Range]]]:
        rest = [one for first, last in everything for one in done.missing(first, last)]
        return [(NEW, rest)] if rest else []

    def receipt(plan: Plan) -> None:
        done.update(plan.ranges)
        one.receipted([(NEW, plan.ranges)])

    for _ in range(data.draw(st.integers(0, 60))):
        action = data.draw(st.sampled_from(["send", "send", "send", "receipt", "lose", "wait", "cut"]))
        if action == "send":
            plan = take(one, now_s, [], pending())
            if plan is not None:
                sent = RangeSet(plan.ranges)
                assert sent.size <= MAX_READINGS
                under_way.append(plan)
        elif action == "receipt" and under_way:
            receipt(under_way.pop(data.draw(st.integers(0, len(under_way) - 1))))
        elif action == "lose" and under_way:
            under_way.pop()
        elif action == "wait":
            now_s += data.draw(st.floats(0, 400))
            one.expire(now_s)
        elif action == "cut":
            one.disconnected()
        assert one.under_way <= window
    for _ in range(2000):
        if not pending():
            break
        plan = take(one, now_s, [], pending())
        if plan is not None:
            receipt(plan)
        else:
            now_s += 1
            one.expire(now_s)
    assert not pending()

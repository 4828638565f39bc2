from ingest.gateways import MOST_RANGES, SLEEP_GRACE_MS, Gateways, missing_of, received_of
from ingest.last_values import LastValues
from ingest.pipeline import Accepted, Target
from ingest.received import Logs, take_new
from store.points import Latest, SeriesKey
from tests.ingest.samples import EPOCH, NOW_MS, registry
from wire.messages import LogExtent, State, Status
from wire.names import epoch_text

LEVEL = Target("k-12", "level", "level", "m")
HELLO = Status(
    state=State.ONLINE,
    logs=[LogExtent(epoch=epoch_text(EPOCH), first=3, last=10), LogExtent(epoch=epoch_text(7), first=1, last=0)],
)


def gateways() -> Gateways:
    return Gateways(registry().district_of_gateway())


def test_a_hello_is_answered_with_what_was_received_of_its_logs() -> None:
    received = Logs()
    take_new(received, "gw1", EPOCH, [1, 2, 3, 4, 7, 11])
    assert received_of(HELLO, "gw1", received) == {EPOCH: [(3, 4), (7, 7)]}
    assert missing_of(HELLO, "gw1", received, Logs()) == {EPOCH: [(5, 6), (8, 10)]}


def test_an_answer_to_a_hello_holds_so_many_ranges() -> None:
    received = Logs()
    take_new(received, "gw1", EPOCH, list(range(2, 10_000, 2)))
    hello = Status(state=State.ONLINE, logs=[LogExtent(epoch=epoch_text(EPOCH), first=1, last=9_998)])
    assert received_of(hello, "gw1", received)[EPOCH] == [(n, n) for n in range(2, 2 * MOST_RANGES + 1, 2)]
    assert missing_of(hello, "gw1", received, Logs())[EPOCH] == [(n, n) for n in range(1, 2 * MOST_RANGES, 2)]


def test_online_lost_and_asleep() -> None:
    all_of_them = gateways()
    view = all_of_them.views["gw1"]
    assert view.up(NOW_MS) is None
    all_of_them.status_came("gw1", HELLO, NOW_MS, retained=False)
    assert view.up(NOW_MS) is True
    all_of_them.status_came("gw1", Status(state=State.LOST), NOW_MS + 5, retained=False)
    assert view.up(NOW_MS) is False
    assert view.seen_ms == NOW_MS
    assert view.logs == HELLO.logs
    all_of_them.status_came("gw1", Status(state=State.SLEEPING, until_ms=NOW_MS + 100), NOW_MS + 9, retained=False)
    assert view.up(NOW_MS) is True
    assert view.up(NOW_MS + 101 + SLEEP_GRACE_MS) is False


def test_a_retained_status_says_nothing_of_when_it_was_seen() -> None:
    all_of_them = gateways()
    all_of_them.status_came("gw1", HELLO, NOW_MS, retained=True)
    assert all_of_them.views["gw1"].up(NOW_MS) is True
    assert all_of_them.views["gw1"].seen_ms is None


def test_others_are_not_kept() -> None:
    all_of_them = gateways()
    all_of_them.status_came("stranger", HELLO, NOW_MS, retained=False)
    all_of_them.readings_came("stranger", NOW_MS)
    assert "stranger" not in all_of_them.views


def test_late_readings_do_not_move_the_last_value() -> None:
    values = LastValues(registry())
    values.note(Accepted(LEVEL, [1, 2], [NOW_MS, NOW_MS + 1], [1.0, 2.0], [1, 3], None))
    values.note(Accepted(LEVEL, [3, 4], [NOW_MS - 9, NOW_MS - 8], [8.0, 9.0], [1, 1], None))
    one = values.all()[0]
    assert (one.value, one.value_ms, one.flag) == (2.0, NOW_MS + 1, 3)


def test_the_store_says_what_was_before_the_start() -> None:
    values = LastValues(registry())
    key = SeriesKey("level", "k-12", "level")
    values.seed({key: Latest(NOW_MS, 1.5, 9, NOW_MS - 60_000), SeriesKey("level", "gone", "x"): Latest(1, 1.0, 1, 1)})
    one = values.all()[0]
    assert (one.value, one.value_ms, one.flag, one.flag_ms) == (1.5, NOW_MS - 60_000, 9, NOW_MS)
    values.note(Accepted(LEVEL, [1], [NOW_MS - 30_000], [1.7], [1], None))
    assert (one.value, one.flag) == (1.7, 9)

"""What is missing though its gateway is there: asked for with back-off, until it comes, is gone, or is lost."""

from ingest.asking import EXTENTS_TOLD, LONGEST_S, PATIENCE_S, Asking
from ingest.change import Change
from ingest.gateways import GatewayView
from ingest.gone import gone_in, put_gone
from ingest.received import Logs
from tests.ingest.samples import EPOCH, NOW_MS
from wire.batch import Record
from wire.messages import LogExtent, State
from wire.names import MAX_SEQ, epoch_text
from wire.ranges import RangeSet

OLDER = EPOCH - 1


class Scene:
    def __init__(self, first: int = 1, last: int = 100, *more: LogExtent) -> None:
        newest = LogExtent(epoch=epoch_text(EPOCH), first=first, last=last)
        self.view = GatewayView("karatal", state=State.ONLINE, logs=[*more, newest])
        self.received, self.gone, self.asking = Logs(), Logs(), Asking()
        self.now_s = 1_000.0

    def came(self, *ranges: tuple[int, int], epoch: int = EPOCH) -> None:
        self.received.add("gw1", epoch, ranges)

    def look(self, after_s: float = 0.0) -> dict[int, list[tuple[int, int]]]:
        self.now_s += after_s
        due = self.asking.look("gw1", self.view, self.received, self.gone, self.now_s)
        assert not due.lost
        return due.ask

    def lost(self, after_s: float) -> dict[int, list[tuple[int, int]]]:
        self.now_s += after_s
        due = self.asking.look("gw1", self.view, self.received, self.gone, self.now_s)
        assert not due.ask
        return due.lost


def test_what_stands_still_is_asked_for_with_back_off() -> None:
    scene = Scene()
    scene.came((1, 40), (51, 120))
    assert scene.look() == {}
    assert scene.look(PATIENCE_S - 1) == {}
    assert scene.look(1) == {EPOCH: [(41, 50)]}
    assert scene.look(PATIENCE_S) == {}
    assert scene.look(PATIENCE_S) == {EPOCH: [(41, 50)]}
    waits = []
    for _ in range(8):
        waited = 0.0
        while not scene.look(60):
            waited += 60
        waits.append(waited + 60)
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_S
    scene.came((41, 50))
    assert scene.look(LONGEST_S) == {}


def test_a_backlog_that_becomes_less_is_left_alone() -> None:
    scene = Scene(last=10_000)
    scene.came((9_000, 10_000))
    for at in range(1, 9_000, 50):
        assert scene.look(300) == {}
        scene.came((at, at + 49))
    assert scene.look(300) == {}


def test_what_begins_to_be_missing_later_has_its_own_time() -> None:
    scene = Scene()
    scene.came((1, 40), (51, 100))
    scene.look()
    scene.came((41, 50), (111, 120))
    assert scene.look(PATIENCE_S) == {}
    assert scene.look(PATIENCE_S) == {EPOCH: [(101, 110)]}


def test_a_gateway_that_is_away_is_not_asked() -> None:
    scene = Scene()
    scene.came((1, 40), (51, 100))
    scene.look()
    for state in (State.LOST, State.SLEEPING, None):
        scene.view.state = state
        assert scene.look(PATIENCE_S * 10) == {}


def test_what_is_gone_is_not_asked_for() -> None:
    scene = Scene()
    scene.came((1, 40), (51, 100))
    scene.gone.add("gw1", EPOCH, [(41, 50)])
    for _ in range(5):
        assert scene.look(PATIENCE_S) == {}


def test_what_the_log_no_longer_begins_with_is_lost() -> None:
    scene = Scene(first=46)
    scene.came((1, 40), (61, 100))
    scene.lost(0)
    due = scene.asking.look("gw1", scene.view, scene.received, scene.gone, scene.now_s + PATIENCE_S)
    assert due.ask == {EPOCH: [(46, 60)]}
    assert due.lost == {EPOCH: [(41, 45)]}


def test_what_an_older_epoch_no_longer_has_is_lost() -> None:
    """A card that was rolled back, or a log that was trimmed and began anew."""
    scene = Scene(101, 110, LogExtent(epoch=epoch_text(OLDER), first=1, last=80))
    scene.came((101, 110))
    scene.came((1, 80), (91, 100), epoch=OLDER)
    scene.lost(0)
    assert scene.lost(PATIENCE_S) == {OLDER: [(81, 90)]}


def test_an_epoch_that_is_not_named_any_more_is_lost_where_it_has_holes() -> None:
    scene = Scene(101, 110)
    scene.came((101, 110))
    scene.came((1, 50), (61, 100), epoch=OLDER)
    scene.lost(0)
    assert scene.lost(PATIENCE_S) == {OLDER: [(51, 60)]}


def test_nothing_follows_from_a_hello_that_may_be_cut_short() -> None:
    many = [LogExtent(epoch=epoch_text(1_000 + n), first=1, last=0) for n in range(EXTENTS_TOLD - 1)]
    scene = Scene(101, 110, *many)
    scene.came((101, 110))
    scene.came((1, 50), (61, 100), epoch=OLDER)
    scene.lost(0)
    assert scene.lost(PATIENCE_S) == {}


def gap(**body: object) -> Record:
    return Record(
        7, NOW_MS, "gap", {"reason": "trimmed", "epoch": epoch_text(EPOCH), "ranges": [[1, 5], [8, 9]], **body}
    )


def test_a_gap_that_names_numbers_is_understood() -> None:
    assert gone_in(gap()) == ("trimmed", EPOCH, [(1, 5), (8, 9)])


def test_a_gap_that_names_none_or_nonsense_is_none() -> None:
    for wrong in (
        {"epoch": None},
        {"epoch": "xyz"},
        {"epoch": "f" * 40},
        {"ranges": "1-5"},
        {"ranges": [[5, 1]]},
        {"ranges": [[0, 1]]},
        {"ranges": [[1, MAX_SEQ + 1]]},
        {"ranges": [[1]]},
        {"ranges": [["a", "b"]]},
        {"ranges": [None]},
    ):
        assert gone_in(gap(**wrong)) is None, wrong
    assert gone_in(Record(7, NOW_MS, "gauge", gap().body)) is None


def test_only_what_never_came_counts_as_lost_and_only_once() -> None:
    received, gone, change = Logs(), Logs(), Change()
    received.add("gw1", EPOCH, [(1, 3)])
    for _ in range(2):
        put_gone(change, gone, received, "gw1", EPOCH, [(1, 5), (8, 9)], lost=True)
    put_gone(change, gone, received, "gw1", EPOCH, [(20, 21)], lost=False)
    assert change.tallies == {"lost.gw1": 4}
    assert gone.of("gw1", EPOCH) == RangeSet([(4, 5), (8, 9), (20, 21)])
    assert sorted(change.gone_put) == [("gw1", EPOCH, 4, 5), ("gw1", EPOCH, 8, 9), ("gw1", EPOCH, 20, 21)]


def test_ranges_changed_twice_in_one_change_leave_what_holds_at_its_end() -> None:
    received, gone, change = Logs(), Logs(), Change()
    put_gone(change, gone, received, "gw1", EPOCH, [(6, 9)], lost=True)
    put_gone(change, gone, received, "gw1", EPOCH, [(1, 5)], lost=True)
    assert (change.gone_drop, change.gone_put) == ([], [("gw1", EPOCH, 1, 9)])

"""A gateway that invents logs, or holes in one, takes no more memory than its share; what it sends is kept all the same."""

from collections.abc import Callable

import pytest

from ingest.bulk import Bulk
from ingest.change import Change
from ingest.gone import put_gone
from ingest.intake import Group, Intake
from ingest.received import MOST_HOLES, MOST_LOGS, Logs
from tests.ingest.samples import EPOCH, arrival, batch, level, make_intake
from wire.reasons import Reason

MESSAGE = arrival(batch(level([2 * MOST_HOLES + 2], time_ms=[1_789_999_000_000])))


def with_logs(count: int) -> Logs:
    """So many other logs of gw1."""
    received = Logs()
    for epoch in range(1, count + 1):
        received.add("gw1", 1_000_000 + epoch, [(1, 1)])
    return received


def with_holes(pieces: int) -> Logs:
    """One log of gw1 of which every second number is here."""
    received = Logs()
    received.add("gw1", EPOCH, ((seq, seq) for seq in range(2, 2 * pieces + 1, 2)))
    return received


def taken(intake: Intake, *, together: bool) -> Group:
    group = Group()
    if together:
        Bulk(intake).take([MESSAGE], group)
    else:
        intake.take(MESSAGE, group)
    return group


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("received", [with_logs(MOST_LOGS), with_holes(MOST_HOLES)], ids=["logs", "holes"])
def test_one_more_is_a_dead_letter_with_its_bytes(received: Logs, together: bool) -> None:
    pieces = sum(numbers.pieces for _, numbers in received)
    group = taken(make_intake(received), together=together)
    (letter,) = group.change.letters
    assert letter.reason is Reason.TOO_MANY_LOGS
    assert letter.gateway == "gw1"
    assert letter.payload == MESSAGE.payload
    assert not group.change.rows
    assert sum(numbers.pieces for _, numbers in received) == pieces


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("make", [with_logs, with_holes])
def test_the_last_one_is_taken(make: Callable[[int], Logs], together: bool) -> None:
    received = make((MOST_LOGS if make is with_logs else MOST_HOLES) - 1)
    group = taken(make_intake(received), together=together)
    assert not group.change.letters
    assert len(group.change.rows) == 1


def test_another_gateway_is_not_held_up() -> None:
    group = Group()
    intake = make_intake(with_logs(MOST_LOGS))
    intake.take(arrival(batch(level([1]), gateway="gw2"), "aryk/v1/aksu/gw2/readings"), group)
    assert not group.change.letters


def test_gaps_of_invented_logs_are_not_believed() -> None:
    gone, received = with_logs(MOST_LOGS), Logs()
    assert put_gone(Change(), gone, received, "gw1", EPOCH, [(1, 5)], lost=True) == []
    assert gone.look("gw1", EPOCH) is None

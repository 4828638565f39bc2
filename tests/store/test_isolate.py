"""Narrowing down to the refused lines, against a database that is played here."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.influx_answers import Answer, Refused, Stored, TooLarge
from store.isolate import RefusedLine, isolate

Server = Callable[[list[str]], Answer]


def drive(lines: list[str], server: Server) -> tuple[list[RefusedLine], int]:
    """Run it to its end; also says how many requests it took."""
    steps = isolate(lines)
    requests = 0
    try:
        part = next(steps)
        while True:
            requests += 1
            assert part, "an empty request"
            part = steps.send(server(part))
    except StopIteration as end:
        refused: list[RefusedLine] = end.value
        return refused, requests


class Database:
    """Refuses lines by their first letter: c conflict, o old, u unparsable; takes others. As 2.7.12 does, or as 1.x."""

    def __init__(self, *, hints: bool = True, keeps_when_unparsable: bool = False, most: int = 10**9) -> None:
        self.stored: set[str] = set()
        self.hints = hints
        self.keeps_when_unparsable = keeps_when_unparsable
        self.most = most

    def __call__(self, lines: list[str]) -> Answer:
        if len(lines) > self.most:
            return TooLarge()
        bad = {line for line in lines if line[0] == "u"}
        good = {line for line in lines if line[0] not in "uco"}
        if bad:
            if self.keeps_when_unparsable:
                self.stored |= good
            return Refused("unable to parse", dict.fromkeys(bad, "unable to parse: bad") if self.hints else {})
        self.stored |= good
        conflict = [line for line in lines if line[0] == "c"]
        old = [line for line in lines if line[0] == "o"]
        # One answer speaks of one kind, and counts only that.
        if conflict:
            return Refused("conflict", dropped=len(conflict) * self.hints, measurement="c" if self.hints else None)
        if old:
            newest = max(int(line.split()[1]) for line in old)
            return Refused("retention", dropped=len(old) * self.hints, older_ms=newest if self.hints else None)
        return Stored()


def lines_of(kinds: str) -> list[str]:
    return [f"{kind},n={n} {n if kind == 'o' else n + 10_000}" for n, kind in enumerate(kinds)]


@given(
    st.text("ggggggcou", max_size=60),
    st.builds(Database, hints=st.booleans(), keeps_when_unparsable=st.booleans(), most=st.integers(1, 80)),
)
def test_every_line_is_stored_or_refused_and_never_both(kinds: str, database: Database) -> None:
    lines = lines_of(kinds)
    refused, _ = drive(lines, database)
    assert [one.at for one in refused] == [n for n, kind in enumerate(kinds) if kind in "cou"]
    assert database.stored == {lines[n] for n, kind in enumerate(kinds) if kind == "g"}
    reasons = {"c": "conflict", "o": "retention", "u": "unable to parse"}
    assert all(reasons[kinds[one.at]] in one.reason for one in refused)


def test_no_lines_no_request() -> None:
    assert drive([], Database()) == ([], 0)


def test_good_lines_take_one_request() -> None:
    assert drive(lines_of("g" * 5000), Database()) == ([], 1)


@pytest.mark.parametrize(("hints", "most"), [(True, 3), (False, 27)])
def test_one_refused_point_of_five_thousand_takes_few_requests(hints: bool, most: int) -> None:
    refused, requests = drive(lines_of("g" * 3210 + "c" + "g" * 1789), Database(hints=hints))
    assert [one.at for one in refused] == [3210]
    assert requests <= most


def test_old_points_spread_over_many_series_take_few_requests() -> None:
    refused, requests = drive(lines_of("oogggggg" * 500), Database())
    assert len(refused) == 1000
    assert requests == 3


def test_a_batch_refused_whole_takes_one_request() -> None:
    refused, requests = drive(lines_of("c" * 5000), Database())
    assert (len(refused), requests) == (5000, 1)


def test_named_lines_are_taken_out_and_the_others_sent_again() -> None:
    refused, requests = drive(lines_of("ggu" * 1000), Database())
    assert (len(refused), requests) == (1000, 2)


def test_the_same_bad_line_twice_is_refused_twice() -> None:
    refused, requests = drive(["u 1", "g 2", "u 1"], Database())
    assert ([one.at for one in refused], requests) == ([0, 2], 2)


def test_a_hint_that_fits_no_line_is_no_trap() -> None:
    def wrong(lines: list[str]) -> Answer:
        return Refused("conflict", measurement="elsewhere", dropped=1) if "c,n=3 10003" in lines else Stored()

    refused, _ = drive(lines_of("gggcgggg"), wrong)
    assert [one.at for one in refused] == [3]


def test_a_request_that_is_too_large_is_halved_and_a_single_line_refused() -> None:
    refused, requests = drive(lines_of("g" * 8), Database(most=3))
    assert (refused, requests) == ([], 7)
    refused, _ = drive(lines_of("g"), Database(most=0))
    assert refused == [RefusedLine(0, "the line alone is larger than a request may be")]

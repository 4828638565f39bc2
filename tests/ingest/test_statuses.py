"""A status that cannot be used is a dead letter, once; what a replay makes of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.change import PARTS, Count
from ingest.exports import read_export, write_export
from ingest.intake import Arrival, Group, Intake
from ingest.letters import KeptLetter, open_letters
from ingest.pipeline import Directory
from ingest.replay import Tally, replay
from ingest.spool import Spool
from ingest.statuses import judge_status
from tests.ingest.samples import KNOWN, NOW_MS, TOPIC, arrival, make_intake
from wire.messages import LogExtent, State, Status, encode_message
from wire.names import digest
from wire.reasons import Reason

STATUS = "aryk/v1/karatal/gw1/status"
HELLO = encode_message(Status(state=State.ONLINE, logs=[LogExtent(epoch="00000000002a", first=1, last=9)]))
WILL = encode_message(Status(state=State.LOST))


def status(payload: bytes, topic: str = STATUS) -> Arrival:
    return Arrival(topic, payload, "application/json", NOW_MS, 0.0)


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (STATUS, b"\xff", Reason.BAD_JSON),
        (STATUS, b'{"v":2}', Reason.UNKNOWN_VERSION),
        (STATUS, b'{"v":1}', Reason.SCHEMA),
        (STATUS, b'{"v":1,"state":"online","logs":[{"epoch":"no","first":1,"last":2}]}', Reason.SCHEMA),
        (STATUS, b" " * 70_000, Reason.TOO_LARGE),
        ("aryk/v1/kara tal/gw1/status", HELLO, Reason.BAD_TOPIC),
        ("aryk/v1/karatal/gw9/status", HELLO, Reason.UNKNOWN_GATEWAY),
        ("aryk/v1/aksu/gw1/status", HELLO, Reason.WRONG_DISTRICT),
    ],
)
def test_a_status_that_cannot_be_used_is_a_letter_with_its_reason_and_bytes(
    topic: str, payload: bytes, reason: Reason
) -> None:
    intake, group = make_intake(), Group()
    heard = intake.take_status(status(payload, topic), group)
    assert heard.refused is not None
    (letter,) = group.change.letters
    assert (letter.reason, letter.payload, letter.topic, letter.epoch) == (reason, payload, topic, None)
    assert letter.gateway == (topic.split("/")[3] if reason is not Reason.BAD_TOPIC else "")
    assert group.change.counts == {Count.RECEIVED: 1, Count.DEAD: 1}
    assert group.due == []  # nobody could make anything of the answer


def test_a_good_status_is_none() -> None:
    intake, group = make_intake(), Group()
    heard = intake.take_status(status(HELLO), group)
    assert (heard.refused, heard.status is not None) == (None, True)
    assert group.change.letters == []
    assert not group.change.counts


def test_a_stranger_is_still_heard_so_that_its_clock_is_answered() -> None:
    heard = make_intake().take_status(status(HELLO, "aryk/v1/karatal/gw9/status"), Group())
    assert heard.refused is not None
    assert heard.status is not None


def test_the_same_status_again_is_the_same_letter_with_a_count(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        take(spool, [status(b"?"), status(b"?")])
    with Spool(tmp_path / "spool.sqlite") as spool:  # after a kill, too
        take(spool, [status(b"?")])
        assert spool.totals.counters["received"] == 3
        assert spool.totals.counters["repeated"] == 2
    ((letter, payload),) = kept(tmp_path)
    assert (letter.count, letter.readings, payload) == (3, 1, b"?")


def test_the_same_bytes_of_two_gateways_or_as_readings_are_letters_of_their_own(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        take(spool, [status(WILL, f"aryk/v1/karatal/{name}/status") for name in ("gw8", "gw9")])
        intake, group = loaded(spool), Group()
        intake.take(arrival(WILL, TOPIC), group)
        spool.commit([group.change], NOW_MS)
    assert [one.gateway for one, _ in kept(tmp_path)] == ["gw8", "gw9", "gw1"]


def test_what_killed_ingest_is_refused_undecoded() -> None:
    intake, group = make_intake(poison={digest(HELLO)}), Group()
    heard = intake.take_status(status(HELLO), group)
    assert heard.status is None
    assert [one.reason for one in group.change.letters] == [Reason.POISON]


def test_a_replay_refuses_it_again_with_the_reason_that_holds_now(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        take(spool, [status(HELLO, "aryk/v1/karatal/gw9/status"), status(b"?")])
        known = replace(KNOWN, districts={**KNOWN.districts, "gw9": "aksu"})
        tally = replay_all(spool, tmp_path, known)
        assert tally.document() == {
            "letters": 2,
            "stored": 0,
            "repeated": 0,
            "refused": {"bad_json": 1, "wrong_district": 1},
        }
    assert [(one.reason, one.replays) for one, _ in kept(tmp_path)] == [("wrong_district", 1), ("bad_json", 1)]


def test_a_status_that_is_good_now_is_no_letter_any_more_and_is_no_reading(tmp_path: Path) -> None:
    topic = "aryk/v1/karatal/gw9/status"
    with Spool(tmp_path / "spool.sqlite") as spool:
        take(spool, [status(HELLO, topic)])
        known = replace(KNOWN, districts={**KNOWN.districts, "gw9": "karatal"})
        tally = replay_all(spool, tmp_path, known)
        assert (tally.stored, tally.repeated, dict(tally.refused)) == (0, 1, {})
        assert spool.totals.rows == 0
        assert conserves(spool)
        assert kept(tmp_path) == []
        assert replay_all(spool, tmp_path, known).letters == 0
        take(spool, [status(HELLO, topic)])  # and were it refused once more, it would be a letter once more
        assert len(kept(tmp_path)) == 1
        assert conserves(spool)


def test_a_replay_of_one_that_killed_ingest_takes_the_mark_away(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        group = Group()
        make_intake(poison={digest(HELLO)}).take_status(status(HELLO), group)
        spool.commit([group.change], NOW_MS)
        intake, group = loaded(spool, poison={digest(HELLO)}), Group()
        replay(kept(tmp_path), intake, group, NOW_MS)
        assert intake.poison == set()
        assert group.change.unmarks == [digest(HELLO)]


def test_it_goes_through_an_export_and_comes_back_as_the_same(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool.sqlite") as spool:
        take(spool, [status(WILL, "aryk/v1/karatal/gw9/status")])
    ((letter, payload),) = kept(tmp_path)
    write_export(tmp_path / "out.jsonl.gz", [(letter, payload)], NOW_MS)
    (back,) = read_export(tmp_path / "out.jsonl.gz")
    assert (back.key, back.payload) == (letter.key, WILL)


@given(st.binary(max_size=200), st.text(max_size=40))
def test_no_bytes_and_no_topic_raise(payload: bytes, name: str) -> None:
    judge_status(f"aryk/v1/karatal/{name}/status", payload, KNOWN)


def loaded(spool: Spool, poison: set[str] | None = None, known: Directory = KNOWN) -> Intake:
    holding, made = spool.load(), make_intake(poison=poison)
    made.known, made.received, made.dead_keys = known, holding.received, holding.dead_keys
    return made


def take(spool: Spool, arrivals: Sequence[Arrival]) -> None:
    intake, group = loaded(spool), Group()
    for one in arrivals:
        intake.take_status(one, group)
    spool.commit([group.change], NOW_MS)


def replay_all(spool: Spool, folder: Path, known: Directory) -> Tally:
    intake, group = loaded(spool, known=known), Group()
    tally = replay(kept(folder), intake, group, NOW_MS)
    spool.commit([group.change], NOW_MS)
    return tally


def kept(folder: Path) -> list[tuple[KeptLetter, bytes]]:
    with open_letters(folder / "spool.sqlite") as letters:
        return [found for one in letters.find() if (found := letters.get(one.id)) is not None]


def conserves(spool: Spool) -> bool:
    counters = spool.totals.counters
    return counters.get("received", 0) == sum(counters.get(part.value, 0) for part in PARTS)

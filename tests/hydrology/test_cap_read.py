"""CAP read back: what we write comes back whole, what we do not know is named, hostile files are refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.cap import Alert, Area, MsgType, Reference, Scope, to_xml
from hydrology.cap_read import CapReadError, read_alert
from tests.hydrology.test_cap import NOW, draft

GOOD = to_xml(draft())


def test_a_draft_comes_back_whole() -> None:
    found = read_alert(GOOD)
    assert found.alert == draft()
    assert found.not_held == ()


def test_every_optional_element_comes_back() -> None:
    info = replace(
        draft().infos[0],
        effective=NOW,
        onset=NOW + timedelta(minutes=5),
        sender_name="Office",
        web="page",
        contact="109",
        response_types=("Monitor", "Prepare"),
        parameters=(("a", "1"), ("b", "2")),
    )
    alert = replace(
        draft(),
        infos=(info,),
        msg_type=MsgType.UPDATE,
        references=(Reference("a@b", "1", NOW), Reference("a@b", "2", NOW)),
        scope=Scope.RESTRICTED,
        restriction="staff",
        addresses=("one@b", "duty room"),
        note="note",
        incidents="7",
    )
    assert read_alert(to_xml(alert)).alert == alert


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp", "Zs"]), min_size=1, max_size=40
)


@given(words, words, words, st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=3, max_size=6))
def test_any_words_and_any_area_come_back(
    headline: str, place: str, note: str, corners: list[tuple[float, float]]
) -> None:
    rounded = tuple((round(a, 5) + 0.0, round(b, 5) + 0.0) for a, b in corners)
    area = Area(place, ((*rounded, rounded[0]),))
    infos = tuple(replace(one, headline=headline, areas=(area,)) for one in draft().infos)
    alert: Alert = draft(infos=infos, note=note)
    assert read_alert(to_xml(alert)).alert == alert


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"<status>Draft<", b"<status>Maybe<", "alert/status is 'Maybe': one of Actual"),
        (b"<sent>2024-04-29T09:15:00+05:00<", b"<sent>2024-04-29T09:15:00<", "alert/sent has no time zone"),
        (b"<sent>2024-04-29T09:15:00+05:00<", b"<sent>yesterday<", "alert/sent is not a time"),
        (b"<scope>Public</scope>", b"", "alert has no scope"),
        (b"<scope>Public</scope>", b"<scope>Public</scope><scope>Public</scope>", "alert has scope twice"),
        (b"51.00000,51.00000 51.00000", b"51.00000;51.00000 51.00000", "not latitude,longitude"),
        (b"cap:1.2", b"cap:1.1", "not an alert of"),
    ],
)
def test_a_fault_names_the_element(old: bytes, new: bytes, said: str) -> None:
    assert old in GOOD
    with pytest.raises(CapReadError, match=said):
        read_alert(GOOD.replace(old, new))


def test_elements_that_the_model_does_not_hold_are_named() -> None:
    more = GOOD.replace(b"<scope>Public</scope>", b"<scope>Public</scope><code>x</code>").replace(
        b"<expires>", b"<audience>x</audience><expires>"
    )
    assert read_alert(more).not_held == ("alert/code", "info 1/audience", "info 2/audience", "info 3/audience")


@pytest.mark.parametrize(
    "hostile",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a []><a/>'.encode("utf-16"),
        b"<" * 1_000_001,
        b"<alert>",
        b"",
    ],
)
def test_hostile_files_are_refused(hostile: bytes) -> None:
    with pytest.raises(CapReadError):
        read_alert(hostile)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(noise: bytes) -> None:
    with pytest.raises(CapReadError):
        read_alert(noise)

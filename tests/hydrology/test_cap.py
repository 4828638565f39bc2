from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.etree import ElementTree

import pytest

from hydrology.cap import (
    Alert,
    Area,
    CapError,
    CapStatus,
    MsgType,
    Reference,
    Scope,
    Severity,
    cap_time,
    problems,
    sign_off,
    to_xml,
)
from hydrology.cap_draft import Situation, describe, draft_flood
from hydrology.cap_words import HIGH, LANGUAGES, NAMES, QUANTITIES, RISING, TEXTS, UNITS, WHAT
from hydrology.warnings import LevelName, TimeToThreshold

LOCAL = timezone(timedelta(hours=5))
NOW = datetime(2024, 4, 29, 9, 15, tzinfo=LOCAL)
SQUARE = ((51.0, 51.0), (51.0, 52.0), (52.0, 52.0), (51.0, 51.0))
AREAS = {
    language: (Area("Орал", (SQUARE,), (((51.2, 51.4), 12.5),), (("KATO", "271010000"),)),) for language in LANGUAGES
}
PLACE = {"kk-KZ": "Жайық, Орал", "ru-RU": "Жайык, Орал <пост & мост>", "en-US": "Zhaiyk at Oral"}
SITUATION = Situation(PLACE, 8.63, LevelName.DANGEROUS, 8.50, NOW, change_24h=0.06)


def draft(**changes: Any) -> Alert:
    alert = draft_flood(SITUATION, identifier="kz-oral-7", sender="aryk@example.kz", sent=NOW, areas=AREAS)
    return replace(alert, **changes)


def schema_says(xml: bytes) -> tuple[bool, str]:
    validate = pytest.importorskip("capvalidator.validate", reason="capvalidator is not installed")
    valid, message = validate.Validator(xml).schema()
    return bool(valid), str(message)


def test_the_draft_passes_the_schema_and_our_rules() -> None:
    alert = draft()
    assert problems(alert) == []
    valid, message = schema_says(to_xml(alert))
    assert valid, message


def test_every_optional_element_passes_the_schema_in_its_order() -> None:
    alert = draft(
        status=CapStatus.EXERCISE,
        msg_type=MsgType.UPDATE,
        scope=Scope.RESTRICTED,
        restriction="staff",
        addresses=("a@example.kz", "duty room"),
        note="note",
        incidents="flood-2024",
        references=(Reference("aryk@example.kz", "kz-oral-6", NOW - timedelta(hours=3)),),
    )
    info = replace(alert.infos[0], effective=NOW, sender_name="District", web="https://example.kz", contact="112")
    valid, message = schema_says(to_xml(replace(alert, infos=(info,))))
    assert valid, message


def test_an_alert_is_a_draft_until_a_person_signs() -> None:
    alert = draft()
    assert alert.status is CapStatus.DRAFT
    later = NOW + timedelta(minutes=5)
    signed = sign_off(alert, "A. Serik", later)
    assert (signed.status, signed.sent) == (CapStatus.ACTUAL, later)
    assert "A. Serik" in signed.note
    assert schema_says(to_xml(signed))[0]
    with pytest.raises(ValueError, match="name"):
        sign_off(alert, " ", later)
    with pytest.raises(ValueError, match="draft"):
        sign_off(signed, "A. Serik", later)


def test_text_is_escaped_and_comes_back() -> None:
    root = ElementTree.fromstring(to_xml(draft()))
    space = {"cap": "urn:oasis:names:tc:emergency:cap:1.2"}
    headlines = [element.text for element in root.findall("cap:info/cap:headline", space)]
    assert headlines[1] is not None
    assert "<пост & мост>" in headlines[1]
    assert [e.text for e in root.findall("cap:info/cap:language", space)] == list(LANGUAGES)
    assert [e.text for e in root.findall("cap:sent", space)] == ["2024-04-29T09:15:00+05:00"]


def bad_info(**changes: Any) -> Alert:
    alert = draft()
    return replace(alert, infos=(replace(alert.infos[0], **changes),))


OPEN = (*SQUARE[:-1], (51.5, 51.5))


@pytest.mark.parametrize(
    ("alert", "problem"),
    [
        (draft(infos=()), "at least one info"),
        (bad_info(areas=()), "needs an area"),
        (draft(msg_type=MsgType.UPDATE), "needs references"),
        (draft(msg_type=MsgType.CANCEL), "needs references"),
        (draft(scope=Scope.RESTRICTED), "restriction"),
        (draft(scope=Scope.PRIVATE), "addresses"),
        (draft(identifier=""), "identifier is empty"),
        (draft(identifier="a b"), "identifier is empty or has a blank"),
        (draft(sender="a,b"), "sender"),
        (draft(identifier="a<b"), "identifier"),
        (bad_info(areas=(Area("x", (OPEN,)),)), "last equal to the first"),
        (bad_info(areas=(Area("x", (SQUARE[:2],)),)), "four points"),
        (bad_info(areas=(Area("x", circles=(((151.0, 51.0), 1.0),)),)), "latitude"),
        (bad_info(areas=(Area("x", circles=(((51.0, 51.0), -1.0),)),)), "radius"),
        (bad_info(areas=(Area(""),)), "no description"),
        (bad_info(expires=NOW), "expires is not after sent"),
        (bad_info(onset=NOW + timedelta(days=2)), "expires is not after onset"),
        (bad_info(headline=""), "are needed"),
        (draft(infos=draft().infos[:1] * 2), "one language"),
        (draft(sent=datetime(2024, 4, 29)), "no time zone"),
    ],
)
def test_what_the_schema_does_not_know(alert: Alert, problem: str) -> None:
    assert any(problem in found for found in problems(alert))
    with pytest.raises(CapError) as error:
        to_xml(alert)
    assert error.value.problems == problems(alert)


def test_a_cancel_needs_no_info() -> None:
    cancel = draft(infos=(), msg_type=MsgType.CANCEL, references=(Reference("aryk@example.kz", "kz-oral-7", NOW),))
    assert schema_says(to_xml(cancel))[0]


def test_times_have_an_offset_and_no_fractions() -> None:
    assert cap_time(datetime(2024, 4, 29, 4, 15, 0, 123456, tzinfo=UTC)) == "2024-04-29T04:15:00+00:00"
    with pytest.raises(ValueError, match="time zone"):
        cap_time(datetime(2024, 4, 29))


def test_the_words_that_officials_quote() -> None:
    """Zhaiyk at Oral on 29 April 2024: 863 cm, 13 cm above the critical point."""
    headline, text = describe(SITUATION, "ru-RU")
    assert "863 см" in headline
    assert "863 см над нулём поста" in text
    assert "на 13 см выше" in text
    assert "+6 см" in text
    for language in LANGUAGES:
        assert "13" in describe(SITUATION, language)[1]


def test_a_trend_is_labelled_and_what_is_expected_is_not_observed() -> None:
    rising = replace(SITUATION, value=8.20, trend=TimeToThreshold(14.0, 9.0, 20.0), suspect=True)
    alert = draft_flood(rising, identifier="x", sender="y", sent=NOW, areas=AREAS, updates=Reference("y", "w", NOW))
    assert alert.msg_type is MsgType.UPDATE
    assert problems(alert) == []
    english = alert.infos[2]
    assert "about 14 h; this is not a forecast" in english.description
    assert "in doubt" in english.description
    assert "30 cm below" in english.description
    assert (english.urgency.value, english.certainty.value) == ("Expected", "Possible")
    assert english.severity is Severity.EXTREME


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_falling_water_is_not_said_to_rise(language: str) -> None:
    def said(per_h: float, value: float) -> tuple[str, str, str]:
        now = replace(SITUATION, per_h=per_h, value=value)
        alert = draft_flood(now, identifier="x", sender="y", sent=NOW, areas=AREAS)
        info = next(one for one in alert.infos if one.language == language)
        return info.event, info.description, info.urgency.value

    rise = RISING[language]["level"]
    assert said(0.02, 8.63)[0] == rise
    event, description, urgency = said(-0.02, 8.63)
    assert event == HIGH[language]["level"]
    assert f"2 {UNITS[language]['level']}" in description
    assert urgency == "Immediate", "it stands over the threshold all the same"
    assert said(-0.02, 8.20)[2] == "Future"
    steady = said(-0.0001, 8.63)
    assert steady[0] == HIGH[language]["level"]
    assert len(steady[1]) < len(description), "a fall of nothing is not told"


@pytest.mark.parametrize("quantity", [one for one in QUANTITIES if one != "level"])
def test_a_warning_may_be_of_another_quantity(quantity: str) -> None:
    other = replace(SITUATION, quantity=quantity, value=2_000_000.0, threshold_value=1_500_000.0, change_24h=None)
    alert = draft_flood(other, identifier="x", sender="y", sent=NOW, areas=AREAS)
    assert problems(alert) == []
    for info in alert.infos:
        assert WHAT[info.language][quantity] in info.headline
        assert UNITS[info.language][quantity] in info.description
        assert dict(info.parameters)["quantity"] == quantity


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_begins_with_a_capital(language: str) -> None:
    text = describe(replace(SITUATION, value=8.2, per_h=-0.02), language)[1]
    assert all(one[0].isupper() or one[0].isdigit() for one in text.split(". ")), text


def test_a_volume_is_in_millions() -> None:
    other = replace(SITUATION, quantity="volume", value=2_000_000.0, threshold_value=1_500_000.0, change_24h=None)
    assert "stored volume 2.000 mln m³" in describe(other, "en-US")[0]
    assert "That is 0.500 mln m³ above" in describe(other, "en-US")[1]
    assert "Это на 0,500 млн м³ выше" in describe(other, "ru-RU")[1]


def test_every_language_has_every_word() -> None:
    for words in (NAMES, WHAT, UNITS, RISING, HIGH, TEXTS):
        assert {frozenset(one) for one in words.values()} == {frozenset(words["en-US"])}, "as many in each language"
        assert tuple(words) == LANGUAGES

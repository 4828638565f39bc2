"""What InfluxDB answers, word for word as 2.7.12 and 1.6.7 say it."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.influx_answers import Answer, Refused, Stored, TooLarge, named_lines, read_answer, retry_after_s
from store.points import StoreError, StoreMisconfiguredError, StoreUnavailableError

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
LINES = ["m,s=a value=1.0 1", "m,s=b value=nan 2", "m,s=c  3", "m,s=d value=3 4"]


def read(status: int, message: str = "", key: str = "message", headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps({"code": "x", key: message}).encode() if message else b""
    return read_answer(status, headers or {}, body, LINES, NOW)


def test_204_is_stored() -> None:
    assert read(204) == Stored()


@pytest.mark.parametrize("status", [200, 201, 202, 301, 302, 400, 404, 405, 418])
def test_what_no_database_says_is_a_configuration_fault(status: int) -> None:
    with pytest.raises(StoreMisconfiguredError, match=f"HTTP {status}"):
        read_answer(status, {}, b"<html>Welcome</html>", LINES, NOW)


def test_a_field_type_conflict_names_the_measurement() -> None:
    said = (
        'failure writing points to database: partial write: field type conflict: input field "value" on measurement "m"'
        " is type integer, already exists as type float dropped=2"
    )
    assert read(422, said) == Refused(said, dropped=2, measurement="m")
    old = said.removeprefix("failure writing points to database: ")
    assert read(400, old, key="error") == Refused(old, dropped=2, measurement="m")


def test_a_measurement_in_quotes_is_unescaped() -> None:
    said = r'partial write: field type conflict: input field "value" on measurement "a\"b\\c" is type integer dropped=1'
    answer = read(422, said)
    assert isinstance(answer, Refused)
    assert answer.measurement == 'a"b\\c'


def test_points_outside_retention_name_the_newest() -> None:
    said = (
        "failure writing points to database: partial write: dropped 2 points outside retention policy of duration 1h0m0s"
        " - oldest point m,s=c at 2026-11-23T16:24:43.517Z dropped because it violates a Retention Policy Lower Bound at"
        " 2026-11-23T17:26:23.617579133Z, newest point m,s=b at 2026-11-23T16:26:23.5Z dropped because it violates a"
        " Retention Policy Lower Bound at 2026-11-23T17:26:23.617579133Z dropped=2 for database: f1e262995a966f8f for"
        " retention policy: autogen"
    )
    answer = read(422, said)
    assert isinstance(answer, Refused)
    assert (answer.dropped, answer.older_ms, answer.measurement) == (2, 1_795_451_183_500, None)
    assert "outside retention policy" in answer.reason


def test_lines_that_do_not_parse_are_named_with_their_reasons() -> None:
    said = f"unable to parse '{LINES[1]}': invalid number\nunable to parse '{LINES[2]}': invalid field format"
    expected = {LINES[1]: "unable to parse: invalid number", LINES[2]: "unable to parse: invalid field format"}
    answer = read(400, said)
    assert isinstance(answer, Refused)
    assert answer.lines == expected
    old = read(400, f"partial write: {said} dropped=0", key="error")
    assert isinstance(old, Refused)
    assert (old.lines, old.dropped) == (expected, 0)


def test_influxdb_3_names_the_line_beside_the_message() -> None:
    body = {
        "error": "partial write of line protocol occurred",
        "data": [{"original_line": LINES[1], "error_message": "no"}],
    }
    answer = read_answer(400, {}, json.dumps(body).encode(), LINES, NOW)
    assert isinstance(answer, Refused)
    assert answer.lines == {LINES[1]: "unable to parse: no"}


def test_an_open_quote_takes_the_following_lines_with_it() -> None:
    said = f"unable to parse '{LINES[2]}\n{LINES[3]}': unbalanced quotes"
    assert list(named_lines(said, LINES)) == [LINES[2]]


def test_a_line_that_holds_what_ends_it_in_the_message() -> None:
    line = 'm,s=a body="x\': y" nan'
    assert named_lines(f"unable to parse '{line}': bad timestamp: 'nan': no number", [line, 'm,s=a body="x']) == {
        line: "unable to parse: bad timestamp: 'nan': no number"
    }


def test_too_large() -> None:
    assert read(413, "Request Entity Too Large") == TooLarge()


@pytest.mark.parametrize(
    ("status", "message", "key"),
    [
        (404, 'bucket "nope" not found', "message"),
        (404, 'database not found: "nope"', "error"),
        (401, "unauthorized access", "message"),
        (403, "forbidden", "message"),
        (400, "invalid precision", "message"),
    ],
)
def test_configuration_faults_say_what_the_server_said(status: int, message: str, key: str) -> None:
    with pytest.raises(StoreMisconfiguredError, match=message):
        read(status, message, key)


@pytest.mark.parametrize(
    ("status", "message", "timed_out"),
    [
        (429, "too many requests", False),
        (500, "internal error", False),
        (500, "timeout", True),
        (502, "", False),
        (503, "service unavailable", False),
        (504, "", True),
        (408, "", True),
    ],
)
def test_trying_again_may_help(status: int, message: str, timed_out: bool) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        read(status, message)
    assert caught.value.timed_out is timed_out
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Mon, 23 Nov 2026 12:01:00 GMT", 60.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, NOW) == seconds


@pytest.mark.parametrize("name", ["Retry-After", "retry-after"])
def test_retry_after_is_honoured(name: str) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        read(503, "busy", headers={name: "7"})
    assert caught.value.retry_after_s == 7.0


@given(st.integers(100, 599), st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.text(max_size=30))
def test_any_answer_is_read_or_is_one_of_our_errors(status: int, body: bytes, retry: str) -> None:
    try:
        answer = read_answer(status, {"Retry-After": retry}, body, LINES, NOW)
    except StoreError:
        return
    assert isinstance(answer, (Stored, TooLarge, Refused))
    assert isinstance(answer, Stored) == (status == 204)

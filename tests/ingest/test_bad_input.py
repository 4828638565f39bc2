"""Every kind of bad input of the contract: kept with topic, time, raw bytes and reason; the others of the batch are stored."""

import json
import zlib
from dataclasses import dataclass

import pytest

from ingest.body import decode_body
from ingest.change import Count
from ingest.intake import Arrival, Group
from tests.ingest.samples import NOW_MS, TOPIC, arrival, batch, document, level, make_intake, spoilt
from wire.batch import MAX_INFLATED_BYTES, Record
from wire.codec import CONTENT_TYPES, Codec
from wire.names import digest
from wire.reasons import Reason


@dataclass(frozen=True)
class Case:
    name: str
    payload: bytes
    reason: Reason
    good: int = 0
    """How many readings of the same batch are stored."""
    topic: str = TOPIC
    content_type: str = "application/json"
    identity: bool = True


def second_series(**changes: object) -> bytes:
    """A good series of three, and a bad one of one reading."""
    bad = {
        "sensor": "flow",
        "quantity": "discharge",
        "unit": "m3/s",
        "seq": [9],
        "time": [NOW_MS],
        "value": [4.0],
        "flag": [1],
        **changes,
    }
    doc = document()
    doc["series"].append(bad)
    return json.dumps(doc).encode()


CBOR_BATCH = arrival(batch(level([1, 2, 3])), codec=Codec.CBOR).payload

CASES = [
    Case("unknown gateway", spoilt(gateway="gw9"), Reason.UNKNOWN_GATEWAY, topic="aryk/v1/karatal/gw9/readings"),
    Case("unknown sensor", second_series(sensor="nosuch"), Reason.UNKNOWN_SENSOR, good=3),
    Case("another district", spoilt(), Reason.WRONG_DISTRICT, topic="aryk/v1/aksu/gw1/readings"),
    Case("wrong unit", second_series(unit="l/s"), Reason.WRONG_UNIT, good=3),
    Case("wrong quantity", second_series(quantity="level", unit="m"), Reason.WRONG_QUANTITY, good=3),
    Case("NaN", spoilt(value=[1.0, float("nan"), 1.2]), Reason.NOT_FINITE, good=2),
    Case("infinity", spoilt(value=[1.0, float("inf"), 1.2]), Reason.NOT_FINITE, good=2),
    Case("a boolean for a number", spoilt(value=[True, 1.1, 1.2]), Reason.NOT_A_NUMBER, good=2),
    Case("a string for a number", spoilt(value=["1.0", 1.1, 1.2]), Reason.NOT_A_NUMBER, good=2),
    Case("years ahead", spoilt(time=[NOW_MS, NOW_MS, NOW_MS + 3 * 365 * 86_400_000]), Reason.TIME_FUTURE, good=2),
    Case("in 1970", spoilt(time=[1_000, NOW_MS, NOW_MS]), Reason.TIME_PAST, good=2),
    Case("time is text", spoilt(time=["now", NOW_MS, NOW_MS]), Reason.BAD_TIME, good=2),
    Case("unknown flag", spoilt(flag=[1, 7, 1]), Reason.BAD_FLAG, good=2),
    Case("missing with a value", spoilt(flag=[1, 9, 1]), Reason.BAD_FLAG, good=2),
    Case("unknown version", spoilt(v=2), Reason.UNKNOWN_VERSION, identity=False),
    Case("truncated CBOR", CBOR_BATCH[:-5], Reason.BAD_CBOR, content_type="cbor", identity=False),
    Case("truncated JSON", spoilt()[:-5], Reason.BAD_JSON, identity=False),
    Case("deep nesting, JSON", b"[" * 100_000, Reason.BAD_JSON, identity=False),
    Case("deep nesting, CBOR", b"\x81" * 100_000, Reason.BAD_CBOR, content_type="cbor", identity=False),
    Case(
        "a bomb",
        zlib.compress(bytes(MAX_INFLATED_BYTES * 20), 9),
        Reason.BOMB,
        content_type="cbor",
        identity=False,
    ),
    Case("a message of 1 MB", b"x" * 1_000_000, Reason.TOO_LARGE, identity=False),
    Case("invalid UTF-8", spoilt().replace(b"gw1", b"\xff\xfe"), Reason.BAD_JSON, identity=False),
    Case("the topic contradicts", spoilt(gateway="gw2"), Reason.TOPIC_MISMATCH, identity=False),
    Case("a foreign topic", spoilt(), Reason.BAD_TOPIC, topic="aryk/v1/karatal/readings", identity=False),
    Case("a foreign content type", spoilt(), Reason.UNKNOWN_CONTENT_TYPE, content_type="text/csv", identity=False),
    Case("nothing at all", b"", Reason.BAD_JSON, identity=False),
    Case("a list", b"[]", Reason.SCHEMA, identity=False),
    Case("a number twice", spoilt(seq=[1, 1, 2]), Reason.SCHEMA, identity=False),
    Case("columns of two lengths", spoilt(value=[1.0]), Reason.SCHEMA, identity=False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_kept_with_its_reason_and_the_others_are_stored(case: Case) -> None:
    intake, group = make_intake(), Group()
    intake.take(Arrival(case.topic, case.payload, case.content_type, NOW_MS, 0.0), group)
    change = group.change

    (letter,) = change.letters
    assert (letter.reason, letter.topic, letter.received_ms) == (case.reason, case.topic, NOW_MS)
    assert letter.payload == case.payload
    assert letter.content_type == case.content_type
    assert letter.digest == digest(case.payload)
    assert (letter.epoch is not None) == case.identity

    stored = [len(one.seq) for row in change.rows for one in decode_body(row.body)[0]]
    assert sum(stored) == case.good
    counts = change.counts
    assert counts[Count.RECEIVED] == counts[Count.WAITING] + counts[Count.DEAD]
    assert counts[Count.WAITING] == case.good

    if case.reason is Reason.BAD_TOPIC:
        assert group.due == []  # nobody to tell
        return
    (due,) = group.due
    (refusal,) = due.refused
    assert refusal.reason is case.reason
    if case.identity:
        assert (refusal.digest, refusal.epoch) == (None, "00000000002a")
        assert [tuple(one) for one in refusal.ranges] == letter.ranges
        # what is refused and kept is durable too: the gateway need not send it again
        assert sum(last - first + 1 for first, last in due.ranges) == counts[Count.RECEIVED]
    else:
        assert (refusal.digest, due.ranges) == (digest(case.payload), [])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_again_is_one_letter(case: Case) -> None:
    intake, first, second = make_intake(), Group(), Group()
    message = Arrival(case.topic, case.payload, case.content_type, NOW_MS, 0.0)
    intake.take(message, first)
    intake.take(message, second)
    assert second.change.letters == []
    assert second.change.rows == []
    assert second.change.counts[Count.REPEATED] == second.change.counts[Count.RECEIVED]
    assert [due.ranges for due in second.due] == [due.ranges for due in first.due]
    assert [due.refused for due in second.due] == [due.refused for due in first.due]


def test_a_foreign_gateway_cannot_mark_anothers_numbers_as_received() -> None:
    intake, group = make_intake(), Group()
    intake.take(arrival(batch(level([1, 2]), gateway="gw2"), TOPIC), group)
    assert intake.received.look("gw2", 0x2A) is None


def test_a_packet_that_could_not_be_read_is_kept() -> None:
    intake, group = make_intake(), Group()
    intake.take(Arrival(TOPIC, b"\x32raw", None, NOW_MS, 0.0, unreadable="Invalid property"), group)
    (letter,) = group.change.letters
    assert (letter.reason, letter.payload, letter.detail) == (Reason.SCHEMA, b"\x32raw", "Invalid property")


def test_a_packet_cut_off_for_its_length_is_too_large() -> None:
    intake, group = make_intake(), Group()
    intake.take(Arrival(TOPIC, b"\x32raw", None, NOW_MS, 0.0, unreadable="5000000 bytes", too_large=True), group)
    assert group.change.letters[0].reason is Reason.TOO_LARGE


def test_a_poisonous_digest_is_refused_undecoded() -> None:
    payload = spoilt()

    def never(payload: bytes, content_type: str | None) -> None:
        raise AssertionError("decoded")

    intake, group = make_intake(poison={digest(payload)}), Group()
    intake.decode = never  # type: ignore[assignment]
    intake.take(arrival(payload), group)
    assert group.change.letters[0].reason is Reason.POISON


def test_each_reason_and_sensor_of_a_message_has_its_own_letter() -> None:
    intake, group = make_intake(), Group()
    bad_level = level([1, 2, 3, 4], value=[float("nan"), float("inf"), True, 1.0])
    payload = json.dumps(
        document(seq=[1, 2, 3, 4], time=bad_level.time_ms, value=bad_level.value, flag=[1] * 4)
    ).encode()
    intake.take(arrival(payload), group)
    assert [(one.reason, one.sensor, one.ranges) for one in group.change.letters] == [
        (Reason.NOT_FINITE, "level", [(1, 2)]),
        (Reason.NOT_A_NUMBER, "level", [(3, 3)]),
    ]
    assert group.change.counts[Count.WAITING] == 1
    assert group.change.rows[0].ranges == "4-4"


def test_records_are_checked_too() -> None:
    intake, group = make_intake(), Group()
    records = [Record(5, NOW_MS, "gap", {"why": "restart"}), Record(6, 1_000, "gap", {})]
    intake.take(arrival(batch(level([1]), records=records)), group)
    (letter,) = group.change.letters
    assert (letter.reason, letter.ranges) == (Reason.TIME_PAST, [(6, 6)])
    assert group.change.rows[0].ranges == "1-1,5-5"


def test_a_message_without_a_content_type_is_json() -> None:
    intake, group = make_intake(), Group()
    intake.take(Arrival(TOPIC, spoilt(), None, NOW_MS, 0.0), group)
    assert group.change.counts[Count.WAITING] == 3
    assert CONTENT_TYPES[Codec.JSON] == "application/json"

"""Any batch survives both codecs; what is wrong with one reading leaves the others."""

import json
from typing import Any

import cbor2
import pytest
from hypothesis import given

from tests.wire.batches import batches
from wire.batch import MAX_READINGS, Batch, Record, RefusedReading, Series
from wire.cbor_codec import decode_cbor, encode_cbor
from wire.codec import CONTENT_TYPES, Codec, decode_batch, encode_batch
from wire.json_codec import decode_json
from wire.reasons import Reason, WireError

CODECS = list(Codec)


def same(one: Batch, other: Batch) -> bool:
    """Equal, and minus zero is not zero."""
    return one == other and repr(one) == repr(other)


@given(batches())
def test_any_batch_comes_back_from_both_codecs(batch: Batch) -> None:
    for codec in CODECS:
        assert same(decode_batch(encode_batch(batch, codec), CONTENT_TYPES[codec]), batch), codec


@given(batches())
def test_a_batch_knows_its_numbers(batch: Batch) -> None:
    seqs = [seq for series in batch.series for seq in series.seq] + [record.seq for record in batch.records]
    assert sorted(batch.seqs()) == sorted(seqs)
    assert batch.size == len(seqs)


def test_a_message_without_content_type_is_json() -> None:
    payload = encode_batch(small(), Codec.JSON)
    assert decode_batch(payload, None) == decode_batch(payload, "") == small()


@pytest.mark.parametrize("content_type", ["text/plain", "application/cbor", "CBOR", "json", "\x00", "x" * 60_000])
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(WireError) as caught:
        decode_batch(encode_batch(small(), Codec.JSON), content_type)
    assert caught.value.reason is Reason.UNKNOWN_CONTENT_TYPE
    assert len(str(caught.value)) < 200


def small(**more: Any) -> Batch:
    columns: dict[str, Any] = {"seq": [1, 2], "time_ms": [1000, 2000], "value": [1.5, 2.5], "flag": [1, 1]}
    return Batch("gw-1", 7, [Series("radar", "level", "m", **{**columns, **more})])


def document(**more: Any) -> dict[str, Any]:
    """A good JSON document, changed."""
    series = {"sensor": "radar", "quantity": "level", "unit": "m", "seq": [1, 2, 3], "time": [10, 20, 30]}
    series |= {"value": [1.5, 2.5, 3.5], "flag": [1, 1, 1]}
    whole: dict[str, Any] = {"v": 1, "gateway": "gw-1", "epoch": "0000000000ff", "series": [series]}
    for name, thing in more.items():
        (series if name in ("sensor", "quantity", "unit", "seq", "time", "value", "flag", "raw") else whole)[name] = (
            thing
        )
    return whole


def refusals(doc: dict[str, Any]) -> list[RefusedReading]:
    """What JSON refuses of this; the first and the third reading must stay."""
    batch = decode_json(json.dumps(doc).encode())
    assert batch.series[0].seq == [1, 3]
    assert batch.series[0].value == [1.5, 3.5]
    assert sorted(batch.seqs()) == [1, 2, 3]
    return batch.refused


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": [1.5, True, 3.5]}, Reason.NOT_A_NUMBER),
        ({"value": [1.5, "2.5", 3.5]}, Reason.NOT_A_NUMBER),
        ({"value": [1.5, [2.5], 3.5]}, Reason.NOT_A_NUMBER),
        ({"value": [1.5, {}, 3.5]}, Reason.NOT_A_NUMBER),
        ({"value": [1.5, float("nan"), 3.5]}, Reason.NOT_FINITE),
        ({"value": [1.5, float("inf"), 3.5]}, Reason.NOT_FINITE),
        ({"value": [1.5, 10**400, 3.5]}, Reason.NOT_FINITE),
        ({"value": [1.5, None, 3.5]}, Reason.BAD_FLAG),
        ({"flag": [1, 9, 1]}, Reason.BAD_FLAG),
        ({"flag": [1, 0, 1]}, Reason.BAD_FLAG),
        ({"flag": [1, True, 1]}, Reason.BAD_FLAG),
        ({"flag": [1, 1.0, 1]}, Reason.BAD_FLAG),
        ({"flag": [1, "1", 1]}, Reason.BAD_FLAG),
        ({"flag": [1, None, 1]}, Reason.BAD_FLAG),
        ({"time": [10, 20.5, 30]}, Reason.BAD_TIME),
        ({"time": [10, "20", 30]}, Reason.BAD_TIME),
        ({"time": [10, None, 30]}, Reason.BAD_TIME),
        ({"time": [10, True, 30]}, Reason.BAD_TIME),
        ({"time": [10, 10**30, 30]}, Reason.BAD_TIME),
        ({"time": [10, -(10**30), 30]}, Reason.BAD_TIME),
        ({"raw": [None, "2", None]}, Reason.NOT_A_NUMBER),
        ({"raw": [1.0, float("nan"), 1.0]}, Reason.NOT_FINITE),
    ],
)
def test_one_bad_reading_leaves_the_others(change: dict[str, Any], reason: Reason) -> None:
    (refused,) = refusals(document(**change))
    assert (refused.seq, refused.sensor, refused.reason) == (2, "radar", reason)
    assert refused.detail


@pytest.mark.parametrize("codec", CODECS)
def test_one_bad_reading_leaves_the_others_in_both_codecs(codec: Codec) -> None:
    batch = small(flag=[1, 9])
    decoded = decode_batch(encode_batch(batch, codec), CONTENT_TYPES[codec])
    assert decoded.series[0].seq == [1]
    assert [(one.seq, one.reason) for one in decoded.refused] == [(2, Reason.BAD_FLAG)]


def test_whole_numbers_become_floats() -> None:
    batch = decode_json(json.dumps(document(value=[1, 2, 3], raw=[None, 4, None])).encode())
    assert repr(batch.series[0].value) == "[1.0, 2.0, 3.0]"
    assert repr(batch.series[0].raw) == "[None, 4.0, None]"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"kind": "gossip"}, Reason.SCHEMA),
        ({"kind": ["gap"]}, Reason.SCHEMA),
        ({"kind": {"gap": 1}}, Reason.SCHEMA),
        ({"kind": None}, Reason.SCHEMA),
        ({"time": "now"}, Reason.BAD_TIME),
        ({"time": 10**30}, Reason.BAD_TIME),
        ({"body": []}, Reason.SCHEMA),
        ({"body": "text"}, Reason.SCHEMA),
        ({"body": None}, Reason.SCHEMA),
        ({"body": {"n": 10**30}}, Reason.SCHEMA),
        ({"body": {"n": float("nan")}}, Reason.SCHEMA),
    ],
)
@pytest.mark.parametrize("codec", CODECS)
def test_one_bad_record_leaves_the_others(codec: Codec, record: dict[str, Any], reason: Reason) -> None:
    bad = {"seq": 9, "time": 5, "kind": "gap", "body": {}} | record
    if codec is Codec.JSON:
        good = {"seq": 8, "time": 5, "kind": "gap", "body": {"why": "disk"}}
        payload = json.dumps(document(records=[good, bad])).encode()
    else:
        rows = [[8, 5, "gap", {"why": "disk"}], [bad["seq"], bad["time"], bad["kind"], bad["body"]]]
        payload = cbor2.dumps({0: 1, 1: "gw-1", 2: 255, 4: rows})
    if codec is Codec.CBOR and str(10**30) in str(bad):  # takes a tag, and no batch has one
        with pytest.raises(WireError, match="tag"):
            decode_batch(payload, CONTENT_TYPES[codec])
        return
    batch = decode_batch(payload, CONTENT_TYPES[codec])
    assert batch.records == [Record(8, 5, "gap", {"why": "disk"})]
    assert [(one.seq, one.sensor, one.reason) for one in batch.refused] == [(9, "", reason)]


def test_a_body_may_be_nested_but_not_deep() -> None:
    def nested(depth: int) -> Any:
        return {"in": nested(depth - 1)} if depth else 1

    for codec in CODECS:
        for depth, refused in ((15, 0), (16, 1)):
            batch = Batch("gw-1", 1, records=[Record(1, 1, "event", nested(depth))])
            assert len(decode_batch(encode_batch(batch, codec), CONTENT_TYPES[codec]).refused) == refused


BAD_SHAPES: list[dict[str, Any]] = [
    {"gateway": "no good"},
    {"gateway": None},
    {"gateway": 5},
    {"gateway": 10**4000},
    {"gateway": "gw-1\n"},
    {"epoch": 255},
    {"epoch": "FF00000000FF"},
    {"epoch": "0000000000ff\n"},
    {"series": None},
    {"series": {}},
    {"series": []},
    {"series": [{}]},
    {"extra": 1},
    {"sensor": "a b"},
    {"quantity": ""},
    {"unit": ""},
    {"unit": "x" * 17},
    {"unit": "m\n"},
    {"seq": [1, 2]},
    {"seq": [1, 2, 2]},
    {"seq": [0, 1, 2]},
    {"seq": [1, 2, 2**53]},
    {"seq": [1, 2, 10**300]},
    {"seq": [1, 2, 3.0]},
    {"seq": [1, 2, True]},
    {"seq": [1, 2, "3"]},
    {"seq": 1},
    {"seq": []},
    {"value": [1.0]},
    {"flag": [1, 1, 1, 1]},
    {"time": [1]},
    {"raw": [None]},
    {"value": None},
    {"records": [{}]},
    {"records": [{"seq": 1, "time": 5, "kind": "gap", "body": {}}]},
    {"records": [{"seq": "4", "time": 5, "kind": "gap", "body": {}}]},
]


@pytest.mark.parametrize("change", BAD_SHAPES, ids=lambda change: str(change)[:40])
def test_a_batch_whose_identities_cannot_be_trusted_is_refused_whole(change: dict[str, Any]) -> None:
    with pytest.raises(WireError) as caught:
        decode_json(json.dumps(document(**change)).encode())
    assert caught.value.reason is Reason.SCHEMA
    assert 0 < len(caught.value.detail) <= 300


@pytest.mark.parametrize("version", [2, 0, -1, 10**30, 10**4000])
def test_an_unknown_version_is_not_guessed_at(version: int) -> None:
    with pytest.raises(WireError) as caught:
        decode_json(f'{{"v":{"9" * 4000 if version > 10**300 else version},"new":true}}'.encode())
    assert caught.value.reason is Reason.UNKNOWN_VERSION
    with pytest.raises(WireError) as caught:
        decode_cbor(cbor2.dumps({0: min(version, 2**60), 9: "new"}))
    assert caught.value.reason is Reason.UNKNOWN_VERSION


@pytest.mark.parametrize("version", [None, "1", 1.0, True, [], {}])
def test_a_version_that_is_no_number(version: Any) -> None:
    for decode, payload in (
        (decode_json, json.dumps({"v": version}).encode()),
        (decode_cbor, cbor2.dumps({0: version})),
    ):
        with pytest.raises(WireError) as caught:
            decode(payload)
        assert caught.value.reason is Reason.SCHEMA


@pytest.mark.parametrize("codec", CODECS)
def test_as_many_readings_as_a_batch_may_hold(codec: Codec) -> None:
    count = MAX_READINGS // 4
    series = [
        Series(
            f"s{n}",
            "level",
            "m",
            list(range(1 + n * count, 1 + (n + 1) * count)),
            [1_795_392_000_000 + 60_000 * row for row in range(count)],
            [(row * 7 % 5000) / 1000 for row in range(count)],
            [1] * count,
        )
        for n in range(4)
    ]
    batch = Batch("gw-1", 1, series)
    if codec is Codec.CBOR:
        assert decode_batch(encode_batch(batch, codec), CONTENT_TYPES[codec]) == batch
    batch.records.append(Record(10**6, 5, "gap", {}))
    with pytest.raises(WireError) as caught:
        decode_batch(encode_batch(batch, codec), CONTENT_TYPES[codec])
    assert caught.value.reason in (Reason.SCHEMA, Reason.TOO_LARGE)


def test_the_worst_of_batches_can_still_be_inflated() -> None:
    count = MAX_READINGS
    noise: list[float | None] = [1 / (row + 3) for row in range(count)]
    flags = [3 if row % 7 else 1 for row in range(count)]
    times = [1_795_392_000_000 + row * row for row in range(count)]
    batch = Batch(
        "g" * 63,
        2**48 - 1,
        [
            Series(
                "s" * 63,
                "q" * 63,
                "u" * 16,
                [2**52 + row * 3 for row in range(count)],
                times,
                noise,
                flags,
                [*reversed(noise)],
            )
        ],
    )
    payload = encode_cbor(batch)
    assert decode_cbor(payload) == batch


def test_cbor_leaves_out_what_is_understood() -> None:
    batch = small()
    batch.series.append(Series("bubbler", "level", "m", [3, 4], [1000, 2000], [1.0, 1.0], [1, 1]))
    doc = cbor2.loads(encode_cbor(batch))
    assert doc == {
        0: 1,
        1: "gw-1",
        2: 7,
        3: [
            {0: "radar", 1: 1, 3: [1, 1], 4: [1000, 1000], 5: [1, 15, 10]},
            {0: "bubbler", 1: 1, 3: [3, 1], 5: [0, 1, 0]},
        ],
    }

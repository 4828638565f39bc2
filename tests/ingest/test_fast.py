"""The short way answers as the long way does, or not at all."""

import json
from typing import Any

import cbor2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.fast import Plain, read_plain
from ingest.pipeline import judge
from tests.ingest.samples import BOUNDS, EPOCH, KNOWN, NOW_MS, TOPIC, arrival, batch, document, level
from wire.batch import Batch, Record, Series
from wire.codec import CONTENT_TYPES, Codec, encode_batch
from wire.quantities import QUANTITIES
from wire.ranges import RangeSet

JSON, CBOR = CONTENT_TYPES[Codec.JSON], CONTENT_TYPES[Codec.CBOR]


def both_ways(payload: bytes, content_type: str | None, topic: str = TOPIC) -> Plain | None:
    """What the short way says, when the long way says the same."""
    plain = read_plain(topic, payload, content_type, KNOWN, BOUNDS)
    if plain is not None:
        judged = judge(topic, payload, content_type, KNOWN, BOUNDS)
        assert judged.refused == []
        assert judged.records == []
        assert (judged.address, judged.gateway, judged.epoch) == (plain.address, plain.address.gateway, plain.epoch)
        # repr, for minus zero and for whole numbers that are no floats
        assert repr(judged.accepted) == repr(plain.accepted)
        seqs = judged.seqs()
        assert plain.ranges == list(RangeSet.of(seqs))
        assert plain.size == len(seqs)
    return plain


numbers = st.one_of(
    st.none(),
    st.floats(),
    st.integers(-5, 5),
    st.integers(-(10**40), 10**40),
    st.booleans(),
    st.sampled_from(["1.5", "x", -0.0, 0.0, 1e308, -1e308, 1.2, 3.25]),
)
flags = st.one_of(st.sampled_from([1, 1, 1, 2, 3, 4, 9, 9]), st.integers(-1, 12), st.booleans(), st.just(1.0))
times = st.one_of(
    st.integers(NOW_MS - 10_000, NOW_MS), st.integers(-(10**19), 10**19), st.floats(0, 10), st.none(), st.just(0)
)
seqs = st.one_of(st.integers(1, 20), st.integers(-1, 1 << 54), st.just(3.0), st.booleans())


@st.composite
def series_documents(draw: st.DrawFn) -> dict[str, Any]:
    size = draw(st.integers(0, 4))

    def column(of: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(of, min_size=size, max_size=size))

    doc: dict[str, Any] = {
        "sensor": draw(st.sampled_from(["level", "level", "flow", "other", "level\n", 7])),
        "quantity": draw(st.sampled_from(["level", "level", "discharge"])),
        "unit": draw(st.sampled_from(["m", "m", "m3/s", ""])),
        "seq": column(seqs),
        "time": column(times),
        "value": column(numbers),
        "flag": column(flags),
    }
    if draw(st.booleans()):
        doc["raw"] = draw(st.one_of(st.none(), st.just([None] * size), st.lists(numbers, max_size=5)))
    if draw(st.integers(0, 9)) == 0:
        doc[draw(st.sampled_from(["more", *doc]))] = draw(st.sampled_from([None, 1, "x", []]))
    return doc


documents = st.fixed_dictionaries(
    {
        "v": st.sampled_from([1, 1, 1, 2, 1.0, True, "1"]),
        "gateway": st.sampled_from(["gw1", "gw1", "gw1", "gw2", 5]),
        "epoch": st.sampled_from(["00000000002a", "00000000002a", "2a", "00000000002A", "00000000002a\n", 42]),
        "series": st.lists(series_documents(), max_size=3),
    },
    optional={"records": st.sampled_from([[], [{"seq": 99, "time": NOW_MS, "kind": "gap", "body": {}}], None])},
)


@settings(max_examples=1_000, deadline=None)
@given(documents)
def test_whatever_the_json_is(doc: dict[str, Any]) -> None:
    both_ways(json.dumps(doc).encode(), JSON)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_json_with_bytes_changed(at: int, instead: bytes) -> None:
    payload = json.dumps(document()).encode()
    at %= len(payload)
    both_ways(payload[:at] + instead + payload[at + len(instead) :], JSON)


plain_values = st.one_of(
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-3, 3).map(float),
    st.decimals(-9, 9, places=3).map(float),
)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    out: list[Series] = []
    first = draw(st.integers(1, 1 << 40))
    for sensor, quantity, unit in draw(
        st.lists(
            st.sampled_from([("level", "level", "m"), ("flow", "discharge", "m3/s"), ("level", "level", "cm")]),
            min_size=1,
            max_size=3,
        )
    ):
        size = draw(st.integers(1, 5))
        step = draw(st.integers(1, 3))
        value = draw(st.lists(plain_values, min_size=size, max_size=size))
        flag = [9 if one is None else draw(st.sampled_from([1, 1, 2, 3, 4])) for one in value]
        raw = draw(st.one_of(st.none(), st.lists(plain_values, min_size=size, max_size=size)))
        seq = list(range(first, first + size * step, step))
        first += draw(st.integers(0, 20))
        time_ms = [NOW_MS - 1_000 * n for n in range(size)]
        out.append(Series(sensor, quantity, unit, seq, time_ms, value, flag, raw))
    records = [Record(first + 100, NOW_MS, "gap", {})] if draw(st.integers(0, 5)) == 0 else []
    return Batch("gw1", EPOCH, out, records)


@settings(max_examples=500, deadline=None)
@given(batches())
def test_whatever_a_gateway_packs_as_cbor(one: Batch) -> None:
    both_ways(encode_batch(one, Codec.CBOR), CBOR)


cbor_things = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(1 << 63), 1 << 63),
        st.floats(),
        st.text(max_size=3),
        st.binary(max_size=3),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.integers(0, 8), inner, max_size=4)),
    max_leaves=8,
)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from([None, 1, 2, 3, 4]), st.sampled_from(range(8)), cbor_things)
@example(None, 3, [True])
@example(None, 5, [None, float("nan")])
@example(None, 5, [None, True])
@example(None, 6, 9)
def test_a_strange_column_in_cbor(head: int | None, key: int, thing: Any) -> None:
    series = {0: "level", 1: 1, 3: [5], 4: [NOW_MS], 5: [3, 1500]}
    doc: dict[int, Any] = {0: 1, 1: "gw1", 2: EPOCH, 3: [series]}
    if head is None:
        series[key] = thing
    else:
        doc[head] = thing
    both_ways(cbor2.dumps(doc), CBOR)


def packed() -> dict[int, Any]:
    """What a gateway packs: flags and raw values beside the usual, times that are those of the series before."""
    first = {
        0: "level",
        1: 1,
        3: [5, 1, 0, 0],
        4: [NOW_MS - 9_000, 1_000, 0, 5],
        5: [3, 1500, 1, -2, 0],
        6: b"\1\3\1\4",
        7: [2, 150, 0, 1, 2],
    }
    flow = QUANTITIES["discharge"].code
    return {0: 1, 1: "gw1", 2: EPOCH, 3: [first, {0: "flow", 1: flow, 3: [9, 2, 0, 1], 5: [0, 4, -1, 0, 1], 6: 3}]}


def test_flags_and_raw_values_in_cbor_take_the_short_way() -> None:
    plain = both_ways(cbor2.dumps(packed()), CBOR)
    assert plain is not None
    first, second = plain.accepted
    assert first.value == [1.5, 1.501, 1.499, 1.499]
    assert first.raw == [1.5, 1.5, 1.51, 1.53]
    assert second.seq == [9, 11, 13, 16]
    assert second.time_ms == first.time_ms == [NOW_MS - 9_000, NOW_MS - 8_000, NOW_MS - 7_000, NOW_MS - 5_995]
    assert (first.flag, second.flag) == ([1, 3, 1, 4], [3] * 4)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 1), st.sampled_from([3, 4, 5, 7]), st.integers(0, 4), st.none() | st.just("drop") | cbor_things)
@example(0, 3, 2, True)
@example(0, 3, 1, 0)
@example(1, 5, 0, -1)
@example(0, 5, 3, None)
@example(0, 7, 0, 1.0)
@example(0, 4, 1, (1 << 64) - 1)
def test_a_strange_entry_of_a_column_in_cbor(which: int, key: int, at: int, thing: Any) -> None:
    doc = packed()
    column = doc[3][which].setdefault(key, [2, 1, 1, 1, 1])
    at %= len(column)
    column[at : at + 1] = [] if thing == "drop" else [thing]
    both_ways(cbor2.dumps(doc), CBOR)


def test_what_nearly_all_messages_are_takes_the_short_way() -> None:
    flow = level([4, 5], sensor="flow", quantity="discharge", unit="m3/s")
    missing = level([6, 7], value=[None, 2.0], flag=[9, 3], raw=[None, 2.5])
    for codec in Codec:
        for one in (batch(level([1])), batch(level([1, 2, 3]), flow, missing)):
            came = arrival(one, codec=codec)
            assert both_ways(came.payload, came.content_type) is not None
    assert both_ways(arrival(batch(level([1]))).payload, None) is not None


def test_what_is_not_plain_takes_the_long_way() -> None:
    payload = arrival(batch(level([1]))).payload
    for topic in (
        "aryk/v1/karatal/gw1/status",
        "aryk/v1/aksu/gw1/readings",
        "elsewhere",
        "aryk/v1/karatal/gw3/readings",
    ):
        assert both_ways(payload, JSON, topic) is None
    assert both_ways(payload, "text/plain") is None
    assert both_ways(b"\xff", JSON) is None
    assert both_ways(b"\xff", CBOR) is None
    assert both_ways(arrival(batch(level([1, 1]))).payload, JSON) is None

"""Bytes made to hurt: WireError and nothing else, soon, and in little memory."""

import json
import subprocess
import sys
import time
import zlib
from itertools import product
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wire.batches import batches
from wire import cbor_load
from wire.batch import MAX_INFLATED_BYTES, MAX_PAYLOAD_BYTES, Batch
from wire.codec import CONTENT_TYPES, Codec, decode_batch, encode_batch
from wire.messages import Command, Receipt, Status, decode_message
from wire.reasons import MEANING, Reason, WireError

JSON, CBOR = CONTENT_TYPES[Codec.JSON], CONTENT_TYPES[Codec.CBOR]
MOST_S = 2.0
MOST_BYTES = 64 * 1024 * 1024
"""For the worst message; a usual one takes microseconds and kilobytes."""


def outcome(payload: bytes, content_type: str | None) -> Batch | Reason:
    """A batch or the reason; any other error fails the test."""
    try:
        return decode_batch(payload, content_type)
    except WireError as caught:
        error = caught
    assert error.reason in MEANING
    assert len(str(error).encode()) < 400
    return error.reason


@given(st.binary(max_size=300), st.sampled_from([JSON, CBOR, None]))
@example(b"", CBOR)
@example(b"", JSON)
@example(b"\x78", CBOR)
@example(b"\xf7", CBOR)
def test_any_bytes(payload: bytes, content_type: str | None) -> None:
    outcome(payload, content_type)


@given(st.binary(max_size=300))
def test_any_bytes_compressed(payload: bytes) -> None:
    outcome(zlib.compress(payload), CBOR)


cbor_things: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.builds(cbor2.CBORTag, st.integers(0, 300), st.integers() | st.binary(max_size=4) | st.text(max_size=4)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 8) | st.text(max_size=3), inner, max_size=8)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.integers(0, 5), cbor_things, max_size=6), st.booleans())
def test_any_cbor_of_nearly_the_right_shape(doc: dict[int, Any], good_start: bool) -> None:
    if good_start:
        doc = {**doc, 0: 1, 1: "gw-1", 2: 5}
    outcome(cbor2.dumps(doc), CBOR)


@given(
    st.lists(
        st.dictionaries(st.integers(0, 7), cbor_things | st.lists(st.integers(-5, 2**65), max_size=4), max_size=8),
        max_size=3,
    )
)
def test_any_series_of_nearly_the_right_shape(series: list[dict[int, Any]]) -> None:
    outcome(cbor2.dumps({0: 1, 1: "gw-1", 2: 5, 3: series}), CBOR)


json_things: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
JSON_KEYS = [
    "v",
    "gateway",
    "epoch",
    "series",
    "records",
    "sensor",
    "quantity",
    "unit",
    "seq",
    "time",
    "value",
    "flag",
    "raw",
]


@given(
    st.dictionaries(st.sampled_from(JSON_KEYS), json_things), st.dictionaries(st.sampled_from(JSON_KEYS), json_things)
)
def test_any_json_of_nearly_the_right_shape(doc: dict[str, Any], series: dict[str, Any]) -> None:
    good = {"sensor": "radar", "quantity": "level", "unit": "m", "seq": [1], "time": [5], "value": [1.0], "flag": [1]}
    doc = {"v": 1, "gateway": "gw-1", "epoch": "0000000000ff", "series": [good | series]} | doc
    outcome(json.dumps(doc).encode(), JSON)


mutations = st.lists(
    st.tuples(st.sampled_from(["set", "flip", "drop", "insert", "cut"]), st.floats(0, 1), st.integers(0, 255)),
    min_size=1,
    max_size=5,
)


@given(batches(), st.sampled_from(list(Codec)), mutations)
def test_any_mutated_message(batch: Batch, codec: Codec, changes: list[tuple[str, float, int]]) -> None:
    payload = bytearray(encode_batch(batch, codec))
    for kind, share, byte in changes:
        at = int(share * (len(payload) - 1)) if payload else 0
        if kind == "insert" or not payload:
            payload.insert(at, byte)
        elif kind == "set":
            payload[at] = byte
        elif kind == "flip":
            payload[at] ^= 1 << (byte % 8)
        elif kind == "drop":
            del payload[at]
        else:
            del payload[at:]
    outcome(bytes(payload), CONTENT_TYPES[codec])


@given(batches(), st.floats(0, 1, exclude_max=True))
def test_a_message_cut_short_is_never_taken(batch: Batch, share: float) -> None:
    for codec in Codec:
        payload = encode_batch(batch, codec)
        assert isinstance(outcome(payload[: int(len(payload) * share)], CONTENT_TYPES[codec]), Reason)


@given(batches(), st.binary(min_size=1, max_size=3).filter(lambda more: more.strip()))
def test_something_after_the_message_is_never_ignored(batch: Batch, more: bytes) -> None:
    for codec in Codec:
        assert isinstance(outcome(encode_batch(batch, codec) + more, CONTENT_TYPES[codec]), Reason)
    plain = zlib.compress(cbor2.dumps({0: 1, 1: "g", 2: 1, 4: [[1, 1, "gap", {}]]}) + more)
    assert isinstance(outcome(plain, CBOR), Reason)


def same_hash_keys(limit: int) -> bytes:
    """A map whose keys are arrays that all have one hash: minus one and minus two hash alike."""
    pairs: list[bytes] = []
    size = 0
    for digits in product((0x20, 0x21), repeat=14):
        if size + 16 > limit:
            break
        pairs.append(bytes((0x8E, *digits)) + b"\x00")
        size += 16
    return b"\xba" + len(pairs).to_bytes(4, "big") + b"".join(pairs)


def shared_body(levels: int) -> bytes:
    """A record's body in which each list holds the next one ten times over, by reference."""
    inner = b"\x00"
    for level in range(levels):
        index = levels - 1 - level
        inner = b"\xd8\x1c\x8a" + inner + (b"\xd8\x1d" + cbor2.dumps(index + 1 if level else 0)) * 9
    return b"\xa4\x00\x01\x01\x62gw\x02\x01\x04\x81\x84\x01\x01\x63gap\xa1\x61a" + inner


def with_head(declared: bytes) -> bytes:
    return b"\xa4\x00\x01\x01\x62gw\x02\x01\x03" + declared


def zlib_bomb(size: int) -> bytes:
    return zlib.compress(b"\x00" * size, 9)


HOSTILE_CBOR: dict[str, bytes] = {
    **{
        f"{name} of 2^{bits}": with_head(bytes([first]) + (2**bits - 1).to_bytes(8, "big"))
        for bits in (20, 31, 32, 40, 62, 64)
        for name, first in (("array", 0x9B), ("map", 0xBB), ("bytes", 0x5B), ("text", 0x7B))
    },
    "arrays of 2^31 in each other": b"\x9a\x7f\xff\xff\xff" * 50_000,
    "deep arrays": b"\x81" * MAX_PAYLOAD_BYTES,
    "deep maps": b"\xa1\x00" * (MAX_PAYLOAD_BYTES // 2),
    "deep arrays without length": b"\x9f" * MAX_PAYLOAD_BYTES,
    "deep tags": b"\xc1" * MAX_PAYLOAD_BYTES,
    "deep arrays, compressed": zlib.compress(b"\x81" * MAX_INFLATED_BYTES),
    "a list that is in itself": b"\xd8\x1c\x81\xd8\x1d\x00",
    "a map that is in itself": b"\xd8\x1c\xa1\x00\xd8\x1d\x00",
    "series that is in itself": with_head(b"\xd8\x1c\x81\xd8\x1d\x00"),
    "a thousand million laughs": shared_body(9),
    "references to one long text": b"\xd9\x01\x00\x9a\x00\x00\x40\x00\x79\x80\x00"
    + b"x" * 32768
    + b"\xd8\x19\x00" * 16383,
    "bignum of 200 KB": b"\xa2\x00\x01\x01" + cbor2.dumps(1 << 1_600_000),
    "bignum as version": b"\xa1\x00" + cbor2.dumps(1 << 1_600_000),
    "bignum as gateway": cbor2.dumps({0: 1, 1: 1 << 1_600_000, 2: 1, 4: []}),
    "bigfloat": b"\xa1\x00\xc5\x82\x1b" + b"\x7f" * 8 + b"\x01",
    "decimal fraction": b"\xa1\x00\xc4\x82\x1b" + b"\x7f" * 8 + b"\x01",
    "rational over nothing": b"\xa1\x00\xd8\x1e\x82\x01\x00",
    "regular expression": b"\xa1\x00\xd8\x23\x78\x1e" + b"(((((a+)+)+)+)+)+$((a{9}){9}){9}"[:30],
    "date": b"\xa1\x00\xc0\x60",
    "time of 1e308": b"\xa1\x00\xc1\xfb\x7f\xe1\xcc\xf3\x85\xeb\xc8\xa0",
    "set": b"\xa1\x00\xd9\x01\x02\x82\x01\x02",
    "mime": b"\xa1\x00\xd8\x24\x61a",
    "address": b"\xa1\x00\xd9\x01\x04\x45aaaaa",
    "keys of one hash": same_hash_keys(MAX_PAYLOAD_BYTES - 100),
    "keys of one hash, compressed": zlib.compress(same_hash_keys(MAX_INFLATED_BYTES - 100)),
    "keys of one hash, small": same_hash_keys(cbor_load.SCAN_FROM_BYTES - 100),
    "the same key twice": b"\xa2\x00\x01\x00\x01",
    "text that is no UTF-8": b"\xa2\x00\x01\x01\x62\xff\xfe",
    "half a surrogate": b"\xa2\x00\x01\x01\x63\xed\xa0\x80",
    "undefined": with_head(b"\xf7"),
    "break": with_head(b"\xff"),
    "reserved": with_head(b"\x1c"),
    "simple value": with_head(b"\xf8\x20"),
    "empty arrays": b"\x9a\x00\x03\xff\x00" + b"\x80" * 0x3FF00,
    "empty arrays, compressed": zlib.compress(b"\x9a\x00\x07\xff\x00" + b"\x80" * 0x7FF00),
    "empty maps, compressed": zlib.compress(b"\x9a\x00\x07\xff\x00" + b"\xa0" * 0x7FF00),
    "differences that grow without end": cbor2.dumps(
        {0: 1, 1: "gw", 2: 1, 3: [{0: "a", 1: 1, 3: [2**63] * 20_000, 4: [2**63] * 20_000, 5: [0] + [2**63] * 20_000}]}
    ),
    "values beyond floats": cbor2.dumps({0: 1, 1: "gw", 2: 1, 3: [{0: "a", 1: 1, 3: [1], 4: [1], 5: [10**9, 1]}]}),
    "scale below zero": cbor2.dumps({0: 1, 1: "gw", 2: 1, 3: [{0: "a", 1: 1, 3: [1], 4: [1], 5: [-1, 1]}]}),
    "scale true": cbor2.dumps({0: 1, 1: "gw", 2: 1, 3: [{0: "a", 1: 1, 3: [1], 4: [1], 5: [True, 1]}]}),
    "quantity without a code": cbor2.dumps({0: 1, 1: "gw", 2: 1, 3: [{0: "a", 1: 999, 3: [1], 4: [1], 5: [0, 1]}]}),
    "zlib bomb of 100 MB": zlib_bomb(100_000_000),
    "zlib bomb in a zlib bomb": zlib.compress(zlib_bomb(100_000_000)),
    "zlib just too large": zlib_bomb(MAX_INFLATED_BYTES + 1),
    "zlib cut short": zlib_bomb(1000)[:-1],
    "zlib with a wrong sum": zlib_bomb(1000)[:-1] + b"\x00",
    "zlib of nothing": zlib.compress(b""),
    "zlib head only": b"\x78\x9c",
    "zlib with dictionary": b"\x78\xbb\x00\x00\x00\x01",
    "two zlib streams": zlib_bomb(10) + zlib_bomb(10),
}


@pytest.mark.parametrize("name", HOSTILE_CBOR)
def test_hostile_cbor(name: str) -> None:
    reason = bounded(HOSTILE_CBOR[name], CBOR)
    assert reason in {Reason.BAD_CBOR, Reason.SCHEMA, Reason.BOMB, Reason.UNKNOWN_VERSION, Reason.TOO_LARGE}
    if name.startswith("zlib bomb of"):
        assert reason is Reason.BOMB


HOSTILE_JSON: dict[str, bytes] = {
    "deep arrays": b"[" * MAX_PAYLOAD_BYTES,
    "deep objects": b'{"a":' * (MAX_PAYLOAD_BYTES // 5),
    "whole number of 250,000 digits": b'{"v":' + b"9" * 250_000 + b"}",
    "whole number of 4,300 digits": b'{"v":' + b"9" * 4_300 + b"}",
    "float of 250,000 digits": b'{"v":1.' + b"9" * 250_000 + b"}",
    "exponent of 250,000 digits": b'{"v":1e' + b"9" * 250_000 + b"}",
    "gateway of 4,300 digits": b'{"v":1,"epoch":"000000000001","gateway":' + b"9" * 4_300 + b"}",
    "the same key twice": b'{"v":2,"v":1,"gateway":"g","epoch":"000000000001","epoch":"000000000002","series":[]}',
    "NaN as version": b'{"v":NaN}',
    "Infinity as version": b'{"v":Infinity}',
    "invalid UTF-8": b'{"v":1,"gateway":"\xff\xfe"}',
    "UTF-16": '{"v":1}'.encode("utf-16"),
    "half a surrogate": b'{"v":1,"gateway":"\\ud800"}',
    "the other half": b'{"v":1,"gateway":"\\udc00"}',
    "NUL": b'{"v":1,"gateway":"\x00"}',
    "escaped NUL": b'{"v":1,"epoch":"000000000001","gateway":"g\\u0000"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "text": b"hello",
    "a number": b"17",
    "null": b"null",
    "an array": b"[]",
    "a comment": b'{"v":1}// hi',
    "a trailing comma": b'{"v":1,}',
    "single quotes": b"{'v':1}",
    "many keys": json.dumps({f"k{n}": n for n in range(20_000)}).encode(),
    "many empty series": b'{"v":1,"gateway":"g","epoch":"000000000001","series":['
    + b",".join([b"{}"] * 80_000)
    + b"]}",
    "empty arrays": b'{"v":1,"gateway":"g","epoch":"000000000001","series":[' + b",".join([b"[]"] * 80_000) + b"]}",
    "spaces": b" " * (MAX_PAYLOAD_BYTES - 1) + b"1",
    "1 MB": b"[" + b"1," * 500_000 + b"1]",
    "0 bytes": b"",
}


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_hostile_json(name: str) -> None:
    assert bounded(HOSTILE_JSON[name], JSON) in {
        Reason.BAD_JSON,
        Reason.SCHEMA,
        Reason.UNKNOWN_VERSION,
        Reason.TOO_LARGE,
    }


@pytest.mark.parametrize("name", HOSTILE_JSON)
@pytest.mark.parametrize("kind", [Receipt, Status, Command])
def test_hostile_messages(name: str, kind: type[Receipt] | type[Status] | type[Command]) -> None:
    with pytest.raises(WireError) as caught:
        decode_message(kind, HOSTILE_JSON[name])  # type: ignore[type-var]
    assert len(str(caught.value)) < 400


def bounded(payload: bytes, content_type: str) -> Reason:
    """The reason; measures that neither time nor memory run away."""
    started = time.process_time()
    result = outcome(payload, content_type)
    assert time.process_time() - started < MOST_S
    assert isinstance(result, Reason)
    return result


def test_the_worst_messages_take_little_memory() -> None:
    program = (
        "import resource\n"
        "from tests.wire.test_hostile import CBOR, HOSTILE_CBOR, HOSTILE_JSON, JSON, outcome\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak()\n"
        "for payload in HOSTILE_CBOR.values(): outcome(payload, CBOR)\n"
        "for payload in HOSTILE_JSON.values(): outcome(payload, JSON)\n"
        "print(peak() - before)\n"
    )
    root = Path(__file__).parents[2]
    said = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert int(said.stdout) < MOST_BYTES


@given(cbor_things)
def test_the_scan_takes_what_the_decoder_takes(thing: Any) -> None:
    data = cbor2.dumps(thing)
    try:
        loaded: Any = cbor_load.load(data)
    except cbor_load.CborError:
        loaded = cbor_load.CborError
    try:
        cbor_load.scan(data)
    except cbor_load.CborError:
        assert loaded is cbor_load.CborError
    else:
        assert loaded is not cbor_load.CborError
        assert repr(loaded) == repr(cbor2.loads(data))


@given(st.binary(max_size=60))
@example(b"a\x80")  # texts that are not UTF-8: cbor2 says so in the error's cause only
@example(b"k" + bytes(10) + b"\x80")
@example(b"\xa1a\xff\x00")
def test_the_scan_reads_any_bytes_and_is_the_stricter_one(data: bytes) -> None:
    try:
        cbor_load.scan(data)
    except cbor_load.CborError:
        return
    try:
        cbor_load.load(data)
        said = ""
    except cbor_load.CborError as error:
        said = str(error)
    assert not said or any(
        known in said.lower() for known in ("duplicate", "utf-8", "unicode", "text string", "simple")
    )

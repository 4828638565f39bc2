"""Committed bytes: what was sent years ago is read the same, and what is sent today has the same form."""

import json
import zlib

import pytest

from tests.wire.golden import BATCHES, FOLDER
from wire.cbor_codec import decode_cbor, encode_cbor
from wire.json_codec import decode_json, encode_json


@pytest.mark.parametrize("name", BATCHES)
def test_the_committed_bytes_are_this_batch(name: str) -> None:
    assert decode_cbor((FOLDER / f"{name}.cbor").read_bytes()) == BATCHES[name]
    assert decode_json((FOLDER / f"{name}.json").read_bytes()) == BATCHES[name]


@pytest.mark.parametrize("name", BATCHES)
def test_this_batch_is_written_as_the_committed_bytes(name: str) -> None:
    # Inflated, because another zlib may deflate otherwise.
    assert inflated(encode_cbor(BATCHES[name])) == inflated((FOLDER / f"{name}.cbor").read_bytes())
    assert json.loads(encode_json(BATCHES[name])) == json.loads((FOLDER / f"{name}.json").read_bytes())


def inflated(payload: bytes) -> bytes:
    return zlib.decompress(payload) if payload.startswith(b"\x78") else payload


def test_every_committed_file_belongs_to_a_batch() -> None:
    names = {path.name for path in FOLDER.iterdir()}
    assert names == {f"{name}.{ending}" for name in BATCHES for ending in ("cbor", "json")}


def test_some_are_deflated_and_some_are_not() -> None:
    starts = {(FOLDER / f"{name}.cbor").read_bytes()[:1] == b"\x78" for name in BATCHES}
    assert starts == {True, False}

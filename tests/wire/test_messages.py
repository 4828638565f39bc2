"""Receipts, status and commands."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.batches import ids
from wire.messages import (
    MAX_LOGS,
    MAX_MESSAGE_BYTES,
    CentreTime,
    Command,
    LogExtent,
    Receipt,
    Refusal,
    State,
    Status,
    Stream,
    decode_message,
    encode_message,
)
from wire.names import MAX_SEQ, epoch_text
from wire.reasons import Reason, WireError

epochs = st.integers(0, 2**48 - 1).map(epoch_text)
seqs = st.integers(1, MAX_SEQ)
ranges = st.lists(st.tuples(seqs, seqs).map(sorted), max_size=4)
nonces = st.integers(0, 2**64 - 1).map(lambda n: f"{n:016x}")
digests = st.integers(0, 2**128 - 1).map(lambda n: f"{n:032x}")
texts = st.text(st.characters(codec="utf-8"), max_size=30)
moments = st.integers(0, MAX_SEQ)

refusals = st.builds(
    Refusal,
    reason=st.sampled_from(Reason),
    detail=texts,
    digest=st.none() | digests,
    epoch=st.none() | epochs,
    ranges=ranges,
)
receipts = st.builds(
    Receipt,
    durable=st.dictionaries(epochs, ranges, max_size=3),
    refused=st.lists(refusals, max_size=3),
    time=st.none() | st.builds(CentreTime, nonce=nonces, ms=moments),
)
statuses = st.builds(
    Status,
    state=st.sampled_from(State),
    nonce=st.none() | nonces,
    logs=st.lists(
        st.builds(LogExtent, epoch=epochs, first=seqs, last=st.integers(0, MAX_SEQ)),
        max_size=3,
        unique_by=lambda one: one.epoch,
    ),
    version=texts,
    config=texts,
    streams=st.lists(
        st.builds(Stream, sensor=ids, quantity=ids, unit=texts, interval_s=st.floats(0.001, 1e6)), max_size=3
    ),
    until_ms=st.none() | moments,
)
commands = st.builds(Command, command=st.just("hello")) | st.builds(
    Command, command=st.just("resend"), epoch=epochs, ranges=ranges.filter(bool)
)


@given(receipts)
def test_any_receipt_comes_back(receipt: Receipt) -> None:
    assert decode_message(Receipt, encode_message(receipt)) == receipt


@given(statuses)
def test_any_status_comes_back(status: Status) -> None:
    assert decode_message(Status, encode_message(status)) == status


@given(commands)
def test_any_command_comes_back(command: Command) -> None:
    assert decode_message(Command, encode_message(command)) == command


def test_what_stands_at_its_default_is_left_out() -> None:
    assert encode_message(Receipt()) == b'{"v":1}'
    assert encode_message(Receipt(durable={"0000000000ff": [[1, 5]]})) == b'{"v":1,"durable":{"0000000000ff":[[1,5]]}}'
    assert encode_message(Status(state=State.LOST)) == b'{"v":1,"state":"lost"}'
    assert encode_message(Command(command="hello")) == b'{"v":1,"command":"hello"}'


@given(st.binary(max_size=200), st.sampled_from([Receipt, Status, Command]))
def test_any_bytes_are_a_message_or_a_wire_error(payload: bytes, kind: type[Receipt]) -> None:
    try:
        decode_message(kind, payload)
    except WireError as error:
        caught = error
    else:
        return
    assert caught.reason in (Reason.BAD_JSON, Reason.SCHEMA, Reason.UNKNOWN_VERSION)


things: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | epochs,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | epochs, inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    "v",
    "durable",
    "refused",
    "time",
    "state",
    "nonce",
    "logs",
    "streams",
    "until_ms",
    "command",
    "epoch",
    "ranges",
]


@given(st.dictionaries(st.sampled_from(KEYS), things), st.sampled_from([Receipt, Status, Command]))
def test_any_object_is_a_message_or_a_wire_error(doc: dict[str, Any], kind: type[Receipt]) -> None:
    try:
        message = decode_message(kind, json.dumps({"v": 1, **doc}).encode())
    except WireError:
        return
    assert decode_message(kind, encode_message(message)) == message


@pytest.mark.parametrize(
    ("kind", "doc"),
    [
        (Receipt, {"durable": {"ff": [[1, 2]]}}),
        (Receipt, {"durable": {"0000000000ff": [[2, 1]]}}),
        (Receipt, {"durable": {"0000000000ff": [[1, 2, 3]]}}),
        (Receipt, {"durable": {"0000000000ff": [[0, 2]]}}),
        (Receipt, {"durable": {"0000000000ff": [[1.0, 2]]}}),
        (Receipt, {"durable": {"0000000000ff": [["1", 2]]}}),
        (Receipt, {"refused": [{"reason": "because"}]}),
        (Receipt, {"refused": [{"reason": "schema", "epoch": "0000000000ff", "ranges": [[5, 4]]}]}),
        (Receipt, {"time": {"nonce": "short", "ms": 5}}),
        (Receipt, {"time": {"nonce": "0" * 16, "ms": 10**20}}),
        (Receipt, {"time": {"nonce": "0" * 16, "ms": 5.5}}),
        (Receipt, {"extra": 1}),
        (Status, {}),
        (Status, {"state": "confused"}),
        (Status, {"state": "online", "nonce": "xyz"}),
        (Status, {"state": "online", "until_ms": -1}),
        (
            Status,
            {"state": "online", "streams": [{"sensor": "a", "quantity": "level", "unit": "m", "interval_s": "15"}]},
        ),
        (Status, {"state": "online", "streams": [{"sensor": "a", "quantity": "level", "unit": "m", "interval_s": 0}]}),
        (Status, {"state": "online", "logs": [{"epoch": "0000000000ff", "first": 0, "last": 5}]}),
        (Command, {}),
        (Command, {"command": "format"}),
        (Command, {"command": "resend"}),
        (Command, {"command": "resend", "epoch": "0000000000ff"}),
        (Command, {"command": "resend", "ranges": [[1, 2]]}),
        (Command, {"command": "resend", "epoch": "0000000000ff", "ranges": [[2, 1]]}),
    ],
)
def test_what_is_no_message(kind: type[Receipt], doc: dict[str, Any]) -> None:
    with pytest.raises(WireError) as caught:
        decode_message(kind, json.dumps({"v": 1, **doc}).encode())
    assert caught.value.reason is Reason.SCHEMA
    assert caught.value.detail


def test_the_version_must_stand_and_be_known() -> None:
    with pytest.raises(WireError) as caught:
        decode_message(Command, b'{"command":"hello"}')
    assert caught.value.reason is Reason.SCHEMA
    with pytest.raises(WireError) as caught:
        decode_message(Command, b'{"v":2,"command":"hello","new":1}')
    assert caught.value.reason is Reason.UNKNOWN_VERSION


def test_a_message_that_is_too_large() -> None:
    with pytest.raises(WireError) as caught:
        decode_message(Receipt, b" " * (MAX_MESSAGE_BYTES + 1))
    assert caught.value.reason is Reason.TOO_LARGE


def test_a_range_of_nan_is_no_range() -> None:
    with pytest.raises(WireError):
        decode_message(Receipt, b'{"v":1,"durable":{"0000000000ff":[[1,NaN]]}}')


def _hello(epochs_named: list[int]) -> bytes:
    logs = [{"epoch": epoch_text(epoch), "first": 1, "last": 5} for epoch in epochs_named]
    return json.dumps({"v": 1, "state": "online", "logs": logs}).encode()


def test_a_hello_names_so_many_epochs_and_each_once() -> None:
    assert len(decode_message(Status, _hello(list(range(MAX_LOGS)))).logs) == MAX_LOGS
    for epochs_named in (list(range(MAX_LOGS + 1)), [7, 8, 7]):
        with pytest.raises(WireError) as caught:
            decode_message(Status, _hello(epochs_named))
        assert caught.value.reason is Reason.SCHEMA

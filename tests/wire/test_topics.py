"""Topics taken apart and put together; and the ids in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.batches import ids
from wire.names import digest, epoch_number, epoch_text, is_id
from wire.reasons import Reason, WireError
from wire.topics import Kind, Topic, parse_topic, topic, topic_filter


@given(ids, ids, st.sampled_from(Kind))
def test_a_topic_comes_back(district: str, gateway: str, kind: Kind) -> None:
    text = topic(district, gateway, kind)
    assert parse_topic(text) == Topic(district, gateway, kind)
    assert str(parse_topic(text)) == text


@given(st.text() | st.text("/aryk+#v1 \n").map(lambda text: f"aryk/v1/{text}/readings"))
def test_any_text_is_a_topic_or_a_bad_one(text: str) -> None:
    try:
        assert str(parse_topic(text)) == text
    except WireError as error:
        reason = error.reason
    else:
        reason = Reason.BAD_TOPIC
    assert reason is Reason.BAD_TOPIC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aryk/v1/d/g",
        "aryk/v1/d/g/readings/",
        "/aryk/v1/d/g/readings",
        "aryk/v2/d/g/readings",
        "aryk/v1/+/g/readings",
        "aryk/v1/d/#/readings",
        "aryk/v1/d/g/reading",
        "aryk/v1/d/g/READINGS",
        "aryk/v1//g/readings",
        "aryk/v1/d/g\n/readings",
        "aryk/v1/d/..../readings",
        f"aryk/v1/d/{'g' * 64}/readings",
        "aryk/v1/d/гидропост/readings",
        "$SYS/v1/d/g/readings",
        "aryk/v1/d/\ud800/readings",
    ],
)
def test_what_is_no_topic_of_ours(text: str) -> None:
    with pytest.raises(WireError) as caught:
        parse_topic(text)
    assert caught.value.reason is Reason.BAD_TOPIC
    str(caught.value).encode()


def test_subscriptions() -> None:
    assert topic_filter(Kind.READINGS) == "aryk/v1/+/+/readings"
    assert topic_filter(Kind.STATUS, "kok-su") == "aryk/v1/kok-su/+/status"


@pytest.mark.parametrize("text", ["a", "0", "A.b_c-9", "x" * 63])
def test_ids(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("thing", ["", "-a", ".a", "_a", "a b", "a\n", "a/b", "x" * 64, "é", None, 5, b"a", ["a"]])
def test_what_is_no_id(thing: object) -> None:
    assert not is_id(thing)


@given(st.integers(0, 2**48 - 1))
def test_an_epoch_comes_back(epoch: int) -> None:
    assert epoch_number(epoch_text(epoch)) == epoch
    assert len(epoch_text(epoch)) == 12


@pytest.mark.parametrize("text", ["", "5f0a3b9c11d", "5f0a3b9c11d2a", "5F0A3B9C11D2", "0x0a3b9c11d2", "5f0a3b9c11d2\n"])
def test_what_is_no_epoch(text: str) -> None:
    with pytest.raises(ValueError, match="12 hexadecimal"):
        epoch_number(text)


def test_a_digest_names_bytes() -> None:
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb924"

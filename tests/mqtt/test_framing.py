from itertools import pairwise

import mqtt5
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt.framing import Framing, ProtocolError, Unreadable

KEEP = 2_000


def publish(number: int, size: int) -> bytes:
    return mqtt5.PublishPacket(
        f"a/{number}", bytes(size), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number, content_type="cbor"
    ).write()


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 300), min_size=1, max_size=8), st.lists(st.integers(0, 3_000), max_size=12))
def test_any_split_gives_the_same_packets(sizes: list[int], cuts: list[int]) -> None:
    stream = b"".join(publish(number, size) for number, size in enumerate(sizes, 1)) + mqtt5.PingRespPacket().write()
    framing = Framing(KEEP)
    packets = [packet for piece in pieces(stream, cuts) for packet in framing.feed(piece)]
    assert [p.packet_id for p in packets if isinstance(p, mqtt5.PublishPacket)] == list(range(1, len(sizes) + 1))
    assert [len(p.payload) for p in packets if isinstance(p, mqtt5.PublishPacket)] == sizes
    assert isinstance(packets[-1], mqtt5.PingRespPacket)


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_whatever_the_bytes_are_only_a_protocol_error_comes_out(data: bytes, cuts: list[int]) -> None:
    framing = Framing(KEEP)
    try:
        for piece in pieces(data, cuts):
            framing.feed(piece)
    except ProtocolError:
        pass


# a PUBLISH with QoS 1 whose property section is nonsense
BROKEN = b"\x32\x0a\x00\x03a/b\x00\x07\x01\xffx"


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(0, len(BROKEN)))
def test_a_publish_that_cannot_be_read_does_not_end_the_stream(cut: int) -> None:
    framing = Framing(KEEP)
    stream = BROKEN + publish(9, 10)
    packets = framing.feed(stream[:cut]) + framing.feed(stream[cut:])
    broken, good = packets
    assert isinstance(broken, Unreadable)
    assert (broken.packet_id, broken.topic, broken.raw, broken.too_large) == (7, "a/b", BROKEN, False)
    assert isinstance(good, mqtt5.PublishPacket)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 11_000), max_size=10))
def test_a_publish_longer_than_kept_is_told_and_skipped(cuts: list[int]) -> None:
    framing = Framing(KEEP)
    stream = publish(3, 10_000) + publish(4, 5)
    packets = [packet for piece in pieces(stream, cuts) for packet in framing.feed(piece)]
    large = [packet for packet in packets if isinstance(packet, Unreadable) or len(packet.payload) > 5]  # type: ignore[union-attr]
    assert len(packets) == 2
    assert len(large) == 1
    assert large[0].packet_id == 3  # type: ignore[union-attr]
    assert packets[1].packet_id == 4  # type: ignore[union-attr]


def test_a_long_publish_in_small_pieces_never_fills_the_memory() -> None:
    framing = Framing(KEEP)
    stream = publish(3, 100_000)
    held = 0
    for at in range(0, len(stream), 100):
        framing.feed(stream[at : at + 100])
        held = max(held, len(framing._rest))
    assert held <= KEEP + 200


def test_a_length_of_five_bytes_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        Framing(KEEP).feed(b"\x30\xff\xff\xff\xff\x7f")

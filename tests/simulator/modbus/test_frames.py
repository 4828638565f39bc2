import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.modbus.frames import BadStreamError, Request, RtuParser, TcpParser, crc16, rtu_frame, tcp_frame

READ = b"\x03\x00\x00\x00\x0a"


def test_the_checksum_is_modbus_own() -> None:
    assert rtu_frame(1, READ) == bytes.fromhex("01030000000ac5cd")
    assert crc16(rtu_frame(1, READ)) == 0


@given(st.integers(1, 40), st.integers(0, 0xFFFF))
def test_tcp_requests_come_out_whatever_the_pieces(size: int, transaction: int) -> None:
    stream = tcp_frame(transaction, 3, READ) * 3
    parser = TcpParser()
    out = [request for at in range(0, len(stream), size) for request in parser.feed(stream[at : at + size])]
    assert out == [Request(3, READ, transaction)] * 3


@given(st.integers(1, 40))
def test_rtu_requests_come_out_whatever_the_pieces(size: int) -> None:
    stream = rtu_frame(3, READ) + rtu_frame(4, b"\x10\x00\x01\x00\x01\x02\x00\x07") + rtu_frame(5, READ)
    parser = RtuParser()
    out = [request for at in range(0, len(stream), size) for request in parser.feed(stream[at : at + size])]
    assert [request.unit for request in out] == [3, 4, 5]
    assert out[0].pdu == READ


@given(st.binary(max_size=40))
def test_noise_before_a_request_does_not_hide_it_after_a_silence(noise: bytes) -> None:
    parser = RtuParser()
    parser.feed(noise)
    parser.silence()
    assert parser.feed(rtu_frame(1, READ)) == [Request(1, READ)]


def test_bytes_without_a_checksum_are_passed_over() -> None:
    frame = rtu_frame(1, READ)
    assert RtuParser().feed(b"\xff\x55" + frame[:-1] + b"\x00" + frame) == [Request(1, READ)]


@given(st.binary(max_size=600))
def test_nothing_that_comes_in_breaks_the_parsers(data: bytes) -> None:
    RtuParser().feed(data)
    with contextlib.suppress(BadStreamError):
        TcpParser().feed(data)


def test_another_protocol_ends_a_tcp_connection() -> None:
    with pytest.raises(BadStreamError):
        TcpParser().feed(b"GET / HTTP/1.1\r\n")

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.registers import RegisterType, decode, encode

WORD_ORDERS = st.sampled_from(["big", "little"])
INTEGERS = {
    RegisterType.INT16: (-(2**15), 2**15 - 1),
    RegisterType.UINT16: (0, 2**16 - 1),
    RegisterType.INT32: (-(2**31), 2**31 - 1),
    RegisterType.UINT32: (0, 2**32 - 1),
}


@given(st.data(), st.sampled_from(sorted(INTEGERS)), WORD_ORDERS, WORD_ORDERS)
def test_whole_numbers_come_back(data: st.DataObject, kind: RegisterType, words: str, bytes_: str) -> None:
    low, high = INTEGERS[kind]
    number = data.draw(st.integers(low, high))
    assert decode(encode(number, kind, words, bytes_), kind, words, bytes_) == number


@given(st.floats(allow_nan=False), WORD_ORDERS, WORD_ORDERS)
def test_float64_comes_back(number: float, words: str, bytes_: str) -> None:
    assert decode(encode(number, RegisterType.FLOAT64, words, bytes_), RegisterType.FLOAT64, words, bytes_) == number


@given(st.floats(allow_nan=False, width=32), WORD_ORDERS, WORD_ORDERS)
def test_float32_comes_back_as_the_same_float32(number: float, words: str, bytes_: str) -> None:
    back = decode(encode(number, RegisterType.FLOAT32, words, bytes_), RegisterType.FLOAT32, words, bytes_)
    assert struct.pack(">f", back) == struct.pack(">f", number)


@given(st.lists(st.integers(0, 65535), min_size=2, max_size=2))
def test_whatever_stands_in_the_registers_is_a_number(words: list[int]) -> None:
    for kind in (RegisterType.INT32, RegisterType.UINT32, RegisterType.FLOAT32):
        assert isinstance(decode(words, kind), float)


def test_float32_is_the_shortest_decimal() -> None:
    assert decode([0x3F9D, 0x70A4], RegisterType.FLOAT32) == 1.23


@pytest.mark.parametrize(
    ("word_order", "byte_order", "words"),
    [
        ("big", "big", [0x0102, 0x0304]),
        ("little", "big", [0x0304, 0x0102]),
        ("big", "little", [0x0201, 0x0403]),
        ("little", "little", [0x0403, 0x0201]),
    ],
)
def test_the_four_orders(word_order: str, byte_order: str, words: list[int]) -> None:
    assert decode(words, RegisterType.UINT32, word_order, byte_order) == 0x01020304


def test_not_a_number_stays_one() -> None:
    assert math.isnan(decode([0x7FC0, 0], RegisterType.FLOAT32))


def test_the_wrong_number_of_registers_is_an_error() -> None:
    with pytest.raises(ValueError, match="stands in 2 registers, not in 1"):
        decode([1], RegisterType.INT32)


def test_a_number_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode(70_000, RegisterType.UINT16)

"""Registers into numbers: every type, any order of words, and of bytes within them. Pure."""

import struct
from collections.abc import Sequence
from enum import StrEnum


class RegisterType(StrEnum):
    """How a number stands in its registers."""

    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    FLOAT32 = "float32"
    FLOAT64 = "float64"

    @property
    def words(self) -> int:
        """How many registers it fills."""
        return _WORDS[self]


_WORDS = {
    RegisterType.INT16: 1,
    RegisterType.UINT16: 1,
    RegisterType.INT32: 2,
    RegisterType.UINT32: 2,
    RegisterType.FLOAT32: 2,
    RegisterType.FLOAT64: 4,
}
_FORMATS = {
    RegisterType.INT16: ">h",
    RegisterType.UINT16: ">H",
    RegisterType.INT32: ">i",
    RegisterType.UINT32: ">I",
    RegisterType.FLOAT32: ">f",
    RegisterType.FLOAT64: ">d",
}


def decode(words: Sequence[int], kind: RegisterType, word_order: str = "big", byte_order: str = "big") -> float:
    """The number in these registers. "big" word order has the highest bits in the first register.

    Raises ValueError when there are too few or too many registers.
    """
    if len(words) != kind.words:
        raise ValueError(f"{kind.value} stands in {kind.words} registers, not in {len(words)}")
    raw = struct.pack(f"{'>' if byte_order == 'big' else '<'}{len(words)}H", *_in_order(words, word_order))
    number = struct.unpack(_FORMATS[kind], raw)[0]
    return _shortest(number) if kind is RegisterType.FLOAT32 else float(number)


def encode(number: float, kind: RegisterType, word_order: str = "big", byte_order: str = "big") -> list[int]:
    """The registers that hold this number. Raises ValueError when it does not fit."""
    try:
        raw = struct.pack(
            _FORMATS[kind], number if kind in (RegisterType.FLOAT32, RegisterType.FLOAT64) else int(number)
        )
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{number!r} does not fit into {kind.value}") from error
    words = struct.unpack(f"{'>' if byte_order == 'big' else '<'}{kind.words}H", raw)
    return list(_in_order(words, word_order))


def _in_order(words: Sequence[int], word_order: str) -> Sequence[int]:
    return words if word_order == "big" else words[::-1]


def _shortest(number: float) -> float:
    """The shortest decimal that is this float32: 1.23 and not 1.2300000190734863, which costs on the wire."""
    for digits in range(6, 10):
        text = f"{number:.{digits}g}"
        short = float(text)
        try:
            if struct.pack(">f", short) == struct.pack(">f", number):
                return short
        except OverflowError:
            continue
    return number  # NaN: its bits need not survive

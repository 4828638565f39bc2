"""Numbers as Modbus registers, and back to what a gateway makes of them."""

import struct
from dataclasses import dataclass
from typing import Literal

NumberType = Literal["int16", "uint16", "int32", "uint32", "float32", "float64"]
WordOrder = Literal["big", "little"]

_FORMATS: dict[str, str] = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "float32": ">f",
    "float64": ">d",
}


@dataclass(frozen=True, slots=True)
class Form:
    """How an instrument puts a value into registers: value = number * scale + offset.

    `word_order` "big" puts the most significant register first. Bytes in a register are always in network order.
    """

    type: NumberType
    scale: float = 1.0
    offset: float = 0.0
    word_order: WordOrder = "big"

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return struct.calcsize(_FORMATS[self.type]) // 2

    def number(self, value: float) -> float | int:
        """The number that the registers will hold for this engineering value. Raises OverflowError when it does not fit."""
        number = (value - self.offset) / self.scale
        packed: float | int = number if self.type.startswith("float") else round(number)
        try:
            unpacked: float | int = struct.unpack(_FORMATS[self.type], struct.pack(_FORMATS[self.type], packed))[0]
        except (struct.error, OverflowError) as error:
            raise OverflowError(f"{value} does not fit into {self.type} with scale {self.scale}") from error
        return _shortest(unpacked) if self.type == "float32" else unpacked

    def value(self, number: float) -> float:
        """What a gateway reads: the engineering value of this number, without the noise of binary scaling."""
        if self.scale == 1.0 and self.offset == 0.0:
            return float(number)
        return float(f"{number * self.scale + self.offset:.15g}")

    def encode(self, number: float | int) -> bytes:
        """The registers' bytes."""
        packed = struct.pack(_FORMATS[self.type], number)
        return _swapped(packed) if self.word_order == "little" else packed

    def decode(self, data: bytes) -> float | int:
        """The number in these registers, the inverse of `encode`."""
        packed = _swapped(data) if self.word_order == "little" else data
        number: float | int = struct.unpack(_FORMATS[self.type], packed)[0]
        return _shortest(number) if self.type == "float32" else number


def _shortest(number: float) -> float:
    """The shortest decimal that is this float32: what an instrument shows, and what a gateway makes of it."""
    packed = struct.pack(">f", number)
    for digits in range(6, 10):
        short = float(f"{number:.{digits}g}")
        if abs(short) < 3.4e38 and struct.pack(">f", short) == packed:
            return short
    return number


def _swapped(data: bytes) -> bytes:
    return b"".join(data[at : at + 2] for at in range(len(data) - 2, -1, -2))

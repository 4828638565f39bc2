"""The requests that an instrument answers: reading holding and input registers (Modbus application protocol v1.1b3)."""

import struct
from dataclasses import dataclass
from enum import IntEnum

READ_HOLDING = 0x03
READ_INPUT = 0x04
MOST_REGISTERS = 125
_ERROR_BIT = 0x80


class ExceptionCode(IntEnum):
    """Why a request is refused."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    BUSY = 6


@dataclass(frozen=True, slots=True)
class Read:
    """A request for `count` registers from `address` on."""

    function: int
    address: int
    count: int


class RefusedError(Exception):
    """A request that gets an exception for an answer."""

    def __init__(self, code: ExceptionCode) -> None:
        super().__init__(code.name)
        self.code = code


def parse_read(pdu: bytes) -> Read:
    """Take a request apart. Raises RefusedError with the code that a device answers."""
    if not pdu or pdu[0] not in (READ_HOLDING, READ_INPUT):
        raise RefusedError(ExceptionCode.ILLEGAL_FUNCTION)
    if len(pdu) != 5:
        raise RefusedError(ExceptionCode.ILLEGAL_VALUE)
    function, address, count = struct.unpack(">BHH", pdu)
    if not 1 <= count <= MOST_REGISTERS:
        raise RefusedError(ExceptionCode.ILLEGAL_VALUE)
    return Read(function, address, count)


def answer_read(function: int, registers: bytes) -> bytes:
    """The answer that carries these registers."""
    return bytes((function, len(registers))) + registers


def answer_refusal(function: int, code: int) -> bytes:
    """The answer that refuses."""
    return bytes((function | _ERROR_BIT, code))

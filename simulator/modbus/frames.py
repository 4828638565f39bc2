"""Frames of Modbus TCP and RTU: cut requests out of a stream of bytes, and wrap answers."""

import struct
from dataclasses import dataclass

_MBAP = struct.Struct(">HHHB")
_LONGEST_TCP_BODY = 254
_LONGEST_RTU_FRAME = 256
_FIXED_RTU = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 7: 4, 11: 4, 12: 4, 17: 4}
_COUNTED_RTU = frozenset({15, 16})


@dataclass(frozen=True, slots=True)
class Request:
    """A request: the unit it is for and its PDU; `transaction` is 0 on a serial line."""

    unit: int
    pdu: bytes
    transaction: int = 0


class BadStreamError(Exception):
    """What comes in is not Modbus TCP: the connection is of no more use."""


class TcpParser:
    """Requests out of a Modbus TCP connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request]:
        """The requests that are complete now. Raises BadStreamError."""
        self._buffer += data
        out = []
        while len(self._buffer) >= _MBAP.size:
            transaction, protocol, length, unit = _MBAP.unpack_from(self._buffer)
            if protocol != 0 or not 2 <= length <= _LONGEST_TCP_BODY:
                raise BadStreamError(f"protocol {protocol}, length {length}")
            end = _MBAP.size - 1 + length
            if len(self._buffer) < end:
                break
            out.append(Request(unit, bytes(self._buffer[_MBAP.size : end]), transaction))
            del self._buffer[:end]
        return out


class RtuParser:
    """Requests out of a serial line. What has no valid checksum is passed over byte by byte."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request]:
        """The requests that are complete now."""
        self._buffer += data
        out = []
        while self._buffer:
            length = self._length()
            if length is None:
                del self._buffer[0]
            elif len(self._buffer) < length:
                break
            elif crc16(self._buffer[:length]) == 0:
                out.append(Request(self._buffer[0], bytes(self._buffer[1 : length - 2])))
                del self._buffer[:length]
            else:
                del self._buffer[0]
        return out

    def silence(self) -> None:
        """The line was quiet for longer than a frame allows: a part of a request is none."""
        self._buffer.clear()

    def _length(self) -> int | None:
        """The length of the frame that the buffer starts with; more than the buffer holds while it cannot be told."""
        if len(self._buffer) < 2:
            return 4
        function = self._buffer[1]
        if function in _FIXED_RTU:
            return _FIXED_RTU[function]
        if function in _COUNTED_RTU:
            length = 9 + self._buffer[6] if len(self._buffer) > 6 else 9
            return length if length <= _LONGEST_RTU_FRAME else None
        return None


def tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """An answer on a Modbus TCP connection."""
    return _MBAP.pack(transaction, 0, len(pdu) + 1, unit) + pdu


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """An answer on a serial line."""
    body = bytes((unit,)) + pdu
    return body + struct.pack("<H", crc16(body))


def crc16(data: bytes | bytearray) -> int:
    """The checksum of Modbus RTU; 0 over a frame that ends with its own."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xFF]
    return crc


def _crc_of(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_CRC = tuple(_crc_of(byte) for byte in range(256))

"""Cuts a byte stream into MQTT packets, at whatever places the stream was split. Pure.

A PUBLISH that the codec refuses, or that is larger than we keep, must not end the connection: the broker would send it
again for ever. Its packet id is read by hand, and it comes out as an `Unreadable`.
"""

from dataclasses import dataclass

import mqtt5

_PUBLISH = 3
_TOPIC_KEPT = 1024


class ProtocolError(Exception):
    """The broker sent what is no MQTT 5; only a new connection helps."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A PUBLISH that could not be taken apart. `raw` is the packet as it came, cut off where it was too long."""

    packet_id: int | None
    topic: str
    raw: bytes
    why: str
    too_large: bool


class Framing:
    """Feed it bytes; it gives packets. Holds at most `keep_bytes` and one piece of input."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep_bytes = keep_bytes
        self._rest = b""
        self._skip = 0

    def feed(self, data: bytes) -> list[mqtt5.Packet | Unreadable]:
        """The packets that are whole now. Raises ProtocolError."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if self._rest:
            data = self._rest + data
        view = memoryview(data)
        packets: list[mqtt5.Packet | Unreadable] = []
        at, end, read, append = 0, len(data), mqtt5.read, packets.append
        packet: mqtt5.Packet | Unreadable
        while at < end:
            try:
                packet, size = read(view[at:])
            except IndexError:
                large = self._too_large(data, at)
                if large is None:
                    break
                packets.append(large)
                at = end
                continue
            except ValueError as error:
                packet, size = _refused(data, at, error)
                if at + size > end:
                    break
            append(packet)
            at += size
        self._rest = data[at:]
        return packets

    def _too_large(self, data: bytes, at: int) -> Unreadable | None:
        """The head of a packet that is not whole yet and is longer than we keep, or None."""
        header = _fixed_header(data, at)
        if header is None:
            return None
        start, length = header
        if length <= self._keep_bytes or len(data) - start < min(length, _TOPIC_KEPT + 64):
            return None
        if data[at] >> 4 != _PUBLISH:
            raise ProtocolError(f"a packet of {length} bytes that is no PUBLISH")
        self._skip = length - (len(data) - start)
        why = f"a packet of {length} bytes, at most {self._keep_bytes} are kept"
        return _unreadable(data[at], data[start:], data[at:], why, too_large=True)


def _refused(data: bytes, at: int, error: ValueError) -> tuple[Unreadable, int]:
    header = _fixed_header(data, at)
    if data[at] >> 4 != _PUBLISH or header is None:
        raise ProtocolError(f"not MQTT 5: {error}") from error
    start, length = header
    body = data[start : start + length]
    return _unreadable(data[at], body, data[at : start + length], str(error), too_large=False), start - at + length


def _fixed_header(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the packet's body starts and how long it is; None when the header is not whole."""
    length = 0
    for place in range(4):
        if at + 1 + place >= len(data):
            return None
        byte = data[at + 1 + place]
        length |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return at + 2 + place, length
    raise ProtocolError("a packet whose length has more than four bytes")


def _unreadable(first: int, body: bytes, raw: bytes, why: str, *, too_large: bool) -> Unreadable:
    qos = first >> 1 & 3
    topic_length = int.from_bytes(body[:2], "big")
    id_bytes = body[2 + topic_length : 4 + topic_length]
    if qos == 3 or len(body) < 2 + topic_length or (qos and len(id_bytes) < 2):
        raise ProtocolError(f"not MQTT 5: {why}")
    topic = body[2 : 2 + min(topic_length, _TOPIC_KEPT)].decode(errors="replace")
    return Unreadable(int.from_bytes(id_bytes, "big") if qos else None, topic, raw, why, too_large)

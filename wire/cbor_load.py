"""CBOR from strangers: plain data only, in bounded time and memory.

cbor2 is built to read every kind of CBOR: tags that call constructors, share parts (a short message then grows without
end when it is walked) or carry whole numbers of any length; arrays as keys, chosen so that all have one hash. A batch
needs none of it.
"""

import io
from collections.abc import Callable
from typing import Any

import cbor2

MAX_DEPTH = 24
"""The columns of a batch are four deep, a record's body sixteen more."""
MAX_CONTAINERS = 60_000
"""As many records as a batch may hold, each with a body and something nested in it. An empty array of one byte takes 64."""
SCAN_FROM_BYTES = 8 * 1024
"""Below it the worst keys cost some ms; above, a look at each item first costs less than they would."""


class CborError(ValueError):
    """Not CBOR, or not of the plain kind."""


def load(data: bytes) -> Any:
    """The one item of plain CBOR in these bytes. Raises CborError and nothing else."""
    if len(data) >= SCAN_FROM_BYTES or not _LIMITED:
        scan(data)
    source = io.BytesIO(data)
    try:
        thing = _decoder(source).decode()
    except Exception as error:  # whatever a library makes of bytes that were made to break it
        raise CborError(_said(error)) from error
    if source.tell() != len(data):
        raise CborError("something follows the message")
    return thing


def _said(error: Exception) -> str:
    """What the library says, and what it only names as the cause: which byte of a text is not UTF-8."""
    cause = error.__cause__
    return f"{type(error).__name__}: {error}" + (f": {cause}" if cause is not None and str(cause) else "")


class _NoTags(dict[int, Callable[[Any, bool], Any]]):
    """Looks like a decoder for each tag there is."""

    def __getitem__(self, tag: int) -> Callable[[Any, bool], Any]:
        raise CborError(f"tag {tag}")


_LIMITS: dict[str, Any] = {
    "semantic_decoders": _NoTags(),
    "max_depth": MAX_DEPTH,
    "allow_indefinite": False,
    "allow_duplicate_keys": False,
}


def _has_limits() -> bool:
    try:
        cbor2.CBORDecoder(io.BytesIO(), **_LIMITS)
    except TypeError:
        return False
    return True


_LIMITED = _has_limits()
"""cbor2 5, the last for 32-bit ARM without a compiler, knows no limits: there each message is scanned."""


def _decoder(source: io.BytesIO) -> Any:
    return cbor2.CBORDecoder(source, **_LIMITS) if _LIMITED else cbor2.CBORDecoder(source)


def scan(data: bytes) -> None:
    """Walk through one item without making anything of it. Raises CborError where it is not plain data.

    Plain are whole numbers of up to 64 bits, bytes, text, arrays and maps of known length whose keys are whole numbers or
    text, floats, true, false and null.
    """
    at, end = 0, len(data)
    # Items left in each open array or map; keys and values of a map are counted each, and an even number is at a key.
    left, is_map, containers = 1, False, 0
    outer: list[tuple[int, bool]] = []
    while True:
        while left == 0:
            if not outer:
                if at != end:
                    raise CborError("something follows the message")
                return
            left, is_map = outer.pop()
        if at >= end:
            raise CborError("cut short")
        major, length = data[at] >> 5, data[at] & 31
        at += 1
        if length >= 24:
            if length > 27:
                raise CborError("a length that is not given")
            size = 1 << (length - 24)
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if is_map and left % 2 == 0 and major not in (0, 1, 3):
            raise CborError("a key that is neither a whole number nor text")
        left -= 1
        if major in (2, 3):
            at += length
        elif major in (4, 5):
            if len(outer) >= MAX_DEPTH:
                raise CborError(f"nested deeper than {MAX_DEPTH}")
            containers += 1
            if containers > MAX_CONTAINERS:
                raise CborError(f"more than {MAX_CONTAINERS} arrays and maps")
            outer.append((left, is_map))
            left, is_map = (length, False) if major == 4 else (2 * length, True)
        elif major == 6:
            raise CborError(f"tag {length}")
        if at > end:
            raise CborError("cut short")

"""Reads the pages of an SQLite file without SQLite, which will not read a damaged one. Pure: bytes in, rows out.

The format is https://www.sqlite.org/fileformat2.html. Pages are taken one by one, whatever points to them: a page that was
freed may give rows that were taken away on purpose, which the caller must know how to tell.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

MAGIC = b"SQLite format 3\0"
USUAL_PAGE_BYTES = 4096
HEADER_BYTES = 100
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 0x0D, 0x0A, 0x02
_LONGEST_PAYLOAD = 1 << 20

Value = int | float | str | bytes | None
ReadPage = Callable[[int], bytes | None]
"""A page by its number, counted from 1; None when there is no whole one."""


class _BadError(Exception):
    """This is no cell."""


@dataclass(slots=True)
class Page:
    """The cells of a leaf of a table (with row ids), or of an index (row id 0). `whole`: nothing in it was amiss."""

    table: bool
    cells: list[tuple[int, tuple[Value, ...]]] = field(default_factory=list)
    whole: bool = True


def page_bytes(header: bytes) -> int:
    """The size of the pages of a file that begins so; the usual size when the beginning is damaged."""
    if header.startswith(MAGIC) and len(header) >= HEADER_BYTES:
        size = int.from_bytes(header[16:18], "big")
        size = 65536 if size == 1 else size
        if 512 <= size <= 65536 and size & (size - 1) == 0:
            return size
    return USUAL_PAGE_BYTES


def read_cells(number: int, data: bytes, other: ReadPage, most: int | None = None) -> Page | None:
    """What this page holds (its first `most` cells), or None when it is no page of rows. What cannot be read is left out."""
    at = HEADER_BYTES if number == 1 else 0
    kind = data[at]
    if kind not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR):
        return None
    page = Page(kind == _TABLE_LEAF)
    (count,) = struct.unpack_from(">H", data, at + 3)
    begin = at + (12 if kind == _INDEX_INTERIOR else 8)
    if begin + 2 * count > len(data):
        page.whole = False
        count = (len(data) - begin) // 2
    count = count if most is None else min(count, most)
    before: int | None = None
    for pointer in struct.unpack_from(f">{count}H", data, begin):
        try:
            cell = _cell(kind, data, pointer, other)
        except (_BadError, IndexError, struct.error, UnicodeDecodeError):
            page.whole = False
            continue
        if page.table:
            if before is not None and cell[0] <= before:
                page.whole = False
            before = cell[0]
        page.cells.append(cell)
    return page


def _cell(kind: int, data: bytes, at: int, other: ReadPage) -> tuple[int, tuple[Value, ...]]:
    if kind == _INDEX_INTERIOR:
        at += 4
    length, at = _varint(data, at)
    rowid = 0
    if kind == _TABLE_LEAF:
        rowid, at = _varint(data, at)
        most = len(data) - 35
    else:
        most = (len(data) - 12) * 64 // 255 - 23
    if not 0 < length <= _LONGEST_PAYLOAD:
        raise _BadError
    local = length
    if length > most:
        least = (len(data) - 12) * 32 // 255 - 23
        local = least + (length - least) % (len(data) - 4)
        local = local if local <= most else least
    payload = data[at : at + local]
    if len(payload) < local:
        raise _BadError
    if local < length:
        (following,) = struct.unpack_from(">I", data, at + local)
        payload += _overflow(following, length - local, other)
    return rowid, _record(payload)


def _overflow(number: int, length: int, other: ReadPage) -> bytes:
    out = bytearray()
    while len(out) < length:
        page = other(number)
        if page is None:
            raise _BadError
        (number,) = struct.unpack_from(">I", page, 0)
        out += page[4 : 4 + length - len(out)]
    return bytes(out)


def _record(payload: bytes) -> tuple[Value, ...]:
    header_end, at = _varint(payload, 0)
    if not 1 <= header_end <= len(payload):
        raise _BadError
    values: list[Value] = []
    body = header_end
    while at < header_end:
        serial, at = _varint(payload, at)
        value, body = _value(serial, payload, body)
        values.append(value)
    if at != header_end or body != len(payload):
        raise _BadError
    return tuple(values)


_WHOLE = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_FIXED: dict[int, Value] = {0: None, 8: 0, 9: 1}


def _value(serial: int, payload: bytes, at: int) -> tuple[Value, int]:
    if serial in _FIXED:
        return _FIXED[serial], at
    length = _WHOLE.get(serial) or (8 if serial == 7 else (serial - 12) // 2)
    if serial in (10, 11) or at + length > len(payload):
        raise _BadError
    data = payload[at : at + length]
    at += length
    if serial in _WHOLE:
        return int.from_bytes(data, "big", signed=True), at
    if serial == 7:
        return float(struct.unpack(">d", data)[0]), at
    return (data if serial % 2 == 0 else data.decode()), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for _ in range(8):
        byte = data[at]
        at += 1
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at
    number = number << 8 | data[at]
    return number - (1 << 64) if number >= 1 << 63 else number, at + 1


def committed_pages(wal: bytes) -> Iterator[tuple[int, bytes]]:
    """The pages that the write-ahead log holds for good, oldest first, so that a later one replaces an earlier."""
    if len(wal) < 32:
        return
    magic, _, size, _, salt, salt2, sum1, sum2 = struct.unpack_from(">8I", wal, 0)
    if magic not in (0x377F0682, 0x377F0683) or not 512 <= size <= 65536:
        return
    order = "<" if magic == 0x377F0682 else ">"
    sums = _checksum(wal[:24], order, 0, 0)
    if sums != (sum1, sum2):
        return
    waiting: list[tuple[int, bytes]] = []
    for at in range(32, len(wal) - 24 - size + 1, 24 + size):
        number, pages, frame_salt, frame_salt2, sum1, sum2 = struct.unpack_from(">6I", wal, at)
        data = wal[at + 24 : at + 24 + size]
        sums = _checksum(wal[at : at + 8] + data, order, *sums)
        if (frame_salt, frame_salt2) != (salt, salt2) or sums != (sum1, sum2):
            return
        waiting.append((number, data))
        if pages:
            yield from waiting
            waiting.clear()


def _checksum(data: bytes, order: str, sum1: int, sum2: int) -> tuple[int, int]:
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for at in range(0, len(words), 2):
        sum1 = (sum1 + words[at] + sum2) & 0xFFFFFFFF
        sum2 = (sum2 + words[at + 1] + sum1) & 0xFFFFFFFF
    return sum1, sum2

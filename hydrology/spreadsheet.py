"""Rows of a CSV file by column name, as spreadsheets here write them: commas, semicolons or tabs, decimal points or commas,
UTF-8, UTF-16 or Windows-1251."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from settings import SettingsError
from settings.errors import Fault

if TYPE_CHECKING:
    import _csv

_COMMA_NUMBER = re.compile(r"-?\d+,\d+")
_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(\D|$))")
"""The blank that spreadsheets put between thousands."""
_BESIDE_LETTERS = frozenset("«»№–—‘’“”„…°±·§©®™€•\u00a0")
_SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
"""The first line with which Excel tells itself the delimiter."""


class NotTextError(ValueError):
    """The bytes are no text that is known here."""


def decode(content: bytes) -> str:
    """The text of a CSV file: UTF-8 with or without a byte order mark, UTF-16 (with one: Excel's "Unicode text"), or
    Windows-1251, which Excel writes as plain "CSV" where Russian is spoken. Raises NotTextError."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise NotTextError("is no whole UTF-16 text") from error
    if b"\x00" in content:  # no other text here has zero bytes; they are the high ones of Latin letters
        big_endian = content[::2].count(0) > content[1::2].count(0)
        return _local(content, "utf-16-be" if big_endian else "utf-16-le")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _local(content, "cp1251")


def _local(content: bytes, encoding: str) -> str:
    """Bytes that tell no encoding, in one that is likely: only where Latin and Cyrillic text comes out. Raises NotTextError."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = "\x00"
    foreign = {letter for letter in text if letter > "\x7f"} - _BESIDE_LETTERS
    if "\x00" in text or not all("Ё" <= letter <= "ӿ" for letter in foreign):
        raise NotTextError("is neither UTF-8 nor UTF-16 nor Windows-1251 text")
    return text


class Row(NamedTuple):
    """One row: its line in the file, and its cells by column, blanks left out."""

    line: int
    cells: dict[str, str]


def read_rows(
    text: str,
    file: Path | str,
    columns: Mapping[str, tuple[str, ...]],
    required: tuple[str, ...],
    *,
    only_known: bool = True,
) -> list[Row]:
    """The rows of a CSV text that are not blank; `file` is only named in errors.

    `columns` gives each column's other names; case and spaces do not matter. A column that is not known is refused, and so
    is a file without a required one: a misspelt header must not lose a column in silence. With `only_known` false other
    columns are passed over. Raises SettingsError.
    """
    text, delimiter, skipped = _body(text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = next(_whole(lines, file, skipped), None)
    if header is None:
        raise SettingsError(
            file, [Fault(1 + skipped, "", "the file is empty", f"write the columns {', '.join(columns)}")]
        )
    names = _columns_of(header, columns)
    faults = [
        Fault(1 + skipped, cell.strip(), "this column is not known", f"known: {', '.join(columns)}")
        for cell, name in zip(header, names, strict=True)
        if only_known and name is None and cell.strip()
    ]
    given = [name for name in names if name]
    faults += [
        Fault(1 + skipped, name, "two columns have this name")
        for name in sorted({n for n in given if given.count(n) > 1})
    ]
    faults += [
        Fault(1 + skipped, name, "this column is missing", f"there are {', '.join(cell.strip() for cell in header)}")
        for name in required
        if name not in names
    ]
    if faults:
        raise SettingsError(file, faults)
    out = []
    for cells in _whole(lines, file, skipped):
        if len(cells) > len(names):
            problem = f"{len(cells)} cells under {len(names)} columns"
            raise SettingsError(
                file, [Fault(lines.line_num + skipped, "", problem, "a text with a comma needs quotes")]
            )
        found = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name and cell.strip()}
        if found:
            out.append(Row(lines.line_num + skipped, found))
    return out


def _whole(lines: "_csv.Reader", file: Path | str, skipped: int) -> Iterator[list[str]]:
    try:
        yield from lines
    except csv.Error as error:
        raise SettingsError(file, [Fault(lines.line_num + skipped, "", f"is no row of a CSV file: {error}")]) from error


def header_words(text: str, columns: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """For each known column what the file calls it."""
    body, delimiter, _ = _body(text)
    header = next(csv.reader(io.StringIO(body, newline=""), delimiter=delimiter), [])
    return {name: cell.strip() for name, cell in zip(_columns_of(header, columns), header, strict=True) if name}


def unit_words(header: str) -> str:
    """What stands behind a comma or in brackets in a column's name; empty without."""
    found = re.search(r"[,(\[](.*)", header)
    return found[1].strip().rstrip(")]").strip() if found else ""


def _body(text: str) -> tuple[str, str, int]:
    """A CSV text from its header on, its delimiter, and how many lines stand before."""
    told = _SEPARATOR.match(text)
    body = text[told.end() :] if told else text
    first = body.partition("\n")[0]
    return body, told[1] if told else max(";\t,", key=first.count), 1 if told else 0


def _columns_of(header: list[str], columns: Mapping[str, tuple[str, ...]]) -> list[str | None]:
    by_name = {_plain(name): column for column, others in columns.items() for name in (column, *others)}
    return [by_name.get(_plain(cell)) or by_name.get(_bare(cell)) for cell in header]


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _bare(name: str) -> str:
    """A column's name without the unit behind a comma or in brackets."""
    return _plain(re.split(r"[,(\[]", name, maxsplit=1)[0])


def number(text: str) -> float:
    """A number with a decimal point or comma, thousands apart or not. Raises ValueError."""
    plain = _THOUSANDS.sub("", text)
    plain = plain.replace(",", ".") if _COMMA_NUMBER.fullmatch(plain) else plain
    try:
        value = float(plain)
    except ValueError:
        value = nan
    if not isfinite(value) or "_" in plain:
        raise ValueError(f"{text!r} is not a number")
    return value

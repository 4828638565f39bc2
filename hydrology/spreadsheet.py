"""Rows of a CSV file by column name, as spreadsheets here write them: commas or semicolons, decimal points or commas."""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from settings import SettingsError
from settings.errors import Fault

_COMMA_NUMBER = re.compile(r"-?\d+,\d+")


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
    first = text.partition("\n")[0]
    delimiter = max(";\t,", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = next(lines, None)
    if header is None:
        raise SettingsError(file, [Fault(1, "", "the file is empty", f"write the columns {', '.join(columns)}")])
    by_name = {_plain(name): column for column, others in columns.items() for name in (column, *others)}
    names = [by_name.get(_plain(cell)) for cell in header]
    faults = [
        Fault(1, cell.strip(), "this column is not known", f"known: {', '.join(columns)}")
        for cell, name in zip(header, names, strict=True)
        if only_known and name is None and cell.strip()
    ]
    given = [name for name in names if name]
    faults += [
        Fault(1, name, "two columns have this name") for name in sorted({n for n in given if given.count(n) > 1})
    ]
    faults += [
        Fault(1, name, "this column is missing", f"there are {', '.join(cell.strip() for cell in header)}")
        for name in required
        if name not in names
    ]
    if faults:
        raise SettingsError(file, faults)
    out = []
    for cells in lines:
        if len(cells) > len(names):
            problem = f"{len(cells)} cells under {len(names)} columns"
            raise SettingsError(file, [Fault(lines.line_num, "", problem, "a text with a comma needs quotes")])
        found = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name and cell.strip()}
        if found:
            out.append(Row(lines.line_num, found))
    return out


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def number(text: str) -> float:
    """A number with a decimal point or comma. Raises ValueError."""
    plain = text.replace(",", ".") if _COMMA_NUMBER.fullmatch(text) else text
    try:
        return float(plain)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None

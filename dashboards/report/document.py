"""A report set in words and figures, before it is a page: what HTML and PDF both draw."""

from dataclasses import dataclass
from typing import Literal

from dashboards.report.drawing import Drawing

Tone = Literal["", "soft", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of the limit: how much is used, and where the plan would be by now. In %, with words for it."""

    used_pct: float
    plan_pct: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table's cell. `tone` is never the only sign: the text says it too."""

    text: str
    tone: Tone = ""
    bar: Bar | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head. Columns that stand together under one `group` share its line. `width` is relative."""

    label: str
    unit: str = ""
    group: str = ""
    number: bool = True
    width: float = 1.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: rows of as many cells as columns, the first names the row. `total` is the last row, in bold."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """One large number with its label and a smaller line below."""

    value: str
    label: str
    note: str = ""
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report. `banner` is the provisional statement; `careful` says that it warns of something."""

    language: str
    title: str
    period: str
    subtitle: str
    office: str
    banner: str
    careful: bool
    figures: tuple[Figure, ...]
    chart: Drawing | None
    chart_title: str
    sheets: tuple[Sheet, ...]
    notes: tuple[str, ...]
    provenance: tuple[str, ...]
    signatures: tuple[str, ...]
    signature_hint: str

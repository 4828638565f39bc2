"""Makes a report: reads the registry and the store, builds the table, sets it, and gives the bytes of a file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from dashboards.report.compose import Provenance, compose
from dashboards.report.csv_table import csv_text
from dashboards.report.flows import Column, read_column
from dashboards.report.html import html
from dashboards.report.meters import Meters
from dashboards.report.settings import ReportSettings
from dashboards.report.span import Span
from dashboards.report.table import Report, ReportError, build, choose_district, draft
from dashboards.report.words import DECIMAL
from hydrology.load import load_registry, registry_digest
from hydrology.registry import Registry
from store.open import open_reader
from store.points import PointReader, SeriesKey


@dataclass(frozen=True, slots=True)
class Made:
    """A report's bytes, the days it is of, and whether nothing at all was read in them."""

    content: bytes
    span: Span
    silent: bool


Format = Literal["html", "csv", "pdf"]
FORMATS: tuple[Format, ...] = ("html", "csv", "pdf")
BESIDE = timedelta(days=1)
"""How far beyond its ends a period is read, so that what reaches over a boundary is cut there and not lost."""


def format_of(file: Path) -> Format:
    """What to write, by the file's ending. Raises ReportError."""
    ending = file.suffix.lower().lstrip(".")
    for known in FORMATS:
        if ending == known:
            return known
    raise ReportError(f"{file}: name a file that ends in .html, .csv or .pdf")


async def make_table(
    registry: Registry, reader: PointReader, settings: ReportSettings, span_of: Callable[[str], Span], now: datetime
) -> Report:
    """The report's values. Raises ReportError, TooDenseError, StoreError."""
    try:
        meters = Meters(registry.stations, settings.uncertainty_pct, settings.integration)
    except ValueError as error:
        raise ReportError(str(error)) from None
    what = draft(registry, choose_district(registry, settings.district), span_of, meters, now)
    columns: dict[SeriesKey, Column] = {}
    for key, since in what.needed.items():
        columns[key] = await read_column(reader, key, since - BESIDE, what.period.end + BESIDE)
    return build(what, columns, now)


async def make(
    settings: ReportSettings, state: Path, span_of: Callable[[str], Span], kind: Format, now: datetime
) -> Made:
    """The file. Raises SettingsError, ReportError, TooDenseError, StoreError, OSError."""
    registry = load_registry(settings.registry)
    async with open_reader(settings.store, state) as reader:
        report = await make_table(registry, reader, settings, span_of, now)
    return Made(_content(report, settings, kind), report.span, report.silent)


def _content(report: Report, settings: ReportSettings, kind: Format) -> bytes:
    if kind == "csv":
        # Excel takes a file without a byte order mark for its own code page.
        return csv_text(report, settings.decimal or DECIMAL[settings.language]).encode("utf-8-sig")
    source = Provenance(version("aryk"), settings.registry.name, registry_digest(settings.registry))
    document = compose(report, settings, source)
    if kind == "html":
        return html(document).encode("utf-8")
    try:
        from dashboards.report.pdf import pdf
    except ImportError as error:
        raise ReportError(f"a PDF needs fpdf2 ({error}): pip install 'aryk[report]'") from error
    return pdf(document)

"""The report as a PDF of A4 landscape pages: the same document, chart and marks, drawn with fpdf2.

The letters are a part of DejaVu Sans Condensed (Latin, Cyrillic with Kazakh, the marks), embedded: see fonts/LICENSE.txt.
"""

from itertools import groupby
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from dashboards.report.document import Bar, Cell, Document, Sheet, Tone
from dashboards.report.drawing import Box, Drawing, Label, Line

_FONTS = Path(__file__).parent / "fonts"
_INK, _SOFT, _HAIR, _ACCENT, _WARN, _BAD = (
    (22, 32, 42),
    (86, 99, 111),
    (207, 214, 220),
    (0, 114, 178),
    (138, 75, 0),
    (179, 38, 30),
)
_TONES: dict[Tone, tuple[int, int, int]] = {"": _INK, "soft": _SOFT, "warn": _WARN, "bad": _BAD}
_MARGIN, _LINE = 10.0, 3.6
_BAR_ROOM, _BAR_MOST_PCT = 11.0, 120.0
"""What a cell keeps for its number beside a bar, and where the bar ends."""


def pdf(document: Document) -> bytes:
    """The file's bytes."""
    out = FPDF(orientation="landscape", unit="mm", format="A4")
    out.set_margins(_MARGIN, _MARGIN)
    out.set_auto_page_break(auto=True, margin=_MARGIN)
    for style, name in (("", "sans.ttf"), ("B", "sans-bold.ttf")):
        out.add_font("sans", style, _FONTS / name)
    out.set_title(f"{document.title} · {document.period}")
    out.set_lang(document.language)
    out.set_creator("Aryk")
    out.add_page()
    _head(out, document)
    for place, sheet in enumerate(document.sheets):
        _sheet(out, sheet)
        if place == 0 and document.chart is not None:
            _chart(out, document.chart, document.chart_title)
    _foot(out, document)
    return bytes(out.output())


def _text(out: FPDF, size: float, colour: tuple[int, int, int] = _INK, *, bold: bool = False) -> None:
    out.set_font("sans", "B" if bold else "", size)
    out.set_text_color(*colour)


def _down(out: FPDF, words: str, height: float, align: str = "L") -> None:
    out.multi_cell(0, height, words, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _head(out: FPDF, document: Document) -> None:
    _text(out, 10, _SOFT)
    _down(out, document.office, 5)
    _text(out, 18, bold=True)
    out.cell(out.get_string_width(document.title) + 4, 9, document.title)
    _text(out, 18)
    out.cell(out.get_string_width(document.period) + 4, 9, document.period)
    _text(out, 10, _SOFT)
    out.cell(0, 9, document.subtitle, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    out.set_draw_color(*_INK)
    out.set_line_width(0.7)
    out.line(_MARGIN, out.get_y(), out.w - _MARGIN, out.get_y())
    out.ln(2)
    _text(out, 8, _WARN if document.careful else _INK)
    _down(out, f"{'◌' if document.careful else '●'} {document.banner}", 4)
    out.ln(2)
    top, wide = out.get_y(), out.epw / max(len(document.figures), 1)
    for place, figure in enumerate(document.figures):
        x = _MARGIN + place * wide
        for size, height, words, bold, colour in (
            (17, 7.5, figure.value, True, _TONES[figure.tone]),
            (8, 3.8, figure.label, False, _SOFT),
            (8, 3.8, figure.note, True, _INK),
        ):
            out.set_x(x)
            _text(out, size, colour, bold=bold)
            out.cell(wide - 2, height, words, new_x=XPos.LEFT, new_y=YPos.NEXT)
        out.set_y(top)
    out.set_y(top + 17)


def _sheet(out: FPDF, sheet: Sheet) -> None:
    if out.will_page_break(30):
        out.add_page()
    out.ln(2)
    _text(out, 10.5, bold=True)
    _down(out, sheet.title, 5.5)
    total = sum(column.width for column in sheet.columns)
    span = out.epw if len(sheet.columns) > 6 else out.epw * 0.75
    widths = [span * column.width / total for column in sheet.columns]
    _columns(out, sheet, widths)
    for row in sheet.rows:
        if out.will_page_break(_height(out, row[0].text, widths[0])):
            out.add_page()
            _columns(out, sheet, widths)
        _row(out, sheet, row, widths, bold=False)
    if sheet.total is not None:
        _row(out, sheet, sheet.total, widths, bold=True)
    _text(out, 6.5, _SOFT)
    for note in sheet.notes:
        out.ln(1)
        _down(out, note, 3)


def _columns(out: FPDF, sheet: Sheet, widths: list[float]) -> None:
    if any(column.group for column in sheet.columns):
        _text(out, 7, _SOFT, bold=True)
        place = 0
        for name, found in groupby(sheet.columns, key=lambda column: column.group):
            count = len(list(found))
            out.cell(sum(widths[place : place + count]), _LINE, name)
            place += count
        out.ln(_LINE)
    top = out.get_y()
    lines, sizes = [], []
    for column, width in zip(sheet.columns, widths, strict=True):
        _text(out, 7, bold=True)
        _fit(out, max(column.label.split(), key=out.get_string_width, default=""), width)
        lines.append(_lines(out, column.label, width))
        sizes.append(out.font_size_pt)
    tall = 3.1 * max(map(len, lines)) + 3.2
    x = _MARGIN
    group = sheet.columns[0].group
    for column, width, label, size in zip(sheet.columns, widths, lines, sizes, strict=True):
        if column.group != group:
            _edge(out, x, top - _LINE, top + tall)
            group = column.group
        align = "R" if column.number else "L"
        out.set_xy(x, top + tall - 3.2 - 3.1 * len(label))
        _text(out, size, bold=True)
        out.multi_cell(width, 3.1, "\n".join(label), align=align, new_x=XPos.LEFT, new_y=YPos.NEXT)
        out.set_xy(x, top + tall - 3.2)
        _text(out, 6, _SOFT)
        out.cell(width, 3.0, column.unit, align=align)
        x += width
    out.set_xy(_MARGIN, top + tall)
    _rule(out, _INK, 0.3, sum(widths))


def _height(out: FPDF, name: str, width: float) -> float:
    _text(out, 7.5)
    return 1.2 + _LINE * len(_lines(out, name, width))


def _lines(out: FPDF, words: str, width: float) -> list[str]:
    """The words as they break in this width, in the font that is set."""
    found = out.multi_cell(width, _LINE, words, dry_run=True, output="LINES")
    assert isinstance(found, list)
    return [str(line) for line in found]


def _row(out: FPDF, sheet: Sheet, row: tuple[Cell, ...], widths: list[float], *, bold: bool) -> None:
    top, x = out.get_y(), _MARGIN
    tall = _height(out, row[0].text, widths[0])
    if bold:
        _rule(out, _INK, 0.3, sum(widths))
    for place, (column, cell, width) in enumerate(zip(sheet.columns, row, widths, strict=True)):
        out.set_xy(x, top + 0.6)
        _text(out, 7.5, _TONES[cell.tone], bold=bold or cell.tone in ("warn", "bad"))
        align = "R" if column.number else "L"
        if place == 0:
            out.multi_cell(width, _LINE, cell.text, align=align)
        else:
            if column.group != sheet.columns[place - 1].group:
                _edge(out, x, top, top + tall)
            if cell.bar is not None:
                _bar(out, cell.bar, x + 2, top + 0.6 + _LINE / 2, width - _BAR_ROOM)
            _fit(out, cell.text, width)
            out.cell(width, _LINE, cell.text, align=align)
        x += width
    out.set_xy(_MARGIN, top + tall)
    if not bold:
        _rule(out, _HAIR, 0.15, sum(widths))


def _edge(out: FPDF, x: float, top: float, bottom: float) -> None:
    """A hairline to the left of a group of columns."""
    out.set_draw_color(*_HAIR)
    out.set_line_width(0.15)
    out.line(x, top, x, bottom)


def _bar(out: FPDF, bar: Bar, x: float, middle: float, width: float) -> None:
    """How much of the limit is used, and a mark where the plan would be by now; over the limit it goes on to 120 %."""

    def far(pct: float) -> float:
        return width * min(max(pct, 0.0), _BAR_MOST_PCT) / _BAR_MOST_PCT

    for colour, pct in ((_HAIR, 100.0), (_ACCENT, bar.used_pct)):
        out.set_fill_color(*colour)
        out.rect(x, middle - 0.5, far(pct), 1.0, style="F")
    if bar.plan_pct is not None:
        out.set_draw_color(*_INK)
        out.set_line_width(0.3)
        out.line(x + far(bar.plan_pct), middle - 1.0, x + far(bar.plan_pct), middle + 1.0)


def _fit(out: FPDF, words: str, width: float) -> None:
    """A long word is set smaller, never cut and never over its neighbour."""
    size = out.font_size_pt
    while out.get_string_width(words) > width - 2.1 and size > 5:
        size -= 0.25
        out.set_font_size(size)


def _rule(out: FPDF, colour: tuple[int, int, int], thick: float, width: float) -> None:
    out.set_draw_color(*colour)
    out.set_line_width(thick)
    out.line(_MARGIN, out.get_y(), _MARGIN + width, out.get_y())


def _chart(out: FPDF, drawing: Drawing, title: str) -> None:
    scale = out.epw / drawing.width
    if out.will_page_break(drawing.height * scale + 10):
        out.add_page()
    out.ln(2)
    _text(out, 10.5, bold=True)
    _down(out, title, 6)
    left, top = _MARGIN, out.get_y()
    for shape in drawing.shapes:
        if isinstance(shape, Box):
            _box(out, shape, left, top, scale)
        elif isinstance(shape, Line):
            out.set_draw_color(*(_INK if shape.strong else _HAIR))
            out.set_line_width(0.6 if shape.strong else 0.15)
            out.line(left + shape.x1 * scale, top + shape.y1 * scale, left + shape.x2 * scale, top + shape.y2 * scale)
        else:
            _label(out, shape, left, top, scale)
    out.set_xy(_MARGIN, top + drawing.height * scale)


def _box(out: FPDF, box: Box, left: float, top: float, scale: float) -> None:
    x, y, width, height = left + box.x * scale, top + box.y * scale, box.width * scale, box.height * scale
    out.set_draw_color(*_ACCENT)
    out.set_line_width(0.25)
    if box.fill == "fact":
        out.set_fill_color(*_ACCENT)
        out.rect(x, y, width, height, style="F")
        return
    if box.fill == "partly":
        with out.rect_clip(x, y, width, height):
            start = x - height
            while start < x + width:
                out.line(start, y + height, start + height, y)
                start += 1.0
    out.rect(x, y, width, height)


def _label(out: FPDF, label: Label, left: float, top: float, scale: float) -> None:
    _text(out, 7, _INK if label.strong else _SOFT, bold=label.strong)
    wide = out.get_string_width(label.text)
    x = left + label.x * scale - {"start": 0.0, "middle": wide / 2, "end": wide}[label.anchor]
    out.text(x, top + label.y * scale, label.text)


def _foot(out: FPDF, document: Document) -> None:
    if out.will_page_break(34):
        out.add_page()
    out.ln(8)
    top = out.get_y()
    for place, name in enumerate(document.signatures):
        x = _MARGIN + place * 130
        _text(out, 8, bold=True)
        out.set_xy(x, top)
        out.cell(30, 5, name)
        out.set_draw_color(*_INK)
        out.set_line_width(0.2)
        out.line(x + 30, top + 5, x + 110, top + 5)
        _text(out, 6.5, _SOFT)
        out.set_xy(x + 30, top + 5)
        out.cell(80, 4, document.signature_hint)
    out.set_xy(_MARGIN, top + 11)
    _text(out, 6.5, _SOFT)
    for line in (*document.notes, *document.provenance):
        _down(out, line, 3)
        out.ln(0.8)

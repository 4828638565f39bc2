"""The report as one self-contained HTML page: a phone's, a desk's, and A4 landscape on paper."""

from html import escape
from itertools import groupby

from dashboards.report.document import Bar, Cell, Column, Document, Sheet
from dashboards.report.drawing import svg
from dashboards.report.style import CSS

_BAR_W, _BAR_H, _BAR_MOST = 60.0, 8.0, 120.0


def html(document: Document) -> str:
    """The page. It asks for nothing from anywhere."""
    figures = "".join(
        f'<div class="figure {one.tone}"><dd>{escape(one.value)}</dd><dt>{escape(one.label)}</dt>'
        f"<dd class='note'>{escape(one.note)}</dd></div>"
        for one in document.figures
    )
    chart = ""
    if document.chart is not None:
        caption = f"<figcaption>{escape(document.chart_title)}</figcaption>"
        chart = f'<figure>{caption}<div class="scroll">{svg(document.chart)}</div></figure>'
    hint = escape(document.signature_hint)
    signatures = "".join(
        f'<div class="sign"><b>{escape(one)}</b><span></span><small>{hint}</small></div>' for one in document.signatures
    )
    first, rest = document.sheets[:1], document.sheets[1:]
    banner = escape(document.banner)
    mark = "◌" if document.careful else "●"
    heading = f"{document.title} · {document.period}"
    return f"""<!doctype html>
<html lang="{document.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(heading)}</title>
<style>{CSS}</style>
</head>
<body>
<header>
<p class="office">{escape(document.office)}</p>
<h1>{escape(document.title)}<span>{escape(document.period)}</span></h1>
<p class="subtitle">{escape(document.subtitle)}</p>
</header>
<main>
<p class="{"banner careful" if document.careful else "banner"}" role="note"><i aria-hidden="true">{mark}</i>{banner}</p>
<dl class="figures">{figures}</dl>
{"".join(map(_sheet, first))}
{chart}
{"".join(map(_sheet, rest))}
</main>
<footer>
<div class="signs">{signatures}</div>
{"".join(f"<p>{escape(line)}</p>" for line in (*document.notes, *document.provenance))}
</footer>
</body>
</html>
"""


def _sheet(sheet: Sheet) -> str:
    wide = " wide" if len(sheet.columns) > 8 else ""
    groups = ""
    if any(column.group for column in sheet.columns):
        cells = []
        for name, found in groupby(sheet.columns, key=lambda column: column.group):
            span = len(list(found))
            cells.append(
                f'<th class="group" scope="colgroup" colspan="{span}">{escape(name)}</th>' if name else "<td></td>"
            )
        groups = f"<tr>{''.join(cells)}</tr>"
    heads = "".join(
        f'<th scope="col" class="{_kind(column)}{_edge(sheet.columns, n)}">'
        f"{escape(column.label)}<small>{escape(column.unit)}</small></th>"
        for n, column in enumerate(sheet.columns)
    )
    body = "".join(_row(sheet.columns, row) for row in sheet.rows)
    foot = f"<tfoot>{_row(sheet.columns, sheet.total)}</tfoot>" if sheet.total else ""
    notes = "".join(f'<p class="small">{escape(note)}</p>' for note in sheet.notes)
    return (
        f'<section><h2>{escape(sheet.title)}</h2><table class="cards{wide}"><thead>{groups}<tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody>{foot}</table>{notes}</section>\n"
    )


def _row(columns: tuple[Column, ...], cells: tuple[Cell, ...]) -> str:
    out = []
    for place, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        kind = f"{_kind(column)}{_edge(columns, place)} {cell.tone}".strip()
        inside = escape(cell.text) + (_bar(cell.bar) if cell.bar else "")
        if place == 0:
            out.append(f'<th scope="row">{inside}</th>')
            continue
        unit = f", {column.unit}" if column.unit else ""
        label = f"{column.label}{unit}" if column.label else ""
        opens = column.group and column.group != columns[place - 1].group and kind.startswith("number")
        group = f'<b class="g">{escape(column.group)}</b>' if opens else ""
        empty = "" if cell.text else " empty"
        out.append(f'<td class="{kind}{empty}" data-label="{escape(label)}">{group}<span>{inside}</span></td>')
    return f"<tr>{''.join(out)}</tr>"


def _kind(column: Column) -> str:
    return "number" if column.number else "text"


def _edge(columns: tuple[Column, ...], place: int) -> str:
    """The first column of a group has a line to its left."""
    return " edge" if place and columns[place].group != columns[place - 1].group else ""


def _bar(bar: Bar) -> str:
    def x(pct: float) -> float:
        return _BAR_W * min(max(pct, 0.0), _BAR_MOST) / _BAR_MOST

    due = (
        ""
        if bar.plan_pct is None
        else f'<line class="due" x1="{x(bar.plan_pct):.1f}" x2="{x(bar.plan_pct):.1f}" y1="0" y2="{_BAR_H}"/>'
    )
    return (
        f'<svg class="bar" viewBox="0 0 {_BAR_W:g} {_BAR_H:g}" role="img" aria-label="{escape(bar.words)}">'
        f"<title>{escape(bar.words)}</title>"
        f'<rect class="room" y="1.5" width="{x(100):.1f}" height="5"/>'
        f'<rect class="fact" y="1.5" width="{x(bar.used_pct):.1f}" height="5"/>'
        f"{due}</svg>"
    )

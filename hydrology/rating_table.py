"""The rating table that hangs in the gauge house: flow by stage in cm, or by head and opening for a gate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hydrology.structures.answer import Discharge
from wire.flags import Flag

LOOKED_TO_M = 10.0
"""How far up a law's rated range is sought."""
MAX_CELLS = 3000
MARK = "*"


@dataclass(frozen=True, slots=True)
class RatingTable:
    """Flows by row and column. `rows_m` are stages or heads; `columns_m` are added cm, or openings."""

    rows_m: tuple[float, ...]
    columns_m: tuple[float, ...]
    cells: tuple[tuple[Discharge | None, ...], ...]
    by_opening: bool


def rated_span_m(law: Callable[[float], Discharge], base_m: float = 0.0) -> tuple[float, float] | None:
    """The lowest and highest stage, in whole cm, between which a law's answers pass; None where none does.

    What is rated is one span: it is sought from a metre below `base_m`, about where flow begins, and ends at the first
    answer that does not pass.
    """
    first = last = None
    start = round(100 * base_m)
    for cm in range(start - 100, start + round(100 * LOOKED_TO_M) + 1):
        answer = law(cm / 100)
        good = answer.flag is Flag.PASS and bool(answer.value_m3s)
        if good and first is None:
            first = cm
        if good:
            last = cm
        elif first is not None:
            break
    return None if first is None or last is None else (first / 100, last / 100)


def stage_table(law: Callable[[float], Discharge], low_m: float, high_m: float) -> RatingTable:
    """Each row ten centimetres, ten columns of one. Raises ValueError for a span that is empty or too long."""
    low, high = round(100 * low_m), round(100 * high_m)
    if high <= low:
        raise ValueError("the table must end above where it begins")
    if high - low > MAX_CELLS:
        raise ValueError(f"{high - low} rows of 1 cm are too many: at most {MAX_CELLS}")
    rows = range(low // 10 * 10, high + 1, 10)
    cells = tuple(
        tuple(law((row + column) / 100) if low <= row + column <= high else None for column in range(10))
        for row in rows
    )
    return RatingTable(tuple(row / 100 for row in rows), tuple(k / 100 for k in range(10)), cells, False)


def opening_table(
    law: Callable[[float, float], Discharge], heads_m: Sequence[float], openings_m: Sequence[float]
) -> RatingTable:
    """Flow by head (rows) and opening (columns). Raises ValueError for a table that is empty or too large."""
    if not heads_m or not openings_m or len(heads_m) * len(openings_m) > MAX_CELLS:
        raise ValueError(f"a table needs 1 to {MAX_CELLS} cells")
    cells = tuple(tuple(law(head, opening) for opening in openings_m) for head in heads_m)
    return RatingTable(tuple(heads_m), tuple(openings_m), cells, True)


def table_text(table: RatingTable) -> str:
    """The table for paper: m3/s, or L/s where all flows are below 1 m3/s; a doubtful flow has a star, none a dash."""
    flows = [cell.value_m3s for row in table.cells for cell in row if cell is not None and cell.value_m3s is not None]
    largest = max((abs(flow) for flow in flows), default=0.0)
    scale, unit = (1000.0, "L/s") if largest < 1 else (1.0, "m3/s")
    decimals = 3 - len(str(int(largest * scale)))
    decimals = min(max(decimals, 1 if unit == "L/s" else 2), 3)
    texts = [[_cell(cell, scale, decimals) for cell in row] for row in table.cells]
    width = max([len(text) for row in texts for text in row] + [6]) + 2
    if table.by_opening:
        title, names = f"{unit}, by head (m, down) and opening (m, across)", [f"{c:.2f}" for c in table.columns_m]
    else:
        title, names = f"{unit}, by stage (m, down) and further centimetres (across)", [f"+{k}" for k in range(10)]
    # The star stands in a column of its own, so that the figures stay under one another.
    lines = [title, " " * 7 + "".join(f"{name:>{width - 1}} " for name in names).rstrip()]
    for row, cells in zip(table.rows_m, texts, strict=True):
        lines.append(f"{row:7.2f}" + "".join(f"{text:>{width}}" for text in cells).rstrip())
    found = "".join(text for row in texts for text in row)
    if MARK in found:
        lines.append(f"{MARK} outside the rated range, submerged or otherwise doubtful: do not bill by it")
    if "-" in found:
        lines.append("- no flow can be told here")
    return "\n".join(lines)


def _cell(cell: Discharge | None, scale: float, decimals: int) -> str:
    if cell is None:
        return " "
    if cell.value_m3s is None:
        return "- "
    return f"{cell.value_m3s * scale:.{decimals}f}" + (" " if cell.flag is Flag.PASS else MARK)

"""Gaugings from a spreadsheet: a stage and a flow measured at it, in each row."""

from dataclasses import dataclass
from pathlib import Path

from hydrology.spreadsheet import header_words, number, read_rows, unit_words
from hydrology.units import UNITS, convert, spoken, unit
from settings import SettingsError
from settings.errors import Fault

_WORDS = {
    "stage": ("stage", "h", "level", "gauge_height", "уровень", "уровень_воды"),
    "flow": ("flow", "q", "discharge", "расход", "расход_воды"),
}
_ENDINGS = {
    "stage": {"_m": "m", "_cm": "cm", "_mm": "mm", "_ft": "[ft_i]", "_м": "m", "_см": "cm", "_мм": "mm"},
    "flow": {
        "_m3s": "m3/s",
        "_m3/s": "m3/s",
        "_l/s": "L/s",
        "_l_s": "L/s",
        "_ls": "L/s",
        "_lps": "L/s",
        "_cfs": "[ft_i]3/s",
        "_м3/с": "m3/s",
        "_л/с": "L/s",
    },
}
"""Units as they stand behind an underscore."""
COLUMNS = {
    name: (*words, *(word + ending for word in words for ending in _ENDINGS[name])) for name, words in _WORDS.items()
}
"""The two columns and their other names; others are passed over."""
STORED = {"stage": "m", "flow": "m3/s"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that was taken: what the file calls it, and the unit of its numbers."""

    header: str
    unit: str


@dataclass(frozen=True, slots=True)
class Gaugings:
    """Stages in m, flows in m3/s and the lines that they stand on, in the file's order; the columns by `stage` and `flow`."""

    stages_m: tuple[float, ...]
    flows_m3s: tuple[float, ...]
    lines: tuple[int, ...]
    columns: dict[str, Column]

    @property
    def columns_words(self) -> str:
        """Which columns were taken, and as what."""
        return ", ".join(f'{name} is "{one.header}" in {one.unit}' for name, one in self.columns.items())


def read_gaugings(
    text: str, file: Path | str = "(text)", stage_unit: str | None = None, flow_unit: str | None = None
) -> Gaugings:
    """The gaugings of a CSV text; `file` is only named in errors.

    A unit that is not given is the one in the column's name ("H, cm"), else m and m3/s. Raises SettingsError that names each
    bad line, UnitError for the units.
    """
    rows = read_rows(text, file, COLUMNS, ("stage", "flow"), only_known=False)
    given = {"stage": stage_unit, "flow": flow_unit}
    columns = {name: _column(name, word, given[name], file) for name, word in header_words(text, COLUMNS).items()}
    stages, flows, lines = [], [], []
    faults: list[Fault] = []
    for row in rows:
        values = {}
        for column, target in STORED.items():
            cell = row.cells.get(column)
            if cell is None:
                faults.append(Fault(row.line, column, "this cell is blank", "fill it or take the row out"))
                continue
            try:
                value = number(cell)
            except ValueError as error:
                faults.append(Fault(row.line, column, str(error)))
            else:
                values[column] = convert(value, columns[column].unit, target)
        if values.get("flow", 1.0) <= 0:
            faults.append(Fault(row.line, "flow", "a gauging's flow must be above 0", "a dry bed is no gauging"))
        if len(values) == len(STORED):
            stages.append(values["stage"])
            flows.append(values["flow"])
            lines.append(row.line)
    if faults:
        raise SettingsError(file, faults)
    if not lines:
        raise SettingsError(file, [Fault(None, "", "there are no gaugings in it")])
    return Gaugings(tuple(stages), tuple(flows), tuple(lines), {name: columns[name] for name in STORED})


def _column(name: str, header: str, given: str | None, file: Path | str) -> Column:
    plain = header.strip().lower()
    behind = next((code for end, code in _ENDINGS[name].items() if plain.endswith(end)), "")
    said = spoken(unit_words(header)) or behind
    asked = None if given is None else unit(spoken(given)).code
    if said in UNITS and asked not in (None, said):
        problem = f"the column is in {said}, --{name}-unit says {asked}"
        raise SettingsError(file, [Fault(1, header, problem, f"leave --{name}-unit out, or mend the column's name")])
    return Column(header, asked or (said if said in UNITS else STORED[name]))

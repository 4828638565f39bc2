"""Gaugings from a spreadsheet: a stage and a flow measured at it, in each row."""

from dataclasses import dataclass
from pathlib import Path

from hydrology.spreadsheet import number, read_rows
from hydrology.units import convert
from settings import SettingsError
from settings.errors import Fault

COLUMNS = {
    "stage": ("stage_m", "h", "h_m", "level", "level_m", "gauge_height", "уровень", "уровень_воды"),
    "flow": ("flow_m3s", "q", "q_m3s", "discharge", "discharge_m3s", "расход", "расход_воды"),
}
"""The two columns and their other names; others are passed over."""


@dataclass(frozen=True, slots=True)
class Gaugings:
    """Stages in m, flows in m3/s and the lines that they stand on, in the file's order."""

    stages_m: tuple[float, ...]
    flows_m3s: tuple[float, ...]
    lines: tuple[int, ...]


def read_gaugings(text: str, file: Path | str = "(text)", stage_unit: str = "m", flow_unit: str = "m3/s") -> Gaugings:
    """The gaugings of a CSV text; `file` is only named in errors.

    Raises SettingsError that names each bad line, UnitError for the units.
    """
    stages, flows, lines = [], [], []
    faults: list[Fault] = []
    units = {"stage": (stage_unit, "m"), "flow": (flow_unit, "m3/s")}
    for row in read_rows(text, file, COLUMNS, ("stage", "flow"), only_known=False):
        values = {}
        for column, (source, target) in units.items():
            cell = row.cells.get(column)
            if cell is None:
                faults.append(Fault(row.line, column, "this cell is blank", "fill it or take the row out"))
                continue
            try:
                value = number(cell)
            except ValueError as error:
                faults.append(Fault(row.line, column, str(error)))
            else:
                values[column] = convert(value, source, target)
        if values.get("flow", 1.0) <= 0:
            faults.append(Fault(row.line, "flow", "a gauging's flow must be above 0", "a dry bed is no gauging"))
        if len(values) == len(units):
            stages.append(values["stage"])
            flows.append(values["flow"])
            lines.append(row.line)
    if faults:
        raise SettingsError(file, faults)
    if not lines:
        raise SettingsError(file, [Fault(None, "", "there are no gaugings in it")])
    return Gaugings(tuple(stages), tuple(flows), tuple(lines))

"""Depth to water and its elevation in an observation well: the logger's pressure less the barometer's."""

from hydrology.derived.always import Always
from hydrology.derived.model import Value, rounded
from hydrology.registry.stations import Well
from hydrology.wells import Well as Law
from hydrology.wells import WellLevel, well_level

DIGITS = 4
TITLE = "well with barometer"


def well_methods(well: Well, what: tuple[str, ...]) -> Always:
    """`what`: depth, elevation, in this order."""
    law = Law(well.cable_m, well.measuring_point_m)

    def ask(values: tuple[float, ...]) -> WellLevel:
        return well_level(law, values[0], values[1])

    def answer(time_ms: int, values: tuple[float, ...]) -> tuple[Value, ...]:
        found = ask(values)
        numbers = {"depth": found.depth_to_water_m, "elevation": found.elevation_m}
        return tuple(rounded(numbers[one], int(found.flag), DIGITS) for one in what)

    def explain(values: tuple[float, ...]) -> list[str]:
        found = ask(values)
        head = "no head" if found.head_m is None else f"{found.head_m:.4f} m of water above the logger, at 12 degC"
        return [f"{head}; cable {well.cable_m:g} m, measuring point {well.measuring_point_m:g} m", *_said(found.note)]

    return Always(TITLE, answer, {"well": well.model_dump(mode="json", exclude_none=True)}, explain)


def _said(note: str) -> list[str]:
    return [note] if note else []

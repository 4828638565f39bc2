"""What follows from the readings of the example's past: the series that ingest derives, by the same rules."""

from collections.abc import Mapping, Sequence

from hydrology.derived import Derivation, Input, derivations
from hydrology.derived.model import Value
from hydrology.registry import Registry
from store.points import SeriesKey, SeriesPoints
from wire.flags import Flag

Readings = Mapping[tuple[str, str], Sequence[float | None]]
"""Values by station and sensor id, one for each time."""


class Derived:
    """The derived series of a registry whose readings all have the same times.

    What is made of a window of readings (a reservoir's inflow by balance) is left to ingest: a past has none of it.
    """

    def __init__(self, registry: Registry) -> None:
        self._all = [one for one in derivations(registry) if not _needs_a_window(one)]

    def of(self, times_s: Sequence[float], readings: Readings) -> list[SeriesPoints]:
        """All derived series at these times; those that are made of derived ones too."""
        times_ms = [round(t * 1000.0) for t in times_s]
        known: dict[tuple[str, str], list[Value]] = {
            place: [(value, int(Flag.PASS)) for value in column] for place, column in readings.items()
        }
        out = []
        for one in self._all:
            inputs = [known.get((part.name.station, part.name.sensor)) for part in one.inputs]
            columns = [column for column in inputs if column is not None]
            if len(columns) < len(inputs):
                continue
            answers = [one.at(time_ms, [column[n] for column in columns]) for n, time_ms in enumerate(times_ms)]
            there = [n for n, answer in enumerate(answers) if answer is not None]
            for place, output in enumerate(one.outputs):
                values: list[Value] = [
                    (None, int(Flag.MISSING)) if answer is None else answer[place] for answer in answers
                ]
                known[output.name.station, output.name.sensor] = values
                out.append(
                    SeriesPoints(
                        SeriesKey(*output.name),
                        [times_ms[n] for n in there],
                        [values[n][0] for n in there],
                        [values[n][1] for n in there],
                    )
                )
        return out


def _needs_a_window(one: Derivation) -> bool:
    return bool(getattr(one, "step_ms", 0)) or any(_is_windowed(part) for part in one.inputs)


def _is_windowed(part: Input) -> bool:
    return bool(getattr(part, "is_windowed", False))

"""A reservoir's inflow by balance: over a window the change of its volume and the mean of what leaves it."""

from hydrology.balance import Inflow as Balance
from hydrology.balance import inflow
from hydrology.derived.always import Always
from hydrology.derived.model import Value, rounded
from hydrology.registry.stations import Inflow

DIGITS = 4
STEPS = 24
"""Inflows in one window: more would say nothing that these do not."""


def inflow_methods(given: Inflow) -> Always:
    """Inputs: the volume now, its rate over the window in m3/s, and the mean of each outflow over it."""

    def ask(values: tuple[float, ...]) -> Balance:
        return inflow(values[1], sum(values[2:]), window_s=given.window)

    def answer(time_ms: int, values: tuple[float, ...]) -> tuple[Value, ...]:
        found = ask(values)
        return (rounded(found.value_m3s, int(found.flag), DIGITS),)

    def explain(values: tuple[float, ...]) -> list[str]:
        said = f"storage {values[1]:+.3f} m3/s, outflows {sum(values[2:]):.3f} m3/s over {given.window / 3600:g} h"
        return [said, *ask(values).notes]

    return Always("inflow by balance", answer, {"inflow": given.model_dump(mode="json")}, explain)

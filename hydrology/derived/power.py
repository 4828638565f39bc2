"""A hydropower unit: net head from two levels, the power that it should give, its efficiency, what it owes the river."""

from hydrology.derived.always import Always
from hydrology.derived.model import Value, rounded
from hydrology.hydropower import ecological_release, efficiency, net_head_m, power_w
from hydrology.registry.stations import Hydropower
from wire.flags import Flag

MOST_PCT = 100.0
"""An efficiency above it says that something is measured wrong: flag 3."""


def _given(unit: Hydropower, *keys: str) -> dict[str, float]:
    return {key: float(getattr(unit, key)) for key in keys}


def head_methods(unit: Hydropower, lower_zero_m: float, upper_zero_m: float) -> Always:
    """Inputs: the tailrace's level, the upper level. Net head in m."""

    def answer(time_ms: int, values: tuple[float, ...]) -> tuple[Value, ...]:
        lower_m, upper_m = values[0] + lower_zero_m, values[1] + upper_zero_m
        flag = Flag.PASS if upper_m - lower_m - unit.losses_m > 0 else Flag.SUSPECT
        return (rounded(net_head_m(upper_m, lower_m, unit.losses_m), int(flag), 4),)

    def explain(values: tuple[float, ...]) -> list[str]:
        return [
            f"{values[1] + upper_zero_m:.3f} m above, {values[0] + lower_zero_m:.3f} m below, losses {unit.losses_m:g} m"
        ]

    given = {"losses_m": unit.losses_m, "lower_zero_m": lower_zero_m, "upper_zero_m": upper_zero_m}
    return Always("net head", answer, given, explain)


def power_methods(unit: Hydropower) -> Always:
    """Inputs: discharge, net head. The power in W that the unit gives at its registered efficiency."""

    def answer(time_ms: int, values: tuple[float, ...]) -> tuple[Value, ...]:
        flow_m3s, head_m = values
        power = power_w(max(flow_m3s, 0.0), head_m, unit.efficiency)
        return (rounded(power, int(Flag.PASS if flow_m3s >= 0 else Flag.SUSPECT), 1),)

    def explain(values: tuple[float, ...]) -> list[str]:
        return [
            f"{values[0]:g} m3/s at {values[1]:g} m with efficiency {unit.efficiency:g}; rated {unit.rated_kw:g} kW"
        ]

    return Always("power at the registered efficiency", answer, _given(unit, "efficiency", "rated_kw"), explain)


def efficiency_methods() -> Always:
    """Inputs: power, discharge, net head. Efficiency in %; none while nothing flows or falls."""

    def answer(time_ms: int, values: tuple[float, ...]) -> tuple[Value, ...]:
        power, flow_m3s, head_m = values
        if flow_m3s <= 0 or head_m <= 0:
            return ((None, int(Flag.FAIL)),)
        percent = 100 * efficiency(power, flow_m3s, head_m)
        return (rounded(percent, int(Flag.PASS if 0 <= percent <= MOST_PCT else Flag.SUSPECT), 3),)

    def explain(values: tuple[float, ...]) -> list[str]:
        return [f"{values[0]:g} W of {values[1]:g} m3/s at {values[2]:g} m"]

    return Always("efficiency of measured power", answer, {}, explain)


def release_methods(unit: Hydropower) -> Always:
    """Input: the release. What is missing of the ecological release in m3/s, 0 when it is met."""
    owed_m3s = unit.ecological_release_m3s

    def answer(time_ms: int, values: tuple[float, ...]) -> tuple[Value, ...]:
        found = ecological_release(values[0], owed_m3s)
        return (rounded(found.short_m3s, int(found.flag), 6),)

    def explain(values: tuple[float, ...]) -> list[str]:
        return [f"released {values[0]:g} m3/s, owed {owed_m3s:g} m3/s"]

    return Always("ecological release", answer, {"ecological_release_m3s": owed_m3s}, explain)

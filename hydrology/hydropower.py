"""Small hydropower: power, energy, specific water use, plant factor, and the ecological release. All textbook identities."""

from dataclasses import dataclass
from itertools import pairwise

from hydrology.constants import RHO_FRESH_KG_M3, G
from hydrology.structures.answer import check_positive
from wire.flags import Flag


def net_head_m(upstream_m: float, tailwater_m: float, losses_m: float = 0.0) -> float:
    """Net head in m: the two elevations' difference less the losses; not below 0."""
    return max(upstream_m - tailwater_m - losses_m, 0.0)


def power_w(
    flow_m3s: float, net_head: float, efficiency: float, *, g: float = G, density_kg_m3: float = RHO_FRESH_KG_M3
) -> float:
    """Electrical power in W, `rho g Q H eta`. Raises ValueError for an efficiency outside 0 to 1."""
    if not 0 <= efficiency <= 1:
        raise ValueError(f"efficiency = {efficiency} is not in 0 to 1")
    return density_kg_m3 * g * flow_m3s * net_head * efficiency


def efficiency(power: float, flow_m3s: float, net_head: float, *, g: float = G) -> float:
    """Efficiency from measured power in W. Above 1 something measured is wrong: the caller flags it.

    Raises ValueError for a flow or head that is not positive.
    """
    check_positive(flow_m3s=flow_m3s, net_head=net_head)
    return power / (RHO_FRESH_KG_M3 * g * flow_m3s * net_head)


def energy_j(samples: list[tuple[float, float]]) -> float:
    """Energy in J from rising (seconds, W), by trapezoids."""
    return sum((p1 + p2) / 2 * (t2 - t1) for (t1, p1), (t2, p2) in pairwise(samples))


def specific_use_m3_per_kwh(flow_m3s: float, power: float) -> float:
    """Water in m3 for a kWh, `3600 Q / P[kW]`. Raises ValueError for a power that is not positive."""
    check_positive(power=power)
    return 3600 * flow_m3s / (power / 1000)


def plant_factor(energy: float, rated_w: float, hours: float) -> float:
    """Energy in J over what the rated power would have made in the hours."""
    check_positive(rated_w=rated_w, hours=hours)
    return energy / (rated_w * hours * 3600)


@dataclass(frozen=True, slots=True)
class Release:
    """Whether the ecological release is met. `short_m3s` is what is missing, 0 when met, None when not known."""

    met: bool | None
    short_m3s: float | None
    flag: Flag


def ecological_release(bypass_m3s: float | None, required_m3s: float) -> Release:
    """Check `Q_bypass >= Q_eco`. Not known is not met: `met` is None and the flag 9."""
    if bypass_m3s is None or bypass_m3s != bypass_m3s:
        return Release(None, None, Flag.MISSING)
    short = max(required_m3s - bypass_m3s, 0.0)
    return Release(short == 0, short, Flag.PASS)

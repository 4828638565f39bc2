"""What the weather and the plans ask of the example system: July all the year round, or a season as it was planned."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, exp, pi

from hydrology.registry import Registry, User
from simulator.physics.clock import DAY_S, day_start, local_day
from simulator.physics.noise import lattice, stream

_DECADE_S = 10.15 * DAY_S
_KEPT = {
    "birlik": 1.05,
    "enbek": 1.02,
    "zhana-zhol": 0.98,
    "dostyk": 0.97,
    "orchard-of-sadyr": 1.03,
    "saryozek": 0.88,
}
"""How each user keeps to the plan: Birlik near the head takes more, Saryozek at the tail gets less."""


@dataclass(frozen=True, slots=True)
class Climate:
    """Slow things by time, seconds since 1970: what a user would take on the mean (m3/s), the river's mean flow (m3/s), the
    reservoir's planned level (m above gauge zero), and how far groundwater has risen (m).
    """

    wanted_m3s: Callable[[User, float], float]
    river_m3s: Callable[[float], float]
    plan_level_m: Callable[[float], float]
    groundwater_m: Callable[[float], float]
    least_release_m3s: float


def _kept(user: User) -> float:
    return _KEPT.get(user.id, 1.0)


def always_july(registry: Registry, seed: int) -> Climate:
    """July all the year round: in winter the canals of Central Asia are empty, and an empty canal shows nothing."""
    plans = {user.id: max(plan.flow_m3s(_july(plan.year)) for plan in user.plans) for user in registry.users}
    reservoir, well = stream(seed, "dispatcher"), stream(seed, "groundwater")
    return Climate(
        lambda user, t: plans[user.id] * _kept(user),
        lambda t: 19.0,
        lambda t: 17.35 + 0.3 * lattice(reservoir, t, 10.0 * DAY_S),
        lambda t: 0.25 * lattice(well, t, 6.0 * DAY_S),
        5.0,
    )


def _july(year: int) -> datetime:
    return datetime(year, 7, 15, tzinfo=UTC)


def true_season(registry: Registry, seed: int) -> Climate:
    """April to September as the users' plans have it, a river fed by snow, a reservoir filled till June and drawn down."""
    reservoir, well = stream(seed, "dispatcher"), stream(seed, "groundwater")

    def wanted(user: User, t: float) -> float:
        # Plans stand for a decade each; nobody opens a turnout at once to the next decade's flow.
        early, late = (_planned(user, t + step) for step in (-_DECADE_S / 2, _DECADE_S / 2))
        return _kept(user) * (early + _planned(user, t) + late) / 3.0

    return Climate(
        wanted,
        lambda t: 8.0 + 22.0 * exp(-(((_day_of_year(t) - 160.0) / 38.0) ** 2)),
        lambda t: (
            15.4 - 2.0 * cos(2.0 * pi * (_day_of_year(t) - 75.0) / 200.0) + 0.1 * lattice(reservoir, t, 10 * DAY_S)
        ),
        lambda t: 0.4 - 0.5 * cos(2.0 * pi * (_day_of_year(t) - 80.0) / 365.0) + 0.05 * lattice(well, t, 6 * DAY_S),
        2.0,
    )


def _day_of_year(t: float) -> float:
    when = datetime.fromtimestamp(t, UTC)
    return (when - datetime(when.year, 1, 1, tzinfo=UTC)) / timedelta(days=1)


def _planned(user: User, t: float) -> float:
    day = datetime.fromtimestamp(day_start(local_day(t)) + DAY_S / 2, UTC).date()
    return next((plan.flow_m3s(day) for plan in user.plans if plan.year == day.year), 0.0)

"""Builds the demo's water system: a reservoir on a river and the canals that it feeds, all of them in July the year round.

In winter the canals of Central Asia are empty, and an empty canal shows nothing.
"""

from collections.abc import Sequence

from simulator.physics.canal import Canal, CanalParameters
from simulator.physics.noise import stream, uniform
from simulator.physics.reservoir import Reservoir, ReservoirParameters
from simulator.physics.storage_table import bowl
from simulator.scenario.parts import Scenario, StationPlan
from simulator.scenario.stations import canal_station, reservoir_station

MOST_CANALS = 20


def build_scenario(seed: int = 1, canals: int = 1) -> Scenario:
    """The water system of this seed with so many canals (1 to 20), of which the first takes its water from the reservoir.

    The same seed gives the same system and the same values, today and tomorrow. Raises ValueError.
    """
    if not 1 <= canals <= MOST_CANALS:
        raise ValueError(f"canals: 1 to {MOST_CANALS}, not {canals}")
    all_canals = [
        Canal(_canal_parameters(stream(seed, f"canal {n}")), stream(seed, f"water {n}")) for n in range(canals)
    ]
    reservoir = _reservoir(seed, all_canals[0])
    return Scenario(
        seed=seed,
        district="aksu",
        district_name="Aksu Irrigation District",
        timezone="Asia/Almaty",
        gateway="aksu-1",
        gateway_name="Aksu head works",
        stations=tuple(_stations(seed, all_canals, reservoir)),
    )


def _stations(seed: int, canals: Sequence[Canal], reservoir: Reservoir) -> list[StationPlan]:
    out = [
        canal_station(canal, number, stream(seed, f"instruments {number}")) for number, canal in enumerate(canals, 1)
    ]
    out.insert(1, reservoir_station(reservoir, stream(seed, "instruments of the reservoir")))
    return out


def _canal_parameters(seed: int) -> CanalParameters:
    mean = round(uniform(seed, 0, 9.0, 15.0), 1)
    return CanalParameters(
        mean_discharge_m3s=mean,
        distance_m=round(uniform(seed, 1, 3_000.0, 7_000.0)),
        celerity_ms=uniform(seed, 2, 1.2, 1.9),
        tau_s=uniform(seed, 3, 600.0, 2_400.0),
        # The same depth, about 1.3 m, whatever the canal's size.
        rating_factor=mean / 1.46,
        gate_width_m=mean / 3.0,
    )


def _reservoir(seed: int, canal: Canal) -> Reservoir:
    full = 12.4
    parameters = ReservoirParameters(
        table=bowl(depth_m=14.0, full_area_m2=3.6e6),
        full_level_m=full,
        plan_level_m=full - 0.05,
        plan_swing_m=0.15,
        mean_inflow_m3s=canal.parameters.mean_discharge_m3s + 10.5,
    )
    return Reservoir(parameters, canal, stream(seed, "reservoir"))

"""The two kinds of station: what their instruments see of the water's state, in the steps that they resolve."""

from hydrology.registry import StationKind
from simulator.physics.canal import Canal
from simulator.physics.noise import lattice, quantised, stream, waves
from simulator.physics.reservoir import Reservoir
from simulator.physics.weather import battery_v, water_temperature_c
from simulator.registers import Form
from simulator.scenario.parts import SERVES, Measured, SensorPlan, StationPlan

_MILLIMETRES = Form("uint16", scale=0.001)
_BATTERY = SensorPlan("battery", "battery_voltage", "Battery", Form("uint16", scale=0.01), 2, {"low": 11.8})
_TEMPERATURE = SensorPlan("temperature", "water_temperature", "Water temperature", Form("int16", scale=0.1), 1)
_SERVES = SensorPlan(SERVES, "count", "Blocks served", Form("uint32"), 0)

_RADAR_WAVE_M = 0.003
_POOL_WAVE_M = 0.005
_POOL_WAVE_S = 80.0
_WIND_WAVE_M = 0.008
_WAVE_STEP_S = 4.0


def _level_of_concern(canal: Canal, share: float) -> float:
    """The level at this share of the mean discharge, in whole centimetres."""
    return round(canal.parameters.level_m(share * canal.parameters.mean_discharge_m3s), 2)


def canal_station(canal: Canal, number: int, seed: int) -> StationPlan:
    """A radar over a canal, its rating in the instrument, and the opening of the head gate by wire."""
    prefix = "canal" if number == 1 else f"canal-{number}"
    concern = {
        "low": _level_of_concern(canal, 0.88),
        "action": _level_of_concern(canal, 1.05),
        "minor": _level_of_concern(canal, 1.16),
        "moderate": _level_of_concern(canal, 1.30),
        "major": _level_of_concern(canal, 1.50),
    }
    sensors = (
        _SERVES,
        SensorPlan("level", "level", "Water level", _MILLIMETRES, 3, concern),
        SensorPlan("discharge", "discharge", "Discharge", Form("float32"), 2),
        SensorPlan("gate", "gate_opening", "Head gate opening", _MILLIMETRES, 3),
        _TEMPERATURE,
        _BATTERY,
    )
    kilometre = canal.parameters.distance_m / 1000.0
    return StationPlan(
        id=f"aksu-{prefix}",
        name=f"Aksu canal{'' if number == 1 else f' {number}'}, km {kilometre:.1f}",
        kind=StationKind.CANAL_GAUGE,
        water="Aksu main canal" if number == 1 else f"Aksu canal {number}",
        latitude=round(42.42 + 0.05 * number, 4),
        longitude=round(69.83 - 0.07 * number, 4),
        sensors=tuple(_named(prefix, sensor) for sensor in sensors),
        measure=_canal_measured(canal, prefix, seed),
    )


def _canal_measured(canal: Canal, prefix: str, seed: int) -> Measured:
    wave, pool, weather = stream(seed, "wave"), stream(seed, "pool"), stream(seed, "weather")

    def measure(t: float) -> dict[str, float]:
        state = canal.state_at(t)
        seen = (
            state.level_m + _RADAR_WAVE_M * waves(wave, t, _WAVE_STEP_S) + _POOL_WAVE_M * lattice(pool, t, _POOL_WAVE_S)
        )
        level = quantised(seen, 0.001)
        return {
            f"{prefix}-level": level,
            f"{prefix}-discharge": quantised(canal.parameters.discharge_m3s(level), 0.001),
            f"{prefix}-gate": quantised(state.gate_opening_m, 0.001),
            f"{prefix}-temperature": quantised(water_temperature_c(weather, t, 17.0, 1.5), 0.1),
            f"{prefix}-battery": quantised(battery_v(weather, t), 0.01),
        }

    return measure


def reservoir_station(reservoir: Reservoir, seed: int) -> StationPlan:
    """The dam's controller: level, volume by its table from the still level, inflow and release."""
    full = reservoir.parameters.full_level_m
    concern = {"low": full - 4.0, "action": full, "minor": full + 0.2, "moderate": full + 0.5, "major": full + 1.0}
    prefix = "reservoir"
    flow = Form("float32", word_order="little")
    sensors = (
        _SERVES,
        SensorPlan(
            "level",
            "level",
            "Water level",
            Form("uint32", scale=0.001),
            3,
            {k: round(v, 2) for k, v in concern.items()},
        ),
        SensorPlan("volume", "volume", "Stored volume", Form("uint32", scale=100.0, word_order="little"), 0),
        SensorPlan("inflow", "discharge", "Inflow", flow, 2),
        SensorPlan("release", "discharge", "Release", flow, 2),
        _TEMPERATURE,
        _BATTERY,
    )
    return StationPlan(
        id="aksu-reservoir",
        name="Aksu reservoir, dam",
        kind=StationKind.RESERVOIR,
        water="Aksu",
        latitude=42.4210,
        longitude=69.8915,
        sensors=tuple(_named(prefix, sensor) for sensor in sensors),
        measure=_reservoir_measured(reservoir, prefix, seed),
    )


def _reservoir_measured(reservoir: Reservoir, prefix: str, seed: int) -> Measured:
    wave, weather = stream(seed, "wave"), stream(seed, "weather")

    def measure(t: float) -> dict[str, float]:
        state = reservoir.state_at(t)
        return {
            f"{prefix}-level": quantised(state.level_m + _WIND_WAVE_M * waves(wave, t, _WAVE_STEP_S), 0.001),
            f"{prefix}-volume": quantised(state.volume_m3, 100.0),
            f"{prefix}-inflow": quantised(state.inflow_m3s, 0.01),
            f"{prefix}-release": quantised(state.release_m3s, 0.01),
            f"{prefix}-temperature": quantised(water_temperature_c(weather, t, 21.0, 0.7), 0.1),
            f"{prefix}-battery": quantised(battery_v(weather, t), 0.01),
        }

    return measure


def _named(prefix: str, sensor: SensorPlan) -> SensorPlan:
    """With the station's own id: a gateway has no two sensors of one id."""
    return SensorPlan(
        f"{prefix}-{sensor.id}", sensor.quantity, sensor.title, sensor.form, sensor.decimals, sensor.thresholds
    )

"""The example's stations as instruments: what each sensor sees of the water, in its own steps and with its own unrest."""

from collections.abc import Mapping

from hydrology.registry import Sensor, Station
from simulator.example.levels import Levels
from simulator.example.water import between
from simulator.physics.clock import local_day
from simulator.physics.noise import lattice, quantised, stream, waves
from simulator.physics.weather import battery_v, water_temperature_c
from simulator.registers import Form
from simulator.scenario.parts import SERVES, Measured, SensorPlan, StationPlan

_FORMS = {
    "level": Form("int16", scale=0.001),
    "gate_opening": Form("uint16", scale=0.001),
    "discharge": Form("float32"),
    "power": Form("uint32", scale=1.0),
    "pressure": Form("uint32", scale=1.0, word_order="little"),
    "water_temperature": Form("int16", scale=0.1),
    "battery_voltage": Form("uint16", scale=0.01),
}
_STEPS = {"discharge": 0.01, "power": 100.0, "pressure": 1.0}
_WAVE_STEP_S = 4.0
_SWELL_S = 80.0
# Standard deviation of the waves and height of the swell, m: a radar over a river, the wind on a reservoir, stilling wells.
_UNREST = {"bridge-level": (0.004, 0.006), "dam-level": (0.004, 0.003), "below-level": (0.002, 0.003)}
_CANAL_UNREST = (0.0015, 0.002)
_WELL_UNREST = (0.0004, 0.0004)


def station_plan(station: Station, levels: Levels, seed: int, gateway: str) -> StationPlan:
    """The station's device: a serve counter, and every sensor of the registry."""
    sensors = [SensorPlan(f"{station.id}-{SERVES}", "count", "Blocks served", Form("uint32"), 0)]
    sensors += [
        SensorPlan(
            sensor.id,
            sensor.quantity,
            sensor.title,
            _form(sensor),
            sensor.decimals,
            {},
            calibration=_calibration(sensor),
        )
        for sensor in station.sensors
    ]
    return StationPlan(
        id=station.id,
        name=station.name,
        kind=station.kind,
        water=station.river_or_canal,
        latitude=station.latitude or 0.0,
        longitude=station.longitude or 0.0,
        sensors=tuple(sensors),
        measure=_measured(station, levels, stream(seed, f"instruments {station.id}")),
        gateway=gateway,
    )


def _form(sensor: Sensor) -> Form:
    """How its registers hold it. The gateway turns the number into the calibrated value, so the instrument is off by as much."""
    form, held = _FORMS[sensor.quantity], _calibration(sensor)
    if held is None:
        return form
    scale, offset = held
    return Form(form.type, form.scale * scale, form.offset * scale + offset, form.word_order)


def _calibration(sensor: Sensor) -> tuple[float, float] | None:
    """The newest of the registry, which its gateway applies."""
    if not sensor.calibrations:
        return None
    newest = sensor.calibrations[-1]
    return newest.scale, newest.offset


def _unrest_of(station: Station, sensor: Sensor) -> tuple[float, float]:
    if sensor.id in _UNREST:
        return _UNREST[sensor.id]
    return _WELL_UNREST if station.id.startswith("turnout") else _CANAL_UNREST


def _measured(station: Station, levels: Levels, seed: int) -> Measured:
    seen = {sensor.id: _seen(station, sensor, seed) for sensor in station.sensors}

    def measure(t: float) -> dict[str, float]:
        columns = levels.day(local_day(t))
        return {sensor: see(columns, t) for sensor, see in seen.items()}

    return measure


class _Seen:
    """One sensor's view."""

    def __init__(self, station: Station, sensor: Sensor, seed: int) -> None:
        self._id, self._quantity = sensor.id, sensor.quantity
        self._step = sensor.resolution or _STEPS.get(sensor.quantity, 0.001)
        self._weather = stream(seed, "weather")
        self._wave, self._swell = stream(seed, f"wave {sensor.id}"), stream(seed, f"swell {sensor.id}")
        self._unrest = _unrest_of(station, sensor) if sensor.quantity == "level" else (0.0, 0.0)

    def __call__(self, columns: Mapping[str, list[float]], t: float) -> float:
        if self._quantity == "battery_voltage":
            return quantised(battery_v(self._weather, t), 0.01)
        if self._quantity == "water_temperature":
            return quantised(water_temperature_c(self._weather, t, 12.3, 0.0), 0.1)
        value = between(columns[self._id], t)
        height, swell = self._unrest
        if height and value > 0.0:
            value += height * waves(self._wave, t, _WAVE_STEP_S) + swell * lattice(self._swell, t, _SWELL_S)
            value = max(value, 0.0)
        return quantised(value, self._step)


def _seen(station: Station, sensor: Sensor, seed: int) -> _Seen:
    return _Seen(station, sensor, seed)

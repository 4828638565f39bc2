"""What is derived at wells and hydropower units, whose inputs may be at other stations or derived themselves."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from hydrology.derived.inflow import DIGITS, STEPS, inflow_methods
from hydrology.derived.model import Derivation, Input, Name, Output, Pairing
from hydrology.derived.power import efficiency_methods, head_methods, power_methods, release_methods
from hydrology.derived.wells import well_methods
from hydrology.registry.index import Index
from hydrology.registry.stations import Hydropower, Station
from hydrology.registry.whole import Registry
from hydrology.sensors import BARO_MAX_AGE_S

PAIRED_INTERVALS = 1.5
"""A reading is paired with one that is at most so many of the slower one's intervals away."""
LEAST_AGE_S = 60.0
SAME_SCAN_MS = 60_000


class KnownSeries:
    """Every series of a registry, measured or derived, as an input."""

    def __init__(self, registry: Registry, derived: Iterable[Derivation]) -> None:
        self.index = Index(registry.stations)
        self._known = {
            name: Input("", name, sensor.gateway, sensor.interval)
            for station in registry.stations
            for sensor in station.sensors
            for name in (Name(sensor.quantity, station.id, sensor.id),)
        }
        for one in derived:
            self.add(one)

    def add(self, one: Derivation) -> None:
        """What a derivation makes can go into another one."""
        for output in one.outputs:
            self._known.setdefault(output.name, Input("", output.name, one.driver.gateway, one.driver.interval_s))

    def sensor(self, role: str, reference: str) -> tuple[Input, float] | None:
        """What "station/sensor" names, and the gauge zero that makes its level an elevation; None where it is not here."""
        try:
            station, sensor = self.index.sensor(reference)
        except ValueError:
            return None
        zero_m = 0.0
        if sensor.quantity == "level":
            if station.datum is None:
                return None
            zero_m = station.datum.zero_m
        return replace(self._known[Name(sensor.quantity, station.id, sensor.id)], role=role), zero_m

    def meter(self, role: str, reference: str) -> Input | None:
        """The discharge that "station" or "station/series" names, where it is measured or derived here."""
        try:
            station, series = self.index.meter(reference)
        except ValueError:
            return None
        found = self._known.get(Name("discharge", station.id, series))
        return None if found is None else replace(found, role=role)

    def derived(self, role: str, name: Name) -> Input | None:
        """A series by its name."""
        found = self._known.get(name)
        return None if found is None else replace(found, role=role)

    def of_quantity(self, role: str, station: Station, quantity: str) -> Input | None:
        """The station's only sensor of a quantity."""
        found = [sensor for sensor in station.sensors if sensor.quantity == quantity]
        return replace(self._known[Name(quantity, station.id, found[0].id)], role=role) if len(found) == 1 else None


def paired(driver: Input, *others: Input) -> tuple[Input, ...]:
    """Inputs of which the first drives; of the others the nearest reading counts."""

    def pair(one: Input) -> Input:
        age_s = max(PAIRED_INTERVALS * max(one.interval_s, driver.interval_s), LEAST_AGE_S)
        ages = {"max_age_ms": round(age_s * 1000), "close_ms": round(one.interval_s * 500)}
        return replace(one, pairing=Pairing.NEAREST, **ages)  # type: ignore[arg-type]

    return (driver, *(pair(one) for one in others))


def special(station: Station, known: KnownSeries) -> Iterator[Derivation]:
    """The derivations of a well or a unit; each made known for the next ones."""
    for one in (*_well(station, known), *_hydropower(station, known), *_inflow(station, known)):
        known.add(one)
        yield one


def _well(station: Station, known: KnownSeries) -> Iterator[Derivation]:
    well = station.well
    if well is None or well.logger is None or well.barometer is None:
        return
    logger = known.sensor("logger", f"{station.id}/{well.logger}")
    barometer = known.sensor("barometer", well.barometer)
    if logger is None or barometer is None:
        return
    age_ms = round(BARO_MAX_AGE_S * 1000)
    partner = replace(barometer[0], pairing=Pairing.LINEAR, max_age_ms=age_ms, close_ms=SAME_SCAN_MS)
    what = ("depth", "elevation")
    outputs = (
        Output(Name("depth_to_water", station.id, "depth"), "m", "Depth to water", 3, 4),
        Output(Name("elevation", station.id, "elevation"), "m", "Water elevation", 3, 4),
    )
    methods = well_methods(well, what)
    yield Derivation(f"{station.id}/well", "well", station.id, (logger[0], partner), outputs, methods)


def _hydropower(station: Station, known: KnownSeries) -> Iterator[Derivation]:
    unit = station.hydropower
    if unit is None:
        return
    head = _head(station, unit, known)
    if head is not None:
        yield head
        known.add(head)
        flow = known.meter("discharge", station.id)
        name = head.outputs[0].name
        fall = Input("head", name, head.driver.gateway, head.driver.interval_s)
        if flow is not None:
            output = Output(
                Name("power", station.id, "expected-power"), "W", "Power at the registered efficiency", 0, 1
            )
            inputs = paired(flow, fall)
            yield Derivation(
                f"{station.id}/expected-power", "hydropower", station.id, inputs, (output,), power_methods(unit)
            )
            power = known.of_quantity("power", station, "power")
            if power is not None:
                output = Output(Name("efficiency", station.id, "efficiency"), "%", "Efficiency", 1, 3)
                inputs = paired(power, flow, fall)
                methods = efficiency_methods()
                yield Derivation(f"{station.id}/efficiency", "hydropower", station.id, inputs, (output,), methods)
    if unit.release is not None and unit.ecological_release_m3s > 0:
        release = known.meter("release", unit.release)
        if release is not None:
            name = Name("discharge", station.id, "ecological-shortfall")
            output = Output(name, "m3/s", "Missing of the ecological release", 3, 6)
            methods = release_methods(unit)
            yield Derivation(
                f"{station.id}/ecological-shortfall", "release", station.id, (release,), (output,), methods
            )


def _inflow(station: Station, known: KnownSeries) -> Iterator[Derivation]:
    given = station.inflow
    volume = known.derived("volume", Name("volume", station.id, "volume"))
    if given is None or volume is None:
        return
    outflows = [known.meter(f"outflow {reference}", reference) for reference in given.outflows]
    if None in outflows:
        return
    window_ms = round(given.window * 1000)

    def over(one: Input, role: str, pairing: Pairing) -> Input:
        ages = {"max_age_ms": window_ms, "close_ms": round(one.interval_s * 1500)}
        return replace(one, role=role, pairing=pairing, **ages)  # type: ignore[arg-type]

    means = (over(one, one.role, Pairing.MEAN) for one in outflows if one is not None)
    inputs = (volume, over(volume, "change of volume", Pairing.RATE), *means)
    output = Output(Name("discharge", station.id, "inflow"), "m3/s", "Inflow, by balance", 2, DIGITS)
    step_ms = window_ms // STEPS
    yield Derivation(f"{station.id}/inflow", "inflow", station.id, inputs, (output,), inflow_methods(given), step_ms)


def _head(station: Station, unit: Hydropower, known: KnownSeries) -> Derivation | None:
    if unit.upper is None or unit.lower is None:
        return None
    lower, upper = known.sensor("lower", unit.lower), known.sensor("upper", unit.upper)
    if lower is None or upper is None:
        return None
    output = Output(Name("head", station.id, "head"), "m", "Net head", 2, 4)
    methods = head_methods(unit, lower[1], upper[1])
    return Derivation(f"{station.id}/head", "hydropower", station.id, paired(lower[0], upper[0]), (output,), methods)

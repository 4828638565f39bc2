"""The gateway's configuration and the registry that belong to a scenario, so that demo, tests and compose use the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulator.devices.emulator import Addresses
from simulator.devices.register_map import register_map
from simulator.example.registry import write_registry
from simulator.scenario.parts import Scenario, SensorPlan, StationPlan
from simulator.toml_text import toml_text
from wire.names import Id

_FROM = "Written by `aryk simulate`"


def gateway_document(
    scenario: Scenario,
    addresses: Addresses,
    *,
    broker_host: str = "127.0.0.1",
    broker_port: int = 1883,
    interval: str = "2s",
    timeout: str = "500ms",
    codec: str = "cbor",
    health_port: int = 0,
    gateway: Id | None = None,
) -> dict[str, Any]:
    """What gateway.toml says for these instruments, ready for `toml_text`; a caller may change it first.

    `gateway` is one of several that read them; else the scenario's only one is meant.
    """
    return {
        "id": gateway or scenario.gateway,
        "district": scenario.district,
        "codec": codec,
        "broker": {"host": broker_host, "port": broker_port},
        "health": {"port": health_port},
        "devices": [
            _device(station, unit, addresses, interval, timeout)
            for unit, station in enumerate(scenario.stations, 1)
            if gateway in (None, station.gateway)
        ],
    }


def _device(station: StationPlan, unit: int, addresses: Addresses, interval: str, timeout: str) -> dict[str, Any]:
    if station.id in addresses.serial:
        reached: dict[str, Any] = {"protocol": "modbus-rtu", "port": addresses.serial_port, "baudrate": 9600}
    else:
        reached = {"protocol": "modbus-tcp", "host": addresses.host, "port": addresses.port}
    return {
        "id": station.id,
        **reached,
        "unit_id": unit,
        "interval": interval,
        "timeout": timeout,
        "sensors": [
            {
                "id": place.sensor.id,
                "quantity": place.sensor.quantity,
                "unit": place.sensor.unit,
                "register": place.address,
                "table": "holding",
                "type": place.form.type,
                "word_order": place.form.word_order,
                "scale": place.sensor.said.scale,
                "offset": place.sensor.said.offset,
                **_calibration(place.sensor),
            }
            for place in register_map(station).places
        ],
    }


def _calibration(sensor: SensorPlan) -> dict[str, Any]:
    if sensor.calibration is None:
        return {}
    scale, offset = sensor.calibration
    return {"calibration": {"scale": scale, "offset": offset}}


def registry_document(scenario: Scenario, interval: str = "2s") -> dict[str, Any]:
    """What registry.toml says for this scenario."""
    return {
        "districts": {scenario.district: {"name": scenario.district_name, "timezone": scenario.timezone}},
        "gateways": [{"id": scenario.gateway, "district": scenario.district, "name": scenario.gateway_name}],
        "stations": [
            {
                "id": station.id,
                "name": station.name,
                "district": scenario.district,
                "kind": station.kind.value,
                "river_or_canal": station.water,
                "latitude": station.latitude,
                "longitude": station.longitude,
                "sensors": [_sensor(sensor, scenario.gateway, interval) for sensor in station.sensors],
            }
            for station in scenario.stations
        ],
    }


def _sensor(sensor: SensorPlan, gateway: Id, interval: str) -> dict[str, Any]:
    return {
        "id": sensor.id,
        "gateway": gateway,
        "quantity": sensor.quantity,
        "unit": sensor.unit,
        "interval": interval,
        "title": sensor.title,
        "decimals": sensor.decimals,
        "thresholds": dict(sensor.thresholds),
    }


def write_config(
    folder: Path,
    scenario: Scenario,
    addresses: Addresses,
    *,
    broker_host: str = "127.0.0.1",
    broker_port: int = 1883,
    interval: str = "2s",
    timeout: str = "500ms",
    codec: str = "cbor",
    health_port: int = 0,
) -> list[Path]:
    """Write the gateway's and the registry's configuration into this folder; answers where they are. Raises OSError.

    gateway.toml and registry.toml; for the example system, which has several gateways, gateways/ID.toml and registry/.
    """
    several = len(scenario.gateways) > 1
    out = []
    for gateway in scenario.gateways:
        file = folder / "gateways" / f"{gateway}.toml" if several else folder / "gateway.toml"
        document = gateway_document(
            scenario,
            addresses,
            broker_host=broker_host,
            broker_port=broker_port,
            interval=interval,
            timeout=timeout,
            codec=codec,
            health_port=health_port,
            gateway=gateway if several else None,
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(toml_text(document, f"{_FROM}: a gateway for its emulated instruments."), encoding="utf-8")
        out.append(file)
    if several:
        write_registry(folder / "registry", interval)
        return [*out, folder / "registry"]
    registry = folder / "registry.toml"
    text = toml_text(registry_document(scenario, interval), f"{_FROM}: the stations of its emulated instruments.")
    registry.write_text(text, encoding="utf-8")
    return [*out, registry]


def map_table(stations: Sequence[StationPlan]) -> str:
    """The register maps for people."""
    lines = ["unit  register  words  type     order   scale     sensor"]
    for unit, station in enumerate(stations, 1):
        lines.extend(
            f"{unit:<4}  {place.address:<8}  {place.form.words:<5}  {place.form.type:<7}  {place.form.word_order:<6}"
            f"  {place.form.scale:<8g}  {place.sensor.id} ({place.sensor.unit})"
            for place in register_map(station).places
        )
    return "\n".join(lines)

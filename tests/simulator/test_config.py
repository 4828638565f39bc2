import tomllib
from pathlib import Path

import pytest

from gateway.settings import RtuDevice, TcpDevice, load_settings
from hydrology.load import load_registry
from simulator.config import map_table, write_config
from simulator.devices.emulator import Addresses
from simulator.scenario import build_scenario
from simulator.toml_text import toml_text

ADDRESSES = Addresses("127.0.0.1", 5020, "/dev/pts/9", frozenset({"aksu-canal", "aksu-canal-2"}))


@pytest.fixture
def written(tmp_path: Path) -> list[Path]:
    return write_config(
        tmp_path / "new", build_scenario(1, 2), ADDRESSES, broker_port=1884, interval="1s", codec="json"
    )


def test_the_gateway_reads_what_was_written(written: list[Path]) -> None:
    settings = load_settings(written[0])
    assert (settings.id, settings.district, settings.broker.port, settings.codec) == ("aksu-1", "aksu", 1884, "json")
    canal, reservoir, second = settings.devices
    assert isinstance(canal, RtuDevice)
    assert (canal.port, canal.unit_id) == ("/dev/pts/9", 1)
    assert isinstance(reservoir, TcpDevice)
    assert (reservoir.port, reservoir.unit_id, reservoir.interval) == (5020, 2, 1.0)
    assert second.unit_id == 3


def test_the_registry_knows_every_sensor_of_the_gateway(written: list[Path]) -> None:
    settings, registry = load_settings(written[0]), load_registry(written[1])
    known = registry.sensors_by_gateway()[settings.id]
    polled = {sensor.id: sensor for device in settings.devices for sensor in device.sensors}
    assert set(known) == set(polled)
    for sensor_id, (station, sensor) in known.items():
        assert (sensor.quantity, sensor.unit) == (polled[sensor_id].quantity, polled[sensor_id].unit)
        assert station.latitude is not None
    assert known["canal-level"][1].thresholds.action is not None


def test_the_map_names_every_register() -> None:
    table = map_table(build_scenario(1).stations)
    assert "canal-level (m)" in table
    assert len(table.splitlines()) == 1 + 6 + 7


def test_toml_is_what_it_was() -> None:
    document = {
        "name": 'a "quoted" Арык\n\t\\',
        "on": True,
        "numbers": [1, 2.5],
        "none": None,
        "a key": 1,
        "table": {"inner": {"x": 1}, "empty": {}},
        "rows": [{"a": 1, "deep": {"b": 2}}, {"a": 2, "more": [{"c": 3}]}],
    }
    read = tomllib.loads(toml_text(document, "two\nlines"))
    assert read == {key: value for key, value in document.items() if key not in ("none", "table")} | {
        "table": {"inner": {"x": 1}}
    }

"""The registry in one file: what it answers, and how it names what is wrong in it."""

from pathlib import Path

import pytest

from hydrology.load import load_registry
from settings import SettingsError

GOOD = """\
[districts.kok-su]
name = "Kok-Su"
timezone = "Asia/Almaty"

[districts.lower]
name = "Lower canal"

[[gateways]]
id = "gw-1"
district = "kok-su"

[[gateways]]
id = "gw-2"
district = "lower"

[[stations]]
id = "head"
name = "Headworks"
district = "kok-su"
kind = "canal_gauge"
latitude = 43.2
longitude = 76.9

[[stations.sensors]]
id = "level-1"
gateway = "gw-1"
quantity = "level"
unit = "m"
interval = "15min"
thresholds = { low = 0.2, action = 2.5, major = 3.0 }

[[stations.sensors]]
id = "battery"
gateway = "gw-1"
quantity = "battery_voltage"
unit = "V"

[[stations]]
id = "km-8"
name = "Kilometre 8"
district = "lower"

[[stations.sensors]]
id = "level-1"
gateway = "gw-2"
quantity = "level"
unit = "m"
"""


def faults(tmp_path: Path, text: str) -> list[str]:
    """The errors of this text, without the folder."""
    file = tmp_path / "registry.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_registry(file)
    return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).split("\n")]


def test_the_lookups_of_ingest(tmp_path: Path) -> None:
    (tmp_path / "registry.toml").write_text(GOOD)
    registry = load_registry(tmp_path / "registry.toml")
    sensors = registry.sensors_by_gateway()
    assert {gateway: sorted(inner) for gateway, inner in sensors.items()} == {
        "gw-1": ["battery", "level-1"],
        "gw-2": ["level-1"],
    }
    station, sensor = sensors["gw-2"]["level-1"]
    assert (station.id, sensor.quantity, sensor.interval) == ("km-8", "level", 900.0)
    assert registry.district_of_gateway() == {"gw-1": "kok-su", "gw-2": "lower"}
    assert sensors["gw-1"]["level-1"][1].thresholds.major == 3.0


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('id = "gw-2"', 'id = "gw-1"', 'id = "gw-1"', "gateways[1].id: two gateways have the same id 'gw-1'"),
        (
            'district = "lower"',
            'district = "lowre"',
            'district = "lowre"',
            "stations[1].district: station 'km-8': there is no district",
        ),
        ('id = "km-8"', 'id = "head"', 'id = "head"', "stations[1].id: two stations have the same id 'head'"),
        (
            'gateway = "gw-2"',
            'gateway = "gw-9"',
            'gateway = "gw-9"',
            "stations[1].sensors[0].gateway: sensor km-8/level-1: there is no gateway",
        ),
        ('gateway = "gw-2"', 'gateway = "gw-1"', None, "gateway 'gw-1' has two sensors 'level-1'"),
        ('name = "Kilometre 8"\n', "", None, "stations[1].name: this key is missing"),
        ("latitude = 43.2", "latitude = 432", "latitude = 432", "stations[0].latitude:"),
        ("latitude = 43.2", "lattitude = 43.2", "lattitude = 43.2", "did you mean 'latitude'?"),
        ('id = "battery"', 'id = "bat tery"', 'id = "bat tery"', "stations[0].sensors[1].id:"),
        ('kind = "canal_gauge"', 'kind = "canal"', 'kind = "canal"', "stations[0].kind:"),
        ('timezone = "Asia/Almaty"', 'timezone = "Asia/Almati"', 'timezone = "Asia/Almati"', "there is no time zone"),
    ],
)
def test_a_fault_names_the_line_of_what_is_wrong(
    tmp_path: Path, old: str, new: str, line: str | None, said: str
) -> None:
    text = GOOD.replace(old, new) if old == 'id = "km-8"' else _replace_last(GOOD, old, new)
    found = faults(tmp_path, text)
    (match,) = [one for one in found if said in one]
    assert match.startswith("registry.toml:")
    if line is not None:
        numbers = [number for number, content in enumerate(text.split("\n"), start=1) if content == line]
        assert int(match.split(":")[1]) in numbers


def _replace_last(text: str, old: str, new: str) -> str:
    before, _, after = text.rpartition(old)
    return f"{before}{new}{after}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('unit = "m"\ninterval', 'unit = "cm"\ninterval', "level is stored in 'm', not in 'cm'"),
        ('quantity = "battery_voltage"', 'quantity = "voltage"', "quantity 'voltage' is not known"),
        ("action = 2.5", "action = 3.5", "thresholds must rise"),
        ('interval = "15min"', 'interval = "often"', "not a duration"),
    ],
)
def test_a_fault_of_one_sensor_names_a_line_of_that_sensor(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = GOOD.replace(old, new, 1)
    (fault,) = faults(tmp_path, text)
    assert said in fault
    number = int(fault.split(":")[1])
    sensors = [at for at, line in enumerate(text.split("\n"), start=1) if line == "[[stations.sensors]]"]
    wanted = max(at for at in sensors if at <= text[: text.index(new)].count("\n") + 1)
    assert wanted <= number < wanted + 8


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('gateway = "gw-2"', 'gateway = "gw-9"').replace('district = "kok-su"', 'district = "kok"')
    assert len(faults(tmp_path, text)) == 3

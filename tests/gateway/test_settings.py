from typing import Any

import pytest
from pydantic import ValidationError

from aryk.commands.gateway import EXAMPLE
from gateway.settings import GatewaySettings, RtuDevice, load_settings
from settings import SettingsError, load_text
from tests.gateway.build import device, settings


def test_the_example_of_the_help_is_good() -> None:
    loaded = load_text(GatewaySettings, EXAMPLE)
    assert [one.interval for one in loaded.devices] == [900.0, 900.0]
    battery = loaded.devices[1]
    assert isinstance(battery, RtuDevice)
    assert battery.sensors[0].unit == "V"
    assert battery.latency_s == 2.0


def refused(text: str, *more: tuple[str, str]) -> str:
    broken = EXAMPLE
    assert text in broken
    for old, new in more:
        broken = broken.replace(old, new, 1)
    with pytest.raises(SettingsError) as error:
        load_text(GatewaySettings, broken, "gateway.toml")
    return str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('quantity = "level"', 'quantity = "levle"', "quantity 'levle' is not known"),
        ('quantity = "level"', 'quantity = "level"\nunit = "cm"', "level is sent in 'm', not in 'cm'"),
        ("register = 0", "register = 65535", "goes beyond the last register"),
        ("register = 0", "regster = 0", "did you mean 'register'?"),
        ("scale = 0.01", "scale = 0", "scale 0 would make every value the same"),
        ("valid = [0, 4.5]", "valid = [4.5, 0]", "valid is [lowest, highest]"),
        ('type = "float32"', 'type = "float16"', "'int16', 'uint16'"),
        ('id = "battery"\nprotocol', 'id = "gauge"\nprotocol', "two devices have the id 'gauge'"),
        ('id = "battery"\nquantity', 'id = "canal-7-level"\nquantity', "two sensors have the id 'canal-7-level'"),
        ('interval = "15min"', 'interval = "15 parsecs"', "not a duration"),
        ('protocol = "modbus-tcp"', 'protocol = "profibus"', "modbus-tcp"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, message: str) -> None:
    text = refused(old, (old, new))
    assert message in text
    assert text.startswith("gateway.toml")


def test_a_port_has_one_speed() -> None:
    def on_port(id_: str, baudrate: int) -> dict[str, Any]:
        one = device(id_, protocol="modbus-rtu", port="/dev/ttyS0", baudrate=baudrate)
        del one["host"]
        return one

    settings(devices=[on_port("a", 9600), on_port("b", 9600)])
    with pytest.raises(ValidationError, match="'a' and 'b' share /dev/ttyS0"):
        settings(devices=[on_port("a", 9600), on_port("b", 19200)])


def test_the_hash_names_the_configuration_and_no_secret() -> None:
    plain = settings()
    assert plain.config_hash == settings().config_hash
    assert plain.config_hash == settings(broker={"password": "secret"}).config_hash
    assert plain.config_hash != settings(district="south").config_hash


def test_a_missing_file_is_said(tmp_path: Any) -> None:
    with pytest.raises(SettingsError, match="there is no such file"):
        load_settings(tmp_path / "gateway.toml")

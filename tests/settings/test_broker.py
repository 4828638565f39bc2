"""Where the broker is, also one of several nodes."""

import pytest

from settings import SettingsError, load_text
from settings.broker import BrokerSettings, address


def test_all_nodes_with_this_role_s_own_first() -> None:
    broker = load_text(BrokerSettings, 'host = "mqtt-1"\nothers = ["mqtt-2", "mqtt-3:8883"]\n', "some.toml")
    assert broker.addresses == (("mqtt-1", 1883), ("mqtt-2", 1883), ("mqtt-3", 8883))
    assert BrokerSettings().addresses == (("127.0.0.1", 1883),)


@pytest.mark.parametrize("wrong", ["", ":1883", "host:", "host:port", "host:0", "host:65536"])
def test_what_is_no_address_is_said(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not HOST or HOST:PORT"):
        address(wrong)
    with pytest.raises(SettingsError, match=r"others.*is not HOST or HOST:PORT"):
        load_text(BrokerSettings, f'others = ["{wrong}"]\n', "some.toml")

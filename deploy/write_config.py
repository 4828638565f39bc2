"""Writes the gateways' configurations and the registry of the compose file: `python -m deploy.write_config`.

They are the example system of registry/, read every minute by the gateways of its masts.
"""

import sys
from pathlib import Path

from simulator.config import gateway_document
from simulator.devices.emulator import Addresses
from simulator.example import build_example
from simulator.example.registry import example_registry, registry_texts
from simulator.toml_text import toml_text

FOLDER = Path(__file__).parent
SEED = 1
MODBUS_PORT = 5020
MQTT_PORT = 8883
INTERVAL = "1min"
HEALTH_PORT = 9100
TLS = {
    name: f"/run/secrets/{secret}"
    for name, secret in (("ca_file", "ca_crt"), ("cert_file", "client_crt"), ("key_file", "client_key"))
}
COMMENT = "Written by `python -m deploy.write_config`"


def documents() -> dict[str, str]:
    """The files' texts by their path in this folder."""
    scenario = build_example(example_registry(), SEED)
    out = {}
    for name in scenario.gateways:
        gateway = gateway_document(
            scenario,
            Addresses(host="simulator", port=MODBUS_PORT),
            broker_host="mosquitto",
            broker_port=MQTT_PORT,
            interval=INTERVAL,
            timeout="1s",
            health_port=HEALTH_PORT,
            gateway=name,
        )
        gateway["broker"]["tls"] = TLS
        gateway["health"]["host"] = "0.0.0.0"
        out[f"gateways/{name}.toml"] = toml_text(gateway, f"{COMMENT}: a gateway of the example system's instruments.")
    for name, text in registry_texts(INTERVAL).items():
        head = f"# {COMMENT} from registry/{name}.\n"
        out[f"registry/{name}"] = head + text
    return out


def main() -> None:
    """Write all."""
    for name, text in documents().items():
        file = FOLDER / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        sys.stderr.write(f"{file}\n")


if __name__ == "__main__":
    main()

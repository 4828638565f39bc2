"""Writes gateway.toml and registry.toml of the compose file from the simulator's scenario: `python -m deploy.write_config`."""

import sys
from pathlib import Path

from simulator.config import gateway_document, registry_document
from simulator.devices.emulator import Addresses
from simulator.scenario import build_scenario
from simulator.toml_text import toml_text

FOLDER = Path(__file__).parent

# As docker-compose.yml starts the simulator.
SEED = 1
CANALS = 3
MODBUS_PORT = 5020
# As often as the history is, so that a chart has no seam.
INTERVAL = "15s"
HEALTH_PORT = 9100

COMMENT = "Written by `python -m deploy.write_config`"


def documents() -> dict[str, str]:
    """The files' texts by name."""
    scenario = build_scenario(seed=SEED, canals=CANALS)
    gateway = gateway_document(
        scenario,
        Addresses(host="simulator", port=MODBUS_PORT),
        broker_host="mosquitto",
        interval=INTERVAL,
        timeout="1s",
        health_port=HEALTH_PORT,
    )
    gateway["health"]["host"] = "0.0.0.0"
    return {
        "gateway.toml": toml_text(gateway, f"{COMMENT}: a gateway for the emulated instruments of the compose file."),
        "registry.toml": toml_text(
            registry_document(scenario, INTERVAL), f"{COMMENT}: the stations of its instruments."
        ),
    }


def main() -> None:
    """Write both."""
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stderr.write(f"{FOLDER / name}\n")


if __name__ == "__main__":
    main()

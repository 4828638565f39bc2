"""The embedded MQTT broker of the demo: iotcore (rumqttd in a wheel), bound to loopback. It keeps nothing over a restart."""

import sys
from pathlib import Path

from aryk.processes import Child

_CONFIG = """\
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10

[v5.1]
name = "aryk"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
dynamic_filters = true
"""


def embedded_broker(port: int, folder: Path) -> Child:
    """The broker as a child process, not yet started."""
    config = folder / "broker.toml"
    config.write_text(_CONFIG.format(port=port))
    argv = [sys.executable, "-m", "iotcore", "--config", str(config), "--log-level", "CRITICAL"]
    return Child("broker", argv, folder / "broker.log")

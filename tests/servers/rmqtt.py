"""A real RMQTT cluster on loopback: nodes that agree by Raft.

`make tools` builds the program; nothing in `make test` starts it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from benchmarks import tools
from tests.servers.busybox import busybox_folder
from tests.servers.http import request
from tests.servers.process import LOOPBACK, ServerProcess, free_port

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "kubernetes" / "base" / "broker"
"""What the pods in Kubernetes run with: this is the test of it."""
PLUGINS = ("rmqtt-cluster-raft.toml", "rmqtt-http-api.toml", "rmqtt-retainer.toml")


class NotBuiltError(Exception):
    """The program is not on this machine; the message says what to do."""


def rmqttd() -> Path:
    """Where RMQTT is. Raises NotBuiltError."""
    path = tools.rmqttd()
    if path is None:
        raise NotBuiltError("no RMQTT here: `make tools` builds it (half an hour, once), or name one in ARYK_RMQTTD")
    return path


@dataclass(frozen=True, slots=True)
class NodePorts:
    """Where one node listens: for clients, for the other nodes' messages, for Raft, for its health page."""

    mqtt: int
    grpc: int
    raft: int
    http: int

    @classmethod
    def free(cls) -> "NodePorts":
        """Four ports that nobody has."""
        return cls(free_port(), free_port(), free_port(), free_port())


class RmqttNode(ServerProcess):
    """One node of the cluster that `ports` describes; numbers start with 1.

    Start the first one alone: nodes that start together may each found a cluster of their own.
    """

    program: ClassVar[str] = "rmqttd"
    start_timeout_s: ClassVar[float] = 60.0

    def __init__(self, folder: Path, number: int, ports: Sequence[NodePorts]) -> None:
        super().__init__(folder, ports[number - 1].mqtt)
        self.number = number
        self.ports = tuple(ports)

    def executable(self) -> Path:
        return Path("/usr/bin/env")

    def arguments(self) -> list[str]:
        """Through the start script of the pods: it waits where the node must not found a cluster, and becomes the node."""
        (self.folder / "plugins").mkdir(exist_ok=True)
        for name, text in self.configuration().items():
            (self.folder / name).write_text(text)
        pages = [f"{number}@{LOOPBACK}:{one.http}" for number, one in enumerate(self.ports, 1)]
        return [
            f"PATH={busybox_folder(self.folder / 'bin')}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            f"HOSTNAME=broker-{self.number - 1}",
            f"ARYK_SELF={pages[self.number - 1]}",
            f"ARYK_PEERS={' '.join(pages[1:])}",
            f"ARYK_RMQTTD={rmqttd()}",
            f"ARYK_CONFIG={self.folder / 'rmqtt.toml'}",
            "sh",
            str(CONFIGURATION / "start.sh"),
        ]

    def configuration(self) -> dict[str, str]:
        """The pods' files, with this machine's addresses."""
        own = self.ports[self.number - 1]
        here = {
            "[node]\nid = 1\n": f"[node]\nid = {self.number}\n",
            "0.0.0.0:1883": f"{LOOPBACK}:{own.mqtt}",
            "0.0.0.0:5363": f"{LOOPBACK}:{own.grpc}",
            "0.0.0.0:6003": f"{LOOPBACK}:{own.raft}",
            "0.0.0.0:6060": f"{LOOPBACK}:{own.http}",
            "/etc/rmqtt/plugins": str(self.folder / "plugins"),
        }
        for at, ports in enumerate(self.ports):
            here[f"broker-{at}.broker-nodes:5363"] = f"{LOOPBACK}:{ports.grpc}"
            here[f"broker-{at}.broker-nodes:6003"] = f"{LOOPBACK}:{ports.raft}"
        files = {"rmqtt.toml": "rmqtt.toml"} | {f"plugins/{name}": name for name in PLUGINS}
        out = {}
        for name, source in files.items():
            text = (CONFIGURATION / source).read_text(encoding="utf-8")
            for there, value in here.items():
                text = text.replace(there, value)
            out[name] = text
        return out

    def ready(self) -> bool:
        """Whether clients are let in and the cluster has a leader in this node's eyes."""
        return super().ready() and self.members() >= 1

    def members(self) -> int:
        """How many nodes run in a cluster with a leader, as this one sees it; 0 when it does not answer."""
        return sum(bool(one.get("running")) and one.get("leader_id", 0) > 0 for one in self._nodes())

    def leader(self) -> int:
        """The number of the node that leads, as this one sees it; 0 when there is none or it does not answer."""
        return next((int(one["leader_id"]) for one in self._nodes() if one.get("leader_id", 0) > 0), 0)

    def _nodes(self) -> list[dict[str, Any]]:
        try:
            answer = request(self.ports[self.number - 1].http, "GET", "/api/v1/health/check")
        except OSError:
            return []
        return list(answer.get("nodes", ())) if isinstance(answer, dict) else []

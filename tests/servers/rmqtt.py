"""A real RMQTT cluster on loopback: nodes that agree by Raft.

`make tools` builds the program; nothing in `make test` starts it.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.servers.find import cache_folder
from tests.servers.http import request
from tests.servers.process import LOOPBACK, ServerProcess, free_port

VERSION = "0.24.0"


class NotBuiltError(Exception):
    """The program is not on this machine; the message says what to do."""


def rmqttd() -> Path:
    """Where RMQTT is: named by ARYK_RMQTTD, or built by `make tools`. Raises NotBuiltError."""
    path = Path(os.environ.get("ARYK_RMQTTD") or cache_folder() / f"rmqttd-{VERSION}" / "bin" / "rmqttd")
    if not os.access(path, os.X_OK):
        raise NotBuiltError(f"no RMQTT at {path}: `make tools` builds it (half an hour, once), or set ARYK_RMQTTD")
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
        return rmqttd()

    def arguments(self) -> list[str]:
        plugins = self.folder / "plugins"
        plugins.mkdir(exist_ok=True)
        for name, text in self.configuration().items():
            (self.folder / name).write_text(text)
        return ["--config", str(self.folder / "rmqtt.toml"), "--id", str(self.number)]

    def configuration(self) -> dict[str, str]:
        """Its files. The defaults (16 in flight, a queue of 1,000, sessions of minutes) are too small for an ingest."""
        own = self.ports[self.number - 1]
        return {
            "rmqtt.toml": _lines(
                "[node]",
                f"id = {self.number}",
                # A busy test machine is no reason to turn gateways away.
                "busy.check_enable = false",
                "[rpc]",
                f'server_addr = "{LOOPBACK}:{own.grpc}"',
                "reuseaddr = true",
                "[log]",
                'to = "console"',
                'level = "warn"',
                "[plugins]",
                f'dir = "{self.folder / "plugins"}"',
                'default_startups = ["rmqtt-cluster-raft", "rmqtt-retainer"]',
                "[listener.tcp.external]",
                f'addr = "{LOOPBACK}:{own.mqtt}"',
                "allow_anonymous = true",
                "nodelay = true",
                'max_packet_size = "2M"',
                "max_inflight = 1000",
                "max_mqueue_len = 100000",
                'mqueue_rate_limit = "100000,1s"',
                'session_expiry_interval = "2h"',
                'max_session_expiry_interval = "48h"',
                'message_expiry_interval = "2h"',
            ),
            "plugins/rmqtt-cluster-raft.toml": _lines(
                f"node_grpc_addrs = {self._addresses('grpc')}",
                f"raft_peer_addrs = {self._addresses('raft')}",
                # Shorter than a client waits for its CONNACK: else a dead node, asked to give up a session, holds it up too long.
                'node_grpc_client_timeout = "2s"',
                'try_lock_timeout = "2s"',
                "raft.grpc_reuseaddr = true",
            ),
            "plugins/rmqtt-http-api.toml": _lines(f'http_laddr = "{LOOPBACK}:{own.http}"'),
            "plugins/rmqtt-retainer.toml": _lines('storage.type = "ram"'),
        }

    def _addresses(self, of: str) -> str:
        return json.dumps([f"{n}@{LOOPBACK}:{getattr(one, of)}" for n, one in enumerate(self.ports, 1)])

    def ready(self) -> bool:
        """Whether clients are let in and the cluster has a leader in this node's eyes."""
        return super().ready() and self.members() >= 1

    def members(self) -> int:
        """How many nodes run in a cluster with a leader, as this one sees it; 0 when it does not answer."""
        try:
            answer = request(self.ports[self.number - 1].http, "GET", "/api/v1/health/check")
        except OSError:
            return 0
        if not isinstance(answer, dict):
            return 0
        return sum(bool(one.get("running")) and one.get("leader_id", 0) > 0 for one in answer.get("nodes", ()))


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"

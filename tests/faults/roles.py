"""Aryk's own roles as processes, to kill and start again like any server."""

import os
import sys
from pathlib import Path
from typing import ClassVar

from tests.servers.http import answers
from tests.servers.process import ServerProcess


class Role(ServerProcess):
    """`aryk ROLE run`, which is up once its health page answers on `port`."""

    role: ClassVar[str]
    start_timeout_s: ClassVar[float] = 60.0

    def __init__(self, folder: Path, state: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self.state = state
        self.config = folder / f"{self.role}.toml"

    def executable(self) -> Path:
        return Path(sys.executable)

    def arguments(self) -> list[str]:
        return ["-m", "aryk", self.role, "run", "--config", str(self.config), "--state", str(self.state)]

    def ready(self) -> bool:
        return answers(self.port, "/healthz")

    @property
    def rss_bytes(self) -> int:
        """Its resident memory now."""
        return _status_bytes(self.pid, "VmRSS")

    @property
    def peak_rss_bytes(self) -> int:
        """The most resident memory that it ever had."""
        return _status_bytes(self.pid, "VmHWM")

    @property
    def cpu_s(self) -> float:
        """Its processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class GatewayRole(Role):
    program: ClassVar[str] = "aryk-gateway"
    role: ClassVar[str] = "gateway"


class IngestRole(Role):
    program: ClassVar[str] = "aryk-ingest"
    role: ClassVar[str] = "ingest"


class ShiftedGatewayRole(GatewayRole):
    """The gateway with a clock that is told by a file how far it is off; see shifted_gateway.py."""

    def __init__(self, folder: Path, state: Path, port: int | None = None) -> None:
        super().__init__(folder, state, port)
        self.clock_file = folder / "clock.json"

    def arguments(self) -> list[str]:
        runner = Path(__file__).with_name("shifted_gateway.py")
        return [str(runner), str(self.config), str(self.state), str(self.clock_file)]


def _status_bytes(pid: int, key: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no {key}")

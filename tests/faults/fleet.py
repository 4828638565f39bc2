"""`aryk simulate fleet` with its ledger, as a process."""

import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from simulator.settings import FleetSettings
from tests.servers.process import LOOPBACK, ServerProcess


class FleetRole(ServerProcess):
    """The fleet of these settings; of `broker_ports`, each gateway has one for its own and goes on to the next."""

    program: ClassVar[str] = "aryk-fleet"

    def __init__(self, folder: Path, broker_ports: Sequence[int], settings: FleetSettings, seconds: float) -> None:
        super().__init__(folder)
        self.ledger = folder / "ledger.sqlite"
        self._broker_ports = tuple(broker_ports)
        self._settings = settings
        self._seconds = seconds

    def executable(self) -> Path:
        return Path(sys.executable)

    def arguments(self) -> list[str]:
        plan = self._settings
        return [
            *("-m", "aryk", "simulate", "fleet"),
            *(word for port in self._broker_ports for word in ("--broker", f"{LOOPBACK}:{port}")),
            *("--gateways", str(plan.gateways), "--sensors", str(plan.sensors), "--interval", f"{plan.interval:g}s"),
            *("--districts", str(plan.districts), "--seed", str(plan.seed)),
            *("--for", f"{self._seconds:g}s", "--ledger", str(self.ledger), "--state", str(self.folder)),
        ]

    def ready(self) -> bool:
        return self.ledger.exists()

    def said(self) -> str:
        """Its newest line."""
        lines = self.log_text().splitlines()
        return lines[-1] if lines else ""


def published_points(ledger: Path) -> int:
    """How many different points the fleet has published."""
    db = sqlite3.connect(ledger)
    try:
        return int(db.execute("SELECT count(*) FROM (SELECT DISTINCT series_id, time_ms FROM published)").fetchone()[0])
    finally:
        db.close()

"""A real Prometheus and a real Alertmanager on loopback."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.servers.http import answers, request
from tests.servers.process import LOOPBACK, ServerProcess

# Receives what it is sent and tells nobody.
SILENT_ALERTMANAGER = """
route:
  receiver: nobody
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: nobody
"""


class Prometheus(ServerProcess):
    """Prometheus with a configuration of its own, or one made from targets, rules and an Alertmanager.

    Targets are addresses by job, such as `{"ingest": ["127.0.0.1:9100"]}`. Rules are files, or folders whose
    *.yml and *.yaml are rules; they are read where they are.
    """

    program: ClassVar[str] = "prometheus"

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        config: str | None = None,
        targets: Mapping[str, Sequence[str]] | None = None,
        rules: Sequence[Path] = (),
        alertmanager_port: int | None = None,
        interval: str = "200ms",
    ) -> None:
        super().__init__(folder, port)
        self.config = config
        self.targets = {job: list(addresses) for job, addresses in (targets or {}).items()}
        self.rules = tuple(rules)
        self.alertmanager_port = alertmanager_port
        self.interval = interval

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{LOOPBACK}:{self.port}"

    def arguments(self) -> list[str]:
        self.write_config()
        return [
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            "--web.enable-lifecycle",
        ]

    def ready(self) -> bool:
        return answers(self.port, "/-/ready")

    def write_config(self) -> None:
        """Write the configuration; a running server takes it with `reload()`."""
        # JSON is YAML.
        text = self.config if self.config is not None else json.dumps(self._made_config(), indent=2)
        (self.folder / "prometheus.yml").write_text(text)

    def reload(self) -> None:
        """Write the configuration and have the running server read it.

        Raises:
            RefusedError: the server does not accept it.

        """
        self.write_config()
        request(self.port, "POST", "/-/reload")

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Return an instant query's result: for a vector, `metric` and `value` of each series."""
        answer = request(self.port, "GET", "/api/v1/query", parameters={"query": promql})
        result = answer["data"]["result"]
        assert isinstance(result, list)
        return result

    def value(self, promql: str) -> float | None:
        """Return the one value of a query, None if it has no series."""
        result = self.query(promql)
        assert len(result) < 2, f"{promql} has {len(result)} series"
        return float(result[0]["value"][1]) if result else None

    def alerts(self) -> list[dict[str, Any]]:
        """Return the pending and firing alerts: `labels`, `annotations`, `state`."""
        found = request(self.port, "GET", "/api/v1/alerts")["data"]["alerts"]
        assert isinstance(found, list)
        return found

    def _made_config(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "global": {"scrape_interval": self.interval, "scrape_timeout": self.interval},
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": addresses}]} for job, addresses in self.targets.items()
            ],
        }
        made["global"]["evaluation_interval"] = self.interval
        if self.rules:
            made["rule_files"] = [
                str(pattern)
                for rule in self.rules
                for pattern in ((rule / "*.yml", rule / "*.yaml") if rule.is_dir() else (rule,))
            ]
        if self.alertmanager_port is not None:
            address = f"{LOOPBACK}:{self.alertmanager_port}"
            made["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]}
        return made


class Alertmanager(ServerProcess):
    """Alertmanager with a configuration, or one that tells nobody. Templates lie where the configuration says."""

    program: ClassVar[str] = "alertmanager"

    def __init__(self, folder: Path, port: int | None = None, *, config: str | Path = SILENT_ALERTMANAGER) -> None:
        super().__init__(folder, port)
        self.config = config

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{LOOPBACK}:{self.port}"

    def arguments(self) -> list[str]:
        target = self.folder / "alertmanager.yml"
        if isinstance(self.config, Path):
            shutil.copyfile(self.config, target)
        else:
            target.write_text(self.config)
        return [
            f"--config.file={target}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            # No gossip with others.
            "--cluster.listen-address=",
        ]

    def ready(self) -> bool:
        return answers(self.port, "/-/ready")

    def alerts(self) -> list[dict[str, Any]]:
        """Return the active alerts: `labels`, `annotations`, `receivers`, `status`."""
        found = request(self.port, "GET", "/api/v2/alerts")
        assert isinstance(found, list)
        return found

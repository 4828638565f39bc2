import json
import subprocess
from pathlib import Path

import pytest

from tests.servers.http import RefusedError
from tests.servers.process import free_port
from tests.servers.prometheus import Alertmanager, Prometheus
from tests.servers.wait import eventually_sync

RULES = {
    "groups": [
        {
            "name": "test",
            "rules": [{"alert": "TargetDown", "expr": "up == 0", "labels": {"severity": "page"}}],
        }
    ]
}


@pytest.mark.server
def test_prometheus_scrapes_its_targets_and_alerts(tmp_path: Path, alertmanager: Alertmanager) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "test.yml").write_text(json.dumps(RULES))
    port = free_port()
    targets = {"itself": [f"127.0.0.1:{port}"], "nobody": [f"127.0.0.1:{free_port()}"]}
    with Prometheus(
        tmp_path / "prometheus", port, targets=targets, rules=[rules], alertmanager_port=alertmanager.port
    ) as prometheus:
        eventually_sync(lambda: prometheus.value('up{job="itself"}') == 1)
        alert = eventually_sync(prometheus.alerts)[0]
        assert alert["labels"]["job"] == "nobody"
        sent = eventually_sync(alertmanager.alerts)[0]
        assert sent["labels"]["alertname"] == "TargetDown"
        assert prometheus.value("no_such_metric") is None


@pytest.mark.server
def test_prometheus_reloads_its_configuration(tmp_path: Path) -> None:
    with Prometheus(tmp_path) as prometheus:
        prometheus.targets = {"itself": [f"127.0.0.1:{prometheus.port}"]}
        prometheus.reload()
        eventually_sync(lambda: prometheus.value('up{job="itself"}') == 1)
        prometheus.config = "no_such_key: 1"
        with pytest.raises(RefusedError, match="no_such_key"):
            prometheus.reload()


def test_promtool_and_amtool_are_there(promtool: Path, amtool: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(json.dumps(RULES))
    subprocess.run([promtool, "check", "rules", rules], check=True, capture_output=True)
    subprocess.run([amtool, "--version"], check=True, capture_output=True)

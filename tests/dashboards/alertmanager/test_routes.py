"""Who is told and what is inhibited, asked of the real amtool and a real Alertmanager."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.http import request
from tests.servers.prometheus import Alertmanager, Prometheus
from tests.servers.wait import eventually_sync

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "dashboards" / "alertmanager" / "alertmanager.yml"
RULES = ROOT / "dashboards" / "prometheus" / "rules"
CASES = ROOT / "tests" / "dashboards" / "prometheus" / "cases"

LEVEL = {"alertname": "ReadingOverThreshold", "district": "d", "station": "s", "sensor": "level", "quantity": "level"}


class Receiver(ThreadingHTTPServer):
    """Takes what Alertmanager posts."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def alerts(self, path: str, status: str = "firing") -> list[dict[str, str]]:
        """The labels of the alerts that came to a path."""
        return [
            alert["labels"]
            for to, body in list(self.got)
            for alert in body["alerts"]
            if to == path and alert["status"] == status
        ]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


class ImpatientPrometheus(Prometheus):
    """Knows its Alertmanager only after 5 s, and would send again what fired before then after a minute."""

    def arguments(self) -> list[str]:
        return [*super().arguments(), "--rules.alert.resend-delay=1s"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def our_alertmanager(receiver: Receiver, tmp_path: Path) -> Iterator[Alertmanager]:
    """Alertmanager with our configuration, which tells the test's receiver, and at once."""
    text = CONFIG.read_text().replace("http://notices:9095", f"http://127.0.0.1:{receiver.server_port}")
    for wait in ("group_wait: 30s", "group_wait: 10s"):
        assert wait in text
        text = text.replace(wait, "group_wait: 200ms")
    with Alertmanager(tmp_path / "alertmanager", config=text) as server:
        yield server


def send(server: Alertmanager, *alerts: dict[str, str]) -> None:
    begun = datetime.now(UTC).isoformat()
    request(server.port, "POST", "/api/v2/alerts", body=[{"labels": labels, "startsAt": begun} for labels in alerts])


@pytest.mark.server
def test_alertmanager_accepts_the_configuration(amtool: Path) -> None:
    done = subprocess.run([amtool, "check-config", CONFIG], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.server
@pytest.mark.parametrize(
    ("labels", "receiver_name"),
    [
        (["alertname=Watchdog", "severity=none"], "dead-man"),
        (["alertname=IngestDown", "severity=critical"], "operators-at-once"),
        (["alertname=ReadingOverThreshold", "severity=critical", "threshold=major"], "operators-at-once"),
        (["alertname=SensorStale", "severity=warning"], "operators"),
        (["alertname=ReadingOverThreshold", "severity=info", "threshold=action"], "log"),
    ],
)
def test_each_severity_has_its_receiver(amtool: Path, labels: list[str], receiver_name: str) -> None:
    command: list[str | Path] = [
        amtool,
        "config",
        "routes",
        "test",
        f"--config.file={CONFIG}",
        f"--verify.receivers={receiver_name}",
        *labels,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts_in_the_cases() -> Iterator[dict[str, str]]:
    """Every alert with the labels that promtool has proved it to carry."""
    for case in CASES.glob("*.yml"):
        for test in yaml.safe_load(case.read_text())["tests"]:
            for one in test.get("alert_rule_test", ()):
                for alert in one["exp_alerts"]:
                    yield {"alertname": one["alertname"], **alert["exp_labels"]}


def matches(matchers: list[str], labels: dict[str, str]) -> bool:
    for matcher in matchers:
        found = re.fullmatch(r'(\w+)(=~|=)"(.*)"', matcher)
        assert found is not None, matcher
        label, how, wanted = found.groups()
        value = labels.get(label, "")
        if not (re.fullmatch(wanted, value) if how == "=~" else value == wanted):
            return False
    return True


def test_both_sides_of_an_inhibition_carry_the_labels_it_compares() -> None:
    """A label that both lack counts as equal: then one gateway's outage would silence the whole country."""
    alerts = list(alerts_in_the_cases())
    for rule in yaml.safe_load(CONFIG.read_text())["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            found = [labels for labels in alerts if matches(rule[side], labels)]
            # The thresholds are labels that one rule gives: the cases have two of the four.
            if not found and any("threshold" in matcher for matcher in rule[side]):
                found = [labels for labels in alerts if labels["alertname"] == "ReadingOverThreshold"]
            assert found, f"no case has an alert that matches {rule[side]}"
            for labels in found:
                for label in rule["equal"]:
                    assert labels.get(label), f"{labels['alertname']} has no label {label}"


@pytest.mark.server
def test_a_gateway_s_outage_silences_its_own_sensors_only(our_alertmanager: Alertmanager, receiver: Receiver) -> None:
    send(our_alertmanager, {"alertname": "GatewayDown", "severity": "warning", "gateway": "a", "district": "d"})
    eventually_sync(lambda: receiver.alerts("/warning"))
    send(
        our_alertmanager,
        {"alertname": "SensorStale", "severity": "warning", "gateway": "a", "district": "d", "station": "s"},
        {"alertname": "SensorStale", "severity": "warning", "gateway": "b", "district": "d", "station": "t"},
    )
    eventually_sync(lambda: len(receiver.alerts("/warning")) > 1)
    told = [(labels["alertname"], labels["gateway"]) for labels in receiver.alerts("/warning")]
    assert told == [("GatewayDown", "a"), ("SensorStale", "b")]


@pytest.mark.server
def test_of_the_thresholds_a_sensor_reached_the_highest_is_said(
    our_alertmanager: Alertmanager, receiver: Receiver
) -> None:
    send(our_alertmanager, LEVEL | {"threshold": "major", "severity": "critical"})
    eventually_sync(lambda: receiver.alerts("/critical"))
    send(
        our_alertmanager,
        LEVEL | {"threshold": "moderate", "severity": "critical"},
        LEVEL | {"threshold": "minor", "severity": "warning"},
        LEVEL | {"threshold": "action", "severity": "info"},
        LEVEL | {"threshold": "minor", "severity": "warning", "station": "another"},
        LEVEL | {"threshold": "action", "severity": "info", "station": "third"},
    )
    eventually_sync(lambda: receiver.alerts("/warning") and receiver.alerts("/info"))
    assert [labels["threshold"] for labels in receiver.alerts("/critical")] == ["major"]
    assert [labels["station"] for labels in receiver.alerts("/warning")] == ["another"]
    assert [labels["station"] for labels in receiver.alerts("/info")] == ["third"]


@pytest.mark.server
def test_a_warning_goes_the_whole_way_from_a_rule_to_a_receiver(
    our_alertmanager: Alertmanager, receiver: Receiver, tmp_path: Path
) -> None:
    """The watchdog at once; TargetDown, of a target that is not there, without its wait of five minutes."""
    rules = (RULES / "pipeline.yml").read_text()
    assert "for: 5m" in rules
    (tmp_path / "pipeline.yml").write_text(rules.replace("for: 5m", "for: 0s"))
    prometheus = ImpatientPrometheus(
        tmp_path / "prometheus",
        targets={"influxdb": ["127.0.0.1:1"]},
        rules=[tmp_path / "pipeline.yml"],
        alertmanager_port=our_alertmanager.port,
    )
    with prometheus:
        eventually_sync(lambda: receiver.alerts("/watchdog") and receiver.alerts("/warning"), timeout_s=40)
    assert receiver.alerts("/watchdog")[0]["alertname"] == "Watchdog"
    assert receiver.alerts("/warning")[0]["alertname"] == "TargetDown"
    body = next(body for path, body in receiver.got if path == "/warning")
    assert body["alerts"][0]["annotations"]["runbook_url"] == "docs/runbooks/TargetDown.md"

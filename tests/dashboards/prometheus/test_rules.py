"""The alert rules under the real promtool, and what every rule must have."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "dashboards" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
CASES = sorted((Path(__file__).parent / "cases").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks"


def rules() -> list[dict[str, Any]]:
    return [rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.server
def test_prometheus_accepts_the_configuration_and_the_rules(promtool: Path) -> None:
    run(promtool, "check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.server
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_the_rules_do_what_their_cases_say(promtool: Path, case: Path) -> None:
    run(promtool, "test", "rules", case)


@pytest.mark.server
def test_a_rule_that_never_fires_fails_its_case(promtool: Path, tmp_path: Path) -> None:
    """The trap: a join of unlike labels passes `check rules` and is silent for ever."""
    rule = (PROMETHEUS / "rules" / "field.yml").read_text()
    broken = rule.replace(
        "on (instance, station, sensor, quantity) group_left (gateway) aryk_sensor_info", "aryk_sensor_info"
    )
    assert broken != rule
    (tmp_path / "field.yml").write_text(broken)
    case = (Path(__file__).parent / "cases" / "field.yml").read_text()
    case = case.replace("../../../../dashboards/prometheus/rules/field.yml", "field.yml")
    case = case.replace("../../../../dashboards/prometheus/rules/states.yml", str(PROMETHEUS / "rules" / "states.yml"))
    (tmp_path / "case.yml").write_text(case)
    run(promtool, "check", "rules", tmp_path / "field.yml")
    done = subprocess.run(
        [promtool, "test", "rules", tmp_path / "case.yml"], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 1


def test_every_alert_has_a_firing_and_a_silent_case() -> None:
    firing: dict[str, int] = defaultdict(int)
    silent: dict[str, int] = defaultdict(int)
    for case in CASES:
        for test in yaml.safe_load(case.read_text())["tests"]:
            for one in test.get("alert_rule_test", ()):
                (firing if one["exp_alerts"] else silent)[one["alertname"]] += 1
    assert set(firing) == set(ALERTS)
    # The watchdog is never silent: that is its job.
    assert set(silent) == set(ALERTS) - {"Watchdog"}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_it_means_and_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
    severity = alert["labels"]["severity"]
    assert severity in ("critical", "warning", "none") or severity.startswith("{{")


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    pages = {page.stem: page.read_text() for page in RUNBOOKS.glob("*.md") if page.stem != "README"}
    assert set(pages) == set(ALERTS)
    for name, page in pages.items():
        assert page.startswith(f"# {name}\n")
        for part in ("**Means.**", "**Look", "**Do.**"):
            assert part in page, f"{name}: no {part}"


def metric_names(text: str) -> set[str]:
    return set(re.findall(r"\baryk_[a-z0-9_]+", text))


def test_the_rules_use_only_metrics_that_ingest_has() -> None:
    described = metric_names((ROOT / "docs" / "metrics.md").read_text())
    for rule in rules():
        assert metric_names(rule["expr"]) <= described, rule.get("alert") or rule["record"]

"""The committed dashboards: as the code makes them, and without faults."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models import units

from dashboards.grafana import build
from dashboards.grafana.lint import faults, panels
from dashboards.grafana.looks import UNITS, unit_of
from tests.dashboards.prometheus.test_rules import metric_names, rules
from wire.quantities import QUANTITIES

ROOT = Path(__file__).parents[3]
BOARDS = {path.name: json.loads(path.read_text()) for path in sorted(build.FOLDER.glob("*.json"))}


def test_the_committed_files_are_what_the_code_makes() -> None:
    assert build.out_of_date() == [], "run: python -m dashboards.grafana.build"


def test_a_file_that_was_changed_by_hand_or_is_missing_or_left_over_is_noticed(tmp_path: Path) -> None:
    for name in list(BOARDS)[:-1]:
        (tmp_path / name).write_bytes((build.FOLDER / name).read_bytes())
    missing = list(BOARDS)[-1]
    assert build.out_of_date(tmp_path) == [missing]
    changed = next(iter(BOARDS))
    (tmp_path / changed).write_text((tmp_path / changed).read_text().replace("Aryk", "Aral"))
    (tmp_path / "left-over.json").write_text("{}")
    assert build.out_of_date(tmp_path) == sorted([missing, changed, "left-over.json"])


def test_the_check_s_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--check"]) == 0
    assert build.main(["--chekc"]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_uids_are_different() -> None:
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS) == 3


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_has_no_faults(name: str) -> None:
    assert faults(BOARDS[name]) == []


@pytest.mark.parametrize("name", BOARDS)
def test_grafana_knows_every_unit(name: str) -> None:
    known = {value for key, value in vars(units).items() if isinstance(value, str) and not key.startswith("_")}
    for panel in panels(BOARDS[name]):
        unit = panel["fieldConfig"]["defaults"]["unit"]
        assert unit in known or unit.startswith("suffix: "), panel["title"]


def test_every_quantity_has_a_unit_that_grafana_knows() -> None:
    known = {value for value in vars(units).values() if isinstance(value, str)}
    for quantity in QUANTITIES:
        assert unit_of(quantity) in known or unit_of(quantity).startswith("suffix: ")
    assert set(UNITS) == {quantity.unit for quantity in QUANTITIES.values()}


@pytest.mark.parametrize("name", BOARDS)
def test_the_dashboards_use_only_metrics_that_are_there(name: str) -> None:
    described = metric_names((ROOT / "docs" / "metrics.md").read_text())
    described |= {f"{one}{end}" for one in described for end in ("_bucket", "_sum", "_count")}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    text = json.dumps(BOARDS[name])
    assert metric_names(text) <= described
    assert set(re.findall(r"\baryk:[a-z_]+", text)) <= recorded


def test_grafana_is_provisioned_with_data_sources_of_both_kinds_and_without_secrets() -> None:
    folder = ROOT / "dashboards" / "grafana" / "provisioning"
    sources = yaml.safe_load((folder / "datasources" / "aryk.yml").read_text())["datasources"]
    assert {one["type"] for one in sources} == {"influxdb", "prometheus"}
    influx = next(one for one in sources if one["type"] == "influxdb")
    assert influx["jsonData"]["version"] == "InfluxQL"
    assert influx["secureJsonData"]["httpHeaderValue1"] == "Token $__file{/run/secrets/influxdb_token}"
    (provider,) = yaml.safe_load((folder / "dashboards" / "aryk.yml").read_text())["providers"]
    assert provider["allowUiUpdates"] is False


def broken(change: str) -> dict[str, Any]:
    """The station's dashboard with one thing wrong."""
    board: dict[str, Any] = copy.deepcopy(BOARDS["station.json"])
    panel = next(panel for panel in panels(board) if panel["title"] == "Discharge" and panel["type"] == "timeseries")
    target = panel["targets"][0]
    match change:
        case "no uid":
            board["uid"] = ""
        case "an id":
            board["id"] = 7
        case "editable":
            board["editable"] = True
        case "no data source variable":
            board["templating"]["list"] = [one for one in board["templating"]["list"] if one["name"] != "metrics"]
        case "variable without label":
            board["templating"]["list"][2]["label"] = ""
        case "variable of a fixed source":
            board["templating"]["list"][2]["datasource"]["uid"] = "P1234"
        case "annotation of a fixed source":
            board["annotations"]["list"][0]["datasource"]["uid"] = "P1234"
        case "same panel id":
            panel["id"] = 2
        case "no title":
            panel["title"] = ""
        case "no description":
            panel["description"] = ""
        case "no unit":
            del panel["fieldConfig"]["defaults"]["unit"]
        case "fixed source":
            panel["datasource"]["uid"] = "P1234"
        case "query of a fixed source":
            target["datasource"] = {"type": "influxdb", "uid": "P1234"}
        case "no query":
            panel["targets"] = []
        case "same ref":
            target["refId"] = panel["targets"][1]["refId"]
        case "empty query":
            target["query"] = ""
        case "unknown variable":
            target["query"] += " AND $sation"
        case "Flux":
            target["query"] = 'from(bucket: "aryk") |> range(start: $timeFilter)'
        case "SLIMIT":
            target["query"] += " SLIMIT 3"
        case "whole store":
            target["query"] = target["query"].replace("$timeFilter", "true")
        case "not raw":
            target["rawQuery"] = False
        case "fixed rate":
            target.pop("query")
            target["expr"] = "rate(aryk_ingest_receipts_total[5m])"
        case "too wide":
            panel["gridPos"] |= {"x": 20, "w": 12, "y": 1000}
        case "overlap":
            panel["gridPos"] = dict(panels(board)[0]["gridPos"])
    return board


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("no uid", "no uid"),
        ("an id", "has an id"),
        ("editable", "is editable"),
        ("no data source variable", "no variable chooses the prometheus data source"),
        ("variable without label", "has no label"),
        ("variable of a fixed source", "data source 'P1234'"),
        ("annotation of a fixed source", "data source 'P1234'"),
        ("same panel id", "2 panels have the id 2"),
        ("no title", "has no title"),
        ("no description", "has no description"),
        ("no unit", "has no unit"),
        ("fixed source", "data source 'P1234'"),
        ("query of a fixed source", "data source 'P1234'"),
        ("no query", "asks nothing"),
        ("same ref", "2 queries"),
        ("empty query", "is empty"),
        ("unknown variable", "not there: sation"),
        ("Flux", "not every InfluxDB"),
        ("SLIMIT", "not every InfluxDB"),
        ("whole store", "no $timeFilter"),
        ("not raw", "is not raw"),
        ("fixed rate", "[$__rate_interval]"),
        ("too wide", "stands out"),
        ("overlap", "lies on"),
    ],
)
def test_the_linter_finds(change: str, said: str) -> None:
    assert said in "\n".join(faults(broken(change)))

"""The capacity page: its tables are what the measurements give, and the formulae do what they say."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.capacity import PAGE, RESULTS, figure, load_costs, source_of, with_tables
from benchmarks.needs import Costs, Plan, need
from ingest.settings import SpoolSettings

ROOT = Path(__file__).parents[1]
COSTS = load_costs(source_of(PAGE.read_text(encoding="utf-8")))

plans = st.builds(
    Plan,
    sensors=st.integers(1, 1_000_000),
    interval_s=st.floats(1, 86_400),
    a_gateway=st.integers(1, 100),
    scans=st.integers(1, 96),
    keepalive_s=st.sampled_from([0.0, 60.0, 3600.0]),
)


def test_the_page_s_tables_are_what_was_measured() -> None:
    page = PAGE.read_text(encoding="utf-8")
    source = source_of(page)
    assert source.is_file(), "the page's results are gone: python -m benchmarks.capacity --write"
    assert with_tables(page, source) == page, "run: python -m benchmarks.capacity --write"


def test_the_words_of_the_page_agree_with_its_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    fifty = need(Plan(50_000, 900.0), COSTS)
    assert fifty.ingests == 1
    cores = fifty.ingest_cores + fifty.broker_cores + fifty.influx_cores
    memory_mb = fifty.ingest_mb_each + fifty.broker_mb + fifty.influx_mb
    assert "fit on one machine** of two cores and 8 GB" in page
    assert cores < 2
    assert memory_mb < 4_000
    assert need(Plan(500_000, 900.0), COSTS).ingests == 10
    assert f"at {SpoolSettings().max_bytes / 1e9:.0f} GB" in page


def test_kubernetes_gets_what_the_page_says() -> None:
    def resources(name: str) -> dict[str, dict[str, str]]:
        text = (ROOT / "deploy" / "kubernetes" / "base" / f"{name}.yaml").read_text()
        (found,) = [one for one in yaml.safe_load_all(text) if one["kind"] == "StatefulSet"]
        return dict(found["spec"]["template"]["spec"]["containers"][0]["resources"])

    most = need(Plan(50_000, 900.0), COSTS)
    assert resources("ingest")["requests"]["memory"] == "768Mi"
    assert most.ingest_mb_each < 768
    assert resources("ingest")["limits"]["memory"] == "1Gi"
    assert resources("influxdb")["limits"]["memory"] == "4Gi"
    assert need(Plan(500_000, 900.0), COSTS).influx_mb < 4096


@given(plans)
def test_more_sensors_never_need_less(plan: Plan) -> None:
    one, two = need(plan, COSTS), need(Plan(plan.sensors * 2, plan.interval_s, plan.a_gateway, plan.scans), COSTS)
    for name in ("rate", "ingests", "ingest_cores", "broker_mb", "influx_gb_year", "spool_gb_day", "drain_h_day"):
        assert getattr(two, name) >= getattr(one, name) >= 0


@given(plans)
def test_a_gateway_that_sends_seldom_sends_less(plan: Plan) -> None:
    more = Plan(plan.sensors, plan.interval_s, plan.a_gateway, plan.scans, 0.0)
    assert need(more, COSTS).ping_mb_month == 0
    assert need(plan, COSTS).ping_mb_month >= 0
    assert need(plan, COSTS).message_bytes > 300


def test_the_formulae_by_hand() -> None:
    costs = Costs(
        ingest_us={1: 100.0, 10: 20.0},
        broker_us={1: 10.0, 10: 1.0},
        influx_us={1: 30.0, 10: 10.0},
        ingest_mb=(100.0, 0.005),
        history_mb=0.006,
        broker_mb=(10.0, 0.02),
        influx_mb=(100.0, 0.002),
        drain_per_s=10_000.0,
        spool_bytes={1: 100.0, 10: 50.0},
        stored_bytes={900: 12.0, 60: 11.0},
        wire=[{"readings": 10, "sensors": 10, "cbor": {"payload": 200, "mqtt": 360}}],
        fleets=[],
    )
    found = need(Plan(100_000, 100.0, a_gateway=10, scans=1, keepalive_s=50.0), costs)
    assert found.rate == 1000.0
    assert (found.gateways, found.ingests) == (10_000, 2)
    assert found.ingest_cores == pytest.approx(0.04)
    assert found.ingest_mb_each == pytest.approx(100 + (0.005 + 0.006) * 50_000)
    assert found.broker_mb == pytest.approx(10 + 200)
    assert found.influx_gb_year == pytest.approx(1000 * 31_536_000 * 11 / 1e9)
    assert found.spool_gb_day == pytest.approx(1000 * 86_400 * 50 / 1e9)
    assert found.drain_h_day == pytest.approx(86_400 * 1000 / 10_000 / 3600)
    assert found.message_bytes == 360 + 4 * 74 + 4 * 52
    assert found.gateway_mb_month == pytest.approx(25_920 * 864 / 1e6)
    assert found.ping_mb_month == pytest.approx((51_840 - 25_920) * 256 / 1e6)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (7, "7"),
        (16_667, "16,667"),
        (0.0123, "0.012"),
        (1.234, "1.2"),
        (12.3, "12"),
        (123.4, "120"),
        (54_321.0, "54,000"),
        (9.99, "10.0"),
    ],
)
def test_two_digits_are_enough(value: float, shown: str) -> None:
    assert figure(value) == shown


def test_the_command_prints_it() -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.capacity",
        "--sensors",
        "5000",
        "--interval",
        "1h",
        "--a-gateway",
        "10",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "5,000 sensors every 60 min, 10 readings a message" in done.stdout
    assert "ingest processes" in done.stdout


def test_the_results_are_there() -> None:
    assert {"sizes.json", "scale.json"} <= {path.name for path in RESULTS.iterdir()}

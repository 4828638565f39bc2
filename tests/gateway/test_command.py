"""`aryk gateway`, as a person calls it."""

import asyncio
import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from aryk.cli import build
from gateway.clock import SystemClock
from gateway.log import open_log
from gateway.times import Anchor
from simulator.toml_text import toml_text
from tests.gateway.build import device, scan
from tests.gateway.drivers.responder import Responder, tcp_device

app = build("gateway")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    document = {"id": "gw-1", "district": "north", "devices": [device("gauge", port=1)]}
    path.write_text(toml_text(document))
    return path


def change(config: Path, changes: dict[str, str]) -> None:
    text = config.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    config.write_text(text)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["gateway", *map(str, arguments)])


def test_check_shows_what_would_be_polled(config: Path) -> None:
    result = call("check", "--config", config)
    assert result.exit_code == 0
    assert "holding 0 to 0, one request of 1 registers" in result.stdout
    assert "gauge-level" in result.stdout
    document = json.loads(call("check", "--json", "--config", config).stdout)
    assert document["devices"][0]["blocks"] == [
        {"table": "holding", "start": 0, "count": 1, "sensors": ["gauge-level"]}
    ]


def test_check_warns_of_a_timeout_longer_than_the_interval(config: Path) -> None:
    change(config, {"interval = 1.0": "interval = 1.0\ntimeout = 5"})
    result = call("check", "--config", config)
    assert result.exit_code == 0
    assert "gauge: while it does not answer, its tries take longer than its interval" in result.stderr


def test_a_wrong_configuration_ends_with_2(config: Path) -> None:
    change(config, {"register = 0": "regster = 0"})
    for name in ("check", "read", "run", "log"):
        result = call(name, "--config", config)
        assert result.exit_code == 2
        assert "did you mean 'register'?" in result.stderr


async def test_read_prints_one_scan(config: Path) -> None:
    async with tcp_device(Responder()) as port:
        change(config, {"port = 1": f"port = {port}", "register = 0": "register = 7"})
        result = await asyncio.to_thread(call, "read", "--config", config)
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines()[1].split()[:5] == ["gauge-level", "0007", "7", "m", "1"]
        as_json = await asyncio.to_thread(call, "read", "--config", config, "--json")
        (one,) = json.loads(as_json.stdout)
        assert (one["registers"], one["value"], one["flag"], one["why"]) == ([7], 7.0, 1, "")


def test_read_of_a_dead_device_says_why_and_ends_with_1(config: Path) -> None:
    result = call("read", "--config", config)
    assert result.exit_code == 1
    assert "cannot connect to 127.0.0.1:1" in result.stdout


def test_a_log_that_is_not_there_is_said(config: Path, tmp_path: Path) -> None:
    result = call("log", "--config", config, "--state", tmp_path / "none")
    assert result.exit_code == 1
    assert "there is no log yet" in result.stderr


async def test_log_shows_what_is_stored_and_what_is_receipted(config: Path, tmp_path: Path) -> None:
    clock = SystemClock()
    state = tmp_path / "state"
    async with open_log(state, "gw-1", clock) as log:
        now = clock.now()
        await log.append(scan(now, 0.5))
        await log.settle_times(Anchor(clock.boot, now.ms - now.boot_ns // 1_000_000, now.boot_ns, 0.1, 0))
        await log.append(scan(clock.now(), 1.25, None))
        await log.receipt({log.epoch: [(1, 2)]})
        # The gateway runs on while somebody looks.
        result = await asyncio.to_thread(call, "log", "--config", config, "--state", state)
        epoch = f"{log.epoch:012x}"
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[-5:] for line in lines if line and line[0] == epoch] == [["to", "3", "3", "2", "1"]]
    assert any(line and line[0] == "level" and line[2] == "1.25" for line in lines)
    document = json.loads(call("log", "--json", "--config", config, "--state", state).stdout)
    assert document["epochs"][0]["receipted"] == 2
    assert document["epochs"][0]["unreceipted"] == 1
    assert [one["sensor"] for one in document["latest"]] == ["level", "level-1"]
    target = tmp_path / "log.csv"
    assert call("log", "--csv", target, "--config", config, "--state", state).exit_code == 0
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seq"], row["value"], row["flag"], row["delivery"]) for row in rows] == [
        ("1", "0.5", "1", "receipt"),
        ("2", "1.25", "1", "receipt"),
        ("3", "", "9", "waiting"),
    ]


def test_help_has_examples() -> None:
    for name in ("run", "check", "read", "log"):
        assert f"aryk gateway {name}" in call(name, "--help").stdout

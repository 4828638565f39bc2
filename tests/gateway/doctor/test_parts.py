"""The pure parts: the log's state, serial ports, devices, the centre's answer."""

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doctor.checks import Level, Name
from doctor.host import RunningRole
from gateway.clock import ManualClock
from gateway.doctor import centre, instruments, log_state
from gateway.log import open_log
from gateway.log.file import log_path
from gateway.one_scan import Shown
from gateway.settings import GatewaySettings
from gateway.uplink.hello import Hello
from tests.gateway.build import device, reading, scan, settings
from wire.messages import CentreTime

BOOT = "boot-1"


def rtu(port: Path) -> GatewaySettings:
    one = {**device(), "protocol": "modbus-rtu", "port": str(port)}
    del one["host"]
    return settings(devices=[one])


async def logged(state: Path, clock: ManualClock, scans: int) -> Path:
    async with open_log(state, "gw-1", clock) as log:
        for _ in range(scans):
            await log.append(scan(clock.now(), 1.0))
            clock.advance(300)
        return log.path


async def test_a_logs_growth_is_that_of_its_last_day(tmp_path: Path) -> None:
    clock = ManualClock()
    path = await logged(tmp_path, clock, 2 * 288)
    state = log_state.read_log(path, clock.now().ms)
    assert state.entries == 576
    assert state.bytes_a_day is not None
    assert 0.45 < state.bytes_a_day / state.file_bytes < 0.55
    assert state.waiting == 576
    assert state.held == 576
    (check,) = log_state.judge(state, path, clock.now().ms)
    assert check.level is Level.WARN
    assert "576 wait for a receipt, the oldest for 2 days, 576 held until the time is known" in check.says


async def test_a_new_log_gives_no_rate_yet(tmp_path: Path) -> None:
    clock = ManualClock()
    path = await logged(tmp_path, clock, 1)
    assert log_state.read_log(path, clock.now().ms - 50_000).bytes_a_day is None


async def test_looking_into_a_log_changes_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_log(tmp_path, "gw-1", clock) as log:
        await log.append(scan(clock.now(), 1.0))
        before = log.path.read_bytes()
        assert log_state.read_log(log.path, clock.now().ms).entries == 1
        assert log.path.read_bytes() == before
        await log.append(scan(clock.now(), 2.0))


async def test_a_damaged_log_and_one_set_aside_are_named(tmp_path: Path) -> None:
    clock = ManualClock()
    path = await logged(tmp_path, clock, 2)
    path.with_name("log.sqlite.corrupt-1700000000").touch()
    state = replace(log_state.read_log(path, clock.now().ms), damage="row 3 missing from index")
    levels = [one.level for one in log_state.judge(state, path, clock.now().ms)]
    assert levels == [Level.FAIL, Level.WARN, Level.OK]


def test_what_is_no_log_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "log.sqlite").write_bytes(os.urandom(20_000))
    with pytest.raises(sqlite3.Error):
        log_state.read_log(tmp_path / "log.sqlite", 0)


def test_the_gateways_doctor_needs_nothing_of_the_servers() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import gateway.doctor.examine, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    loaded = {name.split(".")[0] for name in said.split()}
    assert "paho" in loaded
    assert not loaded & {"aiomqtt", "aiohttp", "influxdb_client", "mqtt5", "msgspec", "hydrology", "store", "ingest"}


def test_the_log_is_where_the_gateway_has_it(tmp_path: Path) -> None:
    assert log_path(tmp_path, "gw-1") == tmp_path / "gateway" / "gw-1" / "log.sqlite"


def test_a_port_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-FTDI").touch()
    (check,) = instruments.check_ports(rtu(tmp_path / "ttyUSB0"), tmp_path / "by-id")
    assert (check.name, check.level) == (Name.SERIAL, Level.FAIL)
    assert "usb-FTDI" in check.mend


def test_a_port_that_may_move_is_told_its_lasting_name(tmp_path: Path) -> None:
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-FTDI").symlink_to(tmp_path / "ttyUSB0")
    (check,) = instruments.check_ports(rtu(tmp_path / "ttyUSB0"), tmp_path / "by-id")
    assert check.level is Level.WARN
    assert check.mend == f'write port = "{tmp_path}/by-id/usb-FTDI"'
    (check,) = instruments.check_ports(rtu(tmp_path / "by-id" / "usb-FTDI"), tmp_path / "by-id")
    assert check.level is Level.OK


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_port_that_is_forbidden(tmp_path: Path) -> None:
    (tmp_path / "port").touch(mode=0)
    (check,) = instruments.check_ports(rtu(tmp_path / "port"))
    assert check.level is Level.FAIL


def test_a_port_that_another_process_has_open_is_left_to_it() -> None:
    master, slave = os.openpty()
    path = os.ttyname(slave)
    with subprocess.Popen(["sleep", "60"], stdin=slave) as other:
        try:
            assert instruments.open_elsewhere(path) == other.pid
            askable, (check,) = instruments.split_busy(rtu(Path(path)))
            assert askable is None
            assert (check.level, check.subject) == (Level.WARN, "gauge")
        finally:
            other.kill()
    assert instruments.open_elsewhere(path) is None
    os.close(master)
    os.close(slave)


def shown(words: tuple[int, ...] | None, latency_ms: float) -> Shown:
    return Shown("gauge", reading(), words, latency_ms)


@pytest.mark.parametrize(
    ("reads", "level", "said"),
    [
        ([shown((1,), 20)], Level.OK, "it answers in 20 ms, 1 sensors"),
        ([shown((1,), 800)], Level.WARN, "its timeout is 1000 ms"),
        ([shown(None, 0)], Level.FAIL, "no reading from 127.0.0.1:502, unit 1"),
        ([shown((1,), 20), shown(None, 0)], Level.FAIL, "but not for level"),
    ],
)
def test_one_read_of_a_device(reads: list[Shown], level: Level, said: str) -> None:
    (check,) = instruments.judge_reads(settings(devices=[device("gauge")]), reads)
    assert (check.level, said in check.says, check.subject) == (level, True, "gauge"), check.says


@pytest.mark.parametrize(
    ("more", "level", "said"),
    [
        ({}, Level.OK, "10 scans since the gateway started, 50 ms each, none failed"),
        ({("aryk_gateway_failed_reads_total", ("gauge", "no_answer")): 3.0}, Level.WARN, "3 no answer"),
        ({("aryk_gateway_scans_total", ("gauge",)): 0.0}, Level.OK, "has not scanned it yet"),
    ],
)
def test_devices_of_a_running_gateway(more: dict[Any, float], level: Level, said: str) -> None:
    samples = {
        ("aryk_gateway_scans_total", ("gauge",)): 10.0,
        ("aryk_gateway_scan_seconds_sum", ("gauge",)): 0.5,
        **more,
    }
    (check,) = instruments.judge_counted(settings(devices=[device("gauge")]), RunningRole(1, None, True, samples))
    assert (check.level, said in check.says) == (level, True), check.says
    (check,) = instruments.judge_counted(settings(), RunningRole(1))
    assert check.level is Level.WARN


@pytest.mark.parametrize(
    ("echo", "level"),
    [
        (centre.Echo(listeners=False), Level.FAIL),
        (centre.Echo(listeners=True), Level.FAIL),
        (centre.Echo(True, 0.05, 0.0), Level.OK),
        (centre.Echo(True, 5.0, 0.0), Level.WARN),
    ],
)
def test_the_centres_answer(echo: centre.Echo, level: Level) -> None:
    (check,) = centre.judge(echo)
    assert (check.name, check.level) == (Name.CENTRE, level)


def test_an_answer_to_doctors_hello_does_not_disturb_the_gateways_own() -> None:
    clock = ManualClock()
    hello = Hello()
    hello.sent("a" * 16, clock.now(), clock.monotonic_s())
    clock.advance(0.2)
    foreign = CentreTime(nonce="b" * 16, ms=clock.now().ms)
    assert hello.answered(BOOT, foreign, clock.now(), clock.monotonic_s()) is None
    own = CentreTime(nonce="a" * 16, ms=clock.now().ms)
    assert hello.answered(BOOT, own, clock.now(), clock.monotonic_s()) is not None
    due_s = hello.due_s
    assert hello.answered(BOOT, foreign, clock.now(), clock.monotonic_s()) is None
    assert hello.due_s == due_s

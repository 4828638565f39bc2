import fcntl
import os
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge

from doctor.checks import Level
from doctor.disk import judge, size, span
from doctor.host import find_running, holder_in, judge_clock, lock_holder
from health import HealthServer, HealthSettings
from tests.servers.process import free_port

TABLE = """\
1: POSIX  ADVISORY  WRITE 700 fd:01:130 0 EOF
2: FLOCK  ADVISORY  WRITE 4242 fd:01:131 0 EOF
3: FLOCK  ADVISORY  WRITE 4300 00:1f:131 0 EOF
"""


def test_the_kernel_tells_who_holds_a_lock() -> None:
    assert holder_in(TABLE, 0xFD, 1, 131) == 4242
    assert holder_in(TABLE, 0xFD, 1, 130) is None
    assert holder_in(TABLE, 0, 0x1F, 131) == 4300


def test_a_lock_is_seen_and_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert lock_holder(path) is None
    with path.open("w") as lock:
        assert lock_holder(path) is None
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert lock_holder(path) == os.getpid()
    assert lock_holder(path) is None


def test_a_running_role_is_known_by_its_health_page(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    Gauge("aryk_connected", "text", registry=registry).set(1)
    Counter("aryk_failed", "text", ["device", "reason"], registry=registry).labels("gauge", "no_answer").inc(3)
    settings = HealthSettings(port=free_port())
    assert find_running(tmp_path / "lock", settings.host, settings.port) is None
    with HealthServer(settings, registry, lambda: "not connected to the broker"):
        running = find_running(tmp_path / "lock", settings.host, settings.port)
    assert running is not None
    assert running.page
    assert running.why_not_ready == "not connected to the broker"
    assert running.value("aryk_connected") == 1
    assert running.value("aryk_failed_total", "gauge", "no_answer") == 3
    assert running.value("aryk_nothing") is None


@pytest.mark.parametrize(
    ("synchronised", "offset_s", "level", "said"),
    [
        (True, 0.1, Level.OK, "0.10 s behind the centre's"),
        (None, -0.2, Level.OK, "0.20 s ahead of the centre's."),
        (False, 0.1, Level.OK, "not synchronised"),
        (True, 40.0, Level.WARN, "40.00 s behind"),
        (True, None, Level.OK, "synchronised"),
        (False, None, Level.WARN, "the kernel says that it is not"),
        (None, None, Level.WARN, "the kernel does not say"),
    ],
)
def test_clocks(synchronised: bool | None, offset_s: float | None, level: Level, said: str) -> None:
    check = judge_clock(synchronised, offset_s, "the centre's", 2.0)
    assert (check.level, said in check.says) == (level, True), check.says


@pytest.mark.parametrize(
    ("room", "a_day", "level", "said"),
    [
        (0, 1e6, Level.FAIL, "the disk is full"),
        (5e8, 1e9, Level.FAIL, "12 hours at 1.0 GB a day"),
        (3e9, 1e9, Level.WARN, "3 days at"),
        (30e9, 1e9, Level.OK, "30 days at"),
        (30e9, 1e3, Level.OK, "more than ten years"),
        (30e9, None, Level.OK, "no rate yet"),
    ],
)
def test_days_of_autonomy(room: float, a_day: float | None, level: Level, said: str) -> None:
    check = judge("the log", int(room), a_day, "of today", "make room")
    assert (check.level, said in check.says) == (level, True), check.says


def test_sizes_and_spans_for_people() -> None:
    assert [size(one) for one in (0, 999, 1500, 2.5e7, 3e12)] == ["0 bytes", "999 bytes", "1.5 KB", "25 MB", "3.0 TB"]
    assert [span(one) for one in (-1, 90, 7200, 3 * 86_400)] == ["0 s", "90 s", "2 h", "3 days"]

"""The demo as its user meets it: the command, its page, its check, its end."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.process import free_port
from tests.servers.wait import eventually_sync

pytestmark = pytest.mark.server


class DemoProcess:
    """`aryk demo` with what it has printed so far."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "aryk", "demo", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def found(self, pattern: str, timeout_s: float = 30.0) -> str:
        """Wait until this is printed; the first group."""
        match = eventually_sync(lambda: re.search(pattern, self.text), timeout_s, f"{pattern!r} in {self.text!r}")
        assert match is not None
        return match[1]

    def end(self, timeout_s: float) -> int:
        code = self.process.wait(timeout_s)
        self._reader.join(10.0)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@contextmanager
def demo(*arguments: str) -> Iterator[DemoProcess]:
    one = DemoProcess(*arguments)
    try:
        yield one
    finally:
        one.process.kill()
        one.end(10.0)


def test_check_finds_every_reading_stored_although_ingest_is_killed() -> None:
    with demo("--port", str(free_port()), "--for", "12s", "--check") as one:
        pid = int(one.found(r"kill -9 (\d+)"))
        subprocess.run(["kill", "-9", str(pid)], check=True)
        one.found(r"(ingest is running again)")
        assert one.end(40.0) == 0, one.text
        scanned, stored = re.search(r"^scanned (\d+), stored (\d+), lost 0, doubled 0$", one.text, re.M).groups()  # type: ignore[union-attr]
        assert int(scanned) == int(stored) >= 60


def test_ctrl_c_ends_all_of_it_within_three_seconds_also_with_a_page_open() -> None:
    with demo("--port", str(free_port())) as one:
        address = one.found(r"Live page\s+(\S+)")
        folder = Path(one.found(r"Files and logs\s+(\S+)"))
        with urllib.request.urlopen(f"{address}events", timeout=5.0) as stream:
            assert stream.readline()
            began = time.monotonic()
            one.process.send_signal(signal.SIGINT)
            assert one.end(10.0) == 0, one.text
            assert time.monotonic() - began < 3.0
    assert not folder.exists()
    remaining = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False)
    assert remaining.stdout == ""


def test_a_busy_port_is_said_and_the_next_one_taken() -> None:
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with demo("--port", str(port)) as one:
            assert one.found(rf"Port {port} is busy; the page is at port (\d+)\.") != str(port)
            assert f"Port {port}" in one.text


def test_history_of_seven_days_is_there_at_the_first_look() -> None:
    with demo("--port", str(free_port())) as one:
        address = one.found(r"Live page\s+(\S+)")
        now = int(time.time() * 1000)
        query = (
            f"quantity=level&station=river-bridge&sensor=bridge-level&from={now - 7 * 86_400_000}&to={now}&points=500"
        )
        with urllib.request.urlopen(f"{address}api/series?{query}", timeout=5.0) as answer:
            text = answer.read().decode()
    assert text.count(",") > 300


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--check"], "say how long"),
        (["--for", "soon"], "not a duration"),
        (["--state", "."], "is not empty"),
    ],
)
def test_wrong_options_are_told(arguments: list[str], told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aryk", "demo", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert told in done.stderr

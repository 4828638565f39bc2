"""Child processes of the demo: each in a session of its own, so that a Ctrl-C at the terminal reaches only the parent."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.02


class ChildFailedError(Exception):
    """A child ended, or did not come up in time; the message ends with the last lines of its log."""


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux the kernel kills the child when the parent is gone, however the parent went."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return ask


class Child:
    """One child process with its log file."""

    def __init__(self, name: str, argv: list[str], log_file: Path) -> None:
        self.name = name
        self.argv = argv
        self.log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its output goes to the log file."""
        with self.log_file.open("ab") as out:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )

    @property
    def pid(self) -> int:
        """Its process id; 0 before it was started."""
        return self._process.pid if self._process is not None else 0

    def exit_code(self) -> int | None:
        """How it ended, or None while it runs."""
        return self._process.poll() if self._process is not None else None

    def check(self) -> None:
        """Raises ChildFailedError when it has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise ChildFailedError(self._told(f"{self.name} ended with {self._process.returncode}"))

    def wait_until(self, condition: Callable[[], bool], what: str, timeout_s: float) -> None:
        """Wait for this condition. Raises ChildFailedError when the child ends or the time is over."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise ChildFailedError(self._told(f"{self.name}: not {what} within {timeout_s:g} s"))
            time.sleep(_POLL_S)

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self, timeout_s: float) -> None:
        """Ask it to stop, and kill it after this time."""
        if self._process is None:
            return
        self.ask_to_stop()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _told(self, message: str) -> str:
        tail = self.log_file.read_text(errors="replace").splitlines()[-15:] if self.log_file.exists() else []
        return "\n".join([message, *(f"  | {line}" for line in tail)])


def aryk_argv(*arguments: str) -> list[str]:
    """The command line of a role, run by this very Python."""
    return [sys.executable, "-m", "aryk", *arguments]


def answers_ok(url: str) -> bool:
    """Whether this page answers 200 at once."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # only loopback addresses of our own come here
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def accepts(port: int) -> bool:
    """Whether something listens on this port of loopback."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port of loopback that nobody listens on now.

    Below the kernel's ephemeral ports: a client that knocks at a closed ephemeral port of its own host is now and then
    given that very port as its own, and is connected to itself.
    """
    return first_free_port(random.SystemRandom().randrange(15_000, 31_900))


def first_free_port(wanted: int) -> int:
    """This port, or the next one above it that is free."""
    for port in range(wanted, min(wanted + 100, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no port is free from {wanted} to {wanted + 99}")

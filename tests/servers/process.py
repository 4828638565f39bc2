"""One real server: a process group of its own, a folder, a log, and a port that stays the same over a restart."""

import asyncio
import contextlib
import fcntl
import os
import random
import signal
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import IO, ClassVar, Self

from tests.servers.find import find_server
from tests.servers.wait import eventually_sync

LOOPBACK = "127.0.0.1"

# Below the kernel's ephemeral ports: a client that knocks at a closed ephemeral port of its own host now and then gets
# that very port as its own, and is connected to itself.
PORTS = range(15_000, 32_000)

# A server that does not stop by then is killed, and its test fails.
STOP_TIMEOUT_S = 20.0

_reserved: list[IO[str]] = []

# Servers whose logs are shown if the test under way fails.
recent: list["ServerProcess"] = []


def free_port() -> int:
    """Return a loopback port that nobody listens on and that no other test run on this machine takes meanwhile."""
    folder = Path(tempfile.gettempdir()) / f"aryk-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    # Not seeded: two runs at once should not queue up at the same ports.
    for port in random.SystemRandom().sample(PORTS, 200):
        reservation = (folder / str(port)).open("w")
        try:
            fcntl.flock(reservation, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((LOOPBACK, port))
        except OSError:
            reservation.close()
            continue
        # The lock lasts as long as this process.
        _reserved.append(reservation)
        return port
    raise AssertionError("no free port on loopback")


def accepts(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


class ServerProcess(ABC):
    """A server to start, stop, kill and freeze.

    The methods block for as long as the server takes; a test whose own event loop has work to do meanwhile uses the
    ones in `_async`. The folder outlives the server, so `start()` after `stop()` or `kill()` finds what was written.
    """

    program: ClassVar[str]
    start_timeout_s: ClassVar[float] = 30.0
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.log = folder / f"{self.program}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def executable(self) -> Path:
        """The program's file."""
        return find_server(self.program)

    @abstractmethod
    def arguments(self) -> list[str]:
        """Write the configuration and return the arguments that name it."""

    def ready(self) -> bool:
        """Whether the server answers."""
        return accepts(self.port)

    @property
    def pid(self) -> int:
        """The process, which must be running."""
        assert self._process is not None, f"{self.program} was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives (a frozen one does)."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll() if self._process is not None else None

    def start(self) -> None:
        """Start, and return once it answers."""
        assert not self.running, f"{self.program} runs already"
        path = self.executable()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [path, *self.arguments()],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if self not in recent:
            recent.append(self)
        try:
            eventually_sync(self._answers, self.start_timeout_s, f"{self.program} on port {self.port} answers")
        except BaseException:
            self.kill()
            raise

    def stop(self) -> int:
        """Ask it to stop, wait until it has, and return its exit status."""
        process = self._process
        assert process is not None, f"{self.program} was not started"
        self.send_signal(self.stop_signal)
        # A frozen process takes the first signal only once it runs.
        self.send_signal(signal.SIGCONT)
        try:
            return process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.program} did not stop within {STOP_TIMEOUT_S:g} s") from None

    def kill(self) -> None:
        """End it at once (SIGKILL), with all its children; nothing happens if it is dead."""
        if self._process is not None:
            self.send_signal(signal.SIGKILL)
            self._process.wait()

    def restart(self) -> None:
        """Stop and start on the same port and folder; just start if it is dead."""
        if self.running:
            self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open, nothing answers."""
        self.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again (SIGCONT)."""
        self.send_signal(signal.SIGCONT)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children."""
        # Only while it is ours: the number of a process that was waited for may be another's by now.
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    async def start_async(self) -> None:
        """Start, while the event loop runs on."""
        await asyncio.to_thread(self.start)

    async def stop_async(self) -> int:
        """Stop, while the event loop runs on."""
        return await asyncio.to_thread(self.stop)

    async def restart_async(self) -> None:
        """Stop and start, while the event loop runs on."""
        await asyncio.to_thread(self.restart)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not asked but killed: a teardown need not wait for what a server would still like to write.
        self.kill()

    async def __aenter__(self) -> Self:
        await self.start_async()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def log_text(self) -> str:
        """Return what it printed so far, over all its starts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _answers(self) -> bool:
        if not self.running:
            assert self._process is not None
            # Not an AssertionError: waiting on is of no use.
            raise RuntimeError(
                f"{self.program} ended with status {self._process.returncode} instead of starting:\n{self.log_text()}"
            )
        return self.ready()

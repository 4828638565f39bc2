"""This machine: who holds a lock, what a running role says of itself, whether the kernel's clock is synchronised. Reads only."""

import contextlib
import ctypes
import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from doctor.checks import Check, Name, ok, warn

TIMEOUT_S = 3.0
_TIME_ERROR = 5
"""What adjtimex(2) answers while the clock is not synchronised."""


@dataclass(slots=True)
class RunningRole:
    """The role as it runs on this machine. `pid` 0: it answers, whatever its process is. `why_not_ready` is its own word."""

    pid: int
    why_not_ready: str | None = None
    page: bool = False
    samples: dict[tuple[str, tuple[str, ...]], float] = field(default_factory=dict)

    def value(self, name: str, *labels: str) -> float | None:
        """A metric's value, labels in the order of their names; None when it is not there."""
        return self.samples.get((name, labels))


def find_running(lock: Path, host: str, port: int) -> RunningRole | None:
    """The role that holds this lock, or whose health page answers here; None when there is none."""
    pid = lock_holder(lock)
    # Port 0 is any free port: nobody but its log knows which.
    page = None if port == 0 else _page("127.0.0.1" if host in ("0.0.0.0", "") else host, port)
    if pid is None and page is None:
        return None
    running = page or RunningRole(0)
    running.pid = pid or 0
    return running


def lock_holder(path: Path) -> int | None:
    """The process that has flock()ed this file, told by the kernel; nothing is locked for it."""
    try:
        stat = path.stat()
        table = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return None
    return holder_in(table, os.major(stat.st_dev), os.minor(stat.st_dev), stat.st_ino)


def holder_in(table: str, major: int, minor: int, inode: int) -> int | None:
    """The same from the text of /proc/locks: `1: FLOCK  ADVISORY  WRITE 4242 fd:01:131 0 EOF`."""
    wanted = f"{major:02x}:{minor:02x}:{inode}"
    for line in table.splitlines():
        words = line.split()
        if len(words) >= 6 and words[1] == "FLOCK" and words[5] == wanted:
            return int(words[4])
    return None


def _page(host: str, port: int) -> RunningRole | None:
    where = f"http://{host}:{port}"
    try:
        with urllib.request.urlopen(f"{where}/metrics", timeout=TIMEOUT_S) as answer:
            text = answer.read(4_000_000).decode(errors="replace")
        running = RunningRole(0, page=True)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                running.samples[sample.name, tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
        running.why_not_ready = _readiness(where)
    except (OSError, ValueError, http.client.HTTPException):
        return None
    return running


def _readiness(where: str) -> str | None:
    try:
        with urllib.request.urlopen(f"{where}/readyz", timeout=TIMEOUT_S):
            return None
    except urllib.error.HTTPError as error:
        with contextlib.closing(error):
            return error.read(1000).decode(errors="replace").strip()


def clock_synchronised() -> bool | None:
    """What the kernel says of its clock; None where it does not say."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    asked = ctypes.create_string_buffer(512)  # struct timex, all zero: change nothing
    state = int(adjtimex(asked))
    return None if state < 0 else state != _TIME_ERROR


def judge_clock(synchronised: bool | None, offset_s: float | None, whose: str, most_s: float) -> Check:
    """What the clock's offset from somebody else's, and the kernel's word, mean."""
    mend = "start chrony or systemd-timesyncd, and let this machine reach a time server"
    kernel = {True: "the kernel calls it synchronised", False: "the kernel calls it not synchronised"}.get(
        bool(synchronised), ""
    )
    kernel = "" if synchronised is None else f"; {kernel}"
    if offset_s is None:
        if synchronised:
            return ok(Name.CLOCK, "the kernel calls this clock synchronised.")
        said = "the kernel does not say" if synchronised is None else "the kernel says that it is not"
        return warn(Name.CLOCK, f"whether this clock is right is not known: {said}.", mend)
    side = "behind" if offset_s > 0 else "ahead of"
    said = f"this clock is {abs(offset_s):.2f} s {side} {whose}{kernel}."
    return ok(Name.CLOCK, said) if abs(offset_s) <= most_s else warn(Name.CLOCK, said, mend)

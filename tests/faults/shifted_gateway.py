"""Runs the gateway with a wrong clock: `python -m tests.faults.shifted_gateway CONFIG STATE CLOCKFILE`.

The file is JSON: `offset_s` is how far the wall clock is ahead of the truth, read again whenever the file changes; `boot` names
the boot and `booted_s` is the monotonic time at which it began, both as of the start of the process.
"""

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from aryk.running import run as run_role
from aryk.running import start_logging
from gateway.app import run
from gateway.clock import Moment, SystemClock
from gateway.settings import load_settings


@dataclass(frozen=True, slots=True)
class ClockFile:
    """What the wall clock and the boot clock show."""

    offset_s: float = 0.0
    boot: str = "boot-1"
    booted_s: float = 0.0

    def write(self, path: Path) -> None:
        """Put it in place at once: a clock is never half set."""
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(json.dumps({"offset_s": self.offset_s, "boot": self.boot, "booted_s": self.booted_s}))
        os.replace(fresh, path)

    @classmethod
    def read(cls, path: Path) -> "ClockFile":
        """As it is now."""
        return cls(**json.loads(path.read_text())) if path.exists() else cls()


class ShiftedClock(SystemClock):
    """This machine's clocks, but for what the file says."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._changed_ns = -1
        self._file = ClockFile.read(path)
        self._begun = self._file

    @property
    def boot(self) -> str:
        return self._begun.boot

    def now(self) -> Moment:
        changed_ns = self._path.stat().st_mtime_ns if self._path.exists() else 0
        if changed_ns != self._changed_ns:
            self._changed_ns = changed_ns
            self._file = ClockFile.read(self._path)
        wall_ms = round(time.time() * 1000 + self._file.offset_s * 1000)
        return Moment(wall_ms, time.monotonic_ns() - round(self._begun.booted_s * 1e9))


def main() -> None:
    """Run until a signal."""
    config, state, clock_file = map(Path, sys.argv[1:4])
    start_logging()
    settings = load_settings(config)
    clock = ShiftedClock(clock_file)
    run_role(lambda stop: run(settings, state, stop, clock))


if __name__ == "__main__":
    main()

"""The clocks of a gateway, injected everywhere: the wall's, a monotonic one, and the kernel's since boot."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on two clocks: the wall's, which may be wrong, and the boot's, which only runs forward."""

    ms: int
    boot_ns: int


class Clock(Protocol):
    """What tells the time."""

    @property
    def boot(self) -> str:
        """The kernel's boot id: boot clocks compare only within one boot."""
        ...

    def now(self) -> Moment:
        """This instant."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never jump, on the clock by which waiting is done."""
        ...


class SystemClock:
    """This machine's clocks."""

    def __init__(self) -> None:
        self._boot = _boot_id()

    @property
    def boot(self) -> str:
        """The kernel's boot id."""
        return self._boot

    def now(self) -> Moment:
        """This instant."""
        return Moment(time.time_ns() // 1_000_000, time.clock_gettime_ns(time.CLOCK_BOOTTIME))

    def monotonic_s(self) -> float:
        """What asyncio's loop waits by."""
        return time.monotonic()


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class ManualClock:
    """The double: it stands still until told."""

    def __init__(self, ms: int = 1_700_000_000_000, boot_ns: int = 60_000_000_000, boot: str = "boot-1") -> None:
        self._ms = ms
        self._boot_ns = boot_ns
        self._boot = boot

    @property
    def boot(self) -> str:
        """The boot id in force."""
        return self._boot

    def now(self) -> Moment:
        """The instant that was set."""
        return Moment(self._ms, self._boot_ns)

    def monotonic_s(self) -> float:
        """The boot clock in seconds."""
        return self._boot_ns / 1e9

    def advance(self, seconds: float) -> None:
        """Let time pass on all clocks."""
        self._ms += round(seconds * 1000)
        self._boot_ns += round(seconds * 1e9)

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back; no time passes."""
        self._ms += round(seconds * 1000)

    def reboot(self, boot: str, ms: int, boot_ns: int = 10_000_000_000) -> None:
        """Another boot, with the wall clock at `ms`."""
        self._boot, self._ms, self._boot_ns = boot, ms, boot_ns


def middle(asked: Moment, answered: Moment) -> Moment:
    """Halfway between two moments; the wall is reckoned back from the later one, as it may have been set in between."""
    half_ns = (answered.boot_ns - asked.boot_ns) // 2
    return Moment(answered.ms - half_ns // 1_000_000, answered.boot_ns - half_ns)

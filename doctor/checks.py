"""What doctor says: one check a line, its level, and the mend. Pure."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

WIDTH = 120
COLUMN = 24
"""Where the sentences begin."""


class Level(StrEnum):
    """OK; WARN: it works, and will not for ever, or cannot be known from here; FAIL: something would fail or lose data."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Name(StrEnum):
    """Every check there is. docs/doctor.md says what each means and what to do."""

    CONFIGURATION = "configuration"
    REGISTRY = "registry"
    RUNNING = "running"
    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    OUR_CERTIFICATE = "our-certificate"
    MQTT = "mqtt"
    SESSION = "session"
    LIMITS = "limits"
    SUBSCRIPTIONS = "subscriptions"
    BROKER_VERSION = "broker-version"
    BROKER_DROPS = "broker-drops"
    BROKER_PERSISTENCE = "broker-persistence"
    BROKER_QUEUE = "broker-queue"
    BROKER_IN_FLIGHT = "broker-in-flight"
    BROKER_IDENTITY = "broker-identity"
    BROKER_ACCESS = "broker-access"
    CENTRE = "centre"
    CLOCK = "clock"
    STORE = "store"
    RETENTION = "retention"
    SPOOL = "spool"
    DEAD_LETTERS = "dead-letters"
    LOG = "log"
    DISK = "disk"
    SERIAL = "serial"
    DEVICE = "device"


class Exit(IntEnum):
    """The exit codes."""

    GOOD = 0
    WOULD_FAIL = 1
    CONFIGURATION_WRONG = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `subject` is what of several things it is about (a device, a port, a file)."""

    name: Name
    level: Level
    says: str
    mend: str = ""
    subject: str = ""


def ok(name: Name, says: str, subject: str = "") -> Check:
    """All is well."""
    return Check(name, Level.OK, says, "", subject)


def warn(name: Name, says: str, mend: str = "", subject: str = "") -> Check:
    """It works for now, or it cannot be known from here."""
    return Check(name, Level.WARN, says, mend, subject)


def fail(name: Name, says: str, mend: str = "", subject: str = "") -> Check:
    """Something would fail or lose data."""
    return Check(name, Level.FAIL, says, mend, subject)


def failed(checks: Iterable[Check]) -> bool:
    """Whether any of these failed."""
    return any(one.level is Level.FAIL for one in checks)


def exit_code(checks: Iterable[Check]) -> Exit:
    """What the command ends with."""
    names = {one.name for one in checks if one.level is Level.FAIL}
    if Name.CONFIGURATION in names:
        return Exit.CONFIGURATION_WRONG
    return Exit.WOULD_FAIL if names else Exit.GOOD


def document(side: str, checks: list[Check]) -> dict[str, Any]:
    """For scripts."""
    return {
        "side": side,
        "exit": int(exit_code(checks)),
        "checks": [
            {
                "name": one.name.value,
                "subject": one.subject,
                "level": one.level.value,
                "says": one.says,
                "mend": one.mend,
            }
            for one in checks
        ],
    }


def lines(checks: list[Check]) -> list[str]:
    """For people: one line a check, its mend below, and the sum of it all."""
    out: list[str] = []
    for one in checks:
        subject = f"{one.subject}: " if one.subject else ""
        head = f"{one.level.value:<5}{one.name.value:<{COLUMN - 5}}"
        out += _wrapped(head, f"{subject}{one.says}")
        if one.mend:
            out += _wrapped(" " * COLUMN, f"-> {one.mend}")
    count = {level: sum(one.level is level for one in checks) for level in Level}
    out.append("")
    if not count[Level.FAIL] and not count[Level.WARN]:
        out.append(f"All {len(checks)} checks are good.")
    else:
        out.append(f"{len(checks)} checks: {count[Level.FAIL]} failed, {count[Level.WARN]} to look at.")
    return out


def _wrapped(head: str, text: str) -> list[str]:
    out: list[str] = []
    for line in _printable(text).split("\n"):
        out += textwrap.wrap(line, WIDTH - COLUMN, break_long_words=False, break_on_hyphens=False)
    return [(head if at == 0 else " " * COLUMN) + line for at, line in enumerate(out)]


def _printable(text: str) -> str:
    """Text from outside, without what a terminal would obey."""
    return "".join(one if one.isprintable() or one == "\n" else "?" for one in text)

"""Disk space, and for how many days it lasts. Pure but for `free_bytes`."""

import os
from pathlib import Path

from doctor.checks import Check, Name, fail, ok, warn

FAIL_DAYS = 1.0
WARN_DAYS = 7.0
"""An outage that begins on a Friday and whose repair waits for a part."""


def free_bytes(path: Path) -> int:
    """What is free for us on the disk of this path, or of the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def judge(what: str, room_bytes: int, bytes_a_day: float | None, whence: str, mend: str) -> Check:
    """How long `what` can grow by so much a day. `whence` says where the rate is known from."""
    room = size(max(0, room_bytes))
    if room_bytes <= 0:
        return fail(Name.DISK, f"the disk is full for {what}: it stops taking readings in.", mend)
    if bytes_a_day is None or bytes_a_day <= 0:
        return ok(Name.DISK, f"{room} are left for {what}; there is no rate yet to reckon days from.")
    days = room_bytes / bytes_a_day
    says = f"{room} are left for {what}: {_days(days)} at {size(bytes_a_day)} a day ({whence})."
    if days < FAIL_DAYS:
        return fail(Name.DISK, says, mend)
    return warn(Name.DISK, says, mend) if days < WARN_DAYS else ok(Name.DISK, says)


def size(number: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if number >= 10 or unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def span(seconds: float) -> str:
    """A time for people."""
    for unit, length_s in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _days(days: float) -> str:
    if days >= 3650:
        return "more than ten years"
    return f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"

"""When a device is read next: on multiples of its interval by the wall clock, waited for on the monotonic one. Pure."""


def wait_s(wall_ms: int, since_last_s: float | None, interval_s: float) -> float:
    """Seconds until the next scan.

    Scans stand at whole multiples of the interval since 1970. When the wall clock has been set, the next one comes half an
    interval after the last one at the earliest and one and a half at the latest, so that a slot is never taken twice.
    """
    interval_ms = interval_s * 1000
    wait = (interval_ms - wall_ms % interval_ms) / 1000
    if since_last_s is not None and since_last_s + wait < interval_s / 2:
        wait += interval_s
    return wait


def skipped(due_s: float, now_s: float, interval_s: float) -> int:
    """How many scans should have begun after the one due at `due_s` and up to now, and did not."""
    return max(0, int((now_s - due_s) / interval_s + 1e-6))

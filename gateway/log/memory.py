"""A log in memory: the double for tests of the sampler."""

from gateway.log.rows import Commit, Last, Scan
from gateway.log.writer import LogUnavailableError


class MemoryLog:
    """Keeps scans in a list. While `full` it takes none."""

    def __init__(self) -> None:
        self.scans: list[Scan] = []
        self.full = False
        self.known: dict[str, Last] = {}

    async def append(self, scan: Scan) -> Commit:
        """Keep it."""
        if self.full:
            raise LogUnavailableError("disk_full", "database or disk is full")
        self.scans.append(scan)
        return Commit(len(self.scans), len(self.scans), 0.0)

    async def last_entry(self, sensors: list[str]) -> Last | None:
        """What `known` says."""
        return next((self.known[sensor] for sensor in sensors if sensor in self.known), None)

"""The registry's file: read at the start, and again when it has changed."""

import asyncio
import logging
from pathlib import Path

from hydrology.load import load_registry
from hydrology.registry import Registry
from settings import SettingsError

log = logging.getLogger("dashboards.live")


class RegistryFile:
    """`registry` is the last good one: a file that is wrong is said in the log and changes nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.registry = Registry()
        self._stamp: tuple[int, int] | None = None

    def load(self) -> None:
        """Read it for the first time. Raises SettingsError."""
        self._stamp = _stamp(self.path)
        self.registry = load_registry(self.path)

    async def look(self) -> None:
        """Read it again if it is another file than before."""
        stamp = await asyncio.to_thread(_stamp, self.path)
        if stamp is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.registry = await asyncio.to_thread(load_registry, self.path)
        except SettingsError as error:
            log.error("the registry has changed and is wrong, the old one stays in force:\n%s", error)
        else:
            log.info("the registry has changed: %d stations", len(self.registry.stations))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

"""The registry in force, renewed while the program runs: look, validate, then swap; on error the old one stays.

The seam for a role: make one `RegistryFile`, `load()` it at the start (a wrong registry ends the start), then call
`await look()` now and then (a few seconds apart) in a task of yours. It answers a `Change` when the files have changed: a
new registry was swapped in (rebuild your own lookups from `registry`, in one step between two messages), or the files are
wrong and `fault` says how (count it, show it; it was logged once). `registry` is always the last good one, and `fault` is
None again as soon as the files are good. Looking costs a `stat` a file in a thread; only changed files are parsed again.

Readings of a sensor that is new in the registry are taken from then on; those refused before are dead letters to replay.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hydrology.load import RegistryReader, Stamps, stamps
from hydrology.registry.whole import Registry
from settings import SettingsError


@dataclass(frozen=True, slots=True)
class Change:
    """What a look found: a new registry in force (with a word on it), or the fault that keeps the old one."""

    registry: Registry | None
    fault: SettingsError | None
    words: str


class RegistryFile:
    """`registry` is the last good one of this file or folder: one that is wrong is logged, kept in `fault`, and not used."""

    def __init__(
        self,
        path: Path | str,
        log: logging.Logger | None = None,
        acceptable: Callable[[Registry], None] = lambda registry: None,
    ) -> None:
        """`acceptable` may raise SettingsError for a registry that is good in itself but not for this role."""
        self.path = Path(path)
        self.registry = Registry()
        self.fault: SettingsError | None = None
        self._log = log or logging.getLogger(__name__)
        self._acceptable = acceptable
        self._reader = RegistryReader(self.path)
        self._stamps: Stamps = {}

    def load(self) -> None:
        """Read it for the first time. Raises SettingsError."""
        self._stamps = stamps(self.path)
        self.registry = self._read()

    async def look(self) -> Change | None:
        """Read it again if its files are others than before; None if they are not."""
        found = await asyncio.to_thread(stamps, self.path)
        if found == self._stamps:
            return None
        self._stamps = found
        try:
            new = await asyncio.to_thread(self._read)
        except SettingsError as error:
            self.fault = error
            self._log.error("the registry has changed and is wrong, the old one stays in force:\n%s", error)
            return Change(None, error, str(error))
        words = difference(self.registry, new)
        self.registry, self.fault = new, None
        self._log.info("the registry has changed: %s", words)
        return Change(new, None, words)

    def _read(self) -> Registry:
        registry = self._reader.read()
        self._acceptable(registry)
        return registry


def difference(old: Registry, new: Registry) -> str:
    """What has changed between two registries, in a few words."""
    before, after = ({station.id: station for station in one.stations} for one in (old, new))
    counts = (
        ("more", len(after.keys() - before.keys())),
        ("fewer", len(before.keys() - after.keys())),
        ("changed", sum(before[name] != after[name] for name in before.keys() & after.keys())),
    )
    said = [f"{count} {word}" for word, count in counts if count]
    return f"{len(after)} stations" + (f" ({', '.join(said)})" if said else "")

"""A file that takes some room while there is plenty, and gives it back when the disk is full: even deleting needs room."""

import logging
import os
import shutil
from pathlib import Path

log = logging.getLogger("gateway.log")

BALLAST_BYTES = 4 * 1024 * 1024
"""As much as the write-ahead log may take."""


class Ballast:
    """The file, in the log's folder."""

    def __init__(self, folder: Path, reserve_bytes: int) -> None:
        self._path = folder / "ballast"
        self._reserve_bytes = reserve_bytes

    def take_in(self) -> None:
        """Make it, where that leaves the reserve free."""
        if not self._reserve_bytes or self._path.exists():
            return
        try:
            if shutil.disk_usage(self._path.parent).free < self._reserve_bytes + 2 * BALLAST_BYTES:
                return
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
        except OSError as error:
            log.warning("%s cannot be made: %s", self._path, error)
            self._path.unlink(missing_ok=True)

    def let_go(self) -> bool:
        """Give its room back; False when there is none to give."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        log.warning("the disk is full: %d MB that were kept for this are given back", BALLAST_BYTES >> 20)
        return True

"""A small disk of its own (a tmpfs) to be filled. Root only."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

MEGABYTE = 1024 * 1024


class SmallDisk:
    """A mounted folder, and a file that takes what is to be taken of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    @property
    def free_bytes(self) -> int:
        """What can still be written."""
        return shutil.disk_usage(self.folder).free

    def leave(self, free_bytes: int) -> None:
        """Fill it until so much is free, or give room until it is."""
        size = self._ballast.stat().st_size if self._ballast.exists() else 0
        wanted = size + self.free_bytes - free_bytes
        with self._ballast.open("ab") as file:
            if wanted <= size:
                file.truncate(max(0, wanted))
                return
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, wanted)

    def fill(self) -> None:
        """Leave nothing."""
        while self.free_bytes:
            before = self.free_bytes
            self.leave(0)
            if self.free_bytes >= before:
                break

    def free(self) -> None:
        """Give all of it back."""
        self._ballast.unlink(missing_ok=True)


def may_mount() -> bool:
    """Whether a small disk can be had here."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


@contextlib.contextmanager
def mounted_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount one; taken away again at the end. Skips the test, aloud, where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    if not may_mount():
        pytest.skip("NEEDS ROOT: a small disk is a tmpfs, which only root may mount")
    size = f"size={megabytes}m"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "aryk-test", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"CANNOT MOUNT a small disk: {mounted.stderr.decode(errors='replace').strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)

"""BusyBox's shell and wget, as the broker's image has them."""

from pathlib import Path

from tests.servers.find import find_server

APPLETS = ("sh", "sleep", "timeout", "wget")


def busybox_folder(folder: Path) -> Path:
    """A folder for PATH in which these programs are BusyBox's."""
    busybox = find_server("busybox")
    folder.mkdir(parents=True, exist_ok=True)
    for name in APPLETS:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(busybox)
    return folder

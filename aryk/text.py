"""Plain text for the terminal: names and values in two columns, and what is wrong with a file."""

import errno
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import typer


def echo_facts(facts: Iterable[tuple[str, str]], width: int = 12) -> None:
    """One fact a line; a long name pushes its value on."""
    for name, value in facts:
        typer.echo(f"{name:<{width}} {value}".rstrip())


def cannot(error: OSError, file: Path | None = None, how: Literal["read", "written"] = "read") -> str:
    """What the system says of a file, in words, with the mend."""
    path = file if file is not None else Path(str(error.filename)) if error.filename else None
    if path is None:
        return error.strerror or str(error)
    start = f"{path} cannot be {how}: "
    if isinstance(error, FileNotFoundError):
        if how == "read":
            return f"there is no file {path}: look at its name, and at the folder that you are in ({Path.cwd()})"
        return f"{start}there is no folder {path.parent}. Make it, or name another place."
    if isinstance(error, IsADirectoryError):
        return f"{start}it is a folder. Name a file in it."
    if isinstance(error, NotADirectoryError):
        return f"{start}a part of its path is a file, not a folder. Name another place."
    if isinstance(error, PermissionError):
        return f"{start}you are not allowed to. Have its rights changed, or name another {'file' if how == 'read' else 'place'}."
    if isinstance(error, FileExistsError):
        return f"{path} is there already, and is not overwritten. Name another file."
    if error.errno == errno.ENOSPC:
        return f"{start}the disk is full. Make room on it, or name another place."
    if error.errno == errno.EROFS:
        return f"{start}the disk takes no writing. Name another place."
    return f"{start}{error.strerror or error}"

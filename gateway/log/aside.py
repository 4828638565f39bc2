"""The files beside the log: damaged ones that were set aside, what was salvaged of them, and names kept in plain text."""

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

log = logging.getLogger("gateway.log")

_CORRUPT = ".corrupt-"
_SIDES = ("-wal", "-shm", "")


@dataclass(slots=True)
class Names:
    """What the numbers in a log's rows stand for. Without these a row has neither identity nor sensor.

    They are kept beside the log too, as all rows depend on them and they fill but a page or two of it.
    """

    epochs: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By row id: epoch and the first number given in it."""
    series: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    """By row id: sensor, quantity and unit."""


def names_path(log_path: Path) -> Path:
    """Where the names of this log, or of one that was set aside, are kept."""
    return log_path.with_name(f"names{log_path.name.removeprefix('log.sqlite')}.json")


def write_names(path: Path, names: Names) -> None:
    """Keep these; a disk that has no room for them is no reason to stop."""
    document = {
        "epochs": [[number, f"{epoch:012x}", first] for number, (epoch, first) in names.epochs.items()],
        "series": [[number, *series] for number, series in names.series.items()],
    }
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        log.warning("%s cannot be written: %s", path, error)


def read_names(path: Path) -> Names:
    """What is kept there; nothing when it is not there or damaged too."""
    names = Names()
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        for number, epoch, first in document["epochs"]:
            names.epochs[int(number)] = (int(epoch, 16), int(first))
        for number, sensor, quantity, unit in document["series"]:
            names.series[int(number)] = (str(sensor), str(quantity), str(unit))
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("%s cannot be read: %s", path, error)
    return names


def set_aside(path: Path, ms: int) -> Path:
    """Rename the file, its write-ahead log and its names, never over another one."""
    stem, number = path.with_name("log.sqlite"), ms // 1000
    while (aside := stem.with_name(f"{stem.name}{_CORRUPT}{number}")).exists() or salvaged_path(aside).exists():
        number += 1
    names = names_path(path)
    if names.exists():
        names.rename(names_path(aside))
    for side in _SIDES:
        part = path.with_name(path.name + side)
        if part.exists():
            part.rename(aside.with_name(aside.name + side))
    return aside


def set_aside_files(folder: Path) -> list[Path]:
    """The damaged files, oldest first."""
    found = [path for path in folder.glob(f"log.sqlite{_CORRUPT}*") if path.name.rpartition("-")[2].isdigit()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def salvaged_path(corrupt: Path) -> Path:
    """Where what was salvaged of this file stands."""
    return corrupt.with_name(f"salvaged-{corrupt.name.rpartition('-')[2]}.sqlite")


def salvaged_files(folder: Path) -> list[Path]:
    """What was salvaged, oldest first."""
    found = [path for path in folder.glob("salvaged-*.sqlite") if path.stem.removeprefix("salvaged-").isdigit()]
    return sorted(found, key=lambda path: int(path.stem.removeprefix("salvaged-")))


def corrupt_of(salvaged: Path) -> Path:
    """The damaged file that this was salvaged from."""
    return salvaged.with_name(f"log.sqlite{_CORRUPT}{salvaged.stem.removeprefix('salvaged-')}")


def remove(paths: Iterable[Path]) -> None:
    """Take these files away, with what belongs to them."""
    for path in paths:
        names_path(path).unlink(missing_ok=True)
        for side in _SIDES:
            path.with_name(path.name + side).unlink(missing_ok=True)

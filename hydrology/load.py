"""Read the registry: one TOML file, or a folder of them read as one. The one module of the package that touches files.

In a folder, every `*.toml` at the top holds any tables of the registry (districts.toml, users.toml, canals.toml ...), and
every `*.toml` under `stations/` holds one station, whose id is the file's name.
"""

import gc
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from hydrology.pieces import PIECE_CHARS, parts_of
from hydrology.registry.references import Path as KeyPath
from hydrology.registry.stations import Station
from hydrology.registry.whole import Parts, Registry
from hydrology.spreadsheet import NotTextError, decode
from settings import SettingsError
from settings.errors import Fault
from settings.load import fault_at, parse_toml, read_text, validate

STATIONS = "stations"
MAX_SHOWN = 200
"""Faults named at most: with these mended, the next check shows the rest."""

Stamp = tuple[int, int, int]
"""What tells that a file was written anew: its time, its size, its place on the disk."""
Stamps = dict[Path, Stamp]


Origins = dict[KeyPath, tuple[Path, KeyPath]]
"""For each row of the whole registry its file and its key there."""
_SPREADSHEETS = frozenset({".csv", ".tsv", ".xlsx", ".xls", ".ods"})
_LISTS = ("gateways", "stations", "users", "canals", "links")


class _Read(NamedTuple):
    stamp: Stamp
    part: Parts | Station


def load_registry(path: Path | str) -> Registry:
    """The registry of this file or folder. Raises SettingsError, which names file, line, key and the mend."""
    return RegistryReader(path).read()


def stamps(path: Path | str) -> Stamps:
    """The registry's files, in the order in which they are read, with their stamps; empty where there are none."""
    root = Path(path)
    files = [root]
    if root.is_dir():
        files = [*sorted(root.glob("*.toml")), *sorted((root / STATIONS).rglob("*.toml"))]
    out: Stamps = {}
    for file in files:
        try:
            found = file.stat()
        except OSError:  # gone since it was listed, or not there at all
            continue
        if not file.name.startswith("."):
            out[file] = (found.st_mtime_ns, found.st_size, found.st_ino)
    return out


def is_station_file(file: Path, root: Path) -> bool:
    """Whether this file of the registry at `root` holds one station."""
    return file != root and file.relative_to(root).parts[0] == STATIONS


def read_part(text: str, file: Path, station: bool) -> Parts | Station:
    """What one file says: a station, or any tables of a registry. Raises SettingsError."""
    if not station:
        parts = _in_pieces(text)
        return validate(Parts, _parse(text, file), text, file) if parts is None else parts
    found = validate(Station, _parse(text, file), text, file)
    if found.id != file.stem:
        problem = f"the file is named {file.stem}, its station {found.id}"
        raise SettingsError(file, [fault_at(("id",), problem, "give both the same name", text, file)])
    return found


def _in_pieces(text: str) -> Parts | None:
    """A large file in which all is good; None of any other."""
    if len(text) <= 2 * PIECE_CHARS:
        return None
    try:
        import rtoml
    except ImportError:
        return None
    return parts_of(text, rtoml.loads)


def _parse(text: str, file: Path) -> dict[str, Any]:
    """The document. tomllib takes 8 s for 10,000 stations, rtoml a tenth; tomllib's errors are the ones we explain."""
    try:
        import rtoml
    except ImportError:
        return parse_toml(text, file)
    try:
        return rtoml.loads(text)
    except rtoml.TomlParsingError:
        return parse_toml(text, file)


def assemble(read: Mapping[Path, Parts | Station], root: Path) -> Registry:
    """The registry of what its files say. Raises SettingsError for what does not hold together."""
    faults: list[Fault] = []
    parts, origins = merge(read, faults)
    for problem in parts.problems():
        faults.append(_placed(problem.path, problem.message, problem.mend, origins))
        if len(faults) >= MAX_SHOWN:
            break
    if faults:
        raise SettingsError(root, faults)
    return Registry.of_checked(parts)


def read_spreadsheet(file: Path | str) -> str:
    """The text of a CSV file, however a spreadsheet here saves it (`hydrology.spreadsheet.decode`). Raises SettingsError."""
    try:
        return decode(Path(file).read_bytes())
    except FileNotFoundError as error:
        raise SettingsError(file, [Fault(None, "", "there is no such file")]) from error
    except NotTextError as error:
        raise SettingsError(file, [Fault(None, "", str(error), "save it as CSV UTF-8")]) from error
    except OSError as error:
        raise SettingsError(file, [Fault(None, "", f"cannot be read: {error.strerror or error}")]) from error


def write_new(files: Mapping[Path, str]) -> None:
    """Write files that must not be there yet. Raises OSError."""
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(text)


def read_all(path: Path | str) -> dict[Path, Parts | Station]:
    """What every file of a registry says; nothing of a folder that is not there. Raises SettingsError, with every fault."""
    if not stamps(path):
        return {}
    return RegistryReader(path).parts()


@contextmanager
def _no_collections() -> Iterator[None]:
    """Looking for garbage again and again in a million new tables, none of it garbage, takes a third of the loading."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class RegistryReader:
    """Reads a registry again and again: files that have not changed since are not parsed again."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._known: dict[Path, _Read] = {}

    def read(self) -> Registry:
        """The registry as it is now. Raises SettingsError, with every fault of every file."""
        with _no_collections():
            return assemble(self.parts(), self.path)

    def parts(self) -> dict[Path, Parts | Station]:
        """What every file says now. Raises SettingsError."""
        if self.path.suffix.lower() in _SPREADSHEETS and self.path.is_file():
            mend = f"`aryk registry import {self.path} --into registry` starts a registry from one"
            raise SettingsError(self.path, [Fault(None, "", "is a spreadsheet, and a registry is of TOML files", mend)])
        found = stamps(self.path)
        if not found:
            what = "there are no .toml files in it" if self.path.is_dir() else "there is no such file"
            raise SettingsError(self.path, [Fault(None, "", what)])
        known: dict[Path, _Read] = {}
        faults: list[Fault] = []
        for file, stamp in found.items():
            old = self._known.get(file)
            if old is not None and old.stamp == stamp:
                known[file] = old
                continue
            try:
                part = read_part(read_text(file), file, is_station_file(file, self.path))
            except SettingsError as error:
                faults += [replace(fault, path=fault.path or error.path) for fault in error.faults]
            else:
                known[file] = _Read(stamp, part)
        self._known = known
        if faults:
            raise SettingsError(self.path, faults[:MAX_SHOWN])
        return {file: read.part for file, read in known.items()}


def registry_digest(path: Path) -> str:
    """The start of a SHA-256 over the registry's files, by name and content."""
    digest = hashlib.sha256()
    for file in sorted(stamps(path)):
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        content = file.read_bytes()
        digest.update(f"{len(name)} {name} {len(content)} ".encode() + content)
    return digest.hexdigest()[:12]


def merge(read: Mapping[Path, Parts | Station], faults: list[Fault]) -> tuple[Parts, Origins]:
    """All files' tables together, and where each row came from; a district that is there twice is a fault."""
    origins: Origins = {}
    whole: dict[str, Any] = {"districts": {}} | {key: [] for key in _LISTS}
    for file, part in read.items():
        if isinstance(part, Station):
            origins["stations", len(whole["stations"])] = (file, ())
            whole["stations"].append(part)
            continue
        for name, district in part.districts.items():
            key: KeyPath = ("districts", name)
            if key in origins:
                problem = f"the district {name!r} is in {origins[key][0].name} too"
                faults.append(fault_at(key, problem, "keep one of them", read_text(file), file))
            else:
                origins[key] = (file, key)
                whole["districts"][name] = district
        for table in _LISTS:
            for place, row in enumerate(getattr(part, table)):
                origins[table, len(whole[table])] = (file, (table, place))
                whole[table].append(row)
    return Parts.model_construct(None, **whole), origins


def _placed(path: KeyPath, problem: str, mend: str, origins: Origins) -> Fault:
    file, start = origins[path[:2]]
    return fault_at((*start, *path[2:]), problem, mend, read_text(file), file)

"""Where the real servers are on this machine."""

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """One program that the tests start."""

    name: str
    # What it is called where it is installed; the first that is there counts.
    files: tuple[str, ...]
    # The arguments that make it say its version.
    version_arguments: tuple[str, ...]
    # Debian's package, or none if install.py builds it.
    package: str | None
    # Older ones behave otherwise where our tests look.
    at_least: Version = ()

    @property
    def variable(self) -> str:
        """The environment variable that says where it is."""
        return "ARYK_" + self.name.upper()


# mosquitto before 2.0.21 gets Receive Maximum wrong; InfluxDB's write API is tested against this very release.
PROGRAMS = {
    program.name: program
    for program in (
        Program("mosquitto", ("mosquitto",), ("-h",), "mosquitto", (2, 0, 21)),
        Program("mosquitto_pub", ("mosquitto_pub",), ("--version",), "mosquitto-clients"),
        Program("mosquitto_sub", ("mosquitto_sub",), ("--version",), "mosquitto-clients"),
        Program("influxd", ("influxd",), ("version",), None, (2, 7)),
        Program("influxd1", ("influxd-1",), ("version",), None, (1, 6)),
        Program("prometheus", ("prometheus",), ("--version",), "prometheus"),
        Program("promtool", ("promtool",), ("--version",), "prometheus"),
        Program("alertmanager", ("prometheus-alertmanager", "alertmanager"), ("--version",), "prometheus-alertmanager"),
        Program("amtool", ("amtool",), ("--version",), "prometheus-alertmanager"),
        # Its shell and wget are those of the broker's image; wget says in its own words why it could not connect.
        Program("busybox", ("busybox",), (), "busybox"),
        Program("kustomize", ("kustomize",), ("version",), None),
        Program("chromium", ("chromium", "chromium-browser", "google-chrome"), ("--version",), "chromium"),
    )
}


def cache_folder() -> Path:
    """The folder of the servers that were built here."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aryk"


def locate(name: str) -> Path | None:
    """Look in the program's environment variable, on PATH, in the places of daemons, and in our own cache."""
    program = PROGRAMS[name]
    said = os.environ.get(program.variable)
    if said:
        return Path(said) if Path(said).is_file() and os.access(said, os.X_OK) else None
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
    for file in program.files:
        found = shutil.which(file, path=path)
        if found:
            return Path(found)
        # Sorted by version, so that 2.7.12 comes after 2.7.9.
        built = sorted(cache_folder().glob(f"*/{file}"), key=lambda candidate: version_in(candidate.parent.name))
        if built:
            return built[-1]
    return None


def version_in(text: str) -> Version:
    """Return the first dotted number in a text, or an empty version."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


@functools.cache
def version_of(program: Program, path: Path) -> Version:
    """Ask the program itself; empty if it does not say."""
    asked = subprocess.run(
        [path, *program.version_arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=30,
        check=False,
    )
    return version_in(asked.stdout)


def complaint(name: str) -> str | None:
    """Say what keeps the tests from using a program; None if nothing does."""
    program = PROGRAMS[name]
    path = locate(name)
    if path is None:
        said = os.environ.get(program.variable)
        if said:
            return f"{name}: {program.variable}={said} is no program"
        return f"{name}: not on PATH nor in {cache_folder()}; `make servers` installs it"
    if program.at_least:
        version = version_of(program, path)
        if version < program.at_least:
            least = dotted(program.at_least)
            return f"{name}: {path} is {dotted(version)}, older than {least}; `make servers` installs it"
    return None


def dotted(version: Version) -> str:
    """Write a version as people do."""
    return ".".join(map(str, version)) or "unknown"


def in_ci() -> bool:
    """Whether a missing server is a failure."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")


def find_server(name: str) -> Path:
    """Return a program's path for a test, which is skipped if it is missing at a desk, and fails in CI."""
    problem = complaint(name)
    if problem is not None:
        _give_up(problem)
    path = locate(name)
    assert path is not None
    return path


def _give_up(problem: str) -> NoReturn:
    # Here, because install.py uses this module on a Python without pytest.
    import pytest

    if in_ci():
        pytest.fail(problem, pytrace=False)
    pytest.skip(f"MISSING SERVER: {problem}")

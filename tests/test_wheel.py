"""The wheel holds everything, and each extra brings what its role needs and no more.

Marked `server` though it starts none: it takes seconds and installs packages.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.source_tree import PACKAGES, ROOT

pytestmark = pytest.mark.server

UV = Path(sys.executable).parent / "uv"

SERVER_LIBRARIES = {
    "mqtt5",
    "msgspec",
    "uvicorn",
    "starlette",
    "influxdb-client",
    "aiohttp",
    "numpy",
    "uvloop",
    "iotcore",
}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what git knows, so that nothing of this folder's builds gets in."""
    copy = tmp_path_factory.mktemp("source")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in listed.split("\0"):
        source = ROOT / name
        if name and source.is_file():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    run(UV, "build", "--quiet", "--wheel", "--out-dir", out, copy, cwd=copy)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_our_packages_and_the_registry_and_nothing_else(wheel: Path) -> None:
    listed = run(
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        *sorted(PACKAGES),
        "registry",
        cwd=ROOT,
    )
    wanted = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert sorted(wanted - inside) == [], "not in the wheel"
    assert sorted(inside - wanted) == [], "only in the wheel"


@pytest.mark.parametrize(
    ("extra", "modules", "command"),
    [
        ("gateway", "gateway.app, gateway.settings, wire.codec", ("gateway", "--help")),
        ("ingest", "ingest.app, store.influx, store.influx_reader, store.sqlite", ("ingest", "--help")),
        ("simulator", "simulator.app, simulator.fleet", ("simulate", "--help")),
        ("live", "dashboards.live.app, store.influx_reader, store.sqlite", ("live", "--help")),
    ],
)
def test_each_extra_is_enough_for_its_role(
    wheel: Path, tmp_path: Path, extra: str, modules: str, command: tuple[str, ...]
) -> None:
    environment = tmp_path / "venv"
    run(UV, "venv", "--quiet", "--python", sys.executable, environment, cwd=tmp_path)
    python = environment / "bin" / "python"
    constraints = ROOT / "constraints.txt"
    run(UV, "pip", "install", "--quiet", "--python", python, "-c", constraints, f"{wheel}[{extra}]", cwd=tmp_path)
    run(python, "-I", "-W", "error", "-c", f"import {modules}, aryk.cli", cwd=tmp_path)
    run(environment / "bin" / "aryk", *command, cwd=tmp_path)
    if extra == "simulator":
        # The example's registry came with the wheel: the demo needs it.
        read = "from simulator.example.registry import example_registry; print(len(example_registry().stations))"
        assert run(python, "-I", "-c", read, cwd=tmp_path) == "16\n"
    if extra == "gateway":
        listed = run(UV, "pip", "list", "--quiet", "--format", "freeze", "--python", python, cwd=tmp_path)
        installed = {line.split("==")[0].lower() for line in listed.split()}
        assert {"aryk", "paho-mqtt", "pymodbus"} <= installed
        assert installed & SERVER_LIBRARIES == set()

"""The README's commands are run as they stand there, and its links lead somewhere."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.mosquitto import Mosquitto
from tests.servers.process import free_port
from tests.servers.wait import eventually_sync

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.S | re.M)


def commands() -> list[str]:
    """Every command line of the README, without its comment."""
    lines = [line.split("   #")[0].split("    #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line]


def test_every_link_leads_to_a_file() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(targets) >= 5
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_make_target_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`?make ([a-z-]+)", README))
    assert {"demo", "test", "test-unit"} <= targets
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.M)] == []


def test_every_folder_is_listed() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages <= set(re.findall(r"^\| `([a-z]+)/` \|", README, re.M)) | {"benchmarks"}


# What runs until it is stopped, and what it says once it is at work.
LASTING = {
    "aryk simulate devices": "written",
    "aryk gateway run": "connected to",
    "aryk ingest run": "connected to",
    "aryk live": "the page is at",
}


@pytest.mark.server
def test_the_roles_run_one_by_one_as_the_readme_says(tmp_path: Path, mosquitto: Mosquitto) -> None:
    lines = [line for line in commands() if line.startswith("aryk ")]
    assert len(lines) >= 10
    environment = os.environ | {
        "ARYK_GATEWAY__BROKER__PORT": str(mosquitto.port),
        "ARYK_INGEST__BROKER__PORT": str(mosquitto.port),
        "ARYK_LIVE__PORT": str(free_port()),
        "PYTHONUNBUFFERED": "1",
    }
    ingest, live = blocks("toml")
    (tmp_path / "ingest.toml").write_text(ingest)
    (tmp_path / "live.toml").write_text(live)
    (tmp_path / "registry").symlink_to(ROOT / "registry")
    running: list[subprocess.Popen[bytes]] = []
    try:
        for number, line in enumerate(lines):
            words = shlex.split(line)
            if "devices" in words:
                words += ["--port", str(free_port())]  # the usual one may be taken on this machine
            argv = [sys.executable, "-m", *words]
            lasting = next((said for start, said in LASTING.items() if line.startswith(start)), None)
            if lasting is None:
                done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
                # The doctor's 1 is an answer too: this broker stands open, and says so.
                assert done.returncode == 0 or (words[1] == "doctor" and done.returncode == 1), (line, done.stderr)
                continue
            log = tmp_path / f"{number}.log"
            with log.open("wb") as out:
                process = subprocess.Popen(argv, cwd=tmp_path, env=environment, stdout=out, stderr=subprocess.STDOUT)
            running.append(process)
            eventually_sync(
                lambda log=log, lasting=lasting: lasting in log.read_text(),  # type: ignore[misc]
                30.0,
                f"{lasting!r} in the output of {line!r}",
            )
        for process in reversed(running):
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
    finally:
        for process in running:
            process.kill()
            process.wait()

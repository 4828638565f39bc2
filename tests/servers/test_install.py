import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import install
from tests.servers.find import PROGRAMS

ROOT = Path(__file__).parents[2]

NEW_FORM = """\
# comes with the image
Types: deb
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.invalid/debian-security
Suites: bookworm-security
Components: main
"""


def test_backports_come_from_the_mirror_of_a_list_in_the_new_form() -> None:
    assert install.backports_entry(NEW_FORM) == (
        "Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm-backports\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    )


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (
            "deb http://mirror.invalid/debian bookworm main contrib",
            "Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm-backports\nComponents: main\n",
        ),
        (
            "deb [arch=amd64 signed-by=/etc/key.gpg] http://mirror.invalid/debian bookworm contrib main",
            "Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm-backports\nComponents: main\n"
            "Signed-By: /etc/key.gpg\n",
        ),
        ("deb http://mirror.invalid/debian-security bookworm-security main", None),
        ("# deb http://mirror.invalid/debian bookworm main", None),
    ],
)
def test_backports_come_from_the_mirror_of_a_list_in_the_old_form(line: str, entry: str | None) -> None:
    assert install.backports_entry(f"# a list\n{line}\n") == entry


@pytest.mark.parametrize("before", [None, b"#!/bin/sh\nexit 0\n"])
def test_the_switch_for_services_is_put_back_as_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, before: bytes | None
) -> None:
    policy = tmp_path / "policy-rc.d"
    if before is not None:
        policy.write_bytes(before)
        policy.chmod(0o700)
    monkeypatch.setattr(install, "POLICY", policy)

    def install_and_fail() -> None:
        with install.services_denied():
            assert subprocess.run([policy], check=False).returncode == 101
            raise RuntimeError

    with pytest.raises(RuntimeError):
        install_and_fail()
    assert (policy.read_bytes() if policy.exists() else None) == before
    if before is not None:
        assert policy.stat().st_mode & 0o777 == 0o700


def run_install(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As `make servers` does, on a machine where no program is found and nothing can be built.

    influxd is in no daemon's folder, so it needs no variable to be missing.
    """
    nowhere = {program.variable: "/nowhere" for program in PROGRAMS.values() if program.package}
    return subprocess.run(
        [sys.executable, "-B", "-m", "tests.servers.install", *arguments],
        cwd=ROOT,
        env={**nowhere, "PATH": "/nowhere", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_check_says_what_is_missing(tmp_path: Path) -> None:
    done = run_install("--check", XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0
    for name, program in PROGRAMS.items():
        assert name in done.stdout
        assert (program.variable if program.package else "make servers") in done.stdout


def test_what_cannot_be_installed_is_said_with_its_mend_and_is_no_failure_at_a_desk(tmp_path: Path) -> None:
    done = run_install(XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "this is no Debian: install" in done.stdout
    assert "mosquitto-clients" in done.stdout
    assert "go, cargo, rustc" in done.stdout
    assert "will be skipped" in done.stdout


def test_what_cannot_be_installed_is_a_failure_in_ci(tmp_path: Path) -> None:
    done = run_install(XDG_CACHE_HOME=str(tmp_path), CI="true")
    assert done.returncode == 1
    assert "because CI is set" in done.stdout

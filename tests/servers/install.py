"""Bring the real servers onto this machine: `make servers`. Plain Python, because nothing else may be there yet."""

# ruff: noqa: T201 - it speaks to whoever typed `make servers`

import argparse
import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.find import PROGRAMS, cache_folder, complaint, dotted, in_ci, locate, version_of

INFLUXD_VERSION = "2.7.12"
INFLUXD_PACKAGE = "github.com/influxdata/influxdb/v2/cmd/influxd"
# Finds, compiles and links the Rust half of InfluxDB when the go command asks pkg-config for it.
PKG_CONFIG_PACKAGE = "github.com/influxdata/pkg-config@v0.2.14"
GO_AT_LEAST = "1.23"
KUSTOMIZE_VERSION = "5.6.0"
KUSTOMIZE_PACKAGE = "sigs.k8s.io/kustomize/kustomize/v5"

# Debian 12's own mosquitto is 2.0.11, which gets Receive Maximum wrong.
BACKPORTS = "bookworm-backports"
FROM_BACKPORTS = ("mosquitto", "mosquitto-clients")
# A browser without a font draws no text; this one has Cyrillic with the Kazakh letters.
BESIDE_CHROMIUM = ("fonts-dejavu-core",)
UNIT_OF_PACKAGE = {
    "mosquitto": "mosquitto.service",
    "prometheus": "prometheus.service",
    "prometheus-alertmanager": "prometheus-alertmanager.service",
}

POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_DENY = (
    "#!/bin/sh\n# Aryk's install.py, while it runs: installing a server for tests is no reason to start it.\nexit 101\n"
)

APT_UPDATE_TIMEOUT_S = 300.0

# How often a long step says that it is alive.
PROGRESS_EVERY_S = 15.0


class CannotInstallError(Exception):
    """Something has to be done by hand first; the message says what."""


def main() -> int:
    """Exit 0 if the tests can run here, 1 if something that they must have is missing, in CI or after a failure."""
    parser = argparse.ArgumentParser(prog="make servers", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only print what is found where")
    parser.add_argument("--packages", action="store_true", help="only Debian's packages, as root; no building")
    arguments = parser.parse_args()
    if arguments.check:
        print_table()
        return 0 if not missing() or not in_ci() else 1
    if not missing():
        say(f"all {len(PROGRAMS)} programs are there (`make servers ARGS=--check` says where)")
        return 0
    failed = False
    with one_at_a_time():
        building = () if arguments.packages else (unpack_influxd1, build_influxd, build_kustomize)
        for step in (install_packages, *building):
            try:
                step()
            except CannotInstallError as error:
                say(str(error))
            except (OSError, subprocess.SubprocessError) as error:
                say(f"FAILED: {error}")
                failed = True
    version_of.cache_clear()
    print_table()
    left = missing()
    if left and not arguments.packages:
        say("tests that need " + ", ".join(left) + (" FAIL, because CI is set" if in_ci() else " will be skipped"))
    return 1 if failed or (left and in_ci()) else 0


def missing() -> list[str]:
    """Name the programs that the tests cannot use yet."""
    return [name for name in PROGRAMS if complaint(name) is not None]


def print_table() -> None:
    """What is found where."""
    for name, program in PROGRAMS.items():
        path = locate(name)
        state = complaint(name) or f"{dotted(version_of(program, path)) if path else '':14} {path}"
        print(f"  {name:14} {state.removeprefix(name + ': ')}", flush=True)


def say(text: str) -> None:
    """Print one message, at once even into a pipe."""
    print(f"servers: {text}", flush=True)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two runs at once would build twice and fight over apt's lock: the second waits, and then finds all there."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "install.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is installing; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        version_of.cache_clear()
        yield


def run_with_progress(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a step, saying now and then how far it is; on failure print the end of what it printed."""
    started = time.monotonic()
    lines: list[str] = []
    step = " ".join(command[:2])
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        stop = every(
            PROGRESS_EVERY_S,
            lambda: say(f"  {step}: {time.monotonic() - started:.0f} s, at: {lines[-1][:80] if lines else '-'}"),
        )
        try:
            for line in process.stdout:
                lines.append(line.rstrip())
        finally:
            stop()
    if process.returncode != 0:
        print("\n".join(lines[-60:]), flush=True)
        raise subprocess.CalledProcessError(process.returncode, command)
    say(f"  {step}: done in {time.monotonic() - started:.0f} s")


def every(pause_s: float, action: Callable[[], None]) -> Callable[[], None]:
    """Act again and again in a thread; return what stops it."""
    stopped = threading.Event()

    def act() -> None:
        while not stopped.wait(pause_s):
            action()

    thread = threading.Thread(target=act, name="progress", daemon=True)
    thread.start()

    def stop() -> None:
        stopped.set()
        thread.join()

    return stop


# --- Debian's packages -----------------------------------------------------------------------------------------------


def wanted_packages() -> list[str]:
    """Name the packages of the programs that are missing."""
    packages = {package for name in missing() if (package := PROGRAMS[name].package)}
    if "chromium" in packages:
        packages.update(BESIDE_CHROMIUM)
    # pkg-config is a need of the build only, but comes the same way.
    if locate("influxd") is None and shutil.which("pkg-config") is None:
        packages.add("pkg-config")
    return sorted(packages)


def install_packages() -> None:
    """Install what Debian has, starting no service."""
    packages = wanted_packages()
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise CannotInstallError(
            "this is no Debian: install " + ", ".join(packages) + " in this system's own way, "
            "or name each program in its variable: " + ", ".join(PROGRAMS[name].variable for name in missing())
        )
    if os.geteuid() != 0:
        raise CannotInstallError(
            f"not root, so run this first, which installs {', '.join(packages)}:\n\n"
            f"    sudo {shlex.quote(sys.executable)} -B -m tests.servers.install --packages\n"
        )
    say(f"about to install with apt, starting no service: {' '.join(packages)} (about a minute)")
    backports = is_bookworm() and any(package in FROM_BACKPORTS for package in packages)
    if backports:
        add_backports()
    update_lists()
    new = [package for package in packages if not is_installed(package)]
    with services_denied():
        if backports:
            apt_install(["-t", BACKPORTS, *(package for package in packages if package in FROM_BACKPORTS)])
        apt_install([package for package in packages if not (backports and package in FROM_BACKPORTS)])
    switch_off(unit for package in new if (unit := UNIT_OF_PACKAGE.get(package)))


def update_lists() -> None:
    """Bring apt's lists up to date. That may fail for some other list of this machine; what follows says whether ours came."""
    subprocess.run(["apt-get", "update", "-qq"], stdin=subprocess.DEVNULL, check=False, timeout=APT_UPDATE_TIMEOUT_S)


def apt_install(arguments: list[str]) -> None:
    """Install without questions and without what is only recommended."""
    if arguments:
        quiet = ["-y", "-q", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run_with_progress(["apt-get", "install", *quiet, *arguments], Path("/"), environment)


def is_installed(package: str) -> bool:
    """Whether dpkg has the package in place, whatever its version."""
    asked = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return asked.stdout == "installed"


def is_bookworm() -> bool:
    """Whether this is Debian 12."""
    release = Path("/etc/os-release")
    return release.is_file() and re.search(r"^VERSION_CODENAME=bookworm$", release.read_text(), re.M) is not None


def add_backports() -> None:
    """Add the suite from the mirror that this machine takes Debian from, unless some list has it already."""
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    texts = [file.read_text() for file in lists if file.suffix in (".list", ".sources") and file.is_file()]
    if any(re.search(rf"^[^#\n]*\b{BACKPORTS}\b", text, re.M) for text in texts):
        return
    for text in texts:
        entry = backports_entry(text)
        if entry is not None:
            target = Path("/etc/apt/sources.list.d") / f"aryk-{BACKPORTS}.sources"
            say(f"adding Debian's suite {BACKPORTS} ({target})")
            target.write_text(entry)
            return
    raise CannotInstallError(f"found no list that names Debian's bookworm: add the suite {BACKPORTS} to apt by hand")


def backports_entry(text: str) -> str | None:
    """From a list in apt's old or new form, make the backports' entry with the same mirror and key.

    None if the list does not have Debian's main archive.
    """
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(\S.*?)[ \t]*$", stanza, re.M))
        if "bookworm" in fields.get("Suites", "").split() and "main" in fields.get("Components", "").split():
            key = f"Signed-By: {fields['Signed-By']}\n" if "Signed-By" in fields else ""
            return f"Types: deb\nURIs: {fields['URIs']}\nSuites: {BACKPORTS}\nComponents: main\n{key}"
    line = re.search(r"^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+bookworm\s+(?:\S+\s+)*?main\b", text, re.M)
    if line is None:
        return None
    signed = re.search(r"\bsigned-by=(\S+)", line.group(1) or "")
    key = f"Signed-By: {signed.group(1)}\n" if signed else ""
    return f"Types: deb\nURIs: {line.group(2)}\nSuites: {BACKPORTS}\nComponents: main\n{key}"


@contextmanager
def services_denied() -> Iterator[None]:
    """Put Debian's own switch in place, and afterwards back what was there."""
    before = POLICY.read_bytes() if POLICY.exists() else None
    mode = POLICY.stat().st_mode if before is not None else 0
    POLICY.write_text(POLICY_DENY)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        if before is None:
            POLICY.unlink()
        else:
            POLICY.write_bytes(before)
            POLICY.chmod(mode)


def switch_off(units: Iterator[str]) -> None:
    """Keep the services that came with our packages, and no others, from running now or after the next boot."""
    if shutil.which("systemctl"):
        for unit in units:
            subprocess.run(
                ["systemctl", "disable", "--now", unit],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )


# --- InfluxDB --------------------------------------------------------------------------------------------------------


def unpack_influxd1() -> None:
    """Unpack Debian's InfluxDB 1.6 into the user's cache. Installed, its `influxd` would stand before 2.7 on PATH."""
    if complaint("influxd1") is None:
        return
    variable = PROGRAMS["influxd1"].variable
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise CannotInstallError(f"this is no Debian: name an influxd 1.6 or newer 1.x in {variable}")
    target = cache_folder() / "influxd-1.6" / "influxd-1"
    say(f"about to unpack Debian's InfluxDB 1.6 into {target}")
    update_lists()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=target.parent) as folder:
        work = Path(folder)
        # apt fetches as a user of its own where it can, and complains where it cannot write.
        run_with_progress(
            ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", "influxdb"], work, dict(os.environ)
        )
        package = next(work.glob("influxdb_*.deb"), None)
        if package is None:
            raise CannotInstallError(f"apt has no package influxdb: name an influxd 1.6 or newer 1.x in {variable}")
        run_with_progress(["dpkg-deb", "--extract", str(package), "all"], work, dict(os.environ))
        (work / "all" / "usr" / "bin" / "influxd").replace(target)
    say(f"unpacked {target}")


def build_influxd() -> None:
    """Build influxd from its Go module and its Rust half, once, into the user's cache."""
    if complaint("influxd") is None:
        return
    variable = PROGRAMS["influxd"].variable
    if os.environ.get(variable):
        raise CannotInstallError(f"{complaint('influxd')}: mend {variable} or take it away, and InfluxDB is built here")
    lacking = [tool for tool in ("go", "cargo", "rustc", "pkg-config", "gcc") if shutil.which(tool) is None]
    if lacking:
        raise CannotInstallError(
            f"InfluxDB {INFLUXD_VERSION} is built from source, and {', '.join(lacking)} is not here: install Go {GO_AT_LEAST} or "
            "newer, Rust by rustup, and Debian's gcc and pkg-config, and run `make servers` again; "
            f"or name an influxd 2.7 in {variable}"
        )
    target = cache_folder() / f"influxd-{INFLUXD_VERSION}" / "influxd"
    say(f"about to build InfluxDB {INFLUXD_VERSION} from source into {target} (4 to 8 minutes on 2 cores, once)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as folder:
        work = Path(folder)
        shutil.copytree(Path(__file__).parent / "influxd", work, dirs_exist_ok=True)
        environment = build_environment(work)
        for command in (
            ["go", "install", PKG_CONFIG_PACKAGE],
            # Fills in go.mod and go.sum, in the copy.
            ["go", "get", f"{INFLUXD_PACKAGE}@v{INFLUXD_VERSION}"],
            [
                *("go", "build", "-v", "-ldflags", f"-s -w -X main.version=v{INFLUXD_VERSION}"),
                *("-o", str(work / "influxd"), INFLUXD_PACKAGE),
            ],
        ):
            run_with_progress(command, work, environment)
        # In one step, so that nobody ever starts half a program.
        (work / "influxd").replace(target)
    say(f"built {target}")


def build_kustomize() -> None:
    """Build the program that puts the Kubernetes manifests together, once, into the user's cache."""
    if complaint("kustomize") is None:
        return
    variable = PROGRAMS["kustomize"].variable
    if os.environ.get(variable):
        raise CannotInstallError(f"{complaint('kustomize')}: mend {variable} or take it away, and it is built here")
    if shutil.which("go") is None:
        raise CannotInstallError(f"kustomize is built from source: install Go {GO_AT_LEAST}, or name one in {variable}")
    target = cache_folder() / f"kustomize-{KUSTOMIZE_VERSION}" / "kustomize"
    say(f"about to build kustomize {KUSTOMIZE_VERSION} from source into {target} (about a minute, once)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as folder:
        run_with_progress(
            ["go", "install", "-v", "-ldflags", "-s -w", f"{KUSTOMIZE_PACKAGE}@v{KUSTOMIZE_VERSION}"],
            Path(folder),
            {**os.environ, "GOBIN": folder, "GOFLAGS": "", "GOWORK": "off"},
        )
        (Path(folder) / "kustomize").replace(target)
    say(f"built {target}")


def build_environment(work: Path) -> dict[str, str]:
    """Return the environment that InfluxDB's build needs."""
    tools = work / "bin"
    tools.mkdir()
    # InfluxDB's Rust half denies warnings, and newer compilers have more of them. RUSTFLAGS would not reach it.
    wrapper = tools / "rustc-without-lints"
    wrapper.write_text('#!/bin/sh\nexec "$@" --cap-lints allow\n')
    wrapper.chmod(0o755)
    environment = {
        **os.environ,
        "GOBIN": str(tools),
        "GOFLAGS": "",
        "GOWORK": "off",
        "CGO_ENABLED": "1",
        "PKG_CONFIG": str(tools / "pkg-config"),
        "RUSTC_WRAPPER": str(wrapper),
    }
    if shutil.which("rustup"):
        # InfluxDB's own rust-toolchain file names a release that is seldom here.
        environment["RUSTUP_TOOLCHAIN"] = "stable"
    return environment


if __name__ == "__main__":
    sys.exit(main())

"""Build what only measurements need, once, into the user's cache: `make tools`. Plain Python, as for `make servers`.

Telegraf is the peer of `make bench`, RMQTT the broker of `make cluster`. What is there already is left alone.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.find import cache_folder
from tests.servers.install import (
    CannotInstallError,
    apt_install,
    is_installed,
    one_at_a_time,
    run_with_progress,
    say,
    update_lists,
)

TELEGRAF_VERSION = "1.37.2"
TELEGRAF_PACKAGE = "github.com/influxdata/telegraf/cmd/telegraf"
# Without them two of its hundreds of dependencies cannot be had.
TELEGRAF_TAGS = "custom,inputs.mqtt_consumer,outputs.influxdb_v2,outputs.influxdb,parsers.json_v2,parsers.json"
RMQTT_VERSION = "0.24.0"
RMQTT_PACKAGES = ("protobuf-compiler", "cmake")


def telegraf() -> Path | None:
    """Where Telegraf is: named by ARYK_TELEGRAF, or built here. None when it is not."""
    return _found("ARYK_TELEGRAF", cache_folder() / f"telegraf-{TELEGRAF_VERSION}" / "telegraf")


def rmqttd() -> Path | None:
    """Where RMQTT is: named by ARYK_RMQTTD, or built here. None when it is not."""
    return _found("ARYK_RMQTTD", cache_folder() / f"rmqttd-{RMQTT_VERSION}" / "bin" / "rmqttd")


def _found(variable: str, built: Path) -> Path | None:
    path = Path(os.environ.get(variable) or built)
    return path if os.access(path, os.X_OK) else None


def main() -> int:
    """Exit 0 if both are there at the end, 1 if one is missing."""
    parser = argparse.ArgumentParser(prog="make tools", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only print what is found where")
    arguments = parser.parse_args()
    places = {"telegraf": telegraf, "rmqttd": rmqttd}
    if not arguments.check and not all(find() for find in places.values()):
        with one_at_a_time():
            for step in (build_telegraf, build_rmqttd):
                try:
                    step()
                except CannotInstallError as error:
                    say(str(error))
                except (OSError, subprocess.SubprocessError) as error:
                    say(f"FAILED: {error}")
    for name, find in places.items():
        say(f"{name:9} {find() or 'not here: `make tools` builds it'}")
    return 0 if all(find() for find in places.values()) else 1


def build_telegraf() -> None:
    """Build Telegraf with the plugins that the measurement uses."""
    if telegraf():
        return
    if shutil.which("go") is None:
        raise CannotInstallError(
            "Telegraf is built from source: install Go 1.24 or newer, or name one in ARYK_TELEGRAF"
        )
    folder = cache_folder() / f"telegraf-{TELEGRAF_VERSION}"
    say(f"about to build Telegraf {TELEGRAF_VERSION} from source into {folder} (2 to 4 minutes on 2 cores, once)")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as work:
        command = ["go", "install", "-v", "-ldflags", "-s -w", "-tags", TELEGRAF_TAGS]
        run_with_progress(
            [*command, f"{TELEGRAF_PACKAGE}@v{TELEGRAF_VERSION}"],
            Path(work),
            {**os.environ, "GOBIN": work, "GOFLAGS": "", "GOWORK": "off"},
        )
        # In one step, so that nobody ever starts half a program.
        (Path(work) / "telegraf").replace(folder / "telegraf")


def build_rmqttd() -> None:
    """Build RMQTT; cargo puts it in place as a whole."""
    if rmqttd():
        return
    if shutil.which("cargo") is None:
        raise CannotInstallError("RMQTT is built from source: install Rust by rustup, or name one in ARYK_RMQTTD")
    _install_rmqtt_packages()
    folder = cache_folder() / f"rmqttd-{RMQTT_VERSION}"
    say(f"about to build RMQTT {RMQTT_VERSION} from source into {folder} (half an hour on 2 cores, once)")
    folder.mkdir(parents=True, exist_ok=True)
    command = ["cargo", "install", "rmqttd", "--version", RMQTT_VERSION, "--locked", "--root", str(folder)]
    environment = {**os.environ, **({"RUSTUP_TOOLCHAIN": "stable"} if shutil.which("rustup") else {})}
    # At the lowest priority: half an hour is long for whoever works here meanwhile.
    run_with_progress(["nice", "-n", "19", *command], folder, environment)


def _install_rmqtt_packages() -> None:
    lacking = [package for package in RMQTT_PACKAGES if not shutil.which("dpkg-query") or not is_installed(package)]
    if not lacking or (shutil.which("protoc") and shutil.which("cmake")):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise CannotInstallError(
            f"RMQTT's build needs {' and '.join(lacking)}: install them as root, then `make tools`"
        )
    update_lists()
    apt_install(lacking)


if __name__ == "__main__":
    sys.exit(main())

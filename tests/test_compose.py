"""The compose file, checked by the real compose binary, and that all it mounts and names fits together.

No container engine runs here: that the images exist and that the services start is not shown.
"""

import importlib.util
import json
import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from typer.main import get_command

from aryk import cli
from dashboards.live.settings import LiveSettings
from deploy import write_config
from gateway.settings import GatewaySettings
from hydrology.load import load_registry
from ingest.settings import load_settings as load_ingest_settings
from settings import load
from store.settings import InfluxSettings
from tests.servers.find import find_server
from tests.servers.mosquitto import Mosquitto

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"

# What no service of ours may lack.
OURS = ("gateway", "history", "ingest", "live", "notices", "simulator")
THEIRS = ("alertmanager", "grafana", "influxdb", "mosquitto", "prometheus")
# What holds something that must outlive its container, and where.
KEPT = {
    "alertmanager": "/alertmanager",
    "gateway": "/var/lib/aryk",
    "grafana": "/var/lib/grafana",
    "influxdb": "/var/lib/influxdb2",
    "ingest": "/var/lib/aryk",
    "mosquitto": "/mosquitto/data",
    "prometheus": "/prometheus",
}
PUBLISHED = {
    "alertmanager": 9093,
    "grafana": 3000,
    "influxdb": 8086,
    "live": 8080,
    "mosquitto": 1883,
    "prometheus": 9090,
}


def compose(*arguments: str, file: Path = FILE, env_file: Path = EXAMPLE) -> subprocess.CompletedProcess[str]:
    """Run the binary itself: the package's own script hides its exit status."""
    spec = importlib.util.find_spec("compose")
    assert spec is not None
    assert spec.origin is not None
    binary = Path(spec.origin).with_name("docker-compose")
    # Nothing of this shell's own may fill in what the file demands.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ARYK_", "COMPOSE_", "DOCKER_"))
    }
    command: list[str | Path] = [
        binary,
        "--file",
        file,
        "--project-directory",
        ROOT,
        "--env-file",
        env_file,
        *arguments,
    ]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The whole file as compose understands it."""
    done = compose("--profile", "*", "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def services(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["services"]
    return found


def test_compose_accepts_the_file() -> None:
    done = compose("config", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("    restart: \"no\"", "    restrat: \"no\"", "restrat"),
        ("simulator: {condition: service_healthy}", "simulatro: {condition: service_healthy}", "simulatro"),
        ("condition: service_healthy", "condition: service_wealthy", "condition"),
        ("      - ingest:/var/lib/aryk", "      - ingset:/var/lib/aryk", "ingset"),
        ("    secrets: [grafana_password, influxdb_token]", "    secrets: [grafana_passwort]", "grafana_passwort"),
        ("    networks: [aryk]", "    networks: [aral]", "aral"),
        ("stop_grace_period: 40s", "stop_grace_period: 40 sheep", "stop_grace_period"),
        ("  <<: *service\n  image: aryk", "  <<: *services\n  image: aryk", "services"),
    ],
)  # fmt: skip
def test_compose_refuses_a_mistake(tmp_path: Path, good: str, bad: str, said: str) -> None:
    text = FILE.read_text()
    if good.strip() == "networks: [aryk]":
        good, bad = good.strip(), bad.strip()
    assert good in text
    (tmp_path / "docker-compose.yml").write_text(text.replace(good, bad, 1))
    done = compose("--profile", "*", "config", "--quiet", file=tmp_path / "docker-compose.yml")
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("name", ["ARYK_SECRETS", "ARYK_VERSION"])
def test_nothing_starts_before_what_must_be_said_is_said(tmp_path: Path, name: str) -> None:
    kept = [line for line in EXAMPLE.read_text().splitlines() if not line.startswith(f"{name}=")]
    (tmp_path / "env").write_text("\n".join(kept))
    done = compose("config", "--quiet", env_file=tmp_path / "env")
    assert done.returncode != 0
    assert f"required variable {name} is missing" in done.stderr
    assert "cp .env.example .env" in done.stderr or "copy .env.example to .env" in done.stderr


def test_the_services_are_these(services: dict[str, Any]) -> None:
    assert sorted(services) == sorted(OURS + THEIRS)


@pytest.mark.parametrize("name", OURS + THEIRS)
def test_a_service_is_pinned_and_bounded_and_has_no_rights_it_does_not_need(
    services: dict[str, Any], name: str
) -> None:
    service = services[name]
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", service["image"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    user = service["user"].split(":")[0]
    assert user.isdecimal()
    assert user != "0"
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= set(limits)
    assert service["logging"]["options"]["max-size"]
    assert any(mount.startswith("/tmp:") for mount in service["tmpfs"])
    assert not service.get("privileged")
    assert "network_mode" not in service
    mounts = service.get("volumes", [])
    assert not any("docker.sock" in str(mount.get("source")) for mount in mounts)
    assert all(mount.get("read_only") for mount in mounts if mount["type"] == "bind")


@pytest.mark.parametrize("name", OURS + THEIRS)
def test_a_service_is_watched_and_comes_back(services: dict[str, Any], name: str) -> None:
    service = services[name]
    if name == "history":
        # It runs once and ends.
        assert service["restart"] == "no"
        assert service["profiles"] == ["history"]
        return
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert service["stop_grace_period"]


def test_ports_are_published_on_loopback_only(services: dict[str, Any]) -> None:
    published = {}
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", name
            published[name] = port["target"]
    assert published == PUBLISHED


def test_what_must_outlive_a_container_is_on_a_volume(document: dict[str, Any]) -> None:
    on_volumes = {
        name: mount["target"]
        for name, service in document["services"].items()
        for mount in service.get("volumes", [])
        if mount["type"] == "volume"
    }
    assert on_volumes == KEPT
    assert len(document["volumes"]) == len(KEPT)


def test_all_that_is_mounted_is_there(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for mount in service.get("volumes", []):
            if mount["type"] == "bind":
                assert Path(mount["source"]).exists(), f"{name}: {mount['source']}"


def test_no_secret_stands_in_a_file_of_ours(document: dict[str, Any]) -> None:
    for secret in document["secrets"].values():
        assert Path(secret["file"]).parent == ROOT / "deploy" / "secrets"
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "deploy/secrets/" in ignored
    assert ".env" in ignored
    for service in document["services"].values():
        for key, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", key):
                assert value.startswith("/run/secrets/"), key
    for line in EXAMPLE.read_text().splitlines():
        assert not re.search("PASSWORD|TOKEN", line)


def test_the_secrets_are_made_once_for_the_owner_s_eyes(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    for _ in range(2):
        subprocess.run([ROOT / "deploy" / "secrets.sh", folder], check=True, capture_output=True, timeout=30)
        texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert sorted(texts) == ["grafana_password", "influxdb_password", "influxdb_token"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(re.fullmatch(r"[A-Za-z0-9]{30,}", text) for text in texts.values())
    assert len(set(texts.values())) == 3
    (folder / "influxdb_token").unlink()
    subprocess.run([ROOT / "deploy" / "secrets.sh", folder], check=True, capture_output=True, timeout=30)
    assert (folder / "influxdb_token").read_text() != texts["influxdb_token"]
    assert (folder / "grafana_password").read_text() == texts["grafana_password"]


# What the services are told.


def test_the_simulator_s_files_are_what_the_simulator_writes() -> None:
    for name, text in write_config.documents().items():
        assert (ROOT / "deploy" / name).read_text() == text, "run: python -m deploy.write_config"


def test_the_simulator_is_started_with_what_its_files_were_written_for(services: dict[str, Any]) -> None:
    for name in ("simulator", "history"):
        said = " ".join(services[name]["command"]).replace("=", " ")
        assert f"--seed {write_config.SEED}" in said
        assert f"--canals {write_config.CANALS}" in said
    assert f"--port {write_config.MODBUS_PORT}" in " ".join(services["simulator"]["command"])
    assert f"--step={write_config.INTERVAL}" in services["history"]["command"]


def test_the_registry_has_every_sensor_of_the_gateway() -> None:
    gateway = load(GatewaySettings, ROOT / "deploy" / "gateway.toml")
    registry = load_registry(ROOT / "deploy" / "registry.toml")
    assert registry.district_of_gateway() == {gateway.id: gateway.district}
    registered = registry.sensors_by_gateway()[gateway.id]
    read = {sensor.id: (sensor.quantity, sensor.unit) for device in gateway.devices for sensor in device.sensors}
    assert read == {id_: (sensor.quantity, sensor.unit) for id_, (_, sensor) in registered.items()}
    intervals = {device.interval for device in gateway.devices}
    assert intervals == {sensor.interval for _, sensor in registered.values()}


def test_every_role_s_configuration_loads_and_names_the_services(services: dict[str, Any]) -> None:
    gateway = load(GatewaySettings, ROOT / "deploy" / "gateway.toml")
    ingest = load_ingest_settings(ROOT / "deploy" / "ingest.toml")
    live = load(LiveSettings, ROOT / "deploy" / "live.toml")
    assert (gateway.broker.host, gateway.broker.port) == (ingest.broker.host, ingest.broker.port) == ("mosquitto", 1883)
    assert {getattr(device, "host", "") for device in gateway.devices} == {"simulator"}
    assert ingest.registry == ROOT / "deploy" / "registry.toml"
    environment = services["influxdb"]["environment"]
    for store in (ingest.store, live.store):
        assert isinstance(store, InfluxSettings)
        assert store.url == "http://influxdb:8086"
        assert store.org == environment["DOCKER_INFLUXDB_INIT_ORG"]
        assert store.bucket == environment["DOCKER_INFLUXDB_INIT_BUCKET"]
        assert str(store.token_file) == environment["DOCKER_INFLUXDB_INIT_ADMIN_TOKEN_FILE"]
    assert live.port == PUBLISHED["live"]
    for settings, name in ((gateway, "gateway"), (ingest, "ingest"), (live, "live")):
        assert settings.health.host == "0.0.0.0"
        assert f"127.0.0.1:{settings.health.port}/healthz" in services[name]["healthcheck"]["test"][-1]


def test_a_secret_that_a_service_reads_is_mounted_there(services: dict[str, Any]) -> None:
    for name in ("ingest", "live", "history", "grafana", "influxdb"):
        assert "influxdb_token" in {secret["source"] for secret in services[name]["secrets"]}, name


def test_prometheus_scrapes_services_that_are_there(services: dict[str, Any]) -> None:
    document = yaml.safe_load((ROOT / "dashboards" / "prometheus" / "prometheus.yml").read_text())
    targets = [
        target for job in document["scrape_configs"] for config in job["static_configs"] for target in config["targets"]
    ]
    targets += document["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    hosts = {target.split(":")[0] for target in targets} - {"localhost"}
    assert {"ingest", "gateway", "influxdb", "alertmanager"} <= hosts <= set(services)
    health = tomllib.loads((ROOT / "deploy" / "ingest.toml").read_text())["health"]
    assert f"ingest:{health['port']}" in targets


def test_alertmanager_and_grafana_reach_services_that_are_there(services: dict[str, Any]) -> None:
    alertmanager = (ROOT / "dashboards" / "alertmanager" / "alertmanager.yml").read_text()
    assert set(re.findall(r"http://([\w-]+):", alertmanager)) == {"notices"}
    port = services["notices"]["command"][-1]
    assert set(re.findall(r"http://notices:(\d+)", alertmanager)) == {port}
    sources = (ROOT / "dashboards" / "grafana" / "provisioning" / "datasources" / "aryk.yml").read_text()
    assert set(re.findall(r"http://([\w-]+):", sources)) == {"influxdb", "prometheus"}
    mounts = {mount["target"] for mount in services["grafana"]["volumes"]}
    provider = yaml.safe_load(
        (ROOT / "dashboards" / "grafana" / "provisioning" / "dashboards" / "aryk.yml").read_text()
    )
    assert provider["providers"][0]["options"]["path"] in mounts
    assert services["grafana"]["environment"]["GF_PATHS_PROVISIONING"] in mounts


@pytest.mark.parametrize("name", [name for name in OURS if name != "notices"])
def test_aryk_knows_the_commands_and_options_of_each_role(services: dict[str, Any], name: str) -> None:
    rest = list(services[name]["command"])
    command: Any = get_command(cli.build(rest[0]))
    with click.Context(click.Command("aryk")) as context:
        while hasattr(command, "commands"):
            assert rest[0] in command.commands, f"aryk has no {rest[0]}"
            command, rest = command.commands[rest[0]], rest[1:]
        # Parses, and runs nothing.
        command.make_context(name, rest, parent=context, resilient_parsing=False)


# The image.


def test_the_image_has_every_package_and_nothing_else() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.removesuffix("*") for name in document["tool"]["setuptools"]["packages"]["find"]["include"]}
    copied = set(re.findall(r"^COPY (\w+) \w+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert copied == packages
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert let_in == packages | {"pyproject.toml", "constraints.txt", "README.md"}


def test_the_image_is_of_two_stages_and_runs_as_nobody_special(services: dict[str, Any]) -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^ARG PYTHON=3\.11\.\d+-slim-bookworm$", text, re.MULTILINE)
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) == 2
    (user,) = re.findall(r"^USER (\S+)$", text, re.MULTILINE)
    assert all(services[name]["user"] == user for name in OURS)
    extras = re.findall(r"'\.\[([\w,]+)\]'", text)[0].split(",")
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras) == {"gateway", "ingest", "live", "simulator"} <= set(known)


# The broker.


class ComposeMosquitto(Mosquitto):
    """A real mosquitto with the compose file's configuration; only its addresses are this machine's."""

    def configuration(self) -> list[str]:
        text = (ROOT / "deploy" / "mosquitto" / "mosquitto.conf").read_text()
        for there, here in (
            ("listener 1883\n", f"listener {self.port} 127.0.0.1\n"),
            ("persistence_location /mosquitto/data/\n", f"persistence_location {self.folder}/\n"),
        ):
            assert text.count(there) == 1
            text = text.replace(there, here)
        return [*text.splitlines(), "user root"] if os.geteuid() == 0 else text.splitlines()


@pytest.mark.server
def test_the_broker_keeps_a_session_over_a_restart(tmp_path: Path) -> None:
    def run(program: str, *arguments: str) -> str:
        command: list[str | Path] = [
            find_server(program),
            "-h",
            "127.0.0.1",
            "-p",
            str(broker.port),
            "-V",
            "mqttv5",
            *arguments,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    session = ("-i", "ingest", "-c", "-q", "1", "-t", "aryk/v1/#", "-x", "604800")
    with ComposeMosquitto(tmp_path) as broker:
        run("mosquitto_sub", *session, "-E")
        run("mosquitto_pub", "-t", "aryk/v1/d/g/readings", "-q", "1", "-m", "kept")
        broker.restart()
        assert run("mosquitto_sub", *session, "-C", "1", "-W", "10").strip() == "kept"

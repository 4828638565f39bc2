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
from ingest.settings import IngestSettings
from ingest.settings import load_settings as load_ingest_settings
from settings import load
from store.settings import InfluxSettings
from tests.servers.find import find_server
from tests.servers.mosquitto import Mosquitto

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"

# What no service of ours may lack.
GATEWAYS = ("talas-dam", "talas-head", "talas-km17", "talas-km8", "talas-river", "talas-tail", "talas-wells")
OURS = ("history", "ingest", "live", "notices", "simulator", *GATEWAYS)
THEIRS = ("alertmanager", "grafana", "influxdb", "mosquitto", "prometheus")
# What holds something that must outlive its container, and where.
KEPT = {
    "alertmanager": "/alertmanager",
    **dict.fromkeys(GATEWAYS, "/var/lib/aryk"),
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
    "mosquitto": 8883,
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
    words = {name: text for name, text in texts.items() if "." not in name}
    assert sorted(words) == ["grafana_password", "influxdb_password", "influxdb_token"]
    assert all(re.fullmatch(r"[A-Za-z0-9]{30,}", text) for text in words.values())
    assert len(set(words.values())) == 3
    signed = {f"{name}.{end}" for name in ("mosquitto", "health", "ingest", *GATEWAYS) for end in ("crt", "key")}
    assert set(texts) - set(words) == signed | {"ca.crt", "ca.key"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "ca.key").stat().st_mode) == 0o600
    (folder / "influxdb_token").unlink()
    (folder / "ingest.crt").unlink()
    subprocess.run(
        [ROOT / "deploy" / "secrets.sh", folder, "a-new-gateway"], check=True, capture_output=True, timeout=30
    )
    assert (folder / "influxdb_token").read_text() != texts["influxdb_token"]
    assert (folder / "grafana_password").read_text() == texts["grafana_password"]
    assert (folder / "ingest.crt").read_text() != texts["ingest.crt"], "renewed"
    assert (folder / "ingest.key").read_text() == texts["ingest.key"]
    assert "a-new-gateway" in identity(folder / "a-new-gateway.crt")


def identity(certificate: Path) -> str:
    """Who a certificate is for."""
    command: list[str | Path] = ["openssl", "x509", "-in", certificate, "-noout", "-subject"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def test_each_service_has_its_own_certificate_and_no_other_one(services: dict[str, Any]) -> None:
    for name in ("ingest", *GATEWAYS):
        mounted = {secret["source"]: secret["target"] for secret in services[name]["secrets"]}
        mounted.pop("influxdb_token", None)
        assert mounted.pop("ca_crt") in ("ca_crt", "/run/secrets/ca_crt"), name
        assert mounted == {f"{name}_crt": "client_crt", f"{name}_key": "client_key"}, name
    assert not any("ca.key" in str(service) for service in services.values())


# What the services are told.


def test_the_simulator_s_files_are_what_the_simulator_writes() -> None:
    for name, text in write_config.documents().items():
        assert (ROOT / "deploy" / name).read_text() == text, "run: python -m deploy.write_config"


def test_the_simulator_is_started_with_what_its_files_were_written_for(services: dict[str, Any]) -> None:
    for name in ("simulator", "history"):
        said = " ".join(services[name]["command"]).replace("=", " ")
        assert f"--seed {write_config.SEED}" in said
        assert "--system example" in said
    assert f"--port {write_config.MODBUS_PORT}" in " ".join(services["simulator"]["command"])
    assert f"--step={write_config.INTERVAL}" in services["history"]["command"]


def gateways() -> dict[str, GatewaySettings]:
    return {name: load(GatewaySettings, ROOT / "deploy" / "gateways" / f"{name}.toml") for name in GATEWAYS}


def test_the_registry_has_every_sensor_of_the_gateways() -> None:
    registry = load_registry(ROOT / "deploy" / "registry")
    assert registry.district_of_gateway() == {name: gateway.district for name, gateway in gateways().items()}
    for name, gateway in gateways().items():
        registered = registry.sensors_by_gateway()[name]
        read = {sensor.id: (sensor.quantity, sensor.unit) for device in gateway.devices for sensor in device.sensors}
        assert read == {id_: (sensor.quantity, sensor.unit) for id_, (_, sensor) in registered.items()}
        intervals = {device.interval for device in gateway.devices}
        assert intervals == {sensor.interval for _, sensor in registered.values()}


def test_every_role_s_configuration_loads_and_names_the_services(services: dict[str, Any]) -> None:
    ingest = load_ingest_settings(ROOT / "deploy" / "ingest.toml")
    live = load(LiveSettings, ROOT / "deploy" / "live.toml")
    for name, gateway in gateways().items():
        assert gateway.id == name
        assert gateway.broker == ingest.broker
        assert {getattr(device, "host", "") for device in gateway.devices} == {"simulator"}
        mounts = {mount["target"]: mount["source"] for mount in services[name]["volumes"]}
        assert mounts["/etc/aryk/gateway.toml"].endswith(f"/gateways/{name}.toml")
        assert mounts["/var/lib/aryk"] == name
    assert (ingest.broker.host, ingest.broker.port) == ("mosquitto", PUBLISHED["mosquitto"])
    tls = ingest.broker.tls
    assert tls is not None
    assert [str(path) for path in (tls.ca_file, tls.cert_file, tls.key_file)] == [
        f"/run/secrets/{name}" for name in ("ca_crt", "client_crt", "client_key")
    ]
    assert ingest.registry == ROOT / "deploy" / live.registry == ROOT / "deploy" / "registry"
    environment = services["influxdb"]["environment"]
    for store in (ingest.store, live.store):
        assert isinstance(store, InfluxSettings)
        assert store.url == "http://influxdb:8086"
        assert store.org == environment["DOCKER_INFLUXDB_INIT_ORG"]
        assert store.bucket == environment["DOCKER_INFLUXDB_INIT_BUCKET"]
        assert str(store.token_file) == environment["DOCKER_INFLUXDB_INIT_ADMIN_TOKEN_FILE"]
    assert live.port == PUBLISHED["live"]
    roles: dict[str, GatewaySettings | IngestSettings | LiveSettings] = {**gateways(), "ingest": ingest, "live": live}
    for name, settings in roles.items():
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
    assert {"ingest", *GATEWAYS, "influxdb", "alertmanager"} <= hosts <= set(services)
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


def secrets_in(folder: Path) -> Path:
    """What deploy/secrets.sh makes, in a folder."""
    subprocess.run([ROOT / "deploy" / "secrets.sh", folder], check=True, capture_output=True, timeout=60)
    return folder


class ComposeMosquitto(Mosquitto):
    """A real mosquitto with the compose file's configuration; only its addresses and folders are this machine's.

    Its secrets are in the folder `secrets` beside its own files.
    """

    def configuration(self) -> list[str]:
        self.secrets = secrets_in(self.folder / "secrets")
        text = (ROOT / "deploy" / "mosquitto" / "mosquitto.conf").read_text()
        for there, here in (
            ("listener 8883\n", f"listener {self.port} 127.0.0.1\n"),
            ("persistence_location /mosquitto/data/\n", f"persistence_location {self.folder}/\n"),
            ("acl_file /mosquitto/config/acl\n", f"acl_file {ROOT}/deploy/mosquitto/acl\n"),
            ("/run/secrets/ca_crt", f"{self.secrets}/ca.crt"),
            ("/run/secrets/server_crt", f"{self.secrets}/mosquitto.crt"),
            ("/run/secrets/server_key", f"{self.secrets}/mosquitto.key"),
        ):
            assert text.count(there) == 1, there
            text = text.replace(there, here)
        return [*text.splitlines(), "user root"] if os.geteuid() == 0 else text.splitlines()

    def client(
        self, program: str, user: str | None, *arguments: str, secrets: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """mosquitto_pub or mosquitto_sub with this user's certificate, or without one."""
        folder = secrets or self.secrets
        own = [] if user is None else ["-i", user, "--cert", f"{folder}/{user}.crt", "--key", f"{folder}/{user}.key"]
        command = [str(find_server(program)), "-h", "127.0.0.1", "-p", str(self.port), "-V", "mqttv5"]
        command += ["--cafile", f"{self.secrets}/ca.crt", *own, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    def publish(self, user: str | None, topic: str, text: str, *, secrets: Path | None = None) -> bool:
        """Whether the broker took a message at QoS 1."""
        done = self.client("mosquitto_pub", user, "-t", topic, "-q", "1", "-m", text, secrets=secrets)
        return done.returncode == 0 and "Not authorized" not in done.stderr


@pytest.mark.server
def test_the_broker_keeps_a_session_over_a_restart(tmp_path: Path) -> None:
    session = ("-c", "-q", "1", "-t", "aryk/v1/+/+/readings", "-x", "604800")
    with ComposeMosquitto(tmp_path) as broker:
        assert broker.client("mosquitto_sub", "ingest", *session, "-E").returncode == 0
        assert broker.publish("talas-river", "aryk/v1/talas/talas-river/readings", "kept")
        broker.restart()
        assert broker.client("mosquitto_sub", "ingest", *session, "-C", "1", "-W", "10").stdout.strip() == "kept"


@pytest.mark.server
def test_a_gateway_writes_its_own_topics_and_no_others_and_who_has_no_certificate_does_not_get_in(
    tmp_path: Path,
) -> None:
    def up(gateway: str, kind: str) -> str:
        return f"aryk/v1/talas/{gateway}/{kind}"

    session = ("-c", "-q", "1", "-t", up("+", "readings"), "-t", up("+", "status"), "-x", "600")
    theirs = (
        "-c",
        "-q",
        "1",
        "-t",
        up("+", "receipts"),
        "-t",
        up("+", "commands"),
        "-t",
        up("+", "readings"),
        "-x",
        "600",
    )
    with ComposeMosquitto(tmp_path / "broker") as broker:
        # Up: what ingest is sent is what the gateway may write. (A user has one session: who publishes as it ends it.)
        assert broker.client("mosquitto_sub", "ingest", *session, "-E").returncode == 0
        assert broker.publish("talas-river", up("talas-river", "readings"), "mine")
        assert broker.publish("talas-river", up("talas-river", "status"), "here")
        assert not broker.publish("talas-river", up("talas-dam", "readings"), "forged")
        assert not broker.publish("talas-river", up("talas-dam", "status"), "forged")
        assert not broker.publish("talas-river", up("talas-river", "receipts"), "forged")
        assert not broker.publish("talas-river", up("talas-river", "commands"), "forged")
        # Nobody without a certificate, nor with one of another authority.
        assert not broker.publish(None, up("talas-river", "readings"), "forged")
        others = secrets_in(tmp_path / "others")
        assert not broker.publish("talas-river", up("talas-river", "readings"), "forged", secrets=others)
        seen = broker.client("mosquitto_sub", "ingest", *session, "-C", "3", "-W", "1")
        assert sorted(seen.stdout.split("\n")[:-1]) == ["here", "mine"]
        # Down: it may subscribe to what it likes, and is sent its own; ingest cannot pretend to be a gateway.
        assert broker.client("mosquitto_sub", "talas-river", *theirs, "-E").returncode == 0
        assert broker.publish("ingest", up("talas-river", "receipts"), "receipt")
        assert broker.publish("ingest", up("talas-river", "commands"), "command")
        assert broker.publish("ingest", up("talas-dam", "receipts"), "of the dam")
        assert not broker.publish("ingest", up("talas-river", "readings"), "forged")
        assert not broker.publish("health", up("talas-river", "commands"), "forged")
        seen = broker.client("mosquitto_sub", "talas-river", *theirs, "-C", "3", "-W", "1")
        assert sorted(seen.stdout.split("\n")[:-1]) == ["command", "receipt"]


@pytest.mark.server
def test_the_health_check_of_the_broker_is_answered(tmp_path: Path, services: dict[str, Any]) -> None:
    with ComposeMosquitto(tmp_path) as broker:
        program, *arguments = services["mosquitto"]["healthcheck"]["test"][1:]
        replaced = {
            "8883": str(broker.port),
            "/run/secrets/ca_crt": f"{broker.secrets}/ca.crt",
            "/run/secrets/client_crt": f"{broker.secrets}/health.crt",
            "/run/secrets/client_key": f"{broker.secrets}/health.key",
            "$$SYS/broker/uptime": "$SYS/broker/uptime",
        }
        command = [str(find_server(program)), *(replaced.get(one, one) for one in arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stdout[-8:]) == (0, "seconds\n"), done.stderr

"""The Kubernetes manifests: built by the real kustomize, checked against Kubernetes' own schemas, and that all they name fits.

No Kubernetes runs here: that the images exist and that the pods start is not shown.
"""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from dashboards.live.settings import LiveSettings
from deploy import write_kubernetes
from hydrology.load import load_registry
from ingest.app import check_districts
from ingest.settings import IngestSettings, load_settings
from settings import load
from store.settings import InfluxSettings
from tests.servers.find import find_server

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
EXAMPLE = FOLDER / "overlays" / "example"

Object = dict[str, Any]

# The oldest that has all that the manifests use, and the newest whose schemas are at hand.
VERSIONS = ("1.30", "1.37")
OPERATORS = {"PrometheusRule", "ServiceMonitor"}
WITH_PODS = ("broker", "fleet", "influxdb", "ingest", "live")

pytestmark = pytest.mark.server


@pytest.fixture(scope="session")
def kustomize() -> Path:
    return find_server("kustomize")


def build(kustomize: Path, folder: Path) -> list[Object]:
    done = subprocess.run([kustomize, "build", folder], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def base(kustomize: Path) -> list[Object]:
    return build(kustomize, FOLDER / "base")


@pytest.fixture(scope="module")
def objects(kustomize: Path) -> list[Object]:
    """The example, whole."""
    return build(kustomize, EXAMPLE)


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [one for one in objects if one["kind"] in kinds]


def named(objects: list[Object], kind: str, name: str) -> Object:
    (found,) = [one for one in of_kind(objects, kind) if one["metadata"]["name"] == name]
    return found


def workload(objects: list[Object], name: str) -> Object:
    (found,) = [one for one in of_kind(objects, "Deployment", "StatefulSet") if one["metadata"]["name"] == name]
    return found


def pod(objects: list[Object], name: str) -> Object:
    found: Object = workload(objects, name)["spec"]["template"]
    return found


def container(objects: list[Object], name: str) -> Object:
    (found,) = pod(objects, name)["spec"]["containers"]
    return dict(found)


def config_map(objects: list[Object], volume: Object) -> dict[str, str]:
    found: dict[str, str] = named(objects, "ConfigMap", volume["configMap"]["name"])["data"]
    return found


def volume(objects: list[Object], workload_name: str, name: str) -> Object:
    (found,) = [one for one in pod(objects, workload_name)["spec"]["volumes"] if one["name"] == name]
    return dict(found)


def mount(objects: list[Object], workload_name: str, name: str) -> str:
    (found,) = [one["mountPath"] for one in container(objects, workload_name)["volumeMounts"] if one["name"] == name]
    return str(found)


def ports(objects: list[Object], name: str) -> dict[str, int]:
    return {one["name"]: one["containerPort"] for one in container(objects, name).get("ports", [])}


# Kubernetes' own word.


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_accepts_every_object(objects: list[Object], base: list[Object], version: str) -> None:
    builtin = [one for one in objects + base if one["kind"] not in OPERATORS]
    assert len(builtin) > 30
    for one in builtin:
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize(
    ("file", "good", "bad"),
    [
        ("broker.yaml", "podManagementPolicy", "podManagmentPolicy"),
        ("ingest.yaml", "replicas: 2", "replicas: two"),
        ("live.yaml", "runAsNonRoot: true", 'runAsNonRoot: "yes"'),
        ("network.yaml", "podSelector: {}", "podSelektor: {}"),
        ("influxdb.yaml", "containerPort: 8086", "containerPort: http"),
    ],
)
def test_a_mistake_is_refused(file: str, good: str, bad: str) -> None:
    text = (FOLDER / "base" / file).read_text()
    assert good in text
    validate_all(list(yaml.safe_load_all(text)))
    wrong = list(yaml.safe_load_all(text.replace(good, bad, 1)))
    with pytest.raises(kubernetes_validate.ValidationError):
        validate_all(wrong)


def validate_all(objects: list[Object]) -> None:
    for one in objects:
        kubernetes_validate.validate(one, VERSIONS[-1], strict=True)


def test_the_objects_are_these(objects: list[Object]) -> None:
    assert {one["metadata"]["name"] for one in of_kind(objects, "StatefulSet")} == {"broker", "influxdb", "ingest"}
    assert {one["metadata"]["name"] for one in of_kind(objects, "Deployment")} == {"fleet", "live"}
    (namespace,) = of_kind(objects, "Namespace")
    assert {one["metadata"].get("namespace") for one in objects if one is not namespace} == {
        namespace["metadata"]["name"]
    }
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


# What no pod of ours may lack.


@pytest.mark.parametrize("name", WITH_PODS)
def test_a_pod_has_no_rights_it_does_not_need(objects: list[Object], name: str) -> None:
    spec, one = pod(objects, name)["spec"], container(objects, name)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & spec.keys()
    assert not any("hostPath" in one for one in spec["volumes"])


@pytest.mark.parametrize("name", WITH_PODS)
def test_a_pod_is_pinned_and_bounded(objects: list[Object], name: str) -> None:
    one = container(objects, name)
    assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+", one["image"])
    assert {"cpu", "memory"} <= one["resources"]["requests"].keys()
    assert "memory" in one["resources"]["limits"]
    for each in pod(objects, name)["spec"]["volumes"]:
        assert "emptyDir" not in each or "sizeLimit" in each["emptyDir"]


def test_images_are_those_of_the_compose_file(base: list[Object], objects: list[Object]) -> None:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert container(base, "influxdb")["image"] == composed["influxdb"]["image"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for name in ("ingest", "live"):
        assert container(base, name)["image"] == f"aryk:{version}"
    ours = {container(objects, name)["image"] for name in ("fleet", "ingest", "live")}
    assert ours == {f"registry.example.org/aryk:{version}"}


@pytest.mark.parametrize("name", [one for one in WITH_PODS if one != "fleet"])
def test_a_pod_is_watched(objects: list[Object], name: str) -> None:
    one = container(objects, name)
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = one[kind]
        port = (probe.get("httpGet") or probe["tcpSocket"])["port"]
        assert port in ports(objects, name)
    if name in ("ingest", "live"):
        assert one["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert one["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod(objects, name)["spec"]["terminationGracePeriodSeconds"] >= 10


def test_the_broker_keeps_its_majority(base: list[Object], objects: list[Object]) -> None:
    for name in ("broker", "ingest", "live"):
        budget = named(objects, "PodDisruptionBudget", name)["spec"]
        assert budget["maxUnavailable"] == 1
        assert budget["selector"]["matchLabels"].items() <= pod(objects, name)["metadata"]["labels"].items()
    (rule,) = pod(base, "broker")["spec"]["affinity"]["podAntiAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert rule["topologyKey"] == "kubernetes.io/hostname"
    assert rule["labelSelector"]["matchLabels"].items() <= pod(base, "broker")["metadata"]["labels"].items()


def test_what_must_outlive_a_pod_is_on_a_claim(base: list[Object]) -> None:
    for name, path in (("ingest", "/var/lib/aryk"), ("influxdb", "/var/lib/influxdb2")):
        spec = workload(base, name)["spec"]
        (claim,) = spec["volumeClaimTemplates"]
        assert mount(base, name, claim["metadata"]["name"]) == path
        assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    size = workload(base, "ingest")["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
    defaults = IngestSettings(registry=Path("any"))
    assert size.endswith("Gi")
    assert int(size[:-2]) * 2**30 > 1.2 * (defaults.spool.max_bytes + defaults.dead_letters.max_bytes)


# That all that is named is there.


def references(value: Any) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Kind, name and keys of every ConfigMap and Secret that is spoken of, wherever it stands."""
    if isinstance(value, dict):
        for key, kind, name in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            if isinstance(value.get(key), dict):
                yield kind, value[key][name], frozenset(item["key"] for item in value[key].get("items", ()))
        for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if isinstance(value.get(key), dict):
                yield kind, value[key]["name"], frozenset((value[key]["key"],))
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_config_map_and_key_is_there(objects: list[Object]) -> None:
    found = {one["metadata"]["name"]: one["data"].keys() for one in of_kind(objects, "ConfigMap")}
    named_ = [(name, keys) for kind, name, keys in references(objects) if kind == "ConfigMap"]
    assert {name for name, _ in named_} == found.keys()
    for name, keys in named_:
        assert keys <= found[name]


def test_every_secret_is_made_by_hand_as_the_readme_says(objects: list[Object]) -> None:
    assert of_kind(objects, "Secret") == []
    made = {
        match[1]: set(re.findall(r"--from-file=(\w+)=", match[0]))
        for match in re.finditer(r"kubectl create secret generic (\S+)(?:[^\\\n]|\\\n)*", README)
    }
    wanted = [(name, keys) for kind, name, keys in references(objects) if kind == "Secret"]
    assert {name for name, _ in wanted} == made.keys() == {"influxdb"}
    assert set().union(*(keys for _, keys in wanted)) == made["influxdb"] == {"token", "password"}
    for name in WITH_PODS:
        for variable in container(objects, name).get("env", []):
            if re.search("PASSWORD|TOKEN|SECRET", variable["name"]):
                assert variable["name"].endswith("_FILE")
                assert variable["value"].startswith(mount(objects, name, "secrets") + "/")


def test_every_mount_has_its_volume(objects: list[Object]) -> None:
    for name in WITH_PODS:
        claims = workload(objects, name)["spec"].get("volumeClaimTemplates", [])
        there = [one["name"] for one in pod(objects, name)["spec"]["volumes"]]
        there += [one["metadata"]["name"] for one in claims]
        assert sorted(there) == sorted(one["name"] for one in container(objects, name)["volumeMounts"])


def test_every_service_leads_to_pods_and_their_ports(objects: list[Object]) -> None:
    services = of_kind(objects, "Service")
    for service in services:
        spec = service["spec"]
        (name,) = [
            one for one in WITH_PODS if spec["selector"].items() <= pod(objects, one)["metadata"]["labels"].items()
        ]
        for port in spec["ports"]:
            assert ports(objects, name)[port["targetPort"]] == port["port"]
    names = {one["metadata"]["name"] for one in services}
    for one in of_kind(objects, "StatefulSet"):
        assert one["spec"]["serviceName"] in names


def test_every_host_that_is_spoken_to_is_a_service_or_a_node_of_one(objects: list[Object]) -> None:
    hosts = {one["metadata"]["name"] for one in of_kind(objects, "Service")} | set(nodes(objects))
    texts = [
        text for one in of_kind(objects, "ConfigMap") for name, text in one["data"].items() if name.endswith(".toml")
    ]
    texts += [str(container(objects, name)) for name in WITH_PODS]
    spoken = {host for text in texts for host in re.findall(r"(?:https?://|@|\"|=|')([a-z][a-z0-9.-]*):\d{4}", text)}
    spoken |= {
        tomllib.loads(text)["broker"]["host"] for text in texts if text.startswith("# Written") and "[broker]" in text
    }
    assert {"influxdb", "broker-0.broker-nodes"} <= spoken <= hosts


# What the pods are told.


def nodes(objects: list[Object]) -> list[str]:
    broker = workload(objects, "broker")["spec"]
    return [f"broker-{number}.{broker['serviceName']}" for number in range(broker["replicas"])]


def written(folder: Path, files: dict[str, str], here: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        for there, path in here.items():
            text = text.replace(there, path)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def ingests(objects: list[Object], tmp_path: Path) -> list[IngestSettings]:
    """The configuration of each pod, as it would read it."""
    registry = written(tmp_path / "registry", config_map(objects, volume(objects, "ingest", "registry")), {})
    files = config_map(objects, volume(objects, "ingest", "config"))
    folder = written(tmp_path / "ingest", files, {mount(objects, "ingest", "registry"): str(registry)})
    (argument,) = [one for one in container(objects, "ingest")["args"] if one.endswith(".toml")]
    replicas = workload(objects, "ingest")["spec"]["replicas"]
    at = [argument.replace("$(POD_NAME)", f"ingest-{n}") for n in range(replicas)]
    assert {Path(one).name for one in at} == files.keys()
    assert {str(Path(one).parent) for one in at} == {mount(objects, "ingest", "config")}
    return [load_settings(folder / Path(one).name) for one in at]


def test_every_district_has_exactly_one_ingest(ingests: list[IngestSettings]) -> None:
    registry = load_registry(ingests[0].registry)
    assert sorted(one for settings in ingests for one in settings.districts) == sorted(registry.districts)
    for number, settings in enumerate(ingests):
        assert settings.districts
        check_districts(settings, registry)
        assert settings.id == f"ingest-{number}"


def test_an_ingest_knows_every_node_of_the_broker_and_its_store(
    objects: list[Object], ingests: list[IngestSettings]
) -> None:
    first = []
    for settings in ingests:
        addresses = settings.broker.addresses
        assert sorted(host for host, _ in addresses) == nodes(objects)
        assert {port for _, port in addresses} == {ports(objects, "broker")["mqtt"]}
        first.append(addresses[0])
        assert (settings.health.host, settings.health.port) == ("0.0.0.0", ports(objects, "ingest")["health"])
        check_store(objects, "ingest", settings.store)
    assert len(set(first)) == len(first)


def check_store(objects: list[Object], name: str, store: Any) -> None:
    assert isinstance(store, InfluxSettings)
    (item,) = volume(objects, name, "influxdb")["secret"]["items"]
    assert str(store.token_file) == f"{mount(objects, name, 'influxdb')}/{item['path']}"
    assert store.url == f"http://influxdb:{ports(objects, 'influxdb')['http']}"
    made = {one["name"]: one["value"] for one in container(objects, "influxdb")["env"]}
    assert (store.org, store.bucket) == (made["DOCKER_INFLUXDB_INIT_ORG"], made["DOCKER_INFLUXDB_INIT_BUCKET"])


def test_the_live_page_reads_its_configuration(objects: list[Object], tmp_path: Path) -> None:
    folder = written(tmp_path / "live", config_map(objects, volume(objects, "live", "config")), {})
    argument = container(objects, "live")["args"][-1]
    assert str(Path(argument).parent) == mount(objects, "live", "config")
    settings = load(LiveSettings, folder / Path(argument).name)
    assert str(settings.registry) == mount(objects, "live", "registry")
    assert (settings.port, settings.health.port) == tuple(ports(objects, "live")[one] for one in ("http", "health"))
    assert settings.host == settings.health.host == "0.0.0.0"
    check_store(objects, "live", settings.store)


def test_the_nodes_of_the_broker_know_each_other(objects: list[Object]) -> None:
    files = config_map(objects, volume(objects, "broker", "config"))
    raft = tomllib.loads(files["rmqtt-cluster-raft.toml"])
    own = ports(objects, "broker")
    for key, port in (("node_grpc_addrs", own["grpc"]), ("raft_peer_addrs", own["raft"])):
        assert raft[key] == [f"{number}@{node}:{port}" for number, node in enumerate(nodes(objects), 1)]
    main = tomllib.loads(files["rmqtt.toml"])
    assert raft["laddr"] == f"0.0.0.0:{own['raft']}"
    assert main["rpc"]["server_addr"] == f"0.0.0.0:{own['grpc']}"
    assert main["listener"]["tcp"]["external"]["addr"] == f"0.0.0.0:{own['mqtt']}"
    assert tomllib.loads(files["rmqtt-http-api.toml"])["http_laddr"] == f"0.0.0.0:{own['health']}"
    plugins = {
        Path(item["path"]).name
        for item in volume(objects, "broker", "config")["configMap"]["items"]
        if item["path"].startswith("plugins/")
    }
    assert main["plugins"]["dir"] == f"{mount(objects, 'broker', 'config')}/plugins"
    assert {f"{name}.toml" for name in main["plugins"]["default_startups"]} <= plugins


def test_one_node_alone_founds_the_cluster(objects: list[Object]) -> None:
    raft = tomllib.loads(config_map(objects, volume(objects, "broker", "config"))["rmqtt-cluster-raft.toml"])
    assert raft["leader_id"] == 1
    assert workload(objects, "broker")["spec"]["podManagementPolicy"] == "OrderedReady"
    service = named(objects, "Service", workload(objects, "broker")["spec"]["serviceName"])["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    told = {one["name"]: one.get("value") for one in container(objects, "broker")["env"]}
    page = ports(objects, "broker")["health"]
    peers = [f"{number}@{node}:{page}" for number, node in enumerate(nodes(objects), 1)]
    assert told["ARYK_PEERS"] == " ".join(peers[1:])
    assert (told["ARYK_SELF"] or "").replace("$(POD_NAME)", "broker-0") == peers[0]
    assert container(objects, "broker")["command"][-1] == f"{mount(objects, 'broker', 'config')}/start.sh"


def test_the_fleet_is_the_registry_s(objects: list[Object]) -> None:
    fleet = write_kubernetes.FLEET
    arguments = container(objects, "fleet")["args"]
    assert [one.partition("=")[2] for one in arguments if one.startswith("--broker=")] == [
        f"{node}:1883" for node in nodes(objects)
    ]
    for option, value in (
        ("gateways", fleet.gateways),
        ("sensors", fleet.sensors),
        ("districts", fleet.districts),
        ("interval", f"{fleet.interval:g}s"),
    ):
        assert f"--{option}={value}" in arguments


# Who may speak to whom.


def meant(selector: Object, labels: Object) -> bool:
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


def allows(objects: list[Object], source: str, target: str, port: str, direction: str) -> bool:
    """Whether the policies of one side allow it. Every pod has a policy of both directions (`nobody`)."""
    own, other = (source, target) if direction == "egress" else (target, source)
    labels, others = (pod(objects, one)["metadata"]["labels"] for one in (own, other))
    for policy in of_kind(objects, "NetworkPolicy"):
        if not meant(policy["spec"]["podSelector"], labels):
            continue
        for rule in policy["spec"].get(direction, []):
            peers = rule.get("to" if direction == "egress" else "from")
            reached = peers is None or any("podSelector" in one and meant(one["podSelector"], others) for one in peers)
            if reached and any(one["port"] == port for one in rule["ports"]):
                return True
    return False


def test_only_those_speak_to_each_other_who_have_to(objects: list[Object]) -> None:
    (nobody,) = [one for one in of_kind(objects, "NetworkPolicy") if one["metadata"]["name"] == "nobody"]
    assert nobody["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    found = {
        (source, target, port)
        for source in WITH_PODS
        for target in WITH_PODS
        for port in ports(objects, target)
        if allows(objects, source, target, port, "egress") and allows(objects, source, target, port, "ingress")
    }
    assert found == {
        ("broker", "broker", "grpc"),
        ("broker", "broker", "health"),
        ("broker", "broker", "raft"),
        ("fleet", "broker", "mqtt"),
        ("ingest", "broker", "mqtt"),
        ("ingest", "influxdb", "http"),
        ("live", "influxdb", "http"),
    }


def test_prometheus_may_reach_what_it_scrapes(objects: list[Object]) -> None:
    for monitor in of_kind(objects, "ServiceMonitor"):
        name, (endpoint,) = monitor["metadata"]["name"], monitor["spec"]["endpoints"]
        rules = [
            rule
            for policy in of_kind(objects, "NetworkPolicy")
            if meant(policy["spec"]["podSelector"], pod(objects, name)["metadata"]["labels"])
            for rule in policy["spec"].get("ingress", [])
            if any("namespaceSelector" in one for one in rule.get("from", []))
        ]
        assert any(one["port"] == endpoint["port"] for rule in rules for one in rule["ports"]), name


# Monitoring.


def test_every_monitor_finds_one_service_and_its_port(objects: list[Object]) -> None:
    monitors = of_kind(objects, "ServiceMonitor")
    assert {one["metadata"]["name"] for one in monitors} == {"ingest", *write_kubernetes.WATCHED}
    for monitor in monitors:
        spec = monitor["spec"]
        assert spec.keys() == {"selector", "endpoints"}
        (service,) = [
            one for one in of_kind(objects, "Service") if meant(spec["selector"], one["metadata"].get("labels", {}))
        ]
        # `job` is the service's name, and the rules name jobs.
        assert service["metadata"]["name"] == monitor["metadata"]["name"]
        (endpoint,) = spec["endpoints"]
        assert endpoint["port"] in [one["name"] for one in service["spec"]["ports"]]
        assert endpoint["relabelings"] == [{"sourceLabels": ["__meta_kubernetes_pod_name"], "targetLabel": "instance"}]


def test_the_rules_are_those_of_prometheus(objects: list[Object]) -> None:
    (found,) = of_kind(objects, "PrometheusRule")
    there = [
        group
        for file in sorted((ROOT / "dashboards" / "prometheus" / "rules").glob("*.yml"))
        for group in yaml.safe_load(file.read_text())["groups"]
    ]
    changed = []
    for mine, theirs in zip(found["spec"]["groups"], there, strict=True):
        assert mine["name"] == theirs["name"]
        for one, other in zip(mine["rules"], theirs["rules"], strict=True):
            if one != other:
                changed.append((one["alert"], one["expr"], one | {"expr": other["expr"]} == other))
    assert changed == [("TargetDown", 'up{job=~"broker|influxdb|live"} == 0', True)]


def test_prometheus_accepts_the_rules(objects: list[Object], promtool: Path, tmp_path: Path) -> None:
    (found,) = of_kind(objects, "PrometheusRule")
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(found["spec"]))
    done = subprocess.run(
        [promtool, "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

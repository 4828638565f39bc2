"""Writes what the Kubernetes manifests have from elsewhere: `python -m deploy.write_kubernetes`.

Without arguments, the repository's own files: monitoring/rules.yaml from dashboards/prometheus/rules/, and the example overlay's
registry and ingests. With `--registry FOLDER --ingests N --into OVERLAY`, the ingests of an overlay of yours: each district of
that registry goes to exactly one of them. What OVERLAY already has stays where it is; only new districts are given out.
"""

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hydrology.load import load_registry
from hydrology.registry import Registry
from simulator.fleet import FleetPlan, fleet_registry
from simulator.settings import FleetSettings
from simulator.toml_text import toml_text

FOLDER = Path(__file__).parent / "kubernetes"
EXAMPLE = FOLDER / "overlays" / "example"
RULES = Path(__file__).parents[1] / "dashboards" / "prometheus" / "rules"

# As overlays/example/fleet.yaml starts it.
FLEET = FleetSettings(gateways=40, sensors=3, interval=15.0, districts=4)
INGESTS = 2

NODES = [f"broker-{node}.broker-nodes" for node in range(3)]
MQTT_PORT = 1883
WATCHED = ("broker", "influxdb", "live")
"""The services beside ingest that monitoring/monitors.yaml has scraped."""

WRITTEN = "Written by `python -m deploy.write_kubernetes`"


class _Dumper(yaml.SafeDumper):
    """As people write it: what has several lines stands in several lines."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def divide(weights: Mapping[str, int], kept: Sequence[Sequence[str]], ingests: int) -> list[list[str]]:
    """Each district to exactly one ingest. Those in `kept` stay; the others go, heaviest first, to whoever has least."""
    parts = [[one for one in mine if one in weights] for mine in kept[:ingests]]
    parts += [[] for _ in range(ingests - len(parts))]
    settled = {district for part in parts for district in part}
    loads = [sum(weights[one] for one in part) for part in parts]
    for district in sorted(weights.keys() - settled, key=lambda one: (-weights[one], one)):
        least = loads.index(min(loads))
        parts[least].append(district)
        loads[least] += weights[district]
    return [sorted(part) for part in parts]


def weights_of(registry: Registry) -> dict[str, int]:
    """The sensors of each district; one at least, so that an empty district counts too."""
    district_of = registry.district_of_gateway()
    sensors = Counter(
        district_of[sensor.gateway]
        for station in registry.stations
        for sensor in station.sensors
        if sensor.gateway in district_of
    )
    return {district: max(1, sensors[district]) for district in registry.districts}


def ingest_document(number: int, districts: Sequence[str]) -> dict[str, Any]:
    """One ingest: its districts, a node of the broker and the others after it."""
    first = number % len(NODES)
    own, *others = [*NODES[first:], *NODES[:first]]
    return {
        "id": f"ingest-{number}",
        "registry": "/etc/aryk/registry",
        "districts": list(districts),
        "broker": {"host": own, "port": MQTT_PORT, "others": [f"{one}:{MQTT_PORT}" for one in others]},
        "store": {
            "kind": "influxdb",
            "api": "v2",
            "url": "http://influxdb:8086",
            "org": "aryk",
            "bucket": "aryk",
            "token_file": "/run/secrets/aryk/influxdb_token",
        },
        "health": {"host": "0.0.0.0", "port": 9100},
    }


def ingest_files(weights: Mapping[str, int], kept: Sequence[Sequence[str]], ingests: int) -> dict[str, str]:
    """The texts of ingest-0.toml and so on. Raises ValueError when one would be left without a district."""
    parts = divide(weights, kept, ingests)
    if not all(parts):
        raise ValueError(f"{len(weights)} districts for {ingests} ingests: one would have none, and then takes all")
    return {
        f"ingest-{number}.toml": toml_text(ingest_document(number, part), f"{WRITTEN}: its part of the districts.")
        for number, part in enumerate(parts)
    }


def districts_in(overlay: Path) -> list[list[str]]:
    """The districts of ingest-0.toml, ingest-1.toml and so on, as far as they are there."""
    found: list[list[str]] = []
    while (file := overlay / f"ingest-{len(found)}.toml").is_file():
        found.append(tomllib.loads(file.read_text(encoding="utf-8")).get("districts", []))
    return found


def rules_text() -> str:
    """All rule files as one PrometheusRule.

    One change: in a Prometheus that also watches other systems, TargetDown must not speak for those.
    """
    groups: list[Any] = []
    for file in sorted(RULES.glob("*.yml")):
        groups += yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        rule["expr"] = rule["expr"].replace('up{job!="ingest"}', f'up{{job=~"{"|".join(WATCHED)}"}}')
    document = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "aryk"},
        "spec": {"groups": groups},
    }
    return f"# {WRITTEN} from dashboards/prometheus/rules/.\n" + yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True
    )


def documents() -> dict[Path, str]:
    """The repository's own files: their texts."""
    registry = fleet_registry(FleetPlan(FLEET))
    plan = Counter(gateway["district"] for gateway in registry["gateways"])
    return {
        FOLDER / "monitoring" / "rules.yaml": rules_text(),
        EXAMPLE / "registry.toml": toml_text(registry, f"{WRITTEN}: the simulated fleet's stations."),
        **{EXAMPLE / name: text for name, text in ingest_files(plan, [], INGESTS).items()},
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.write_kubernetes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--registry", type=Path, help="a registry: its districts are divided")
    parser.add_argument("--ingests", type=int, default=INGESTS)
    parser.add_argument("--into", type=Path, help="the overlay's folder")
    asked = parser.parse_args()
    if (asked.registry is None) != (asked.into is None):
        parser.error("--registry and --into go together")
    if asked.registry is None:
        texts = documents()
    else:
        kept = districts_in(asked.into)
        if len(kept) > asked.ingests:
            parser.error(
                f"{asked.into} has {len(kept)} ingests: an ingest's spool holds readings, so none is taken away here"
            )
        try:
            files = ingest_files(weights_of(load_registry(asked.registry)), kept, asked.ingests)
        except ValueError as error:
            sys.exit(str(error))
        texts = {asked.into / name: text for name, text in files.items()}
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
        sys.stderr.write(f"{path}\n")


if __name__ == "__main__":
    main()

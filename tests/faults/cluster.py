"""A three-node broker and two ingests under load, killed again and again: `make cluster`.

A fleet's gateways are spread over the nodes of a real RMQTT cluster, two ingest processes divide the districts, and a real
InfluxDB takes what they store. Rounds of faults: `kill -9` of a node (the leader first, then the others in turn, so that each
ingest's own node is among them), of an ingest while that node is away, and of an ingest alone; each is started again. At the end
the fleet's ledger says whether anything was lost or doubled. The nodes run with the settings and the start script of the pods in
deploy/kubernetes/. It takes the minutes that it is told and about two more, and stops what it started.
"""

import argparse
import asyncio
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from simulator.audit import Audit, audit
from simulator.fleet import FleetPlan, fleet_registry
from simulator.settings import FleetSettings
from simulator.toml_text import toml_text
from store.open import open_reader
from store.settings import InfluxSettings
from tests.faults import logged
from tests.faults.fleet import FleetRole, published_points
from tests.faults.roles import IngestRole
from tests.faults.run_to_end import run_to_end
from tests.servers.influxdb import InfluxDB
from tests.servers.process import LOOPBACK, ServerProcess
from tests.servers.rmqtt import NodePorts, NotBuiltError, RmqttNode, rmqttd
from tests.servers.wait import eventually

NODES = 3
INGESTS = 2
DISTRICTS = 4
JOIN_WITHIN_S = 180.0
FLOW_WITHIN_S = 60.0
ROUND_MOST_S = 75.0
"""No round starts with less than this left: the fleet must not end in the middle of a fault."""
DRAIN_WITHIN_S = 120.0


def divide(districts: Sequence[str], parts: int) -> list[list[str]]:
    """Each district to exactly one part, as evenly as it goes."""
    return [list(districts[part::parts]) for part in range(parts)]


def turned(ports: Sequence[int], first: int) -> list[int]:
    """All nodes, this one first."""
    return [*ports[first:], *ports[:first]]


def ingest_document(
    number: int, districts: Sequence[str], ports: Sequence[int], store: dict[str, Any], health_port: int
) -> dict[str, Any]:
    """The configuration of one ingest: its districts, its own node of the broker and the others after it."""
    own, *others = turned(ports, number % len(ports))
    return {
        "id": f"ingest-{number}",
        "registry": "registry.toml",
        "districts": list(districts),
        "broker": {
            "host": LOOPBACK,
            "port": own,
            "others": [f"{LOOPBACK}:{port}" for port in others],
            "keepalive_s": 10,
        },
        "health": {"port": health_port},
        "store": store,
    }


@dataclass(slots=True)
class Outcome:
    """What was done, and what the ledger says."""

    nodes_killed: int = 0
    leaders_killed: int = 0
    ingests_killed: int = 0
    gateways: int = 0
    readings_per_s: float = 0.0
    published: int = 0
    points: int = 0
    """In the store, whoever wrote them."""
    dead: int = 0
    repeated: int = 0
    fleet_exit: int | None = None
    seconds: float = 0.0
    found: Audit = field(default_factory=Audit)
    complaints: list[str] = field(default_factory=list)

    @property
    def doubled(self) -> int:
        """Points beyond those that were published, each of which has one time."""
        return max(0, self.points - self.published)

    @property
    def whole(self) -> bool:
        """Nothing lost, doubled, wrong, dead or left without a receipt; and something was killed."""
        return (
            self.found.clean
            and self.points == self.published == self.found.stored > 0
            and self.dead == 0
            and self.fleet_exit == 0
            and self.nodes_killed > 0
            and self.leaders_killed > 0
            and self.ingests_killed > 0
            and not self.complaints
        )

    def __str__(self) -> str:
        return (
            f"cluster: {NODES} nodes ({self.nodes_killed} killed, the leader {self.leaders_killed} times),"
            f" {INGESTS} ingests ({self.ingests_killed} killed),"
            f" {self.gateways} gateways, {self.readings_per_s:.0f} readings/s in {self.seconds:.0f} s;"
            f" published {self.published}, stored {self.found.stored}, lost {self.found.lost}, doubled {self.doubled},"
            f" wrong {self.found.wrong}, foreign {self.found.foreign}, dead {self.dead}, repeated {self.repeated},"
            f" {'all' if self.fleet_exit == 0 else 'NOT ALL'} receipted"
        )


class Cluster:
    """Broker nodes, database, ingests and fleet in one folder."""

    def __init__(self, folder: Path, settings: FleetSettings, seconds: float) -> None:
        ports = [NodePorts.free() for _ in range(NODES)]
        self.settings = settings
        self.nodes = [RmqttNode(folder / f"node-{number}", number, ports) for number in range(1, NODES + 1)]
        self.influx = InfluxDB(folder / "influxdb")
        self.ingests = [IngestRole(folder / f"ingest-{n}", folder / f"ingest-{n}" / "state") for n in range(INGESTS)]
        self.fleet = FleetRole(folder / "fleet", [node.port for node in self.nodes], settings, seconds)
        self._stack = AsyncExitStack()

    @property
    def spools(self) -> list[Path]:
        """The spool of each ingest."""
        return [ingest.state / "ingest" / "spool.sqlite" for ingest in self.ingests]

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            processes: list[ServerProcess] = [self.influx, *self.nodes, *self.ingests, self.fleet]
            for process in processes:
                stack.callback(process.kill)
            await self.influx.start_async()
            for node in self.nodes:  # one after the other, or each founds a cluster of its own
                await node.start_async()
            await eventually(lambda: self.members() == NODES, JOIN_WITHIN_S, "all nodes see each other")
            self._configure()
            for ingest in self.ingests:
                await ingest.start_async()
            await self.fleet.start_async()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._stack.aclose()

    def _configure(self) -> None:
        registry = fleet_registry(FleetPlan(self.settings))
        store = {
            "kind": "influxdb",
            "url": self.influx.url,
            "org": self.influx.org,
            "bucket": self.influx.bucket,
            "token": self.influx.token,
        }
        ports = [node.port for node in self.nodes]
        parts = divide(sorted(registry["districts"]), INGESTS)
        for number, (ingest, districts) in enumerate(zip(self.ingests, parts, strict=True)):
            ingest.config.write_text(toml_text(ingest_document(number, districts, ports, store, ingest.port)))
            (ingest.folder / "registry.toml").write_text(toml_text(registry))

    def members(self) -> int:
        """How many nodes are in the cluster, in the eyes of the one that sees the fewest of those that run."""
        return min((node.members() for node in self.nodes if node.running), default=0)

    async def leader(self) -> int:
        """The number of the node that all of them hold for the leader."""

        def agreed() -> bool:
            found = {node.leader() for node in self.nodes if node.running}
            return len(found) == 1 and found != {0}

        await eventually(agreed, FLOW_WITHIN_S, "the nodes agree on a leader")
        return self.nodes[0].leader()

    def node_of(self, ingest: IngestRole) -> int:
        """The port of the node that an ingest has last connected to; 0 before it did."""
        found = re.findall(r"connected to \S+?:(\d+)", ingest.log_text())
        return int(found[-1]) if found else 0

    def received(self) -> list[int]:
        """Readings that each ingest has received so far."""
        return [logged.counters(spool).get("received", 0) for spool in self.spools]

    async def start_again(self, node: RmqttNode) -> None:
        """Start a killed node, as a service manager does: as often as it takes."""
        deadline = time.monotonic() + JOIN_WITHIN_S
        while True:
            try:
                await node.start_async()
                break
            except (RuntimeError, AssertionError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(2.0)
        await eventually(lambda: self.members() == NODES, JOIN_WITHIN_S, "the node is in the cluster again")

    async def flowing(self) -> None:
        """Wait until every ingest has received more than before."""
        before = self.received()
        await eventually(
            lambda: all(now > then for now, then in zip(self.received(), before, strict=True)),
            FLOW_WITHIN_S,
            "readings come in at every ingest",
        )


async def fault_round(cluster: Cluster, number: int, dice: random.Random, out: Outcome) -> None:
    """One node and one ingest, together; then an ingest alone."""
    leader = await cluster.leader()
    node = cluster.nodes[leader - 1 if number % NODES == 0 else (leader + number % NODES - 1) % NODES]
    ingest = dice.choice(cluster.ingests)
    await asyncio.to_thread(node.kill)
    out.nodes_killed += 1
    out.leaders_killed += node.number == leader
    homes = " and ".join(one.folder.name for one in cluster.ingests if cluster.node_of(one) == node.port) or "none"
    what = "the leader" if node.number == leader else "a follower"
    say(f"round {number + 1}: node {node.number} killed, {what}; ingests connected to it: {homes}")
    await asyncio.sleep(dice.uniform(0.0, 4.0))
    await asyncio.to_thread(ingest.kill)
    out.ingests_killed += 1
    say(f"round {number + 1}: {ingest.folder.name} killed while node {node.number} is away")
    await asyncio.sleep(dice.uniform(0.0, 5.0))
    await ingest.start_async()
    await cluster.flowing()
    say(f"round {number + 1}: readings flow at both ingests, over {NODES - 1} nodes")
    await cluster.start_again(node)
    say(f"round {number + 1}: node {node.number} is back")
    alone = cluster.ingests[number % INGESTS]
    await asyncio.to_thread(alone.kill)
    out.ingests_killed += 1
    await alone.start_async()
    await cluster.flowing()
    say(f"round {number + 1}: {alone.folder.name} killed and back; {cluster.fleet.said().strip()}")


async def run(folder: Path, settings: FleetSettings, minutes: float, dice: random.Random) -> Outcome:
    """The whole run in this folder."""
    out = Outcome(gateways=settings.gateways)
    started = time.monotonic()
    seconds = minutes * 60.0
    async with Cluster(folder, settings, seconds) as cluster:
        began = time.monotonic()
        say(f"{NODES} nodes, {INGESTS} ingests, {settings.gateways} gateways; everything in {folder}")
        try:
            await cluster.flowing()
            number = 0
            while seconds - (time.monotonic() - began) > ROUND_MOST_S or number == 0:
                await fault_round(cluster, number, dice, out)
                number += 1
            say("no more faults; waiting for the fleet's last receipts")
            await eventually(lambda: not cluster.fleet.running, seconds + DRAIN_WITHIN_S, "the fleet ends")
            await eventually(
                lambda: all(logged.spooled(spool) == 0 for spool in cluster.spools), DRAIN_WITHIN_S, "the spools drain"
            )
        except (AssertionError, RuntimeError) as error:
            out.complaints.append(f"it did not recover: {error}")
            cluster.fleet.kill()
        await judge(cluster, out)
    out.seconds = time.monotonic() - started
    out.readings_per_s = out.published / seconds
    return out


async def judge(cluster: Cluster, out: Outcome) -> None:
    """Compare the ledger with the store; it must have taken all it is going to take."""
    out.fleet_exit = cluster.fleet.exit_status
    where = InfluxSettings(
        kind="influxdb",
        url=cluster.influx.url,
        org=cluster.influx.org,
        bucket=cluster.influx.bucket,
        token=SecretStr(cluster.influx.token),
    )
    async with open_reader(where, Path()) as reader:
        out.found = await audit(cluster.fleet.ledger, reader)
    out.published = published_points(cluster.fleet.ledger)
    quantities = {sensor.quantity for sensor in FleetPlan(cluster.settings).sensors}
    out.points = sum(cluster.influx.count(quantity) for quantity in quantities)
    out.dead = sum(len(logged.dead_letters(spool)) for spool in cluster.spools)
    out.repeated = sum(logged.counters(spool).get("repeated", 0) for spool in cluster.spools)
    for spool in cluster.spools:
        if not logged.conserved(spool):
            out.complaints.append(f"the counters of {spool} do not add up: {logged.counters(spool)}")
    out.complaints += [str(finding) for finding in out.found.findings[:10]]
    say(cluster.fleet.said())


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="make cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=6.0, help="how long the fleet publishes")
    parser.add_argument("--seed", type=int, default=1, help="which ingest is killed, and when")
    parser.add_argument("--gateways", type=int, default=200)
    parser.add_argument("--sensors", type=int, default=5, help="of each gateway, each read once a second")
    parser.add_argument("--folder", type=Path, default=None, help="where everything is put, and kept")
    asked = parser.parse_args()
    try:
        rmqttd()
    except NotBuiltError as error:
        sys.exit(str(error))
    settings = FleetSettings(
        gateways=asked.gateways, sensors=asked.sensors, interval=1.0, districts=DISTRICTS, seed=asked.seed
    )
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="aryk-cluster-"))
    out = run_to_end(run(folder, settings, asked.minutes, random.Random(asked.seed)))
    for complaint in out.complaints:
        say(complaint)
    if not out.whole:
        say(f"kept: {folder}")
    elif asked.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    say(str(out))
    sys.exit(0 if out.whole else 1)


if __name__ == "__main__":
    main()

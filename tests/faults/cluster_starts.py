"""How three real broker nodes start and end, by the pods' start script and settings: `python -m tests.faults.cluster_starts`.

Two minutes, after `make tools`; not part of `make test`. Each line is a situation in which two clusters could come into being,
and ends with all three nodes in one.
"""

import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.servers.rmqtt import NodePorts, NotBuiltError, RmqttNode, rmqttd
from tests.servers.wait import eventually_sync

TOGETHER_S = 120.0
"""A node that ends instead of starting is started again for so long, as by Kubernetes."""
WAITING = "is there and tells of no leader, waiting"


class Nodes:
    """Three of them; each start runs in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        ports = [NodePorts.free() for _ in range(3)]
        self.all = [RmqttNode(folder / f"node-{number}", number, ports) for number in (1, 2, 3)]
        self.one, self.two, self.three = self.all

    @contextlib.contextmanager
    def starting(self, *nodes: RmqttNode) -> Iterator[None]:
        """Start these at once; at the end of the block wait until all three are in one cluster."""
        threads = [threading.Thread(target=self.start, args=(node,)) for node in nodes]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()
        eventually_sync(self.together, TOGETHER_S, "all nodes are in one cluster")

    def start(self, node: RmqttNode) -> None:
        """As often as it takes."""
        deadline = time.monotonic() + TOGETHER_S
        while time.monotonic() < deadline:
            with contextlib.suppress(RuntimeError, AssertionError):
                node.start()
                return
            time.sleep(1.0)

    def together(self) -> bool:
        """Whether each of them sees all three, and the same leader."""
        seen = {(node.members(), node.leader()) for node in self.all}
        return len(seen) == 1 and seen.pop()[0] == len(self.all)

    def waits(self, node: RmqttNode) -> None:
        """Until the start script says so anew."""
        before = node.log_text().count(WAITING)
        eventually_sync(lambda: node.log_text().count(WAITING) > before, 30.0, "the start script waits")


def run(folder: Path) -> None:
    """All situations, one after the other."""
    nodes, began = Nodes(folder), time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:5.0f} s  {text}\n")
        sys.stdout.flush()

    try:
        with nodes.starting(*nodes.all):
            pass
        say("all three started at once: one cluster")

        nodes.one.kill()
        with nodes.starting(nodes.one):
            pass
        say("node 1, which may found one, killed and started: it joined the two that were there")

        nodes.one.kill()
        nodes.two.kill()
        with nodes.starting(nodes.one, nodes.two):
            nodes.waits(nodes.one)
            say("two of three killed: node 1 waits while the third is there without a leader")
            eventually_sync(lambda: not nodes.three.running, TOGETHER_S, "the third ends")
            say("the third, no majority, has ended by itself")
            nodes.start(nodes.three)
        say("all in one cluster again")

        nodes.two.pause()
        nodes.one.kill()
        with nodes.starting(nodes.one):
            nodes.waits(nodes.one)
            say("node 2 frozen (it does not answer) and node 1 killed: node 1 waits")
            nodes.two.resume()
        say("node 2 answers again: one cluster")
    finally:
        for node in nodes.all:
            node.kill()


def main() -> None:
    """Run from the command line."""
    try:
        rmqttd()
    except NotBuiltError as error:
        sys.exit(str(error))
    with tempfile.TemporaryDirectory(prefix="aryk-starts-") as folder:
        run(Path(folder))


if __name__ == "__main__":
    main()

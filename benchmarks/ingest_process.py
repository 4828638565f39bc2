"""What the real ingest process costs and carries alone: `python -m benchmarks.ingest_process [--processes 2] [--sizes 1 60]`.

A broker in this process sends what it has packed before, and the store takes all and keeps nothing: the other core has nearly
nothing to do. CPU is all of ingest's, from the first message to the last that is settled in its spool.
"""

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import mqtt5

from benchmarks import plant
from benchmarks.ours import settled_of
from benchmarks.payloads import Work, payloads
from benchmarks.peer_broker import PeerBroker
from benchmarks.scale import StoreStub
from tests.faults.roles import IngestRole
from tests.servers.wait import eventually
from wire.codec import CONTENT_TYPES, Codec

READINGS = {1: 100_000, 10: 400_000, 60: 900_000}
GATEWAYS = 200
PATIENCE_S = 60.0
PACKET_IDS = 65_535


def packed(work: Work, codec: Codec) -> dict[str, list[bytes]]:
    """The PUBLISH packets of each district."""
    queues: dict[str, list[bytes]] = defaultdict(list)
    for topic, payload in payloads(work, codec):
        queue = queues[topic.split("/")[2]]
        one = mqtt5.PublishPacket(
            topic,
            payload,
            qos=mqtt5.QoS.AT_LEAST_ONCE,
            packet_id=1 + len(queue) % PACKET_IDS,
            content_type=CONTENT_TYPES[codec],
        )
        queue.append(one.write())
    return queues


async def measure(size: int, codec: Codec, processes: int, scale: float = 1.0) -> tuple[float, float]:
    """Readings a second, and µs of CPU a reading."""
    work = Work(
        size,
        int(READINGS[size] * scale) // size,
        GATEWAYS,
        int(time.time() * 1000) - 60_000,
        districts=processes,
    )
    broker = PeerBroker(dict(packed(work, codec)))
    await broker.open()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aryk-bench-")))
        stub = stack.enter_context(StoreStub(folder / "store"))
        store = {"kind": "influxdb", "url": f"http://127.0.0.1:{stub.port}", "token": "any"}
        roles = []
        for n in range(processes):
            role = plant.make_ingest(folder, broker, store, work, f"ingest-{n}", districts=[f"d{n}"])
            stack.callback(role.kill)
            await asyncio.to_thread(role.start)
            roles.append(role)
        for role in roles:
            await eventually(lambda role=role: "connected to" in role.log_text(), PATIENCE_S, "ingest connects")  # type: ignore[misc, arg-type]
        before = sum(map(plant.cpu_s, roles))
        began = time.perf_counter()
        broker.begin()
        ended, count = await asyncio.to_thread(_all_settled, roles, work.readings)
        used = sum(map(plant.cpu_s, roles)) - before
    if count != work.readings:
        raise RuntimeError(f"{count:,} of {work.readings:,} readings were settled")
    return count / (ended - began), 1e6 * used / count


def _all_settled(roles: list[IngestRole], readings: int) -> tuple[float, int]:
    with contextlib.ExitStack() as stack:
        counters = [plant.Counters(plant.spool_path(role)) for role in roles]
        for one in counters:
            stack.callback(one.close)
        return plant.watch(lambda: sum(settled_of(one()) for one in counters), readings, stalled_s=PATIENCE_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--sizes", type=int, nargs="+", choices=sorted(READINGS), default=sorted(READINGS))
    parser.add_argument("--codecs", type=Codec, nargs="+", default=list(Codec))
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of readings")
    options = parser.parse_args()
    for codec in options.codecs:
        for size in options.sizes:
            per_s, cpu_us = asyncio.run(measure(size, codec, options.processes, options.scale))
            print(
                f"{codec.value} {size:3} a message: {per_s:10,.0f} readings/s {cpu_us:8.2f} µs CPU a reading",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""CPU microseconds a reading of each step of ingest's path, for 1, 10 and 60 readings a message in both codecs.

`quality` is range, rate of change and flat line, in the path: at most 1.5 µs.

Run: .venv/bin/python -m benchmarks.ingest_path
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mqtt5

from benchmarks.payloads import Work, payloads, registry
from hydrology.registry import Registry
from ingest.change import Change
from ingest.intake import Arrival, Group, Intake
from ingest.lane import LaneCache
from ingest.lanes import cut
from ingest.pipeline import TimeBounds, directory, judge
from ingest.quality import Quality
from ingest.received import Logs
from ingest.settling import settle
from ingest.source import Source
from ingest.spool import Spool
from mqtt import Message, Session, SessionOptions
from wire.codec import CONTENT_TYPES, Codec, decode_batch

READINGS = 24_000
MESSAGES_MOST = 4_000
GATEWAYS = 20
GROUP = 200
NOW_MS = 1_790_000_000_000
REGISTRY = Registry.model_validate(registry(GATEWAYS))
KNOWN = directory(REGISTRY)
BOUNDS = TimeBounds(0, NOW_MS + 86_400_000)


def timed(work: Callable[[], object], readings: int) -> float:
    """CPU microseconds a reading, the best of three."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best / readings * 1e6


def fresh_intake() -> Intake:
    return Intake(KNOWN, lambda now_ms: BOUNDS, received=Logs(), dead_keys=set(), poison=set(), next_id=1)


def groups_of(arrivals: list[Arrival]) -> list[Group]:
    intake, out = fresh_intake(), []
    for at in range(0, len(arrivals), GROUP):
        group = Group()
        for arrival in arrivals[at : at + GROUP]:
            intake.take(arrival, group)
        out.append(group)
    return out


def session_work(sent: list[tuple[str, bytes]], content_type: str) -> None:
    session = Session(SessionOptions("ingest"))
    session.open(0.0)
    session.receive(mqtt5.ConnAckPacket().write(), 0.0)
    source = Source(pause=lambda: None, resume=lambda: None)
    stream = b"".join(
        mqtt5.PublishPacket(
            topic, one, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1 + n % 65_000, content_type=content_type
        ).write()
        for n, (topic, one) in enumerate(sent)
    )
    for at in range(0, len(stream), 65_536):
        messages = [event for event in session.receive(stream[at : at + 65_536], 0.0) if isinstance(event, Message)]
        source.deliver(messages)
        if messages:
            session.acknowledge(messages[-1].connection, messages[-1].number)
        session.take_output()


def quality_work(arrivals: list[Arrival]) -> Callable[[], None]:
    decoded = [
        (judge(one.topic, one.payload, one.content_type, KNOWN, BOUNDS).accepted, one.received_ms) for one in arrivals
    ]

    def work() -> None:
        quality = Quality(REGISTRY)
        for accepted, received_ms in decoded:
            quality.judge(accepted, received_ms)

    return work


def spool_work(groups: list[Group]) -> None:
    with tempfile.TemporaryDirectory() as folder, Spool(Path(folder) / "spool.sqlite") as spool:
        for group in groups:
            spool.commit([group.change], NOW_MS)


def drain_work(groups: list[Group]) -> list[Change]:
    cache, settled, out = LaneCache(), Logs(), []
    for group in groups:
        hands = [cut(row, cache)[0] for row in group.change.rows]
        out.append(settle(hands, settled, lambda gateway: f"aryk/v1/d0/{gateway}/readings"))
    return out


def stages(codec: Codec, size: int) -> dict[str, float]:
    """CPU microseconds a reading of each step, and their sum."""
    work = Work(size, min(MESSAGES_MOST, READINGS // size), GATEWAYS, NOW_MS)
    messages = list(payloads(work, codec))
    content_type = CONTENT_TYPES[codec]
    arrivals = [Arrival(topic, one, content_type, NOW_MS, 0.0) for topic, one in messages]
    groups = groups_of(arrivals)
    decode = timed(lambda: [decode_batch(one, content_type) for _, one in messages], work.readings)
    judged = timed(lambda: [judge(topic, one, content_type, KNOWN, BOUNDS) for topic, one in messages], work.readings)
    taken = timed(lambda: groups_of(arrivals), work.readings)
    out = {
        "session": timed(lambda: session_work(messages, content_type), work.readings),
        "decode": decode,
        "checks": judged - decode,
        "received+body": taken - judged,
        "quality": timed(quality_work(arrivals), work.readings),
        "spool": timed(lambda: spool_work(groups), work.readings),
        "drain": timed(lambda: drain_work(groups), work.readings),
    }
    out["sum"] = sum(out.values())
    return out


def main() -> None:
    for codec in (Codec.JSON, Codec.CBOR):
        for size in (1, 10, 60):
            found = stages(codec, size)
            if codec is Codec.JSON and size == 1:
                print("  ".join(head.rjust(13) for head in ("codec", "readings", *found)))
            print(
                "  ".join(
                    cell.rjust(13) for cell in (codec.value, str(size), *(f"{one:.2f}" for one in found.values()))
                )
            )


if __name__ == "__main__":
    main()

"""CPU microseconds a reading of each step of ingest's path, for 1, 12 and 60 readings a message in both codecs.

`quality` is range, rate of change and flat line, in the path: at most 1.5 µs.

Run: .venv/bin/python -m benchmarks.ingest_path
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mqtt5

from hydrology.registry import Registry
from ingest.change import Change
from ingest.intake import Arrival, Group, Intake
from ingest.lanes import LaneCache, cut
from ingest.pipeline import Directory, Target, TimeBounds, judge
from ingest.quality import Quality
from ingest.received import Logs
from ingest.settling import settle
from ingest.source import Source
from ingest.spool import Spool
from mqtt import Message, Session, SessionOptions
from wire.batch import Batch, Series
from wire.codec import CONTENT_TYPES, Codec, decode_batch, encode_batch

READINGS = 24_000
GROUP = 200
NOW_MS = 1_790_000_000_000
TOPIC = "aryk/v1/d/gw/readings"
SERIES = 3
TARGETS = {f"s{n}": Target("station", f"s{n}", "level", "m") for n in range(SERIES)}
KNOWN = Directory({"gw": "d"}, {"gw": TARGETS})
RULES = {"range": [0.0, 5.0], "rate_per_hour": 3600.0, "flat": {"suspect": "6h", "fail": "24h", "tolerance": 0.00101}}
SENSOR = {"gateway": "gw", "quantity": "level", "unit": "m", "span": [-0.5, 10.0], "quality": RULES}
REGISTRY = Registry.model_validate(
    {
        "districts": {"d": {"name": "d"}},
        "gateways": [{"id": "gw", "district": "d"}],
        "stations": [
            {
                "id": "station",
                "name": "station",
                "district": "d",
                "sensors": [{"id": f"s{n}", **SENSOR} for n in range(SERIES)],
            }
        ],
    }
)
BOUNDS = TimeBounds(0, NOW_MS + 86_400_000)


def batches(size: int) -> list[Batch]:
    """As a gateway sends them: scans of three series, or single readings."""
    out = []
    width = min(SERIES, size)
    scans = size // width
    for number in range(READINGS // size):
        first = 1 + number * size
        series = [
            Series(
                f"s{n}",
                "level",
                "m",
                [first + n + width * scan for scan in range(scans)],
                [NOW_MS - 1_000 * (READINGS - first - width * scan) for scan in range(scans)],
                [round(1.2 + 0.004 * ((first + scan) * 7 % 50), 3) for scan in range(scans)],
                [1] * scans,
            )
            for n in range(width)
        ]
        out.append(Batch("gw", 42, series))
    return out


def timed(work: Callable[[], object]) -> float:
    """CPU microseconds a reading, the best of three."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best / READINGS * 1e6


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


def session_work(payloads: list[bytes], content_type: str) -> None:
    session = Session(SessionOptions("ingest"))
    session.open(0.0)
    session.receive(mqtt5.ConnAckPacket().write(), 0.0)
    source = Source(pause=lambda: None, resume=lambda: None)
    stream = b"".join(
        mqtt5.PublishPacket(
            TOPIC, one, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1 + n % 65_000, content_type=content_type
        ).write()
        for n, one in enumerate(payloads)
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
        out.append(settle(hands, settled, lambda gateway: TOPIC))
    return out


def row(codec: Codec, size: int) -> list[str]:
    payloads = [encode_batch(one, codec) for one in batches(size)]
    content_type = CONTENT_TYPES[codec]
    arrivals = [Arrival(TOPIC, one, content_type, NOW_MS, 0.0) for one in payloads]
    groups = groups_of(arrivals)
    session = timed(lambda: session_work(payloads, content_type))
    decode = timed(lambda: [decode_batch(one, content_type) for one in payloads])
    judged = timed(lambda: [judge(TOPIC, one, content_type, KNOWN, BOUNDS) for one in payloads])
    taken = timed(lambda: groups_of(arrivals))
    quality = timed(quality_work(arrivals))
    spool = timed(lambda: spool_work(groups))
    drain = timed(lambda: drain_work(groups))
    steps: tuple[float, ...] = (session, decode, judged - decode, taken - judged, quality, spool, drain)
    steps += (session + taken + quality + spool + drain,)
    return [codec.value, str(size), *(f"{one:.2f}" for one in steps)]


def main() -> None:
    heads = ["codec", "readings", "session", "decode", "checks", "received+body", "quality", "spool", "drain", "sum"]
    print("  ".join(head.rjust(13) for head in heads))
    for codec in (Codec.JSON, Codec.CBOR):
        for size in (1, 12, 60):
            print("  ".join(cell.rjust(13) for cell in row(codec, size)))


if __name__ == "__main__":
    main()

"""CPU microseconds a reading of each step of ingest's short path, for 1, 10 and 60 readings a message in both codecs.

`read` decodes and checks; `quality` is range, rate of change and flat line: at most 1.5 µs in long columns; `received+row` is
what else is done before the spool; `told` is receipts, last values and alarms; `drain` ends at the lines. Best of five each.

Run: .venv/bin/python -m benchmarks.ingest_path
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mqtt5

from benchmarks.payloads import Work, payloads, registry
from hydrology.registry import Registry
from ingest.alarms import Alarms
from ingest.bulk import Bulk
from ingest.change import Change
from ingest.derive import Derive
from ingest.fast import read_plain
from ingest.intake import Arrival, Group, Intake
from ingest.lane import LaneCache
from ingest.lanes import cut
from ingest.last_values import LastValues
from ingest.pipeline import Accepted, TimeBounds, directory
from ingest.quality import Quality
from ingest.receipts import ReceiptBook
from ingest.received import Logs
from ingest.settling import settle
from ingest.source import Source
from ingest.spool import Spool
from mqtt import Message, Session, SessionOptions
from store.lines import encode
from wire.codec import CONTENT_TYPES, Codec
from wire.messages import encode_message

READINGS = 24_000
MESSAGES_MOST = 4_000
GATEWAYS = 20
GROUP = 200
NOW_MS = 1_790_000_000_000
REGISTRY = Registry.model_validate(registry(GATEWAYS))
KNOWN = directory(REGISTRY)
BOUNDS = TimeBounds(0, NOW_MS + 86_400_000)


def timed(work: Callable[[], object], readings: int) -> float:
    """CPU microseconds a reading, the best of five."""
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best / readings * 1e6


def fresh_bulk() -> Bulk:
    """One that has received nothing yet."""
    intake = Intake(
        KNOWN,
        lambda now_ms: BOUNDS,
        received=Logs(),
        dead_keys=set(),
        poison=set(),
        next_id=1,
        quality=Quality(REGISTRY),
        derive=Derive(REGISTRY),
    )
    return Bulk(intake)


def groups_of(arrivals: list[Arrival]) -> list[Group]:
    """As they become durable together."""
    bulk, out = fresh_bulk(), []
    for at in range(0, len(arrivals), GROUP):
        group = Group()
        bulk.take(arrivals[at : at + GROUP], group)
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


def read(arrivals: list[Arrival]) -> list[list[Accepted]]:
    """The series of each message."""
    found = [read_plain(one.topic, one.payload, one.content_type, KNOWN, BOUNDS) for one in arrivals]
    return [one.accepted for one in found if one is not None]


def quality_work(series: list[list[Accepted]]) -> None:
    quality = Quality(REGISTRY)
    for accepted in series:
        quality.judge(accepted, NOW_MS)


def told_work(groups: list[Group]) -> None:
    """Receipts, the last values and the alarms; a group comes each 20 ms."""
    book, values, alarms = ReceiptBook(), LastValues(REGISTRY), Alarms(REGISTRY)
    for number, group in enumerate(groups):
        for due in group.due:
            book.add(due.address, due.epoch, due.ranges, due.refused, due.arrived_s)
        for accepted in group.accepted:
            values.note(accepted)
            alarms.note(accepted)
        for outgoing in book.due(number * 0.02, NOW_MS, GROUP):
            encode_message(outgoing.receipt)


def spool_work(groups: list[Group]) -> None:
    with tempfile.TemporaryDirectory() as folder, Spool(Path(folder) / "spool.sqlite") as spool:
        for group in groups:
            spool.commit([group.change], NOW_MS)


def drain_work(groups: list[Group]) -> list[Change]:
    """From the rows to lines of the store, and to the change that settles them."""
    cache, settled, out = LaneCache(), Logs(), []
    for group in groups:
        hands = []
        for row in group.change.rows:
            hand, parts = cut(row, cache)
            hands.append(hand)
            for part in parts.values():
                encode(part.items(cache))
        out.append(settle(hands, settled, lambda gateway: f"aryk/v1/d0/{gateway}/readings"))
    return out


def stages(codec: Codec, size: int) -> dict[str, float]:
    """CPU microseconds a reading of each step, and their sum."""
    work = Work(size, min(MESSAGES_MOST, READINGS // size), GATEWAYS, NOW_MS)
    messages = list(payloads(work, codec))
    content_type = CONTENT_TYPES[codec]
    arrivals = [Arrival(topic, one, content_type, NOW_MS, 0.0) for topic, one in messages]
    groups, series = groups_of(arrivals), read(arrivals)
    out = {
        "session": timed(lambda: session_work(messages, content_type), work.readings),
        "read": timed(lambda: read(arrivals), work.readings),
        "quality": timed(lambda: quality_work(series), work.readings),
    }
    taken = timed(lambda: groups_of(arrivals), work.readings)
    out["received+row"] = max(0.0, taken - out["read"] - out["quality"])
    out["spool"] = timed(lambda: spool_work(groups), work.readings)
    out["told"] = timed(lambda: told_work(groups), work.readings)
    out["drain"] = timed(lambda: drain_work(groups), work.readings)
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

"""Bring messages to the broker: as fast as it takes them, or paced with their receipts timed.

As a program, `python -m benchmarks.publish --port ... --rate ...` publishes for many gateways at a steady rate through one
connection, reads all receipts through another, and prints one JSON line each `--report` seconds: how many went out, how many
have their receipt, and the percentiles of the time from publishing to the receipt, both ways through the broker included.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from benchmarks.payloads import EPOCH, Work, batch_of, gateway_id, topic_of
from mqtt import Client, Message, SessionOptions, Subscription
from tests.servers.wait import eventually
from wire.codec import CONTENT_TYPES, Codec, encode_batch
from wire.names import epoch_text

TICK_S = 0.002
WINDOW = 1_000
MOST_PREPARED = 400_000
LATE_S = 20.0
"""How long a receipt may take before the run says that it did not come."""


async def publish_all(port: int, messages: Iterable[tuple[str, bytes]], content_type: str | None) -> None:
    """Publish all with QoS 1 and wait for the last acknowledgement."""
    client = Client("127.0.0.1", port, SessionOptions("loader", send_window=WINDOW))
    task = asyncio.create_task(client.run(), name="loader")
    await eventually(lambda: client.live, 10.0, "the loader is connected")
    for number, (topic, payload) in enumerate(messages):
        while client.publish(topic, payload, content_type=content_type) is None:
            client.flush()
            await asyncio.sleep(0)
        if number % 100 == 0:
            client.flush()
            await asyncio.sleep(0)
    client.flush()
    await eventually(lambda: client.room == WINDOW, 60.0, "the broker has taken all")
    await client.close()
    await task


def percentile(sorted_values: list[float], part: float) -> float:
    """The value that this part of them does not exceed; 0 of none."""
    return sorted_values[min(len(sorted_values) - 1, int(part * len(sorted_values)))] if sorted_values else 0.0


class _Receipt(msgspec.Struct):
    durable: dict[str, list[list[int]]] = {}


_decode = msgspec.json.Decoder(_Receipt).decode


@dataclass(slots=True)
class Timed:
    """What has no receipt yet, by gateway in order, and how long the others took."""

    waiting: dict[str, deque[tuple[int, float]]] = field(default_factory=dict)
    took_s: list[float] = field(default_factory=list)
    sent: int = 0

    def published(self, gateway: str, last_seq: int, now_s: float) -> None:
        """The batch that ends with this number went out."""
        self.sent += 1
        self.waiting.setdefault(gateway, deque()).append((last_seq, now_s))

    def receipted(self, gateway: str, ranges: list[list[int]], now_s: float) -> None:
        """The broker keeps a gateway's order, and so does ingest: what is durable is the front of the queue."""
        queue = self.waiting.get(gateway)
        for _, last in ranges:
            while queue and queue[0][0] <= last:
                self.took_s.append(now_s - queue.popleft()[1])

    @property
    def open(self) -> int:
        """How many batches have no receipt."""
        return sum(map(len, self.waiting.values()))


def _prepared(work: Work, codec: Codec) -> Iterator[tuple[int, str, bytes]]:
    for number in range(work.messages):
        yield number, topic_of(work, number), encode_batch(batch_of(work, number), codec)


async def _paced(options: argparse.Namespace) -> None:
    total = int(options.rate * options.seconds)
    end_ms = int(time.time() * 1000) - 1000
    work = Work(options.size, total, options.gateways, end_ms)
    timed, epoch = Timed(), epoch_text(EPOCH)
    messages: Iterable[tuple[int, str, bytes]] = _prepared(work, options.codec)
    if total <= MOST_PREPARED:
        messages = list(messages)

    def on_receipts(arrived: list[Message]) -> None:
        now_s = time.perf_counter()
        for message in arrived:
            timed.receipted(message.topic.split("/")[3], _decode(message.payload).durable.get(epoch, []), now_s)
        listener.acknowledge(arrived[-1])
        listener.flush()

    listener = Client(
        "127.0.0.1",
        options.port,
        SessionOptions("receipts", subscriptions=(Subscription("aryk/v1/+/+/receipts"),)),
        on_messages=on_receipts,
    )
    sender = Client("127.0.0.1", options.port, SessionOptions("paced", send_window=WINDOW))
    tasks = [asyncio.create_task(one.run()) for one in (listener, sender)]
    await eventually(lambda: listener.live and sender.live, 10.0, "the loader is connected")
    began = time.perf_counter()
    next_report_s, reported = options.report, 0
    content_type = CONTENT_TYPES[options.codec]

    def report() -> None:
        nonlocal reported
        took_ms = sorted(1000 * one for one in timed.took_s)
        line = {
            "at_s": round(time.perf_counter() - began, 2),
            "messages_per_s": round((timed.sent - reported) / options.report, 1),
            "sent": timed.sent,
            "open": timed.open,
            **{f"p{100 * part:g}_ms": round(percentile(took_ms, part), 2) for part in (0.5, 0.99, 0.999)},
        }
        reported = timed.sent
        timed.took_s.clear()
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    for number, topic, payload in messages:
        while (due_s := number / options.rate - (time.perf_counter() - began)) > 0 or sender.room <= 0:
            sender.flush()
            await asyncio.sleep(max(TICK_S, min(due_s, 0.01)))
        sender.publish(topic, payload, content_type=content_type)
        turn = number // work.gateways
        timed.published(gateway_id(number % work.gateways), (turn + 1) * work.size, time.perf_counter())
        if options.warm_up and number / options.rate < options.warm_up:
            timed.took_s.clear()
        if time.perf_counter() - began >= next_report_s:
            report()
            next_report_s += options.report
    sender.flush()
    await eventually(lambda: timed.open == 0, LATE_S, "all receipts are there")
    report()
    for one in (listener, sender):
        await one.close()
    await asyncio.gather(*tasks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="messages a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--size", type=int, default=60)
    parser.add_argument("--codec", type=Codec, default=Codec.CBOR)
    parser.add_argument("--gateways", type=int, default=100)
    parser.add_argument("--warm-up", type=float, default=0.0, help="seconds whose messages are not timed")
    parser.add_argument("--report", type=float, default=60.0)
    asyncio.run(_paced(parser.parse_args()))


if __name__ == "__main__":
    main()

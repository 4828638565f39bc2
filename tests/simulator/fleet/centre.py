"""A small centre for tests: takes readings from a broker, keeps them, and gives receipts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from mqtt import Client, Message, SessionOptions, Subscription
from store.memory import MemoryStore
from store.points import SeriesKey, SeriesPoints
from tests.servers.wait import eventually
from wire.batch import Batch
from wire.codec import decode_batch
from wire.messages import CentreTime, Command, Receipt, Status, decode_message, encode_message
from wire.names import epoch_text
from wire.ranges import coalesce
from wire.topics import Kind, parse_topic, topic, topic_filter


class Centre:
    """Stores at once what comes in. `answer` says whether a batch gets a receipt; `stored` may be audited."""

    def __init__(self, host: str, port: int) -> None:
        self.stored = MemoryStore()
        self.statuses: dict[str, Status] = {}
        self.batches: list[Batch] = []
        self.content_types: set[str | None] = set()
        self.answer: Callable[[Batch], bool] = lambda batch: True
        self._waiting: list[tuple[str, bytes, int | None]] = []
        self.client = Client(
            host,
            port,
            SessionOptions(
                "centre",
                subscriptions=(Subscription(topic_filter(Kind.READINGS)), Subscription(topic_filter(Kind.STATUS))),
            ),
            on_messages=self._on_messages,
            on_acknowledged=lambda acknowledged: self._send_waiting(),
        )

    def command(self, gateway: str, command: Command, district: str = "fleet") -> None:
        """Send a command."""
        self._send(topic(district, gateway, Kind.COMMANDS), encode_message(command), None)

    def _on_messages(self, messages: list[Message]) -> None:
        for message in messages:
            place = parse_topic(message.topic)
            if place.kind is Kind.STATUS:
                self._on_status(place.district, place.gateway, decode_message(Status, message.payload))
            else:
                self.content_types.add(message.content_type)
                self._on_batch(place.district, decode_batch(message.payload, message.content_type))
        self.client.acknowledge(messages[-1])
        self.client.flush()

    def _on_status(self, district: str, gateway: str, status: Status) -> None:
        self.statuses[gateway] = status
        if status.nonce:
            receipt = Receipt(time=CentreTime(nonce=status.nonce, ms=0))
            self._send(topic(district, gateway, Kind.RECEIPTS), encode_message(receipt), 10)

    def _on_batch(self, district: str, batch: Batch) -> None:
        self.batches.append(batch)
        for series in batch.series:
            key = SeriesKey(series.quantity, batch.gateway, series.sensor)
            self._keep(SeriesPoints(key, series.time_ms, series.value, series.flag))
        if self.answer(batch):
            ranges = [list(one) for one in coalesce(batch.seqs())]
            receipt = Receipt(durable={epoch_text(batch.epoch): ranges})
            self._send(topic(district, batch.gateway, Kind.RECEIPTS), encode_message(receipt), None)

    def _keep(self, points: SeriesPoints) -> None:
        for row in range(len(points.time_ms)):
            self.stored._store(points, row)

    def _send(self, to: str, payload: bytes, expiry_s: int | None) -> None:
        self._waiting.append((to, payload, expiry_s))
        self._send_waiting()

    def _send_waiting(self) -> None:
        while self._waiting and self.client.room > 0:
            to, payload, expiry_s = self._waiting.pop(0)
            self.client.publish(to, payload, expiry_s=expiry_s)
        self.client.flush()


@asynccontextmanager
async def open_centre(host: str, port: int) -> AsyncIterator[Centre]:
    """A centre at work."""
    centre = Centre(host, port)
    task = asyncio.create_task(centre.client.run())
    await eventually(lambda: centre.client.live)
    yield centre
    await centre.client.close()
    await task

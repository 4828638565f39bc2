"""A gateway of the tests: sends batches, sends again what has no receipt, and remembers all that it was told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from mqtt import Client, Message, SessionOptions, Subscription
from tests.ingest.samples import EPOCH, batch, level
from tests.servers.wait import eventually
from wire.codec import CONTENT_TYPES, Codec, encode_batch
from wire.messages import Command, LogExtent, Receipt, State, Status, decode_message, encode_message
from wire.names import epoch_text
from wire.ranges import RangeSet

BASE = "aryk/v1/karatal/gw1"


class Sender:
    """One gateway, gw1 of Karatal; its log is `logged`, from 1 on."""

    def __init__(self, host: str, port: int, start_ms: int) -> None:
        self._start_ms = start_ms
        self.rough = False
        """Values that no packing makes shorter, the same each time that they are sent."""
        self.logged = 0
        self.told = RangeSet()
        self.receipts: list[Receipt] = []
        self.commands: list[Command] = []
        self.client = Client(
            host,
            port,
            SessionOptions("gw1", subscriptions=(Subscription(f"{BASE}/receipts"), Subscription(f"{BASE}/commands"))),
            on_messages=self._messages,
            jitter=lambda: 0.0,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Sender"]:
        task = asyncio.create_task(self.client.run())
        await eventually(lambda: self.client.live)
        try:
            yield self
        finally:
            await self.client.close()
            await task

    def _messages(self, messages: list[Message]) -> None:
        for message in messages:
            if message.topic.endswith("/commands"):
                self.commands.append(decode_message(Command, message.payload))
                continue
            receipt = decode_message(Receipt, message.payload)
            self.receipts.append(receipt)
            self.told.update((a, b) for a, b in receipt.durable.get(epoch_text(EPOCH), []))
        self.client.acknowledge(messages[-1])
        self.client.flush()

    def log(self, count: int) -> list[int]:
        """New readings."""
        seqs = list(range(self.logged + 1, self.logged + count + 1))
        self.logged += count
        return seqs

    async def send(self, seqs: list[int], codec: Codec = Codec.CBOR) -> None:
        """One batch, when there is room for it."""
        values: dict[str, Any] = {"value": [Random(seq).random() for seq in seqs]} if self.rough else {}
        payload = encode_batch(batch(level(seqs, start_ms=self._start_ms, **values)), codec)
        await eventually(lambda: self.client.room)
        self.client.publish(f"{BASE}/readings", payload, content_type=CONTENT_TYPES[codec])
        self.client.flush()

    async def send_raw(self, payload: bytes, content_type: str = "application/json") -> None:
        await eventually(lambda: self.client.room)
        self.client.publish(f"{BASE}/readings", payload, content_type=content_type)
        self.client.flush()

    async def hello(self, nonce: str = "0123456789abcdef", first: int = 1) -> None:
        extent = LogExtent(epoch=epoch_text(EPOCH), first=first, last=self.logged)
        await eventually(lambda: self.client.room)
        status = Status(state=State.ONLINE, nonce=nonce, logs=[extent])
        self.client.publish(f"{BASE}/status", encode_message(status), retain=True)
        self.client.flush()

    async def all_told(self, timeout_s: float = 20.0, again_s: float = 0.5, at_least: int | None = None) -> None:
        """Until everything logged (or at least so many) has its receipt; what has none is sent again."""

        def told() -> bool:
            return self.told.size >= (self.logged if at_least is None else at_least)

        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            try:
                await eventually(told, again_s)
            except AssertionError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                for first, last in self.told.missing(1, self.logged):
                    for at in range(first, last + 1, 500):
                        await self.send(list(range(at, min(last, at + 499) + 1)))
            else:
                return

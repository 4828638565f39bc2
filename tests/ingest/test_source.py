import asyncio

from ingest.source import HIGH_BYTES, HIGH_MESSAGES, Source
from mqtt import Message


class Flow:
    """What the client would be told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.source = Source(pause=lambda: self.calls.append("pause"), resume=lambda: self.calls.append("resume"))

    def paused(self) -> bool:
        assert self.calls == ["pause", "resume"] * (len(self.calls) // 2) + ["pause"] * (len(self.calls) % 2)
        return len(self.calls) % 2 == 1


def messages(count: int, size: int = 100) -> list[Message]:
    return [Message(1, n, "a/b", bytes(size), None, retained=False) for n in range(1, count + 1)]


async def test_messages_come_in_order_and_within_bounds() -> None:
    flow = Flow()
    flow.source.deliver(messages(10))
    taken = await flow.source.take(4, 1 << 20, 0.0)
    assert [one.message.number for one in taken] == [1, 2, 3, 4]
    taken = await flow.source.take(100, 250, 0.0)
    assert [one.message.number for one in taken] == [5, 6, 7]
    assert not flow.source.empty.is_set()
    await flow.source.take(100, 1 << 20, 0.0)
    assert flow.source.empty.is_set()


async def test_a_full_queue_pauses_and_resumes_once() -> None:
    flow = Flow()
    while not flow.paused():
        flow.source.deliver(messages(100, 10_000))
    assert flow.source.waiting * 10_000 <= HIGH_BYTES + 100 * 10_000
    while flow.paused():
        await flow.source.take(10, 1 << 20, 0.0)
    assert flow.source.waiting
    assert flow.calls == ["pause", "resume"]


async def test_small_messages_are_counted_too() -> None:
    flow = Flow()
    flow.source.deliver(messages(HIGH_MESSAGES, 0))
    assert flow.paused()


async def test_a_hold_outlasts_the_queue() -> None:
    flow = Flow()
    flow.source.hold(True)
    flow.source.deliver(messages(HIGH_MESSAGES, 0))
    await flow.source.take(HIGH_MESSAGES, 1 << 20, 0.0)
    assert flow.calls == ["pause"]
    flow.source.hold(False)
    assert flow.calls == ["pause", "resume"]


async def test_take_waits_for_the_first_message_and_then_for_company() -> None:
    flow = Flow()
    waiting = asyncio.create_task(flow.source.take(10, 1 << 20, 0.02))
    await asyncio.sleep(0)
    flow.source.deliver(messages(1))
    await asyncio.sleep(0)
    flow.source.deliver(messages(2))
    assert len(await waiting) == 3

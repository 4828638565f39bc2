import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.clock import SystemClock
from gateway.drivers import Driver, Poll, Trouble
from gateway.drivers.open import open_drivers
from gateway.registers import RegisterType, encode
from gateway.sampler import readings_of
from tests.gateway.build import device, settings
from tests.gateway.drivers.responder import Question, Responder, tcp_device

TIMEOUT_S = 0.3


def echoing(*registers: int, type_: str = "uint16", table: str = "holding") -> list[dict[str, Any]]:
    return [{"id": f"r{at}", "quantity": "level", "register": at, "type": type_, "table": table} for at in registers]


@asynccontextmanager
async def polled(port: int, *devices: dict[str, Any]) -> AsyncIterator[dict[str, Driver]]:
    configured = [device(**{"port": port, "timeout": TIMEOUT_S, **one}) for one in devices]
    with open_drivers(settings(devices=configured).devices, SystemClock()) as drivers:
        yield dict(drivers)


def values(poll: Poll) -> list[float | None]:
    return [reading.value for reading in readings_of(poll)]


def troubles(poll: Poll) -> list[Trouble | None]:
    return [answer.error.trouble if answer.error else None for answer in poll.blocks]


async def test_one_request_reads_all_near_registers() -> None:
    responder = Responder()
    async with tcp_device(responder) as port, polled(port, {"id_": "a", "sensors": echoing(3, 9, 7)}) as drivers:
        poll = await drivers["a"].poll()
        assert values(poll) == [3.0, 7.0, 9.0]
        assert responder.questions == [Question(1, 3, 3, 7)]
        assert poll.asked.boot_ns <= poll.answered.boot_ns


async def test_numbers_of_every_type_and_order() -> None:
    kinds = [
        (kind, words, bytes_) for kind in RegisterType for words in ("big", "little") for bytes_ in ("big", "little")
    ]
    registers: list[int] = []
    sensors = []
    for at, (kind, words, bytes_) in enumerate(kinds):
        sensors.append(
            {"id": f"s{at}", "quantity": "level", "register": len(registers), "type": kind.value}
            | {"word_order": words, "byte_order": bytes_, "table": "input"}
        )
        registers += encode(-at if "u" not in kind.value else at, kind, words, bytes_)
    responder = Responder(
        answer=lambda _, question: (0.0, question.pdu(registers[question.start : question.start + question.count]))
    )
    async with tcp_device(responder) as port, polled(port, {"id_": "a", "sensors": sensors}) as drivers:
        got = values(await drivers["a"].poll())
        assert got == [-at if "u" not in kind.value else at for at, (kind, _, _) in enumerate(kinds)]
        assert [question.function for question in responder.questions] == [4]


async def test_a_device_that_refuses_unused_registers_is_asked_for_the_used_ones() -> None:
    def answer(_: int, question: Question) -> tuple[float, bytes]:
        holes = any(at not in (0, 1, 40) for at in range(question.start, question.start + question.count))
        return 0.0, question.refusal(2) if holes else question.pdu(
            list(range(question.start, question.start + 8))[: question.count]
        )

    responder = Responder(answer=answer)
    async with tcp_device(responder) as port, polled(port, {"id_": "a", "sensors": echoing(0, 1, 40)}) as drivers:
        assert values(await drivers["a"].poll()) == [0.0, 1.0, 40.0]
        assert values(await drivers["a"].poll()) == [0.0, 1.0, 40.0]
        assert [(one.start, one.count) for one in responder.questions] == [(0, 41), (0, 2), (40, 1), (0, 2), (40, 1)]


async def test_a_refusal_is_no_value_and_the_device_lives() -> None:
    responder = Responder(answer=lambda _, question: (0.0, question.refusal(4)))
    async with tcp_device(responder) as port, polled(port, {"id_": "a", "sensors": echoing(0)}) as drivers:
        poll = await drivers["a"].poll()
        assert troubles(poll) == [Trouble.REFUSED]
        assert poll.any_answer
        assert values(poll) == [None]
        assert len(responder.questions) == 1


async def test_silence_is_tried_once_more_and_then_given_up() -> None:
    responder = Responder(answer=lambda number, question: None)
    async with tcp_device(responder) as port, polled(port, {"id_": "a", "sensors": echoing(0)}) as drivers:
        assert troubles(await drivers["a"].poll()) == [Trouble.NO_ANSWER]
        assert len(responder.questions) == 2
        # A device that did not answer has one try until it answers again.
        assert troubles(await drivers["a"].poll()) == [Trouble.NO_ANSWER]
        assert len(responder.questions) == 3
        responder.answer = lambda _, question: (0.0, question.pdu([7]))
        assert values(await drivers["a"].poll()) == [7.0]


async def test_a_late_answer_is_never_taken_for_the_next() -> None:
    def answer(number: int, question: Question) -> tuple[float, bytes]:
        return (2 * TIMEOUT_S if number == 1 else 0.0), question.pdu([100 + number])

    responder = Responder(answer=answer)
    async with tcp_device(responder) as port, polled(port, {"id_": "a", "sensors": echoing(0)}) as drivers:
        assert values(await drivers["a"].poll()) == [102.0]
        await asyncio.sleep(TIMEOUT_S)
        assert values(await drivers["a"].poll()) == [103.0]


async def test_too_few_registers_are_no_answer() -> None:
    responder = Responder(answer=lambda _, question: (0.0, question.pdu([1, 2])))
    async with tcp_device(responder) as port, polled(port, {"id_": "a", "sensors": echoing(0, 2)}) as drivers:
        poll = await drivers["a"].poll()
        assert troubles(poll) == [Trouble.WRONG_ANSWER]
        assert values(poll) == [None, None]


async def test_an_answer_to_another_function_is_no_answer() -> None:
    def answer(_: int, question: Question) -> tuple[float, bytes]:
        return 0.0, b"\x04" + question.pdu([1])[1:]

    async with (
        tcp_device(Responder(answer=answer)) as port,
        polled(port, {"id_": "a", "sensors": echoing(0)}) as drivers,
    ):
        assert troubles(await drivers["a"].poll()) == [Trouble.WRONG_ANSWER]


async def test_garbage_is_no_answer_and_passes() -> None:
    responder = Responder(
        mangle=lambda number, frame: frame if number > 2 else b"\x00\x01\x00\x00\x00\x05\x01\x03\xff\x00\x01"
    )
    async with tcp_device(responder) as port, polled(port, {"id_": "a", "sensors": echoing(5)}) as drivers:
        assert values(await drivers["a"].poll()) == [None]
        assert values(await drivers["a"].poll()) == [5.0]


async def test_a_connection_that_was_cut_is_made_again() -> None:
    responder = Responder()
    async with tcp_device(responder) as port, polled(port, {"id_": "a", "sensors": echoing(5)}) as drivers:
        for _ in range(3):
            assert values(await drivers["a"].poll()) == [5.0]
            responder.close()
        assert responder.connections == 3


async def test_a_device_that_closes_instead_of_answering_is_noticed_at_once() -> None:
    responder = Responder()

    def answer(number: int, question: Question) -> tuple[float, bytes] | None:
        if number == 1:
            responder.close()
            return None
        return 0.0, question.pdu([7])

    responder.answer = answer
    async with (
        tcp_device(responder) as port,
        polled(port, {"id_": "a", "sensors": echoing(5), "timeout": 30.0}) as drivers,
    ):
        async with asyncio.timeout(10):
            assert values(await drivers["a"].poll()) == [7.0]


async def test_nobody_there_is_said_and_not_asked_too_often() -> None:
    async with tcp_device(Responder()) as port:
        pass
    async with polled(port, {"id_": "a", "sensors": echoing(0)}) as drivers:
        poll = await drivers["a"].poll()
        assert troubles(poll) == [Trouble.NOT_CONNECTED]
        error = poll.blocks[0].error
        assert error is not None
        assert "cannot connect" in error.detail
        again = (await drivers["a"].poll()).blocks[0].error
        assert again is not None
        assert "next try in" in again.detail


async def test_a_dead_device_does_not_delay_one_on_another_connection() -> None:
    dead, alive = Responder(answer=lambda number, question: None), Responder()
    async with tcp_device(dead) as dead_port, tcp_device(alive) as port:
        devices = ({"id_": "dead", "port": dead_port, "timeout": 20.0}, {"id_": "alive", "sensors": echoing(1)})
        async with polled(port, *devices) as drivers:
            hanging = asyncio.ensure_future(drivers["dead"].poll())
            for _ in range(20):
                assert values(await drivers["alive"].poll()) == [1.0]
            assert not hanging.done()
            hanging.cancel()
            await asyncio.gather(hanging, return_exceptions=True)


async def test_units_behind_one_converter_share_its_connection() -> None:
    responder = Responder(answer=lambda _, question: (0.0, question.pdu([question.unit])))
    async with tcp_device(responder) as port:
        devices = [{"id_": f"u{unit}", "unit_id": unit} for unit in (1, 2, 3)]
        async with polled(port, *devices) as drivers:
            polls = await asyncio.gather(*(driver.poll() for driver in drivers.values()))
            assert [values(poll) for poll in polls] == [[1.0], [2.0], [3.0]]
            assert responder.connections == 1

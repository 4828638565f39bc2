import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.drivers import Driver, Trouble
from gateway.drivers.open import open_drivers
from tests.gateway.build import device as device_document
from tests.gateway.build import settings
from tests.gateway.drivers.responder import Question, Responder, rtu_devices
from tests.gateway.drivers.test_tcp import echoing, troubles, values
from tests.servers.wait import eventually

TIMEOUT_S = 0.5
SHORT_S = 0.1


@asynccontextmanager
async def polled(port: str, *devices: dict[str, Any]) -> AsyncIterator[dict[str, Driver]]:
    configured = []
    for one in devices:
        serial = {"protocol": "modbus-rtu", "port": port, "baudrate": 115200, "timeout": TIMEOUT_S, "retries": 0}
        whole = device_document(**{**serial, **one})
        del whole["host"]
        configured.append(whole)
    with open_drivers(settings(devices=configured).devices, SystemClock()) as drivers:
        yield dict(drivers)


async def test_registers_on_a_serial_port() -> None:
    responder = Responder()
    async with rtu_devices((1, responder)) as port, polled(port, {"id_": "a", "sensors": echoing(3, 5)}) as drivers:
        for _ in range(3):
            assert values(await drivers["a"].poll()) == [3.0, 5.0]
        assert responder.questions == [Question(1, 3, 3, 3)] * 3


async def test_a_broken_frame_is_no_answer_and_the_next_is_good() -> None:
    def broken(number: int, frame: bytes) -> bytes:
        return frame[:-1] + bytes([frame[-1] ^ 1]) if number == 1 else frame[:4] if number == 2 else frame

    responder = Responder(mangle=broken)
    async with rtu_devices((1, responder)) as port, polled(port, {"id_": "a", "sensors": echoing(3, 5)}) as drivers:
        assert values(await drivers["a"].poll()) == [None, None]
        assert values(await drivers["a"].poll()) == [None, None]
        assert values(await drivers["a"].poll()) == [3.0, 5.0]


async def test_another_units_frame_is_no_answer() -> None:
    responder = Responder(unit_of=lambda number, _: 9 if number == 1 else 1)
    async with rtu_devices((1, responder)) as port, polled(port, {"id_": "a", "sensors": echoing(3)}) as drivers:
        assert values(await drivers["a"].poll()) == [None]


@pytest.mark.parametrize(
    ("registers", "delay"), [((0, 1), 1.5), ((0, 1), 4.5), ((0, 1, 2, 3), 2.5), ((0, 1, 2, 3), 7.3)]
)
async def test_an_answer_that_comes_late_is_never_taken_for_another(registers: tuple[int, ...], delay: float) -> None:
    """The first three answers come late, queued as in a converter, and every register holds the number of its question."""

    def answer(number: int, question: Question) -> tuple[float, bytes]:
        return (delay * SHORT_S if number <= 3 else 0.0), question.pdu([number] * question.count)

    responder = Responder(answer=answer)
    device = {"id_": "a", "sensors": echoing(*registers), "timeout": SHORT_S}
    async with rtu_devices((1, responder)) as port, polled(port, device) as drivers:
        good = 0
        async with asyncio.timeout(60):
            while good < 3:
                got = values(await drivers["a"].poll())[0]
                if got is not None:
                    assert got == len(responder.questions)
                    good += 1


@pytest.mark.parametrize("delay", [1.5, 4.5])
async def test_one_register_is_believed_once_two_answers_agree(delay: float) -> None:
    def answer(number: int, question: Question) -> tuple[float, bytes]:
        return (delay * SHORT_S if number <= 3 else 0.0), question.pdu([number if number <= 8 else 1000])

    responder = Responder(answer=answer)
    device = {"id_": "a", "sensors": echoing(0), "timeout": SHORT_S}
    async with rtu_devices((1, responder)) as port, polled(port, device) as drivers:
        got: float | None = None
        async with asyncio.timeout(60):
            while got is None:
                got = values(await drivers["a"].poll())[0]
        assert got == 1000


@pytest.mark.parametrize("registers", [(0,), (0, 1, 2)])
async def test_a_counter_that_never_reads_the_same_comes_back_after_a_silence(registers: tuple[int, ...]) -> None:
    def answer(number: int, question: Question) -> tuple[float, bytes] | None:
        return None if 2 <= number <= 7 else (0.0, question.pdu([number] * question.count))

    responder = Responder(answer=answer)
    device = {"id_": "a", "sensors": echoing(*registers), "timeout": SHORT_S}
    async with rtu_devices((1, responder)) as port, polled(port, device) as drivers:
        assert values(await drivers["a"].poll())[0] == 1.0
        assert values(await drivers["a"].poll())[0] is None
        async with asyncio.timeout(60):
            while (got := values(await drivers["a"].poll())[0]) is None:
                pass
        assert got == len(responder.questions)


async def test_a_dead_unit_costs_the_others_no_more_than_its_own_time() -> None:
    dead, alive = Responder(answer=lambda number, question: None), Responder()
    async with rtu_devices((1, dead), (2, alive)) as port:
        devices = ({"id_": "dead", "unit_id": 1}, {"id_": "alive", "unit_id": 2, "sensors": echoing(4)})
        async with polled(port, *devices) as drivers:
            assert values(await drivers["alive"].poll()) == [4.0]
            for _ in range(3):
                silent = asyncio.ensure_future(drivers["dead"].poll())
                await asyncio.sleep(0)
                began = asyncio.get_running_loop().time()
                assert values(await drivers["alive"].poll()) == [4.0]
                assert asyncio.get_running_loop().time() - began < drivers["dead"].dead_s + 2.0
                assert troubles(await silent) == [Trouble.NO_ANSWER]


async def test_a_port_that_is_not_there_is_said() -> None:
    async with polled("/dev/no-such-port", {"id_": "a"}) as drivers:
        poll = await drivers["a"].poll()
        assert troubles(poll) == [Trouble.NOT_CONNECTED]


async def answers(driver: Driver) -> bool:
    return values(await driver.poll()) == [4.0]


async def test_a_port_that_goes_away_and_comes_back(tmp_path: Any) -> None:
    link = tmp_path / "port"
    async with polled(str(link), {"id_": "a", "sensors": echoing(4)}) as drivers:
        for _ in range(2):
            async with rtu_devices((1, Responder())) as port:
                link.unlink(missing_ok=True)
                link.symlink_to(port)
                await eventually(partial(answers, drivers["a"]), 20.0)
            assert values(await drivers["a"].poll()) == [None]

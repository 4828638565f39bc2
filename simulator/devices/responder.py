"""From a request to an answer on the line: the one way through a device, its faults and its ledger, for TCP and serial alike."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from simulator.devices.device import Answer, Device
from simulator.devices.faults import BadChecksum, Fault, HangUp, Late, Refuse, Silent, Truncated, WrongUnit
from simulator.ledger.rows import State
from simulator.modbus.frames import Request
from simulator.modbus.pdu import RefusedError, answer_refusal


class Line(Protocol):
    """Where a request came from and its answer goes."""

    def frame(self, request: Request, unit: int, pdu: bytes) -> bytes:
        """The answer as it travels here."""
        ...

    def with_bad_checksum(self, frame: bytes) -> bytes:
        """The same frame, and the peer can see that it is not good."""
        ...

    def send(self, frame: bytes) -> bool:
        """Give it to the network; False when nobody is there any more, and then nothing was sent."""
        ...

    def hang_up(self) -> None:
        """Close the connection, where there is one."""
        ...


async def respond(devices: Mapping[int, Device], request: Request, requested_s: float, line: Line) -> None:
    """Answer one request. Nobody answers for a unit that is not there. Raises LedgerError."""
    device = devices.get(request.unit)
    if device is None:
        return
    fault = device.faults.take()
    if isinstance(fault, Silent):
        return
    if isinstance(fault, HangUp):
        line.hang_up()
        return
    if isinstance(fault, Refuse):
        line.send(line.frame(request, request.unit, answer_refusal(_function(request), fault.code)))
        return
    try:
        answer = await device.answer(request.pdu, requested_s)
    except RefusedError as error:
        line.send(line.frame(request, request.unit, answer_refusal(_function(request), error.code)))
        return
    try:
        if isinstance(fault, Late):
            await asyncio.sleep(fault.delay_s)
        sent = line.send(_frame(request, answer, fault, line))
    except asyncio.CancelledError:
        device.settle(answer, State.CUT)
        raise
    spoiled = isinstance(fault, WrongUnit | Truncated | BadChecksum)
    device.settle(answer, State.CUT if not sent else State.SPOILED if spoiled else State.SENT)


def _frame(request: Request, answer: Answer, fault: Fault | None, line: Line) -> bytes:
    unit = (request.unit + 1) % 256 if isinstance(fault, WrongUnit) else request.unit
    frame = line.frame(request, unit, answer.pdu)
    if isinstance(fault, Truncated):
        return frame[: fault.bytes_kept]
    if isinstance(fault, BadChecksum):
        return line.with_bad_checksum(frame)
    return frame


def _function(request: Request) -> int:
    return request.pdu[0] if request.pdu else 0

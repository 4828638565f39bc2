"""Raw Modbus devices on TCP and on a pty, which misbehave as told. They know no library, so that theirs is not tested too."""

import asyncio
import contextlib
import os
import struct
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Frame = bytes


def crc16(data: bytes) -> bytes:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


@dataclass(frozen=True)
class Question:
    """A request to read registers."""

    unit: int
    function: int
    start: int
    count: int

    def pdu(self, registers: list[int]) -> bytes:
        """The usual answer with these registers."""
        return struct.pack(f">BB{len(registers)}H", self.function, 2 * len(registers), *registers)

    def refusal(self, code: int) -> bytes:
        """An exception."""
        return bytes([self.function | 0x80, code])


def echo(question: Question) -> list[int]:
    """Registers that tell their own address, so that an answer to another question is noticed."""
    return list(range(question.start, question.start + question.count))


@dataclass
class Responder:
    """`answer` gives for the n-th question (from 1) the delay in seconds and the PDU; None is silence.

    `unit_of` and `mangle` change the answering unit and the finished frame.
    """

    answer: Callable[[int, Question], tuple[float, bytes] | None] = lambda _, question: (
        0.0,
        question.pdu(echo(question)),
    )
    unit_of: Callable[[int, Question], int] = lambda _, question: question.unit
    mangle: Callable[[int, Frame], Frame] = lambda _, frame: frame
    questions: list[Question] = field(default_factory=list)
    connections: int = 0
    close: Callable[[], None] = lambda: None

    def reply(self, unit: int, pdu: bytes) -> tuple[int, float, int, bytes] | None:
        """Number, delay, unit and PDU of the answer to this request, or None."""
        question = Question(unit, pdu[0], *struct.unpack(">HH", pdu[1:5]))
        self.questions.append(question)
        number = len(self.questions)
        answer = self.answer(number, question)
        return None if answer is None else (number, answer[0], self.unit_of(number, question), answer[1])


@asynccontextmanager
async def tcp_device(responder: Responder, port: int = 0) -> AsyncIterator[int]:
    """A Modbus TCP device on loopback; yields its port."""
    writers: set[asyncio.StreamWriter] = set()
    tasks: set[asyncio.Task[None]] = set()

    async def answer(writer: asyncio.StreamWriter, header: bytes, reply: tuple[int, float, int, bytes]) -> None:
        number, delay, unit, pdu = reply
        await asyncio.sleep(delay)
        frame = header[:4] + struct.pack(">HB", len(pdu) + 1, unit) + pdu
        with contextlib.suppress(ConnectionError):
            writer.write(responder.mangle(number, frame))
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        responder.connections += 1
        writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await reader.readexactly(7)
                pdu = await reader.readexactly(int.from_bytes(header[4:6], "big") - 1)
                reply = responder.reply(header[6], pdu)
                if reply is not None:
                    task = asyncio.ensure_future(answer(writer, header, reply))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
        writers.discard(writer)
        writer.close()

    def close() -> None:
        for writer in writers:
            writer.transport.abort()

    responder.close = close
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def rtu_devices(*responders: tuple[int, Responder]) -> AsyncIterator[str]:
    """Modbus RTU devices by unit on one serial port (a pty); yields its path. Requests queue up, as in a converter."""
    loop = asyncio.get_running_loop()
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    os.set_blocking(master, False)
    by_unit = dict(responders)
    buffer = bytearray()
    queue: asyncio.Queue[tuple[Responder, tuple[int, float, int, bytes]]] = asyncio.Queue()

    def readable() -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            buffer.extend(os.read(master, 1024))
        while len(buffer) >= 8:
            frame = bytes(buffer[:8])
            del buffer[:8]
            assert frame[6:] == crc16(frame[:6]), "the gateway's own frame is broken"
            responder = by_unit.get(frame[0])
            reply = responder.reply(frame[0], frame[1:6]) if responder is not None else None
            if responder is not None and reply is not None:
                queue.put_nowait((responder, reply))

    async def answer() -> None:
        while True:
            responder, (number, delay, unit, pdu) = await queue.get()
            await asyncio.sleep(delay)
            frame = bytes([unit]) + pdu
            os.write(master, responder.mangle(number, frame + crc16(frame)))

    loop.add_reader(master, readable)
    answering = asyncio.ensure_future(answer())
    try:
        yield os.ttyname(slave)
    finally:
        loop.remove_reader(master)
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        os.close(master)
        os.close(slave)

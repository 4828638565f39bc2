"""An HTTP server that answers as it is told: what no real database says on demand."""

import asyncio
import gzip
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.servers.process import LOOPBACK

HANG = b"hang"
CUT = b"cut"
"""Instead of an answer: never answer, or break off in the middle of one."""


def answer(status: int, body: str = "", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body.encode())}\r\n{headers}\r\n{body}".encode()


NO_CONTENT = b"HTTP/1.1 204 No Content\r\nX-Influxdb-Version: v2.7.12\r\n\r\n"
NAMELESS = b"HTTP/1.1 204 No Content\r\n\r\n"
"""The same of something that does not say what it is."""


@dataclass(slots=True)
class Request:
    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def lines(self) -> list[str]:
        """The body's lines, unpacked."""
        return gzip.decompress(self.body).decode().split("\n")


@dataclass
class ScriptedServer:
    """Gives the answers in turn, then 204 for ever; `requests` are those that came."""

    answers: list[bytes] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while request := await _read(reader):
                self.requests.append(request)
                said = self.answers.pop(0) if self.answers else NO_CONTENT
                if said == HANG:
                    await asyncio.Event().wait()
                if said == CUT:
                    writer.write(b"HTTP/1.1 204 No Con")
                    await writer.drain()
                    break
                writer.write(said)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass  # the client has gone, or the test ends
        finally:
            self._tasks.discard(task)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
    return Request(first, headers, await reader.readexactly(int(headers.get("content-length", "0"))))

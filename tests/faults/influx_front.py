"""A scripted front of InfluxDB: passes writes on, but for those that a mishap is waiting for."""

import asyncio
import contextlib
import gzip
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from tests.servers.process import LOOPBACK, free_port

Mishap = Callable[["InfluxFront", web.Request, bytes], Awaitable[web.StreamResponse]]


class InfluxFront:
    """Listens while it is open. Mishaps befall the next writes in turn; `refuse_lines` all that contain a text."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.mishaps: deque[tuple[str, Mishap]] = deque()
        self.happened: Counter[str] = Counter()
        self.refuse_lines: str | None = None
        self._target = f"http://{LOOPBACK}:{target_port}"
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self.port).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
        await self._client.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path.endswith("/write"):
            if self.mishaps:
                name, mishap = self.mishaps.popleft()
                self.happened[name] += 1
                return await mishap(self, request, body)
            if self.refuse_lines is not None:
                # aiohttp has unpacked what says that it is packed.
                text = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()
                bad = [line for line in text.splitlines() if self.refuse_lines in line]
                if bad:
                    self.happened["line"] += 1
                    return web.json_response(
                        {"code": "invalid", "message": f"unable to parse '{bad[0]}': invalid number"}, status=400
                    )
        return await self.forward(request, body)

    async def forward(self, request: web.Request, body: bytes) -> web.Response:
        """Let InfluxDB answer."""
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in ("host", "content-length", "transfer-encoding", "content-encoding")
        }
        if body[:2] == b"\x1f\x8b":
            headers["Content-Encoding"] = "gzip"
        try:
            async with self._client.request(
                request.method, self._target + str(request.rel_url), data=body, headers=headers
            ) as answer:
                told = await answer.read()
                kept = {
                    name: value
                    for name, value in answer.headers.items()
                    if name.lower() not in ("content-length", "transfer-encoding")
                }
                return web.Response(status=answer.status, body=told, headers=kept)
        except aiohttp.ClientError as error:
            return web.Response(status=502, text=str(error))


def answer(status: int, message: str, **headers: str) -> Mishap:
    """Answer so, and store nothing."""

    async def mishap(front: InfluxFront, request: web.Request, body: bytes) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response({"code": "x", "message": message}, status=status, headers=named)

    return mishap


async def hang(front: InfluxFront, request: web.Request, body: bytes) -> web.StreamResponse:
    """Say nothing, and carry it out when nobody waits any more: a request that timed out may still be stored."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(3600.0)
    await asyncio.shield(front.forward(request, body))
    raise asyncio.CancelledError


async def cut_in_mid_answer(front: InfluxFront, request: web.Request, body: bytes) -> web.StreamResponse:
    """Carry it out, begin the answer, and break off."""
    await front.forward(request, body)
    response = web.StreamResponse(status=400, headers={"Content-Length": "5000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"code":"invalid","message":"unable to parse ')
    assert request.transport is not None
    request.transport.abort()
    return response

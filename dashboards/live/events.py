"""Server-sent events: how a message is written, and the HTTP answer that streams them, compressed."""

import asyncio
import contextlib
import json
import zlib
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from dashboards.live.hub import Client, Hub
from dashboards.live.metrics import LiveMetrics

SEND_TIMEOUT_S = 20.0
"""A browser that takes nothing for so long is let go."""
RETRY_MS = 2000
"""After which a browser that lost the stream comes back."""


def message(event: str, body: dict[str, Any], id_: str = "") -> bytes:
    """One event; JSON has no line ends, so one data line is enough."""
    head = f"id: {id_}\n" if id_ else ""
    return f"{head}event: {event}\ndata: {json.dumps(body, separators=(',', ':'), ensure_ascii=False)}\n\n".encode()


class EventStream:
    """Streams a client's queue until it ends, the browser leaves, or the browser takes nothing for too long."""

    def __init__(self, hub: Hub, client: Client, metrics: LiveMetrics) -> None:
        self._hub = hub
        self._client = client
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI has it."""
        gzip = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        leaving = asyncio.create_task(_disconnect(receive), name="live: does the browser leave")
        pumping = asyncio.create_task(self._pump(send, gzip), name="live: event stream")
        try:
            await asyncio.wait({leaving, pumping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(self._client)
            for task in (leaving, pumping):
                task.cancel()
            results = await asyncio.gather(leaving, pumping, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, OSError):
                raise result

    async def _pump(self, send: Send, gzip: bool) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),  # nginx would hold the stream back
        ]
        # A window of 4 KB a browser keeps hundreds of them cheap.
        squeeze = zlib.compressobj(6, zlib.DEFLATED, 16 + 12, 5) if gzip else None
        if squeeze:
            headers.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        part: bytes | None = f"retry: {RETRY_MS}\n\n".encode()
        while part is not None and not self._client.gone:
            data = squeeze.compress(part) + squeeze.flush(zlib.Z_SYNC_FLUSH) if squeeze else part
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            except TimeoutError:
                self._metrics.dropped.labels(reason="stuck").inc()
                return
            part = await self._client.queue.get()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                rest = squeeze.flush() if squeeze else b""
                await send({"type": "http.response.body", "body": rest, "more_body": False})


async def _disconnect(receive: Receive) -> None:
    while True:
        incoming: Message = await receive()
        if incoming["type"] == "http.disconnect":
            return

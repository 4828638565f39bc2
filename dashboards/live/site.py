"""The page over HTTP: its files, the JSON API, CSV, the event stream, and the headers that keep all of it safe.

GET /                  the page
GET /api/stations      the whole picture: names, units, thresholds, last values, states
GET /api/series        ?station=&quantity=&sensor=&from=&to=&points=   one series, times in ms since 1970
GET /api/series.csv    the same range with every point, as a spreadsheet reads it
GET /events            server-sent events: `picture` (whole), `change` (fields that differ), `beat` (still here)
GET /healthz, /readyz  for a proxy or a supervisor
"""

import json
from collections.abc import AsyncIterator, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboards.live.charts import (
    CSV_MOST,
    Asked,
    AskedWrongError,
    csv_head,
    csv_name,
    csv_parts,
    csv_text,
    parse,
    series_json,
)
from dashboards.live.events import EventStream, message
from dashboards.live.hub import Hub, TooManyError
from dashboards.live.metrics import LiveMetrics
from dashboards.live.poller import Poller
from dashboards.live.static_files import StaticFiles
from dashboards.live.zones import offsets
from store.points import PointReader, StoreError

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI has it."""

        async def send_with(outgoing: Message) -> None:
            if outgoing["type"] == "http.response.start":
                outgoing["headers"] = [*outgoing.get("headers", ()), *self._headers]
            await send(outgoing)

        await self._app(scope, receive, send_with)


class Site:
    """The routes. `app` is the ASGI application."""

    def __init__(
        self,
        poller: Poller,
        hub: Hub,
        reader: PointReader,
        metrics: LiveMetrics,
        files: StaticFiles,
        now_ms: Callable[[], int],
    ) -> None:
        self._poller = poller
        self._hub = hub
        self._reader = reader
        self._metrics = metrics
        self._now_ms = now_ms
        self._files = files
        self.app = Starlette(
            routes=[
                Route("/", self._index),
                Route("/sw.js", self._worker),
                Route("/static/{path:path}", self._file),
                Route("/api/stations", self._stations),
                Route("/api/series", self._series),
                Route("/api/series.csv", self._csv),
                Route("/events", self._events),
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
            ],
            middleware=[Middleware(SecurityHeaders), Middleware(GZipMiddleware, minimum_size=500, compresslevel=5)],
            exception_handlers={
                AskedWrongError: _asked_wrong,
                StoreError: _store_away,
                HTTPException: _http_error,
            },
        )

    async def _index(self, request: Request) -> Response:
        return self._files.index(request)

    async def _worker(self, request: Request) -> Response:
        return self._files.worker(request)

    async def _file(self, request: Request) -> Response:
        return self._files.file(request)

    async def _stations(self, request: Request) -> Response:
        picture = self._poller.picture
        etag = f'"{picture.version}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match", "").removeprefix("W/") == etag:
            return Response(status_code=304, headers=headers)
        return JSONResponse(picture.whole(self._now_ms()), headers=headers)

    async def _series(self, request: Request) -> Response:
        asked = self._asked(request)
        history = await self._reader.history(asked.key, asked.start_ms, asked.end_ms, asked.points)
        return JSONResponse(series_json(asked, history), headers={"Cache-Control": "no-cache"})

    async def _csv(self, request: Request) -> Response:
        asked = self._asked(request)
        zone = offsets(self._poller.zone_of(asked.station), self._now_ms())
        # The first part is read before the answer starts, so that a store that is away is still an error to the reader.
        parts = csv_parts(asked)
        first = await self._part(asked, zone, *next(parts))

        async def body() -> AsyncIterator[str]:
            yield csv_head() + first
            for start_ms, end_ms in parts:
                yield await self._part(asked, zone, start_ms, end_ms)

        headers = {
            "Content-Disposition": f'attachment; filename="{csv_name(asked, zone)}"',
            "Cache-Control": "no-store",
        }
        return StreamingResponse(body(), media_type="text/csv", headers=headers)

    async def _part(self, asked: Asked, zone: list[tuple[int, int]], start_ms: int, end_ms: int) -> str:
        history = await self._reader.history(asked.key, start_ms, end_ms, CSV_MOST)
        return csv_text(asked, history, zone)

    async def _events(self, request: Request) -> EventStream | PlainTextResponse:
        try:
            client = self._hub.join()
        except TooManyError:
            return PlainTextResponse("too many browsers watch\n", 503, headers={"Retry-After": "30"})
        picture = self._poller.picture
        has = request.headers.get("last-event-id") or request.query_params.get("have", "")
        now_ms = self._now_ms()
        if has == picture.version:
            client.put(message("beat", {"now_ms": now_ms}))
        else:
            client.put(message("picture", picture.whole(now_ms), picture.version))
        return EventStream(self._hub, client, self._metrics)

    async def _healthz(self, request: Request) -> Response:
        return PlainTextResponse("alive\n", headers={"Cache-Control": "no-store"})

    async def _readyz(self, request: Request) -> Response:
        why_not = self._poller.why_not_ready()
        headers = {"Cache-Control": "no-store"}
        if why_not is None:
            return PlainTextResponse("ready\n", headers=headers)
        return PlainTextResponse(why_not + "\n", 503, headers=headers)

    def _asked(self, request: Request) -> Asked:
        return parse(request.query_params, self._poller.registry, self._now_ms())


async def _asked_wrong(request: Request, error: Exception) -> Response:
    assert isinstance(error, AskedWrongError)
    return _error(error.status, str(error))


async def _store_away(request: Request, error: Exception) -> Response:
    return _error(503, f"the store does not answer: {error}")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail)


def _error(status: int, text: str) -> Response:
    return Response(
        json.dumps({"error": text}, ensure_ascii=False), status, {"Cache-Control": "no-store"}, "application/json"
    )

"""Serves /healthz, /readyz and /metrics from a thread of its own, so that a busy role still answers."""

import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, generate_latest, make_wsgi_app
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pydantic import BaseModel, ConfigDict, Field

PAUSE_S = 0.0002
"""After each piece of a long page: the role's own thread goes on meanwhile."""
_GZIP = 16 + zlib.MAX_WBITS


class HealthSettings(BaseModel):
    """Where the role's health page listens. `enabled = false` leaves it out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535, description="0: any free port, said in the log")


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """A scrape every few seconds is no news."""


class HealthServer:
    """`ready` answers None when the role does its job, else one sentence that says why not.

    `more` gives metrics beside the registry's, as text in pieces of whole lines.
    """

    def __init__(
        self,
        settings: HealthSettings,
        registry: CollectorRegistry,
        ready: Callable[[], str | None],
        more: Callable[[], Iterable[str]] | None = None,
    ) -> None:
        self._settings = settings
        self._registry, self._more = registry, more
        self._metrics = make_wsgi_app(registry)
        self._ready = ready
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port in use; 0 when the page is left out."""
        return self._server.server_port if self._server else 0

    def __enter__(self) -> Self:
        if self._settings.enabled:
            self._server = make_server(
                self._settings.host, self._settings.port, self._app, server_class=_Server, handler_class=_Quiet
            )
            self._thread = threading.Thread(
                target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="health", daemon=True
            )
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def _app(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == "/metrics" and self._more is not None:
            return self._long_page(self._more(), environ, start)
        if path == "/metrics":
            page: Iterable[bytes] = self._metrics(environ, start)
            return page
        if path == "/healthz":
            return _text(start, "200 OK", "alive")
        if path == "/readyz":
            why_not = self._ready()
            return _text(start, "200 OK", "ready") if why_not is None else _text(start, "503 Not Ready", why_not)
        return _text(start, "404 Not Found", "here are /healthz, /readyz and /metrics")

    def _long_page(self, more: Iterable[str], environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """It is written while it goes out, so that it is never in memory as a whole."""
        pieces = _paused(generate_latest(self._registry), more)
        headers = [("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)]
        if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
            start("200 OK", [*headers, ("Content-Encoding", "gzip")])
            return _gzipped(pieces)
        start("200 OK", headers)
        return pieces


def _paused(first: bytes, more: Iterable[str]) -> Iterator[bytes]:
    yield first
    for piece in more:
        yield piece.encode()
        time.sleep(PAUSE_S)


def _gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(level=1, wbits=_GZIP)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _text(start: Callable[..., Any], status: str, body: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [body.encode() + b"\n"]

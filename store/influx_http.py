"""InfluxDB over plain HTTP with aiohttp: writing through `/write` (1.x, 2.x and 3), and what its errors mean to us."""

import json
import os
import ssl
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp

from store.checks import check
from store.influx_answers import Answer, TooLarge, read_answer
from store.isolate import isolate
from store.lines import Place, encode, places, rows_of
from store.points import Points, RefusedPoint, StoreError, StoreMisconfiguredError, StoreUnavailableError
from store.settings import InfluxSettings

CONNECT_TIMEOUT_S = 5.0
CONNECTIONS = 8
"""More than the lanes of a writer, so that none waits for a connection."""
MAX_REQUEST_BYTES = 16 * 1024 * 1024
"""InfluxDB's own limit is 25 MB; above it the server may break off instead of answering 413."""
MOST_OF_AN_ANSWER = 64 * 1024
NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
"""What OpenSSL says of an answer that is none of TLS."""
_GZIP = 16 + zlib.MAX_WBITS


def gzip(body: bytes) -> bytes:
    """Level 1: a twentieth of the time of level 9 at nearly the same ratio for line protocol."""
    packer = zlib.compressobj(level=1, wbits=_GZIP)
    return packer.compress(body) + packer.flush()


def timeout(settings: InfluxSettings) -> aiohttp.ClientTimeout:
    """For the whole request, and for its connection alone."""
    return aiohttp.ClientTimeout(total=settings.timeout_s, sock_connect=min(CONNECT_TIMEOUT_S, settings.timeout_s))


def transport_error(error: Exception, url: str) -> StoreError:
    """What a failure of the transport means. Whatever fails once connected may still be carried out by the server."""
    said = f"{url}: {_plain(error)}"
    if isinstance(error, (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError, aiohttp.ClientSSLError)):
        return StoreMisconfiguredError(said)
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        return StoreUnavailableError(said)
    if isinstance(error, TimeoutError):
        return StoreUnavailableError(f"{url}: no answer in time", timed_out=True)
    return StoreUnavailableError(said, timed_out=True)


def _plain(error: Exception) -> str:
    """What went wrong, without the names of functions and numbers that only a programmer knows."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"{error.host} has no address"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", None) or error.certificate_error
        return f"its certificate is not trusted: {why}"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "nothing listens there"
    if isinstance(cause, ssl.SSLError):
        if cause.reason in NO_TLS:
            return "it does not speak TLS, http:// may be meant"
        return f"TLS failed: {cause.reason or cause}"
    if isinstance(cause, OSError) and cause.errno is not None:
        return os.strerror(cause.errno)
    return str(error) or type(error).__name__


@asynccontextmanager
async def open_session(settings: InfluxSettings) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that brings the token, or user name and password, with every request."""
    headers = {}
    token = settings.read_token()
    if token is not None:
        headers["Authorization"] = f"Token {token}"
    elif settings.username is not None:
        password = settings.password.get_secret_value() if settings.password is not None else ""
        headers["Authorization"] = "Basic " + b64encode(f"{settings.username}:{password}".encode()).decode()
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=CONNECTIONS),
        headers=headers,
        timeout=timeout(settings),
    ) as session:
        yield session


class Proof:
    """That what answers 204 is a database: other things do too (a wrong port, a portal), and nothing is stored there.

    InfluxDB 1 and 2 say what they are in a header of every answer. Whoever does not, or has a proxy before it that takes
    that away, is asked a question once.
    """

    def __init__(self, settings: InfluxSettings) -> None:
        self._settings = settings
        self._answered = False

    async def need(self, status: int, headers: Mapping[str, str]) -> None:
        """See that this answer is a database's. Raises StoreMisconfiguredError, StoreUnavailableError."""
        if status != 204 or self._answered or any(name.lower().startswith("x-influxdb-") for name in headers):
            return
        url = self._settings.url.rstrip("/") + "/query"
        question = {"db": self._settings.bucket, "q": "SHOW MEASUREMENTS LIMIT 1"}
        try:
            async with (
                open_session(self._settings) as session,
                session.get(url, params=question, allow_redirects=False) as response,
            ):
                status, text = response.status, await response.content.read(MOST_OF_AN_ANSWER)
        except (aiohttp.ClientError, OSError) as error:
            raise transport_error(error, url) from error
        try:
            found = json.loads(text) if status == 200 else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or "results" not in found:
            raise StoreMisconfiguredError(
                f"{self._settings.url} takes points, does not say that it is InfluxDB and does not answer InfluxQL"
                f" (HTTP {status}): nothing there counts as stored; check [store] url, and that the token may read"
            )
        self._answered = True


def write_points(
    points: Sequence[Points], send: Callable[[bytes, Sequence[str]], Awaitable[Answer]]
) -> Coroutine[Any, Any, list[RefusedPoint]]:
    """Write these points with as many requests as it takes; `send` is given the gzipped body and its lines.

    The points are read before this returns and not kept while the server works: they take ten times what their lines take.
    """
    refused = check(points)
    skip = {(one.item, one.row) for one in refused}
    return _send_all(encode(points, skip), rows_of(points), refused, skip, send)


async def _send_all(
    lines: list[str],
    rows: list[int],
    refused: list[RefusedPoint],
    skip: set[Place],
    send: Callable[[bytes, Sequence[str]], Awaitable[Answer]],
) -> list[RefusedPoint]:
    steps = isolate(lines)
    answer: Answer | None = None
    while True:
        try:
            part = next(steps) if answer is None else steps.send(answer)
        except StopIteration as end:
            found = end.value
            break
        body = "\n".join(part).encode()
        answer = await send(gzip(body), part) if len(body) <= MAX_REQUEST_BYTES else TooLarge()
    if found:
        where = places(rows, skip)
        refused.extend(RefusedPoint(where[one.at][0], where[one.at][1], one.reason) for one in found)
        refused.sort()
    return refused


class InfluxV1Writer:
    """A PointWriter through `/write?db=`."""

    def __init__(self, settings: InfluxSettings) -> None:
        self._settings = settings
        self._url = settings.url.rstrip("/") + "/write"
        self._open = open_session(settings)
        self._session: aiohttp.ClientSession | None = None
        self._proof = Proof(settings)

    async def __aenter__(self) -> Self:
        self._session = await self._open.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None
        await self._open.__aexit__(kind, error, trace)

    def write(self, points: list[Points]) -> Coroutine[Any, Any, list[RefusedPoint]]:
        """Store these points. See PointWriter."""
        return write_points(points, self._send)

    async def _send(self, body: bytes, lines: Sequence[str]) -> Answer:
        if self._session is None:
            raise RuntimeError("the store is not open: use it inside `async with`")
        try:
            async with self._session.post(
                self._url,
                params={"db": self._settings.bucket, "precision": "ms"},
                data=body,
                headers={"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"},
                allow_redirects=False,
            ) as response:
                text = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise transport_error(error, self._url) from error
        await self._proof.need(response.status, response.headers)
        return read_answer(response.status, response.headers, text, lines, datetime.now(UTC))

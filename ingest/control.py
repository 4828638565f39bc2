"""How a command reaches the running ingest: a socket in its state folder, one question and one answer as JSON lines.

The spool has one writer. A command that changes it therefore asks the process that holds it; only its own user can.
"""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

log = logging.getLogger(__name__)

MOST_BYTES = 1024 * 1024
"""Of one question."""

Answerer = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Is given the operation and its arguments. Raises ControlError for what cannot be done."""


class ControlError(Exception):
    """What was asked cannot be done, and why."""


class NobodyThereError(Exception):
    """No ingest answers at this spool."""


def socket_path(spool: Path) -> Path:
    """Where the socket is."""
    return spool.with_name("control.sock")


class ControlServer:
    """Open and close it with `async with`."""

    def __init__(self, path: Path, answer: Answerer) -> None:
        self._path, self._answer = path, answer
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._path.unlink(missing_ok=True)  # an earlier process was killed; we hold the spool's lock
        with _short(self._path) as short:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(short)
            os.chmod(short, 0o600)  # before it listens
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MOST_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                question = json.loads(await reader.readline())
                log.info("asked for: %s", json.dumps(question)[:300])
                answer: dict[str, Any] = {"result": await self._answer(str(question.pop("do")), question)}
            except ControlError as error:
                answer = {"error": str(error)}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                answer = {"error": f"not understood: {error!r}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except OSError as error:
            log.info("whoever asked has gone: %s", error)
        finally:
            writer.close()


def ask(spool: Path, what: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Ask the running ingest and wait for its answer. Raises NobodyThereError, ControlError."""
    path = socket_path(spool)
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            with _short(path) as short:
                connection.connect(short)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NobodyThereError(str(path)) from error
        except OSError as error:
            raise ControlError(f"{path}: {error}; run this as the user that ingest runs as") from error
        connection.sendall(json.dumps({"do": what, **arguments}).encode() + b"\n")
        line = connection.makefile("rb").readline()
    if not line:
        raise ControlError("ingest stopped before it had answered; what it did is done once, ask again for the rest")
    answer = json.loads(line)
    if "error" in answer:
        raise ControlError(answer["error"])
    result: dict[str, Any] = answer["result"]
    return result


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of this path that fits into the 108 bytes of a socket's address."""
    folder = os.open(path.parent, os.O_PATH)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)

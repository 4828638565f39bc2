"""The one thread that writes the spool: it takes all changes that wait and makes them durable with one fsync."""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from ingest.change import Change
from ingest.holding import Totals
from ingest.spool import Spool, Usage

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""Between two attempts at a commit that the disk refused."""
TIDY_EVERY_S = 1.0
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class CommitterStoppedError(Exception):
    """The process stops, and this change did not become durable."""


class Committer:
    """Open with `async with`, around everything that commits.

    A commit that the disk refuses (full, I/O error) is tried again until it goes through or the process stops: nothing is
    acknowledged meanwhile. Damage raises, and ends the process; so does whatever else ends the thread: all that wait, and all
    that come later, are answered with it, and `watch()` raises it. The queue needs no bound of its own: each of its two users
    has at most two changes under way.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        on_commit: Callable[[float], None] = lambda seconds: None,
        on_failure: Callable[[str], None] = lambda why: None,
        retry_s: float = RETRY_S,
    ) -> None:
        self._spool = spool
        self._on_commit, self._on_failure = on_commit, on_failure
        self._retry_s = retry_s
        self.failing = ""
        self.usage: Usage = Usage(0, 1 << 62)
        self._queue: deque[tuple[Change, asyncio.Future[None]]] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="spool", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dead: Exception | None = None
        self._died = asyncio.Event()
        self._in_hand: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self.usage = self._spool.usage()
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._wake.set()
        await asyncio.to_thread(self._thread.join)

    @property
    def totals(self) -> Totals:
        """What the database holds after the last commit."""
        return self._spool.totals

    def submit(self, change: Change) -> "asyncio.Future[None]":
        """Queue a change; the future is done when it is durable. Changes become durable in the order of this call."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._dead is not None:
            future.set_exception(self._dead)
            return future
        self._queue.append((change, future))
        self._wake.set()
        return future

    async def commit(self, change: Change) -> None:
        """Make a change durable."""
        await self.submit(change)

    async def watch(self) -> None:
        """Raises what ended the thread; run it as a task, so that the process ends with it."""
        await self._died.wait()
        assert self._dead is not None
        raise self._dead

    def _work(self) -> None:
        try:
            self._write()
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for a thread that is gone
            log.critical("the spool cannot be written any more (%s): ingest ends", error)
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._die, error)

    def _die(self, error: Exception) -> None:
        self._dead = error
        _resolve([*self._in_hand, *(future for _, future in self._queue)], error)
        self._queue.clear()
        self._died.set()

    def _write(self) -> None:
        tidied = time.monotonic()
        more_to_tidy = False
        while True:
            self._wake.wait(0.0 if more_to_tidy else TIDY_EVERY_S)
            self._wake.clear()
            batch = [self._queue.popleft() for _ in range(len(self._queue))]
            if batch:
                self._commit(batch)
            elif self._stopping.is_set():
                return
            if not batch or time.monotonic() - tidied >= TIDY_EVERY_S:
                more_to_tidy = self._tidy()
                tidied = time.monotonic()

    def _commit(self, batch: list[tuple[Change, "asyncio.Future[None]"]]) -> None:
        changes = [change for change, _ in batch]
        futures = self._in_hand = [future for _, future in batch]
        while True:
            started = time.perf_counter()
            try:
                self._spool.commit(changes, time.time_ns() // 1_000_000)
            except sqlite3.Error as error:
                damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE
                if damaged or not isinstance(error, sqlite3.OperationalError):
                    self._answer(futures, error)
                    return
                if not self.failing:
                    log.error("the spool cannot be written (%s): nothing is acknowledged until it can", error)
                self.failing = str(error)
                self._on_failure(str(error))
                if self._stopping.wait(self._retry_s):
                    self._answer(futures, CommitterStoppedError(str(error)))
                    return
                continue
            if self.failing:
                log.info("the spool can be written again")
            self.failing = ""
            self.usage = self._spool.usage()
            self._on_commit(time.perf_counter() - started)
            self._answer(futures, None)
            return

    def _tidy(self) -> bool:
        try:
            more = self._spool.tidy()
            self.usage = self._spool.usage()
        except sqlite3.Error as error:
            log.warning("the spool could not be tidied: %s", error)
            return False
        return more

    def _answer(self, futures: "list[asyncio.Future[None]]", error: Exception | None) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(_resolve, futures, error)


def _resolve(futures: "list[asyncio.Future[None]]", error: Exception | None) -> None:
    for future in futures:
        if future.done():  # whoever waited was cancelled
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

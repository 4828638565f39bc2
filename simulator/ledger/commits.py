"""A thread that writes to one SQLite file: whatever has come in is one transaction, and each caller learns of its commit."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from simulator.ledger.rows import LedgerError

Statement = tuple[str, Sequence[Sequence[object]]]
"""SQL and the rows to run it with."""


class GroupCommits:
    """`submit` from the event loop; the future is done once the rows are committed.

    WAL with synchronous NORMAL: a commit survives the death of the process, which is what the ledger promises; it does not wait
    for the disk. The queue needs no bound of its own: who must not run ahead waits for the future.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._condition = threading.Condition()
        self._pending: list[tuple[list[Statement], asyncio.Future[None] | None]] = []
        self._stopping = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self, schema: str) -> sqlite3.Connection:
        """Open the file; the connection is for reading before `start`. Raises sqlite3.Error or OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(schema)
        return self._db

    def start(self) -> None:
        """Begin to write, on behalf of the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def submit(self, statements: Iterable[Statement], *, wait: bool = True) -> "asyncio.Future[None] | None":
        """Have these run in one transaction. With `wait` a future that is done after the commit. Raises LedgerError."""
        if self._error is not None:
            raise LedgerError(f"the ledger {self._path} cannot be written: {self._error}") from self._error
        if self._loop is None:
            raise LedgerError(f"the ledger {self._path} is not open")
        future = self._loop.create_future() if wait else None
        with self._condition:
            self._pending.append((list(statements), future))
            self._condition.notify()
        return future

    def close(self) -> None:
        """Write what is waiting, and close the file."""
        if self._thread is not None:
            with self._condition:
                self._stopping = True
                self._condition.notify()
            self._thread.join()
        self._db.close()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._pending and not self._stopping:
                    self._condition.wait()
                batch, self._pending = self._pending, []
                if not batch:
                    return
            error = self._commit(batch)
            futures = [future for _, future in batch if future is not None]
            if futures and self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(_settle, futures, error)

    def _commit(self, batch: list[tuple[list[Statement], asyncio.Future[None] | None]]) -> LedgerError | None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for statements, _ in batch:
                for sql, rows in statements:
                    self._db.executemany(sql, rows)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            # From here on nothing is taken: a ledger with a hole in it is worth nothing.
            self._error = error
            return LedgerError(f"the ledger {self._path} cannot be written: {error}")
        return None


def _settle(futures: list["asyncio.Future[None]"], error: LedgerError | None) -> None:
    for future in futures:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

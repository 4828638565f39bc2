"""The log as the sampler and the uplink see it: two threads with a connection each, and nothing else in common.

A slow disk therefore delays neither the other devices' scans nor the network.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, ParamSpec, Protocol, Self, TypeVar

from gateway.clock import Clock
from gateway.log import retention
from gateway.log.progress import DROPPED, Progress
from gateway.log.reader import Reader
from gateway.log.rows import Commit, Extent, NewRecord, Row, Scan
from gateway.log.settling import last_times, settle_held
from gateway.log.writer import Writer
from gateway.times import Anchor
from wire.names import epoch_text
from wire.ranges import Range

_T = TypeVar("_T")
_P = ParamSpec("_P")


class ScanLog(Protocol):
    """What the sampler needs of a log."""

    async def append(self, scan: Scan) -> Commit:
        """Commit a scan; it is on disk when this returns. Raises LogUnavailableError."""
        ...

    async def last_times(self, sensors: list[str]) -> dict[str, int]:
        """The time of the newest entry of each sensor that has one."""
        ...


class Log:
    """One gateway's log, open for this process. Open it with `open_log`; `async with` closes it."""

    def __init__(
        self,
        path: Path,
        writer_db: sqlite3.Connection,
        uplink_db: sqlite3.Connection,
        progress: Progress,
        clock: Clock,
        lock: IO[str],
        first_records: tuple[NewRecord, ...],
        reserve_bytes: int,
    ) -> None:
        self.path = path
        self.progress = progress
        self.anchor: Anchor | None = None
        self._clock = clock
        self._writer_db, self._uplink_db = writer_db, uplink_db
        self._writer, self._reader = Writer(writer_db, progress, clock), Reader(uplink_db, progress)
        self._writer_thread = ThreadPoolExecutor(1, "log-writer")
        self._uplink_thread = ThreadPoolExecutor(1, "log-uplink")
        self._lock = lock
        self._listeners: list[Callable[[], None]] = []
        self._reserve_bytes = reserve_bytes
        if first_records:
            self._writer.append(Scan(clock.now(), records=first_records), None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is being written and close the file."""
        self._writer_thread.shutdown()
        self._uplink_thread.shutdown()
        self._uplink_db.close()
        self._writer_db.close()
        self._lock.close()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call this, in the event loop, after each commit."""
        self._listeners.append(listener)

    # -- the sampler's side

    async def append(self, scan: Scan) -> Commit:
        """Commit a scan; it is on disk when this returns. Raises LogUnavailableError, sqlite3.Error."""
        commit = await self._write(self._writer.append, scan, self.anchor)
        for listener in self._listeners:
            listener()
        return commit

    async def last_times(self, sensors: list[str]) -> dict[str, int]:
        """The time of the newest entry of each sensor that has one."""
        return await self._write(last_times, self._writer_db, sensors)

    # -- the uplink's side

    @property
    def epoch(self) -> int:
        """The epoch of this opening."""
        assert self.progress.current is not None
        return self.progress.current.epoch

    async def record(self, record: NewRecord) -> Commit:
        """Log a record by itself."""
        return await self.append(Scan(self._clock.now(), records=(record,)))

    async def rows(self, ranges: Iterable[Range], most: int) -> list[Row]:
        """The first `most` entries in these ranges whose time is final, in order."""
        return await self._uplink(self._reader.rows, list(ranges), most)

    async def present(self, first: int, last: int) -> list[int]:
        """Which of these numbers the log has."""
        return await self._uplink(self._reader.present, first, last)

    async def time_of(self, seq: int) -> int | None:
        """The time of an entry."""
        return await self._uplink(self._reader.time_of, seq)

    async def receipt(self, durable: dict[int, list[Range]]) -> int:
        """The centre has these, by epoch; the answer is how many of them were not settled before."""
        return await self._uplink(self._reader.receipt, durable)

    async def refuse(self, epoch: int, ranges: list[Range], digest: str, reason: str, detail: str) -> None:
        """The centre will not take these, named by the digest of the message they were in: they count as finished."""
        now_ms = self._clock.now().ms
        await self._uplink(self._reader.refuse, epoch, ranges, digest, reason, detail, now_ms)

    async def settle(self, why: str, epoch: int, ranges: list[Range]) -> None:
        """Mark ranges as settled for this reason."""
        await self._uplink(self._reader.settle, why, epoch, ranges)

    async def reopen(self, epoch: int, ranges: list[Range]) -> None:
        """Send these again, as if they had never been receipted."""
        await self._uplink(self._reader.reopen, epoch, ranges)

    async def settle_times(self, anchor: Anchor) -> int:
        """Make held times final with this anchor, which also dates the readings to come; the answer is how many rows."""
        self.anchor = anchor
        total = 0
        while count := await self._uplink(settle_held, self._uplink_db, self.progress, anchor):
            total += count
        return total

    def extents(self) -> list[Extent]:
        """Unfinished epochs and the newest one, oldest first."""
        return self.progress.extents()

    async def keep_tidy(self, keep_s: float) -> int:
        """Stamp what was delivered, take away what was delivered long enough ago, and make room where the disk is short.

        Does nothing about age while the time is not trusted. The answer is how many rows were taken away.
        """
        gone = 0
        anchor, now = self.anchor, self._clock.now()
        if anchor is not None and anchor.boot == self._clock.boot:
            now_ms = anchor.true_ms(now.boot_ns)
            await self._uplink(retention.stamp, self._uplink_db, self.progress, now_ms)
            older_than_ms = now_ms - round(keep_s * 1000)
            while count := await self._uplink(retention.trim, self._uplink_db, self.progress, older_than_ms):
                gone += count
        return gone + await self._make_room()

    async def _make_room(self) -> int:
        """Drop the oldest, delivered ones first, until the reserve is free again; what was not delivered is told in a gap."""
        gone = 0
        upto = (
            self.progress.last - 1
        )  # the newest one stays, and what is logged meanwhile: the next number counts from it
        while await self._uplink(retention.room_bytes, self._uplink_db, self.path) < self._reserve_bytes:
            drop = partial(retention.drop_oldest, self._uplink_db, self.progress, upto)
            dropped = await self._uplink(partial(drop, delivered=True))
            if not dropped:
                dropped = await self._uplink(partial(drop, delivered=False))
                await self._tell_dropped(dropped)
            if not dropped:
                break
            gone += sum(last - first + 1 for _, (first, last) in dropped)
        return gone

    async def _tell_dropped(self, dropped: list[tuple[int, Range]]) -> None:
        for epoch in {epoch for epoch, _ in dropped}:
            ranges = [one for other, one in dropped if other == epoch]
            await self.settle(DROPPED, epoch, ranges)
            body = {"reason": "disk_full", "epoch": epoch_text(epoch), "ranges": [list(one) for one in ranges]}
            await self.record(NewRecord("gap", body))

    async def _write(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await _in_thread(self._writer_thread, partial(function, *args, **kwargs))

    async def _uplink(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await _in_thread(self._uplink_thread, partial(function, *args, **kwargs))


async def _in_thread(thread: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
    """Run it there to its end, even when the caller is cancelled meanwhile: a commit is never half waited for."""
    future = asyncio.get_running_loop().run_in_executor(thread, work)
    return await asyncio.shield(future)

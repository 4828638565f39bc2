"""The log as the sampler and the uplink see it: two threads with a connection each, and nothing else in common.

A slow disk therefore delays neither the other devices' scans nor the network.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, ParamSpec, Protocol, Self, TypeVar

from gateway.clock import Clock
from gateway.log import retention
from gateway.log.aside import Names, names_path, salvaged_path, set_aside_files, write_names
from gateway.log.ballast import Ballast
from gateway.log.gaps import last_entry
from gateway.log.progress import EpochState, Progress
from gateway.log.reader import Reader
from gateway.log.rows import Commit, Extent, Last, NewRecord, Row, Scan
from gateway.log.salvage import Salvage, Salvaged, must_be_lean
from gateway.log.salvaged import SalvagedLog, open_salvaged, salvage_records
from gateway.log.settling import offset_of, settle_held
from gateway.log.thinning import Removal
from gateway.log.writer import LogUnavailableError, Writer, passing_reason
from gateway.times import Anchor
from wire.names import MAX_SEQ
from wire.ranges import Range

log = logging.getLogger("gateway.log")

_END = object()
_T = TypeVar("_T")
_P = ParamSpec("_P")


class ScanLog(Protocol):
    """What the sampler needs of a log."""

    async def append(self, scan: Scan) -> Commit:
        """Commit a scan; it is on disk when this returns. Raises LogUnavailableError."""
        ...

    async def last_entry(self, sensors: list[str]) -> Last | None:
        """The newest entry of any of these sensors."""
        ...


class Log:
    """One gateway's log, open for this process, and what was salvaged. `open_log` opens it, `async with` closes it."""

    def __init__(
        self,
        path: Path,
        gateway: str,
        writer_db: sqlite3.Connection,
        uplink_db: sqlite3.Connection,
        progress: Progress,
        clock: Clock,
        lock: IO[str],
        first_records: tuple[NewRecord, ...],
        reserve_bytes: int,
        salvaged: list[SalvagedLog],
    ) -> None:
        self.path = path
        self.gateway = gateway
        self.progress = progress
        """Of the log itself; `pending`, `unsettled` and `extents` speak of the salvaged ones too."""
        self.salvaged = salvaged
        self.set_aside = any(record.body.get("event") == "log_set_aside" for record in first_records)
        """Whether this opening found the file damaged."""
        self.anchor: Anchor | None = None
        self.short = asyncio.Event()
        """Set when a scan found the disk full: there is room to be made, and `keep_tidy` must not wait."""
        self._clock = clock
        self._writer_db, self._uplink_db = writer_db, uplink_db
        self._writer, self._reader = Writer(writer_db, progress, clock), Reader(uplink_db, progress)
        self._writer_thread = ThreadPoolExecutor(1, "log-writer")
        self._uplink_thread = ThreadPoolExecutor(1, "log-uplink")
        self._salvage_thread = ThreadPoolExecutor(1, "log-salvage")
        self._lock = lock
        self._listeners: list[Callable[[], None]] = []
        self._reserve_bytes = reserve_bytes
        self._ballast = Ballast(path.parent, reserve_bytes)
        self._names_written: tuple[int, int] | None = None
        if first_records:
            self._writer.append(Scan(clock.now(), records=first_records), None)
        self._keep_names()
        self._ballast.take_in()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is being written and close the files."""
        for thread in (self._salvage_thread, self._writer_thread, self._uplink_thread):
            thread.shutdown()
        for old in self.salvaged:
            old.close()
        self._uplink_db.close()
        self._writer_db.close()
        self._lock.close()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call this, in the event loop, after each commit."""
        self._listeners.append(listener)

    # -- the sampler's side

    async def append(self, scan: Scan) -> Commit:
        """Commit a scan; it is on disk when this returns. Raises LogUnavailableError, sqlite3.Error."""
        try:
            commit = await self._write(self._writer.append, scan, self.anchor)
        except LogUnavailableError as error:
            if error.reason == "disk_full":
                self.short.set()
            raise
        if self._names_written != (self.epoch, self._writer.series_known):
            await self._write(self._keep_names)
        self._tell()
        return commit

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    async def last_entry(self, sensors: list[str]) -> Last | None:
        """The newest entry of any of these sensors."""
        return await self._write(last_entry, self._writer_db, sensors)

    # -- the uplink's side

    @property
    def epoch(self) -> int:
        """The epoch of this opening."""
        assert self.progress.current is not None
        return self.progress.current.epoch

    async def record(self, record: NewRecord) -> Commit:
        """Log a record by itself."""
        return await self.append(Scan(self._clock.now(), records=(record,)))

    async def rows(self, ranges: Iterable[Range], most: int, epoch: int | None = None) -> list[Row]:
        """The first `most` entries in these ranges whose time is final, in order. Without an epoch, of the log itself."""
        reader = self._reader_of(epoch)
        return [] if reader is None else await self._uplink(reader.rows, list(ranges), most)

    async def present(self, first: int, last: int) -> list[int]:
        """Which of these numbers the log itself has."""
        return await self._uplink(self._reader.present, first, last)

    async def oldest_unsettled_ms(self) -> int | None:
        """The time of the oldest entry that is not settled."""
        for progress, reader in self._logs():
            count, oldest = progress.unsettled()
            if count and oldest is not None:
                return await self._uplink(reader.time_of, oldest)
        return None

    async def receipt(self, durable: dict[int, list[Range]]) -> int:
        """The centre has these, by epoch; the answer is how many of them were not settled before."""
        new = 0
        for progress, reader in self._logs():
            mine = {epoch: ranges for epoch, ranges in durable.items() if epoch in progress.epochs}
            if mine:
                new += await self._uplink(reader.receipt, mine)
        return new

    async def refuse(self, epoch: int, ranges: list[Range], digest: str, reason: str, detail: str) -> None:
        """The centre will not take these, named by the digest of the message they were in: they count as finished."""
        reader = self._reader_of(epoch)
        if reader is not None:
            await self._uplink(reader.refuse, epoch, ranges, digest, reason, detail, self._clock.now().ms)

    async def settle(self, why: str, epoch: int, ranges: list[Range]) -> None:
        """Mark ranges as settled for this reason."""
        reader = self._reader_of(epoch)
        if reader is not None:
            await self._uplink(reader.settle, why, epoch, ranges)

    async def reopen(self, epoch: int, ranges: list[Range]) -> None:
        """Send these again, as if they had never been receipted."""
        reader = self._reader_of(epoch)
        if reader is not None:
            await self._uplink(reader.reopen, epoch, ranges)

    def state_of(self, epoch: int) -> EpochState | None:
        """What is kept and settled of this epoch; None when it is not known here."""
        return next((progress.epochs[epoch] for progress, _ in self._logs() if epoch in progress.epochs), None)

    def pending(self) -> list[tuple[int, list[Range]]]:
        """By epoch, oldest first: what can be sent, which is what is kept, not settled and not held."""
        return [one for progress, _ in self._logs() for one in progress.pending()]

    def unsettled(self) -> int:
        """How many entries are not settled."""
        return sum(progress.unsettled()[0] for progress, _ in self._logs())

    @property
    def held(self) -> int:
        """How many entries wait for their time."""
        return sum(progress.held.size for progress, _ in self._logs())

    def _logs(self) -> list[tuple[Progress, Reader]]:
        """All logs, oldest first."""
        return [*((old.progress, old.reader) for old in self.salvaged), (self.progress, self._reader)]

    def _reader_of(self, epoch: int | None) -> Reader | None:
        if epoch is None:
            return self._reader
        return next((reader for progress, reader in self._logs() if epoch in progress.epochs), None)

    async def settle_times(self, anchor: Anchor) -> int:
        """Make held times final with this anchor, which also dates the readings to come; the answer is how many rows."""
        dbs = [*((old.db, old.progress) for old in self.salvaged), (self._uplink_db, self.progress)]
        before_ms = await self._uplink(offset_of, self._uplink_db, anchor.boot)
        if before_ms is not None and anchor.jumped_from(before_ms):
            log.warning(
                "the centre's clock has jumped by %.0f s: ages count from now", (anchor.offset_ms - before_ms) / 1000
            )
            for db, progress in dbs:
                await self._uplink(retention.forget_stamps, db, progress)
        self.anchor = anchor
        total = 0
        for db, progress in dbs:
            while count := await self._uplink(settle_held, db, progress, anchor):
                total += count
        return total

    def extents(self) -> list[Extent]:
        """The epochs of which something is kept and the newest one, oldest first."""
        return [one for progress, _ in self._logs() for one in progress.extents()]

    # -- salvage and room

    async def salvage(self) -> AsyncGenerator[tuple[Path, Salvaged], None]:
        """Salvage, in small steps, what was set aside and is not salvaged yet: the file, and what came of it.

        Raises OSError, sqlite3.Error, LogUnavailableError: then it is to be tried again later.
        """
        for damaged in set_aside_files(self.path.parent):
            target = salvaged_path(damaged)
            if target.exists():
                continue
            part = target.with_name(target.name + ".part")
            work = Salvage(damaged, part, self.gateway, lean=must_be_lean(damaged, self._reserve_bytes))
            steps = work.steps()
            try:
                more = True
                while more:
                    began_s = time.monotonic()
                    more = await _in_thread(self._salvage_thread, lambda: next(steps, _END) is not _END)  # noqa: B023
                    await asyncio.sleep(time.monotonic() - began_s)  # half of one core at most
            finally:
                await _in_thread(self._salvage_thread, steps.close)
            # The records come first: a kill in between repeats them, and forgets nothing.
            for record in salvage_records(damaged, work.result):
                await self.record(record)
            part.replace(target)
            known = [epoch for progress, _ in self._logs() for epoch in progress.epochs]
            self.salvaged.append(await self._uplink(open_salvaged, target, self.gateway, known))
            self._tell()
            yield damaged, work.result

    async def keep_tidy(self, keep_s: float) -> int:
        """Stamp what was delivered, take away what was delivered long enough ago, and make room where the disk is short.

        Does nothing about age while the time is not trusted. An age is only what this clock and the centre's both say has
        passed, so that neither can trim the log by being wrong. The answer is how many rows were taken away.
        """
        self.short.clear()
        gone = 0
        anchor, now = self.anchor, self._clock.now()
        if anchor is not None and anchor.boot == self._clock.boot:
            earlier_ms, later_ms = sorted((now.ms, anchor.true_ms(now.boot_ns)))
            older_than_ms = earlier_ms - round(keep_s * 1000)
            for db, progress in [*((old.db, old.progress) for old in self.salvaged), (self._uplink_db, self.progress)]:
                await self._with_room(partial(retention.stamp, db, progress, later_ms))
                while count := await self._with_room(partial(retention.trim, db, progress, older_than_ms)):
                    gone += count
            for old in list(self.salvaged):
                if old.since_ms < older_than_ms and not old.unsettled and await self._uplink(old.is_empty):
                    await self._forget(old)
        gone += await self._make_room()
        await self._write(self._keep_names)
        await self._uplink(self._ballast.take_in)
        return gone

    async def _make_room(self) -> int:
        """Until the reserve is free again: what was delivered goes first, then the oldest is thinned, then it goes."""
        gone = 0
        upto = self.progress.last - 1
        """The newest entry stays, and what is logged meanwhile: the next number counts from it."""
        while await self._uplink(retention.room_bytes, self._uplink_db, self.path) < self._reserve_bytes:
            if not (step := await self._give_way(upto)):
                break
            gone += step
        return gone

    async def _give_way(self, upto: int) -> int:
        """One step; how much went (a file counts as one), 0 when nothing is left that may go."""
        for old in list(self.salvaged):
            if old.let_go_of_original():
                return 1
            if not old.unsettled:
                await self._forget(old)
                return 1
        dropped = partial(retention.drop_delivered, self._uplink_db, self.progress, upto)
        if count := await self._with_room(dropped):
            return count
        for find in (retention.oldest_to_thin, retention.oldest_to_drop):
            for old in list(self.salvaged):
                found = await self._uplink(find, old.db, old.progress, MAX_SEQ)
                if found is not None:
                    state, removal = found
                    await self._remove(removal, None, retention.gap_bodies(state.epoch, removal))
                    await self._with_room(partial(old.drop, state, removal.ranges))
                    return numbers(removal.ranges)
            found = await self._uplink(find, self._uplink_db, self.progress, upto)
            if found is not None:
                state, removal = found
                await self._remove(removal, state, retention.gap_bodies(state.epoch, removal))
                await self._uplink(retention.move_first, self._uplink_db, self.progress, state)
                return numbers(removal.ranges)
        return 0

    async def _remove(self, removal: Removal, state: EpochState | None, gaps: list[NewRecord]) -> None:
        try:
            await self._write(self._writer.remove, removal, state, gaps, self.anchor)
        except LogUnavailableError as error:
            if error.reason != "disk_full" or not self._ballast.let_go():
                raise
            await self._write(self._writer.remove, removal, state, gaps, self.anchor)
        self._tell()

    async def _with_room(self, work: Callable[[], int]) -> int:
        """Do it in the uplink's thread; where the disk is too full even for that, let the ballast go first."""
        try:
            return await self._uplink(work)
        except sqlite3.OperationalError as error:
            if passing_reason(error) != "disk_full" or not self._ballast.let_go():
                raise
            return await self._uplink(work)

    async def _forget(self, old: SalvagedLog) -> None:
        self.salvaged.remove(old)
        await self._uplink(old.remove)
        log.info("%s is no longer needed and is gone", old.path.name)

    def _keep_names(self) -> None:
        now = (self.epoch, self._writer.series_known)
        if now != self._names_written:
            series = self._writer.series
            epochs = {state.id: (state.epoch, state.given) for state in list(self.progress.epochs.values())}
            write_names(names_path(self.path), Names(epochs, series))
            self._names_written = now

    async def _write(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await _in_thread(self._writer_thread, partial(function, *args, **kwargs))

    async def _uplink(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await _in_thread(self._uplink_thread, partial(function, *args, **kwargs))


def numbers(ranges: list[Range]) -> int:
    """How many numbers are in these ranges."""
    return sum(last - first + 1 for first, last in ranges)


async def _in_thread(thread: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
    """Run it there to its end, even when the caller is cancelled meanwhile: a commit is never half waited for."""
    future = asyncio.get_running_loop().run_in_executor(thread, work)
    return await asyncio.shield(future)

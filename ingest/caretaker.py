"""Looks after the dead letters: replays, exports and takes them away, keeps them within their bounds, brings old ones back.

One operation at a time; each step of it is one change of the spool, so that a kill leaves it done in part and never twice.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from ingest.bringing import Brought, bring_letters, bring_rows
from ingest.change import Count, Letter, Row, move_pieces
from ingest.exports import ENDING, file_name, read_export, write_export
from ingest.intake import Group, Intake
from ingest.letters import Filter, KeptLetter, open_letters
from ingest.old_spool import is_sqlite, open_old_spool
from ingest.received import Logs, parse_ranges
from ingest.replay import Tally, replay
from wire.reasons import Reason

log = logging.getLogger(__name__)

STEP_LETTERS = 200
STEP_BYTES = 1024 * 1024
STEP_ROWS = 200
FILE_LETTERS = 20_000
FILE_BYTES = 32 * 1024 * 1024
"""Letters that go into one file together, and are held in memory meanwhile."""
DOWN_TO = 0.9
"""What is left of the bound once it was reached, so that not every letter makes a file of its own."""
LOOK_S = 5.0
AGE_EVERY_S = 600.0
UNKNOWN = ""
"""The one account of all senders that the registry does not know."""

T = TypeVar("T")


class Changer(Protocol):
    """Makes one change of the spool between two of intake's, and returns when it is durable."""

    async def __call__(self, make: Callable[[Group], T]) -> T:
        """`make` fills the group; its answer is the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much the letters may take, and how old they may be."""

    max_bytes: int
    max_age_s: float


def exports_folder(spool: Path) -> Path:
    """Where the letters go that leave the spool."""
    return spool.parent / "dead-letters"


class Caretaker:
    """For one spool."""

    def __init__(
        self,
        spool: Path,
        intake: Intake,
        exported: Logs,
        change: Changer,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._spool, self._intake, self._exported, self._change = spool, intake, exported, change
        self._now_ms = now_ms
        self._one_at_a_time = asyncio.Lock()
        self.export_bytes = 0

    async def replay(self, which: Filter) -> Tally:
        """Judge these letters again; what can be stored now goes into the spool."""
        tally = Tally()
        async with self._one_at_a_time:
            upto = await asyncio.to_thread(self._last_id)
            after = 0
            while True:
                step = await asyncio.to_thread(self._after, after, which, STEP_LETTERS, STEP_BYTES)
                step = [one for one in step if one[0].id <= upto]
                if not step:
                    return tally
                after = step[-1][0].id
                for some in _poison_alone(step):
                    await self._replay(some, tally)

    async def _replay(self, some: list[tuple[KeptLetter, bytes]], tally: Tally) -> None:
        (first, _), *_ = some
        if first.reason == Reason.POISON.value:
            # It may kill us: then its mark says what it was, and nobody decodes it again unasked.
            def mark(group: Group) -> None:
                group.change.marks.append(first.digest)

            await self._change(mark)
        tally.add(await self._change(lambda group: replay(some, self._intake, group, self._now_ms())))

    async def purge(self, which: Filter) -> tuple[int, list[str]]:
        """Export these letters and take them away: how many, and the files."""
        async with self._one_at_a_time:
            upto = await asyncio.to_thread(self._last_id)
            return await self._export_all(which, upto)

    async def _export_all(self, which: Filter, upto: int) -> tuple[int, list[str]]:
        number, files, after = 0, list[str](), 0
        while True:
            some = await asyncio.to_thread(self._after, after, which, FILE_LETTERS, FILE_BYTES)
            some = [one for one in some if one[0].id <= upto]
            if not some:
                return number, files
            after = some[-1][0].id
            files.append(str(await self._export(some)))
            number += len(some)

    async def _export(self, some: list[tuple[KeptLetter, bytes]]) -> Path:
        now_ms = self._now_ms()
        path = exports_folder(self._spool) / file_name(now_ms)
        await asyncio.to_thread(write_export, path, some, now_ms)
        await self._change(lambda group: take_away([letter for letter, _ in some], self._intake, self._exported, group))
        self.export_bytes += path.stat().st_size
        return path

    async def bring(self, path: Path) -> Brought:
        """Import an old spool or an export. Raises NotAnExportError, NotASpoolError, OSError."""
        async with self._one_at_a_time:
            if await asyncio.to_thread(is_sqlite, path):
                return await self._bring_spool(path)
            brought = Brought()
            letters = await asyncio.to_thread(read_export, path)
            while some := await asyncio.to_thread(_take, letters, STEP_LETTERS):
                brought.add(await self._bring_letters(some))
            return brought

    async def _bring_spool(self, path: Path) -> Brought:
        brought = Brought()
        with open_old_spool(path) as old:
            after = 0
            while rows := await asyncio.to_thread(old.rows, after, STEP_ROWS):
                after = rows[-1].id
                brought.add(await self._bring_rows(rows))
            after = 0
            while letters := await asyncio.to_thread(old.letters, after, STEP_LETTERS):
                after = letters[-1][0]
                brought.add(await self._bring_letters([letter for _, letter in letters]))
        return brought

    async def _bring_letters(self, some: list[Letter]) -> Brought:
        return await self._change(lambda group: bring_letters(some, self._intake, self._exported, group))

    async def _bring_rows(self, rows: list[Row]) -> Brought:
        return await self._change(lambda group: bring_rows(rows, self._intake, group))

    # bounds

    async def keep_bounds(
        self,
        bounds: Bounds,
        letter_bytes: Callable[[], int],
        may_write: Callable[[], bool],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Export what is too much or too old, for ever. While the disk is nearly full nothing is written."""
        folder = exports_folder(self._spool)
        self.export_bytes = sum(one.stat().st_size for one in folder.glob(f"*{ENDING}"))
        age_due_s = 0.0
        while True:
            try:
                if may_write():
                    await self.bound_size(bounds.max_bytes, letter_bytes)
                    if time.monotonic() >= age_due_s:
                        await self.bound_age(bounds.max_age_s)
                        age_due_s = time.monotonic() + AGE_EVERY_S
            except (OSError, sqlite3.Error) as error:
                log.error("old dead letters could not be exported, they stay: %s", error)
            await sleep(LOOK_S)

    async def bound_age(self, max_age_s: float) -> int:
        """Export letters that were last refused longer ago than this; how many."""
        which = Filter(until_ms=self._now_ms() - round(max_age_s * 1000))
        async with self._one_at_a_time:
            number, files = await self._export_all(which, await asyncio.to_thread(self._last_id))
        if number:
            log.warning("%d dead letters are too old and were exported: %s", number, ", ".join(files))
        return number

    async def bound_size(self, max_bytes: int, letter_bytes: Callable[[], int]) -> int:
        """Export the oldest letters of whoever has the most, until all are well within the bound; how many.

        A gateway that has less than its share loses none by what another one sends. Unknown senders have one share.
        """
        number = 0
        if letter_bytes() <= max_bytes:
            return number
        async with self._one_at_a_time:
            while (size := letter_bytes()) > DOWN_TO * max_bytes:
                sizes = await asyncio.to_thread(self._sizes)
                gateways, most = self._largest(sizes, size - round(DOWN_TO * max_bytes))
                which = Filter(gateways=gateways)
                some = await asyncio.to_thread(self._after, 0, which, FILE_LETTERS, FILE_BYTES)
                some = _first(some, most)
                if not some:
                    return number
                path = await self._export(some)
                number += len(some)
                whose = gateways[0] if len(gateways) == 1 else "unknown senders"
                log.warning("%d dead letters of %s were exported, to keep the bound: %s", len(some), whose, path)
        return number

    def _largest(self, sizes: dict[str, int], too_much: int) -> tuple[tuple[str, ...], int]:
        """Who has the most, and how many bytes of it may go before somebody else has more."""
        accounts: dict[str, int] = {}
        for gateway, size in sizes.items():
            account = gateway if gateway in self._intake.known.districts else UNKNOWN
            accounts[account] = accounts.get(account, 0) + size
        order = sorted(accounts, key=lambda one: accounts[one], reverse=True)
        if not order:
            return (), 0
        second = accounts[order[1]] if len(order) > 1 else 0
        step = min(too_much, max(accounts[order[0]] - second, too_much // 10, 1))
        known = self._intake.known.districts
        whose = (order[0],) if order[0] else tuple(gateway for gateway in sizes if gateway not in known)
        return whose, step

    # reading

    def _after(self, after: int, which: Filter, most: int, most_bytes: int) -> list[tuple[KeptLetter, bytes]]:
        with open_letters(self._spool) as letters:
            return letters.after(after, which, most, most_bytes)

    def _last_id(self) -> int:
        with open_letters(self._spool) as letters:
            return letters.last_id()

    def _sizes(self) -> dict[str, int]:
        with open_letters(self._spool) as letters:
            return letters.sizes()


def take_away(letters: list[KeptLetter], intake: Intake, exported: Logs, group: Group) -> None:
    """These letters are in a file now: their readings are exported, and stay received."""
    change = group.change
    for letter in letters:
        change.letters_gone.append(letter.id)
        change.counts[Count.DEAD] -= letter.readings
        change.counts[Count.EXPORTED] += letter.readings
        if letter.epoch is None:
            intake.dead_keys.discard(letter.key)
        else:
            pieces = change.exported_drop, change.exported_put
            move_pieces(pieces, exported, letter.gateway, letter.epoch, add=parse_ranges(letter.ranges))


def _first(some: list[tuple[KeptLetter, bytes]], most_bytes: int) -> list[tuple[KeptLetter, bytes]]:
    """The first of them that take so many bytes; at least one."""
    size = 0
    for at, (letter, _) in enumerate(some):
        size += letter.bytes
        if size >= most_bytes:
            return some[: at + 1]
    return some


def _poison_alone(step: list[tuple[KeptLetter, bytes]]) -> Iterator[list[tuple[KeptLetter, bytes]]]:
    """The letters in order, each that killed ingest by itself."""
    together: list[tuple[KeptLetter, bytes]] = []
    for one in step:
        if one[0].reason != Reason.POISON.value:
            together.append(one)
            continue
        if together:
            yield together
            together = []
        yield [one]
    if together:
        yield together


def _take(letters: Iterator[Letter], most: int) -> list[Letter]:
    out: list[Letter] = []
    for letter in letters:
        out.append(letter)
        if len(out) == most:
            break
    return out

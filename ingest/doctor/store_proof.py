"""Whether the store takes a point and gives it back, and would take the oldest that waits: by doing it, in `doctor`."""

import email.utils
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from doctor.checks import Check, Name, fail, ok
from store.influx_http import open_session
from store.open import open_reader, open_writer, sqlite_path
from store.points import SeriesKey, SeriesPoints, StoreError, StoreMisconfiguredError
from store.settings import InfluxSettings, SqliteSettings
from wire.flags import Flag

MEASUREMENT = "doctor"
DAY_MS = 86_400_000


async def prove(
    settings: SqliteSettings | InfluxSettings, state: Path, ingest_id: str, oldest_ms: int | None, now_ms: int
) -> list[Check]:
    """Write, read back, and write at the time of the oldest reading that waits (`oldest_ms`)."""
    if isinstance(settings, SqliteSettings):
        path = sqlite_path(settings, state)
        if not path.exists():
            return [_place(path)]
    where = settings.url if isinstance(settings, InfluxSettings) else str(sqlite_path(settings, state))
    try:
        checks = await _write_and_read(settings, state, ingest_id, where, now_ms)
        if oldest_ms is None:
            checks.append(ok(Name.RETENTION, "nothing that waits is too old: nothing waits."))
        else:
            checks.append(await _old_enough(settings, state, ingest_id, oldest_ms, now_ms))
    except StoreMisconfiguredError as error:
        mend = "check [store] url, org, bucket and token; the token needs to read and write this bucket"
        return [fail(Name.STORE, f"{where} answers and refuses: {error}.", mend)]
    except StoreError as error:
        return [fail(Name.STORE, f"the store cannot be used now: {error}.", "start it, or check [store]")]
    except OSError as error:
        return [fail(Name.STORE, f"the store cannot be used: {error.strerror or error}.", "check [store]")]
    return checks


def _place(path: Path) -> Check:
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if os.access(folder, os.W_OK | os.X_OK):
        return ok(Name.STORE, f"the embedded store {path} is not there yet; ingest makes it.")
    return fail(
        Name.STORE, f"the embedded store {path} cannot be made: {folder} is not writable.", "give this user the folder"
    )


async def _write_and_read(
    settings: SqliteSettings | InfluxSettings, state: Path, ingest_id: str, where: str, now_ms: int
) -> list[Check]:
    value = float(now_ms % 1_000_000)
    key = SeriesKey(MEASUREMENT, ingest_id, MEASUREMENT)
    began_s = time.monotonic()
    async with open_writer(settings, state) as writer:
        refused = await writer.write([SeriesPoints(key, [now_ms], [value], [int(Flag.NOT_EVALUATED)])])
    if refused:
        return [fail(Name.STORE, f"{where} refuses a point of now: {refused[0].reason}.", "see the store's log")]
    wrote_ms = (time.monotonic() - began_s) * 1000
    try:
        async with open_reader(settings, state) as reader:
            found = await reader.history(key, now_ms, now_ms + 1, 10)
    except StoreMisconfiguredError as error:
        return [
            fail(
                Name.STORE,
                f"{where} took a point and does not let it be read: {error}.",
                "give the token the right to read this bucket too: ingest asks the store what it has when its own disk is lost",
            )
        ]
    if found.value != [value]:
        return [
            fail(
                Name.STORE,
                f"{where} took a point and does not give it back.",
                "check that [store] names the same bucket for writing and for InfluxQL queries",
            )
        ]
    return [ok(Name.STORE, f"{where} took a point in {wrote_ms:.0f} ms and gave it back.")]


async def _old_enough(
    settings: SqliteSettings | InfluxSettings, state: Path, ingest_id: str, oldest_ms: int, now_ms: int
) -> Check:
    key = SeriesKey(MEASUREMENT, ingest_id, MEASUREMENT)
    days = (now_ms - oldest_ms) / DAY_MS
    async with open_writer(settings, state) as writer:
        refused = await writer.write([SeriesPoints(key, [oldest_ms], [0.0], [int(Flag.NOT_EVALUATED)])])
    when = f"{datetime.fromtimestamp(oldest_ms / 1000, UTC):%Y-%m-%d %H:%M}Z"
    if refused:
        return fail(
            Name.RETENTION,
            f"the oldest reading that waits is of {when}, {days:.1f} days ago, and the store refuses a point of that time: "
            f"{refused[0].reason}.",
            "make the bucket's retention longer before ingest drains the spool; what is refused becomes a dead letter",
        )
    return ok(Name.RETENTION, f"the store takes a point as old as the oldest that waits ({when}).")


async def clock_offset_s(settings: SqliteSettings | InfluxSettings) -> float | None:
    """The database server's clock minus ours, to a second; None for the embedded store, or without an answer."""
    if isinstance(settings, SqliteSettings):
        return None
    try:
        async with (
            open_session(settings) as session,
            session.get(settings.url.rstrip("/") + "/ping", allow_redirects=False) as response,
        ):
            said = response.headers.get("Date")
        # The header is cut to whole seconds: half of one is added.
        return None if said is None else email.utils.parsedate_to_datetime(said).timestamp() + 0.5 - time.time()
    except (aiohttp.ClientError, OSError, ValueError):
        return None

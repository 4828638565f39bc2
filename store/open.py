"""Opens the store that the settings name. The client libraries are only imported for the store that is used."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from store.points import PointReader, PointWriter
from store.settings import InfluxSettings, SqliteSettings


def sqlite_path(settings: SqliteSettings, state: Path) -> Path:
    """Where the embedded store is: as configured, else store/points.sqlite in the state folder."""
    return settings.path if settings.path is not None else state / "store" / "points.sqlite"


@asynccontextmanager
async def open_writer(settings: SqliteSettings | InfluxSettings, state: Path) -> AsyncIterator[PointWriter]:
    """A writer into the store. Opening says nothing about a database being there: the first write does.

    Raises StoreUnavailableError or StoreMisconfiguredError when the embedded store cannot be opened, or SettingsError when a
    token file cannot be read.
    """
    if isinstance(settings, SqliteSettings):
        from store.sqlite import SqliteWriter

        async with SqliteWriter(sqlite_path(settings, state)) as embedded:
            yield embedded
    elif settings.api == "v2":
        from store.influx import InfluxWriter

        async with InfluxWriter(settings) as v2:
            yield v2
    else:
        from store.influx_http import InfluxV1Writer

        async with InfluxV1Writer(settings) as v1:
            yield v1


@asynccontextmanager
async def open_reader(settings: SqliteSettings | InfluxSettings, state: Path) -> AsyncIterator[PointReader]:
    """A reader of the store; the same answers whichever store it is."""
    if isinstance(settings, SqliteSettings):
        from store.sqlite import SqliteReader

        async with SqliteReader(sqlite_path(settings, state)) as embedded:
            yield embedded
    else:
        from store.influx_reader import InfluxReader

        async with InfluxReader(settings) as influx:
            yield influx

"""The stores under one contract, each fresh for its test."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from store.memory import MemoryStore
from store.open import open_reader, open_writer
from store.points import PointReader, PointWriter
from store.settings import InfluxSettings, SqliteSettings
from tests.servers.influxdb import InfluxDB
from tests.store.influx1 import Influx1

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Store:
    """A writer and a reader of the same empty store."""

    name: str
    writer: PointWriter
    reader: PointReader


def v2_settings(server: InfluxDB, bucket: str, **more: object) -> InfluxSettings:
    return InfluxSettings.model_validate(
        {"kind": "influxdb", "url": server.url, "token": server.token, "org": server.org, "bucket": bucket, **more}
    )


@pytest.fixture(scope="session")
def influx1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx1]:
    with Influx1(tmp_path_factory.mktemp("influxdb1")) as server:
        yield server


STORES = [
    "memory",
    "sqlite",
    pytest.param("influxdb v2", marks=pytest.mark.server),
    pytest.param("influxdb v1 api", marks=pytest.mark.server),
    pytest.param("influxdb 1.x", marks=pytest.mark.server),
]


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    name: str = request.param
    if name == "memory":
        async with MemoryStore() as memory:
            yield Store(name, memory, memory)
        return
    settings: SqliteSettings | InfluxSettings
    bucket = f"contract-{next(_numbers)}"
    if name == "sqlite":
        settings = SqliteSettings()
    elif name == "influxdb 1.x":
        old: Influx1 = request.getfixturevalue("influx1")
        old.create_database(bucket)
        settings = InfluxSettings(kind="influxdb", api="v1", url=old.url, bucket=bucket)
    else:
        server: InfluxDB = request.getfixturevalue("influxdb_server")
        server.create_bucket(bucket)
        settings = v2_settings(server, bucket, api="v1" if name == "influxdb v1 api" else "v2")
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(open_writer(settings, tmp_path))
        reader = await stack.enter_async_context(open_reader(settings, tmp_path))
        yield Store(name, writer, reader)

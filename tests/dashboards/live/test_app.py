"""`aryk live` as people run it: the command, over the embedded store, until a signal."""

import asyncio
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from store.open import open_writer
from store.points import SeriesKey, SeriesPoints
from store.settings import SqliteSettings
from tests.browser import scenes
from tests.servers.influxdb import InfluxBucket
from tests.servers.process import free_port

KEY = SeriesKey("level", "st-00", "gw-00-level")


@asynccontextmanager
async def aryk_live(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aryk", "live", "--config", "live.toml", *arguments),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(30):
        async for line in process.stderr:
            if found := re.search(r"the page is at (http://\S+)", line.decode()):
                return found[1]
    raise AssertionError("it ended without an address")


async def test_it_serves_the_embedded_store_and_stops_within_two_seconds_of_a_signal(tmp_path: Path) -> None:
    scenes.district(1).write_registry(tmp_path)
    (tmp_path / "live.toml").write_text(
        f'registry = "registry.toml"\nrefresh = "200ms"\nport = {free_port()}\n', encoding="utf-8"
    )
    now_ms = int(time.time() * 1000)
    async with open_writer(SqliteSettings(), tmp_path / "state") as writer:
        await writer.write([SeriesPoints(KEY, [now_ms - 60_000, now_ms - 1000], [1.0, 1.25], [1, 1])])
    async with aryk_live(tmp_path) as process, aiohttp.ClientSession() as http:
        url = await address(process)
        async with http.get(f"{url}events") as stream:
            async for line in stream.content:
                if b'"level/gw-00-level":[1.25,1,' in line:
                    break
            process.send_signal(signal.SIGINT)
            began = time.monotonic()
            assert await asyncio.wait_for(process.wait(), 10) == 0
            assert time.monotonic() - began < 2.0


async def test_it_serves_influxdb_too(tmp_path: Path, influxdb: InfluxBucket) -> None:
    scenes.district(1).write_registry(tmp_path)
    now_ms = int(time.time() * 1000)
    influxdb.write(f"level,station=st-00,sensor=gw-00-level value=1.25,flag=1i {now_ms - 1000}")
    (tmp_path / "token").write_text(influxdb.token, encoding="utf-8")
    (tmp_path / "live.toml").write_text(
        'registry = "registry.toml"\nrefresh = "200ms"\nport = 0\n[store]\nkind = "influxdb"\n'
        f'url = "{influxdb.url}"\norg = "{influxdb.org}"\nbucket = "{influxdb.bucket}"\ntoken_file = "token"\n',
        encoding="utf-8",
    )
    async with aryk_live(tmp_path) as process, aiohttp.ClientSession() as http:
        url = await address(process)
        async with http.get(f"{url}events") as stream:
            async for line in stream.content:
                if b'"level/gw-00-level":[1.25,1,' in line:
                    break
        asked = {"station": "st-00", "quantity": "level", "sensor": "gw-00-level"}
        async with http.get(f"{url}api/series", params=asked) as answer:
            assert (await answer.json())["value"] == [1.25]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('registry = "registry.toml"\nportt = 1\n', "live.toml:2: portt"),
        ('registry = "nowhere.toml"\n', "nowhere.toml: there is no such file"),
        ('registry = "registry.toml"\n[store]\nkind = "mysql"\n', "live.toml:3: store.kind"),
    ],
)
async def test_a_wrong_configuration_names_the_place_and_ends_with_two(tmp_path: Path, config: str, said: str) -> None:
    scenes.empty().write_registry(tmp_path)
    (tmp_path / "live.toml").write_text(config, encoding="utf-8")
    async with aryk_live(tmp_path, "--port", "0") as process:
        _, error = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 2
        assert said in error.decode()


async def test_an_address_that_is_not_ours_ends_with_one_line(tmp_path: Path) -> None:
    scenes.empty().write_registry(tmp_path)
    (tmp_path / "live.toml").write_text('registry = "registry.toml"\nhost = "192.0.2.1"\n', encoding="utf-8")
    async with aryk_live(tmp_path) as process:
        _, error = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 1
        assert "cannot listen on 192.0.2.1:8080" in error.decode()
        assert "Traceback" not in error.decode()

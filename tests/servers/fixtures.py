"""The servers as fixtures for every test; tests/conftest.py registers them.

A test that takes one of them is marked `server` or `browser` by that alone. A test that starts a server class itself
says `pytest.mark.server`. When a test fails, the end of the log of each server it had is part of its report.
"""

import itertools
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers.chromium import headless_chromium
from tests.servers.find import find_server
from tests.servers.influxdb import InfluxBucket, InfluxDB
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import recent
from tests.servers.prometheus import Alertmanager

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

SERVER_FIXTURES = {"mosquitto", "influxdb_server", "influxdb", "own_influxdb", "alertmanager"}
BROWSER_FIXTURES = {"browser", "page"}

LOG_LINES_SHOWN = 25

_bucket_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # First, so that `-m` sees the marks.
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & SERVER_FIXTURES:
            item.add_marker(pytest.mark.server)
        if fixtures & BROWSER_FIXTURES:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    # What an earlier test has ended is not this one's.
    recent[:] = [server for server in recent if server.running]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for server in recent:
            end = "\n".join(server.log_text().splitlines()[-LOG_LINES_SHOWN:])
            report.sections.append((f"the end of {server.log}", end))
    return report


@pytest.fixture
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker of the test's own, with persistence and mosquitto's defaults, that anybody may use."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture(scope="session")
def influxdb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    """The database that many tests share: nobody stops or freezes it."""
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture
def influxdb(influxdb_server: InfluxDB) -> InfluxBucket:
    """A fresh bucket in the shared database."""
    return influxdb_server.create_bucket(f"test-{next(_bucket_numbers)}")


@pytest.fixture
def own_influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    """A database of the test's own, to kill, freeze and start again."""
    with InfluxDB(tmp_path_factory.mktemp("own-influxdb")) as server:
        yield server


@pytest.fixture
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """An Alertmanager that tells nobody."""
    with Alertmanager(tmp_path_factory.mktemp("alertmanager")) as server:
        yield server


@pytest.fixture(scope="session")
def promtool() -> Path:
    """The program that checks Prometheus' rules and runs their tests."""
    return find_server("promtool")


@pytest.fixture(scope="session")
def amtool() -> Path:
    """The program that checks Alertmanager's configuration and says where an alert goes."""
    return find_server("amtool")


@pytest.fixture
async def browser() -> AsyncIterator["Browser"]:
    """A headless Chromium that reaches loopback only."""
    async with headless_chromium() as browser:
        yield browser


@pytest.fixture
async def page(browser: "Browser") -> AsyncIterator["Page"]:
    """A page of 1280 by 800; an uncaught error in its scripts fails the test at its end."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await page.close()
    assert not errors, f"the page's scripts failed: {errors}"

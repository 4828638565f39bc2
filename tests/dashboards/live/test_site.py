"""The page's server over HTTP: API, CSV, events, caching, headers, a store that goes away, stopping."""

import asyncio
import csv
import gzip
import io
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dashboards.live.listen import ListenError
from store.memory import Fields, MemoryStore
from store.points import History, Latest, RecordPoint, SeriesKey, StoredPoint, StoreUnavailableError
from tests.browser import scenes
from tests.browser.live_server import Clock, LiveServer, live_server
from tests.servers.wait import eventually

LEVEL = SeriesKey("level", "st-00", "gw-00-level")
SERIES = "station=st-00&quantity=level&sensor=gw-00-level"


class FlakyReader:
    """A reader whose store can be taken away."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.away = False

    async def latest(self, since_ms: int) -> dict[SeriesKey, Latest]:
        self._answer()
        return await self.store.latest(since_ms)

    async def history(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> History:
        self._answer()
        return await self.store.history(key, start_ms, end_ms, most)

    async def deliveries(self, upto_ms: int | None = None) -> dict[str, str]:
        self._answer()
        return await self.store.deliveries(upto_ms)

    async def records_of(self, kind: str, start_ms: int, end_ms: int) -> list[RecordPoint]:
        self._answer()
        return await self.store.records_of(kind, start_ms, end_ms)

    async def points(self, key: SeriesKey, start_ms: int, end_ms: int, most: int) -> list[StoredPoint]:
        return []

    async def versions(self, key: SeriesKey, start_ms: int, end_ms: int) -> list[StoredPoint]:
        return []

    async def tails(self, keys: list[SeriesKey], most: int) -> dict[SeriesKey, list[StoredPoint]]:
        self._answer()
        return await self.store.tails(keys, most)

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailableError("no route to the database")


class Running:
    """A server with its scene, its clock and a browser's session."""

    def __init__(
        self, server: LiveServer, scene: scenes.Scene, reader: FlakyReader, clock: Clock, registry: Path
    ) -> None:
        self.server = server
        self.scene = scene
        self.reader = reader
        self.clock = clock
        self.registry = registry
        self.http: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        url = self.server.url + path.removeprefix("/")
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.get(url, headers=names) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.read()

    async def stations(self) -> dict[str, Any]:
        _, _, body = await self.get("/api/stations", Accept_Encoding="identity")
        picture: dict[str, Any] = json.loads(body)
        return picture

    def measure(self, value: float, minutes_later: float = 1, flag: int = 1) -> None:
        self.clock.ms += int(minutes_later * 60_000)
        self.scene.store.series[LEVEL][self.clock.ms] = Fields(value, flag)

    @asynccontextmanager
    async def events(self, query: str = "") -> AsyncIterator["Events"]:
        async with self.http.get(f"{self.server.url}events{query}", headers={"Accept-Encoding": "identity"}) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            yield Events(answer)


class Events:
    """Reads an event stream."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def any(self) -> tuple[str, dict[str, Any]]:
        """The next event: its name and what it says."""
        name = ""
        async for raw in self.answer.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                return name, json.loads(line[6:])
        raise AssertionError("the stream has ended")

    async def next(self, wanted: str) -> dict[str, Any]:
        """The next event of this name."""
        async with asyncio.timeout(10):
            while True:
                name, body = await self.any()
                if name == wanted:
                    return body


@asynccontextmanager
async def running(tmp_path: Path, scene: scenes.Scene, **settings: object) -> AsyncIterator[Running]:
    registry = scene.write_registry(tmp_path)
    clock = Clock(scene.now_ms)
    reader = FlakyReader(scene.store)
    async with live_server(reader, registry, clock, **settings) as server:
        page = Running(server, scene, reader, clock, registry)
        async with aiohttp.ClientSession(auto_decompress=False) as page.http:

            async def ready() -> bool:
                return (await page.get("/readyz"))[0] == 200

            await eventually(ready)
            yield page


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, scenes.district(10, flooded=1, silent=1)) as page:
        yield page


async def test_stations_has_names_units_values_states_and_the_order(page: Running) -> None:
    picture = await page.stations()
    assert len(picture["stations"]) == 10
    assert picture["order"][0] == "st-00"
    assert picture["stations"]["st-00"]["state"] == "danger"
    assert picture["catalogue"]["st-00"]["name"] == "Tokmok head gate"
    assert picture["summary"][0] == {"state": "danger", "count": 1}
    assert picture["zones"]["Asia/Bishkek"] == [[0, 21_600]]


async def test_stations_not_changed_is_not_sent_again(page: Running) -> None:
    async def settled() -> str:
        _, headers, _ = await page.get("/api/stations")
        status, _, body = await page.get("/api/stations", If_None_Match=headers["etag"])
        assert (status, body) == (304, b"")
        return headers["etag"]

    await eventually(settled)


async def test_a_series_comes_thinned_to_the_points_asked_for(page: Running) -> None:
    start = page.clock.ms - 2 * scenes.DAY_MS
    _, _, body = await page.get(
        f"/api/series?{SERIES}&from={start}&to={page.clock.ms}&points=50", Accept_Encoding="identity"
    )
    series = json.loads(body)
    assert 0 < len(series["time_ms"]) <= 51
    assert series["bucket_ms"] > 0
    assert series["low"][0] <= series["value"][0] <= series["high"][0]
    _, _, body = await page.get(f"/api/series?{SERIES}", Accept_Encoding="identity")
    series = json.loads(body)
    assert series["bucket_ms"] == 0
    assert series["interval_ms"] == 900_000


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/series", 400),
        ("/api/series?station=a&quantity=b&sensor=c", 404),
        (f"/api/series?{SERIES}&points=x", 400),
        ("/nothing", 404),
        ("/static/old/js/app.js", 404),
        ("/static/../app.py", 404),
    ],
)
async def test_a_wrong_question_gets_a_reason(page: Running, path: str, status: int) -> None:
    found, headers, body = await page.get(path)
    assert found == status
    assert headers["cache-control"] == "no-store"
    assert body


async def test_csv_has_every_point_of_the_range(page: Running) -> None:
    start = page.clock.ms - scenes.DAY_MS
    status, headers, body = await page.get(
        f"/api/series.csv?{SERIES}&from={start}&to={page.clock.ms}", Accept_Encoding="identity"
    )
    assert status == 200
    assert headers["content-disposition"] == 'attachment; filename="st-00_level_2026-11-22_2026-11-23.csv"'
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    stored = scenes_in(page, start)
    assert [float(row["value"]) for row in rows] == [fields.value for _, fields in stored]


def scenes_in(page: Running, start: int) -> list[tuple[int, Fields]]:
    series = page.scene.store.series[LEVEL]
    return [(at, series[at]) for at in sorted(series) if start <= at < page.clock.ms]


async def test_a_new_browser_gets_the_whole_picture_and_then_only_changes(page: Running) -> None:
    async with page.events() as events:
        whole = await events.next("picture")
        assert len(whole["stations"]) == 10
        page.measure(9.99)
        while "sensors" not in (change := await events.next("change"))["stations"].get("st-00", {}):
            pass
        assert change["stations"]["st-00"]["sensors"]["level/gw-00-level"][0] == 9.99
        assert "catalogue" not in change
        assert "state" not in change["stations"]["st-00"]
        assert change["now_ms"] == page.clock.ms


async def test_a_browser_that_has_the_picture_already_is_not_sent_it_again(page: Running) -> None:
    async def first_event() -> str:
        version = (await page.stations())["version"]
        async with page.events(f"?have={version}") as events:
            name, _ = await events.any()
            return name

    # Until the last days have been read the picture changes between the two questions.
    async def not_sent_again() -> bool:
        return await first_event() == "beat"

    await eventually(not_sent_again)


async def test_a_browser_that_comes_back_with_another_picture_gets_the_whole(page: Running) -> None:
    async with page.events("?have=other-7") as events:
        assert len((await events.next("picture"))["stations"]) == 10


async def test_the_stream_is_compressed_for_a_browser_that_can(page: Running) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{page.server.url}events") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "version" in await Events(answer).next("picture")


async def test_a_reading_goes_stale_with_time_alone(page: Running) -> None:
    async with page.events() as events:
        await events.next("picture")
        page.clock.ms += 3_600_000
        while (change := await events.next("change")).get("stations", {}).get("st-01", {}).get("state") != "stale":
            pass
        assert change["summary"] == [
            {
                "state": "stale",
                "count": 10,
                "since_ms": change["summary"][0]["since_ms"],
                "zone": "Asia/Bishkek",
                "together": False,
            }
        ]


async def test_a_store_that_goes_away_is_said_and_comes_back(page: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dashboards.live")
    async with page.events() as events:
        await events.next("picture")
        page.reader.away = True
        while "store" not in (change := await events.next("change")):
            pass
        assert change["store"]["ok"] is False
        status, _, body = await page.get("/readyz")
        assert (status, body) == (503, b"the store does not answer: no route to the database\n")
        status, _, body = await page.get(f"/api/series?{SERIES}")
        assert status == 503
        status, _, _ = await page.get(f"/api/series.csv?{SERIES}")
        assert status == 503
        page.reader.away = False
        while "store" not in (change := await events.next("change")):
            pass
        assert change["store"] == {"ok": True, "since_ms": None, "reason": ""}
    assert "the store answers again" in caplog.text


async def test_a_station_added_to_the_registry_appears(tmp_path: Path) -> None:
    async with running(tmp_path, scenes.empty()) as page, page.events() as events:
        assert (await events.next("picture"))["catalogue"] == {}
        page.registry.write_text(scenes.district(1).registry, encoding="utf-8")
        assert list((await events.next("picture"))["catalogue"]) == ["st-00"]


async def test_a_registry_that_breaks_leaves_the_old_one_in_force(
    page: Running, caplog: pytest.LogCaptureFixture
) -> None:
    page.registry.write_text("[[stations]]\n", encoding="utf-8")
    await eventually(lambda: "the old one stays in force" in caplog.text)
    assert len((await page.stations())["stations"]) == 10


async def test_the_page_itself_is_small_packed_and_kept_for_a_year(page: Running) -> None:
    status, headers, body = await page.get("/", Accept_Encoding="gzip")
    assert (status, headers["cache-control"]) == (200, "no-cache")
    text = gzip.decompress(body).decode()
    assert "{{" not in text
    again, _, _ = await page.get("/", If_None_Match=headers["etag"])
    assert again == 304
    style = text.split('rel="stylesheet" href="')[1].split('"')[0]
    status, headers, body = await page.get(style, Accept_Encoding="gzip")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in headers["cache-control"]
    assert headers["vary"] == "Accept-Encoding"
    status, headers, plain = await page.get(style, Accept_Encoding="identity")
    assert plain == gzip.decompress(body)
    assert headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/", "/api/stations", "/nothing", "/sw.js"])
async def test_every_answer_has_the_safe_headers(page: Running, path: str) -> None:
    _, headers, _ = await page.get(path)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_it_lives_and_is_ready(page: Running) -> None:
    assert (await page.get("/healthz"))[2] == b"alive\n"
    assert (await page.get("/readyz"))[2] == b"ready\n"


async def test_metrics_are_on_the_health_page(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dashboards.live")
    async with running(tmp_path, scenes.district(3, flooded=1), health={"enabled": True}) as page:
        where = next(text for text in caplog.messages if "health and metrics" in text).split(" at ")[1]
        async with page.http.get(where, headers={"Accept-Encoding": "identity"}) as answer:
            text = await answer.text()
    assert 'aryk_live_stations{state="danger"} 1.0' in text
    assert "aryk_live_refresh_seconds_count" in text


async def test_a_busy_port_is_said_and_the_next_one_taken(page: Running, caplog: pytest.LogCaptureFixture) -> None:
    other = page.registry.parent / "other"
    other.mkdir()
    async with running(other, scenes.district(1), port=page.server.port) as second:
        assert f"port {page.server.port} is busy" in caplog.text
        assert second.server.url != page.server.url
        assert len((await second.stations())["stations"]) == 1


async def test_an_address_that_is_not_ours_ends_it(tmp_path: Path) -> None:
    with pytest.raises(ListenError):
        async with running(tmp_path, scenes.empty(), host="192.0.2.1"):
            pass


async def test_it_stops_within_two_seconds_with_streams_open(page: Running) -> None:
    async with page.events() as one, page.events() as two:
        await one.next("picture")
        await two.next("picture")
        began = time.monotonic()
        await page.server.stop()
        assert time.monotonic() - began < 2.0


async def test_it_stops_within_two_seconds_when_a_browser_takes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, scenes.district(40)) as page:
        reader, writer = await asyncio.open_connection("127.0.0.1", page.server.port, limit=1024)
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        began = time.monotonic()
        await page.server.stop()
        assert time.monotonic() - began < 2.0
        writer.close()

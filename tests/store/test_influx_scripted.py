"""Both writers against a server that is busy, hangs, breaks off, or is none."""

import asyncio
import json
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import SecretStr

from store.open import open_reader, open_writer
from store.points import (
    Points,
    SeriesKey,
    SeriesPoints,
    StoredPoint,
    StoreMisconfiguredError,
    StoreUnavailableError,
)
from store.settings import InfluxSettings
from tests.servers.process import free_port
from tests.store.scripted import CUT, HANG, NAMELESS, ScriptedServer, answer

KEY = SeriesKey("level", "kok-su-1", "radar")
BATCH: list[Points] = [SeriesPoints(KEY, [1, 2, 3], [1.0, 2.0, 3.0], [1, 1, 1])]

Api = Literal["v2", "v1"]


@pytest.fixture(params=["v2", "v1"])
def api(request: pytest.FixtureRequest) -> Api:
    chosen: Api = request.param
    return chosen


def settings(url: str, api: Api, **more: Any) -> InfluxSettings:
    return InfluxSettings(kind="influxdb", url=url, api=api, token=SecretStr("t0ken"), bucket="b 1", **more)


async def write(url: str, api: Api, **more: Any) -> None:
    async with open_writer(settings(url, api, **more), Path()) as writer:
        assert await writer.write(BATCH) == []


async def test_one_request_with_token_precision_and_gzip(api: Api) -> None:
    async with ScriptedServer() as server:
        await write(server.url + "/", api)
    (request,) = server.requests
    path = {"v2": "/api/v2/write?org=aryk&bucket=b+1&precision=ms", "v1": "/write?db=b+1&precision=ms"}[api]
    assert request.line == f"POST {path} HTTP/1.1"
    assert request.headers["authorization"] == "Token t0ken"
    assert request.headers["content-encoding"] == "gzip"
    assert request.headers["content-type"].startswith("text/plain")
    assert request.lines == [f"level,sensor=radar,station=kok-su-1 value={n}.0,flag=1i {n}" for n in (1, 2, 3)]


async def test_user_name_and_password() -> None:
    async with ScriptedServer() as server:
        named = InfluxSettings(kind="influxdb", url=server.url, api="v1", username="u", password=SecretStr("p"))
        async with open_writer(named, Path()) as writer:
            await writer.write(BATCH)
    assert server.requests[0].headers["authorization"] == "Basic dTpw"


async def test_nothing_to_write_is_no_request(api: Api) -> None:
    async with ScriptedServer() as server, open_writer(settings(server.url, api), Path()) as writer:
        assert await writer.write([]) == []
    assert server.requests == []


@pytest.mark.parametrize("status", [429, 503])
async def test_busy_says_how_long_to_wait(api: Api, status: int) -> None:
    async with ScriptedServer([answer(status, '{"message":"busy"}', "Retry-After: 17\r\n")]) as server:
        with pytest.raises(StoreUnavailableError, match="busy") as caught:
            await write(server.url, api)
    assert (caught.value.retry_after_s, caught.value.timed_out) == (17.0, False)


async def test_a_server_that_hangs_may_still_carry_it_out(api: Api) -> None:
    async with ScriptedServer([HANG]) as server:
        with pytest.raises(StoreUnavailableError, match="no answer in time") as caught:
            await write(server.url, api, timeout_s=0.3)
    assert caught.value.timed_out


async def test_an_answer_that_breaks_off_may_have_been_carried_out(api: Api) -> None:
    async with ScriptedServer([CUT]) as server:
        with pytest.raises(StoreUnavailableError) as caught:
            await write(server.url, api)
    assert caught.value.timed_out


async def test_nobody_there_has_carried_out_nothing(api: Api) -> None:
    with pytest.raises(StoreUnavailableError, match="nothing listens there") as caught:
        await write(f"http://127.0.0.1:{free_port()}", api)
    assert not caught.value.timed_out


async def test_what_the_transport_says_is_said_in_words(api: Api) -> None:
    with pytest.raises(StoreUnavailableError, match=r"nosuch\.invalid has no address"):
        await write("http://nosuch.invalid:8086", api)


async def test_a_server_without_tls_is_said_to_be_one(api: Api) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(400))
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(StoreMisconfiguredError, match="it does not speak TLS, http:// may be meant"):
            await write(f"https://127.0.0.1:{port}", api)


async def test_an_address_that_is_none_must_be_mended(api: Api) -> None:
    with pytest.raises(StoreMisconfiguredError):
        await write("nonsense", api)


@pytest.mark.parametrize("status", [200, 302, 404, 405])
async def test_a_web_server_that_is_no_database_has_stored_nothing(api: Api, status: int) -> None:
    page = answer(status, "<html>Welcome</html>", "Location: /login\r\nContent-Type: text/html\r\n")
    async with ScriptedServer([page]) as server:
        with pytest.raises(StoreMisconfiguredError, match=f"HTTP {status}"):
            await write(server.url, api)
    assert len(server.requests) == 1


@pytest.mark.parametrize("said", [NAMELESS, answer(200, "<html>Welcome</html>"), answer(200, "[]"), answer(404)])
async def test_204_of_something_that_is_no_database_has_stored_nothing(api: Api, said: bytes) -> None:
    async with ScriptedServer([NAMELESS, said]) as server:
        with pytest.raises(StoreMisconfiguredError, match="does not say that it is InfluxDB"):
            await write(server.url, api)


async def test_a_database_whose_name_a_proxy_takes_away_is_asked_once(api: Api) -> None:
    script = ScriptedServer([NAMELESS, answer(200, '{"results":[{"statement_id":0}]}'), NAMELESS])
    async with script as server, open_writer(settings(server.url, api), Path()) as writer:
        for _ in range(2):
            assert await writer.write(BATCH) == []
    assert [one.line.split("?")[0].split()[0] for one in server.requests] == ["POST", "GET", "POST"]


async def test_trouble_in_the_middle_of_narrowing_down_is_told(api: Api) -> None:
    partial = answer(422, '{"message":"partial write: dropped=1"}')
    async with ScriptedServer([partial, answer(503)]) as server:
        with pytest.raises(StoreUnavailableError):
            await write(server.url, api)
    assert [len(request.lines) for request in server.requests] == [3, 1]


async def test_413_makes_smaller_requests(api: Api) -> None:
    async with ScriptedServer([answer(413)]) as server:
        await write(server.url, api)
    assert [len(request.lines) for request in server.requests] == [3, 1, 2]


async def test_the_writer_is_of_use_after_an_error(api: Api) -> None:
    script = ScriptedServer([answer(503), HANG])
    async with script as server, open_writer(settings(server.url, api, timeout_s=0.3), Path()) as writer:
        for _ in range(2):
            with pytest.raises(StoreUnavailableError):
                await writer.write(BATCH)
        assert await writer.write(BATCH) == []


async def test_the_token_is_in_no_message(api: Api) -> None:
    async with ScriptedServer([answer(401, '{"message":"unauthorized access"}')]) as server:
        with pytest.raises(StoreMisconfiguredError) as caught:
            await write(server.url, api)
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (answer(503, "busy"), StoreUnavailableError),
        (answer(401, '{"message":"unauthorized access"}'), StoreMisconfiguredError),
        (answer(404, "no such page"), StoreMisconfiguredError),
        (answer(200, "<html>"), StoreMisconfiguredError),
        (answer(200, "[]"), StoreMisconfiguredError),
        (answer(200, '{"results":[{"series":[{"name":"x"}]},{}]}'), StoreMisconfiguredError),
        (answer(200, '{"results":[{"error":"database not found: b"},{}]}'), StoreMisconfiguredError),
        (answer(200, '{"results":[{"error":"timeout"},{}]}'), StoreUnavailableError),
        (answer(200, '{"resu'), StoreMisconfiguredError),
        (HANG, StoreUnavailableError),
        (CUT, StoreUnavailableError),
    ],
)
async def test_reading_sorts_errors_by_reaction(said: bytes, error: type[Exception]) -> None:
    script = ScriptedServer([said, said])  # aiohttp asks again when a GET's connection breaks off
    async with script as server, open_reader(settings(server.url, "v2", timeout_s=0.3), Path()) as reader:
        with pytest.raises(error):
            await reader.latest(0)


async def test_a_point_that_is_being_written_is_not_there_yet() -> None:
    """InfluxDB shows its fields one by one: a start of ingest, reading beside its own writes, died of a flag of null."""
    rows: list[list[Any]] = [[1, 1.5, 1], [2, 1.6, None], [3, None, 1], [4, None, 9]]
    stored = [[*row, None, None, None] for row in rows]

    def said(*rows: list[Any]) -> bytes:
        series = {"name": "level", "columns": [], "values": rows}
        return answer(200, json.dumps({"results": [{"statement_id": 0, "series": [series]}]}))

    script = ScriptedServer([said(*stored[::-1]), said(*stored), said([0, 4]), said(*rows)])
    async with script as server, open_reader(settings(server.url, "v2"), Path()) as reader:
        found = [StoredPoint(1, 1.5, 1), StoredPoint(4, None, 9)]
        assert await reader.tails([KEY], 4) == {KEY: found}
        assert await reader.points(KEY, 0, 9, 4) == found
        assert (await reader.history(KEY, 0, 9, 4)).time_ms == [1, 4]

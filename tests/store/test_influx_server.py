"""Every answer of a real InfluxDB 2.7 to a write, through both of its write paths, and those of 1.x where they differ."""

import time
from pathlib import Path
from typing import Literal

import pytest

from store.open import open_reader, open_writer
from store.points import (
    DeliveryPoint,
    Points,
    RecordPoint,
    SeriesKey,
    SeriesPoints,
    StoreMisconfiguredError,
    StoreUnavailableError,
)
from store.settings import InfluxSettings
from tests.servers.influxdb import InfluxBucket, InfluxDB
from tests.servers.wait import eventually
from tests.store.conftest import v2_settings
from tests.store.influx1 import Influx1

pytestmark = pytest.mark.server

HOUR = 3_600_000
NOW = int(time.time()) * 1000
Api = Literal["v2", "v1"]


@pytest.fixture(params=["v2", "v1"])
def api(request: pytest.FixtureRequest) -> Api:
    chosen: Api = request.param
    return chosen


def series(sensor: str, times: list[int], quantity: str = "level") -> SeriesPoints:
    return SeriesPoints(
        SeriesKey(quantity, "st", sensor), times, [float(n) for n in range(len(times))], [1] * len(times)
    )


async def test_a_field_of_another_type_refuses_that_series_alone(influxdb_server: InfluxDB, api: Api) -> None:
    bucket = influxdb_server.create_bucket(f"conflict-{api}")
    bucket.write(f"discharge,station=st,sensor=x value=7i {NOW}")
    times = list(range(NOW, NOW + 100))
    batch: list[Points] = [series("a", times), series("b", times, "discharge"), series("c", times)]
    async with open_writer(v2_settings(influxdb_server, bucket.bucket, api=api), Path()) as writer:
        refused = await writer.write(batch)
    assert [(one.item, one.row) for one in refused] == [(1, row) for row in range(100)]
    assert all("field type conflict" in one.reason for one in refused)
    assert bucket.count("level") == 200
    assert bucket.count("discharge") == 1


async def test_points_older_than_the_retention_are_refused_alone(influxdb_server: InfluxDB, api: Api) -> None:
    bucket = influxdb_server.create_bucket(f"retention-{api}", retention_s=3600)
    times = [NOW - 3 * HOUR, NOW - 2 * HOUR, NOW - HOUR // 2, NOW]
    async with open_writer(v2_settings(influxdb_server, bucket.bucket, api=api), Path()) as writer:
        refused = await writer.write([series(f"s{n}", times) for n in range(20)])
    assert [(one.item, one.row) for one in refused] == [(item, row) for item in range(20) for row in (0, 1)]
    assert all("outside retention policy" in one.reason for one in refused)
    assert bucket.count("level") == 40


async def test_both_at_once_lose_nothing_though_the_answer_names_one(influxdb_server: InfluxDB, api: Api) -> None:
    bucket = influxdb_server.create_bucket(f"both-{api}", retention_s=3600)
    bucket.write(f"discharge,station=st,sensor=x value=7i {NOW}")
    batch: list[Points] = [
        series("old", [NOW - 2 * HOUR, NOW]),
        series("typed", [NOW], "discharge"),
        series("good", [NOW]),
        series("both", [NOW - 2 * HOUR], "discharge"),
    ]
    async with open_writer(v2_settings(influxdb_server, bucket.bucket, api=api), Path()) as writer:
        refused = await writer.write(batch)
    assert [(one.item, one.row) for one in refused] == [(0, 0), (1, 0), (3, 0)]
    assert {(row["sensor"], row["value"]) for row in bucket.query_influxql('SELECT * FROM "level"')} == {
        ("old", 1),
        ("good", 0),
    }


class _Unparsable(float):
    """Passes our check and is written as something that does not parse: no real point does."""

    def __repr__(self) -> str:
        return "1.0.0"


async def test_a_line_that_does_not_parse_is_taken_out(influxdb_server: InfluxDB, api: Api) -> None:
    bucket = influxdb_server.create_bucket(f"parse-{api}")
    values: list[float | None] = [1.0, _Unparsable(2.0), 3.0, _Unparsable(4.0)]
    odd = SeriesPoints(SeriesKey("level", "st", "odd"), [NOW, NOW + 1, NOW + 2, NOW + 3], values, [1, 1, 1, 1])
    async with open_writer(v2_settings(influxdb_server, bucket.bucket, api=api), Path()) as writer:
        refused = await writer.write([series("a", [NOW]), odd, series("b", [NOW])])
    assert [(one.item, one.row) for one in refused] == [(1, 1), (1, 3)]
    assert refused[0].reason == "unable to parse: invalid number"
    assert bucket.count("level") == 4


async def test_a_missing_bucket_is_a_configuration_fault(influxdb_server: InfluxDB, api: Api) -> None:
    async with open_writer(v2_settings(influxdb_server, f"nope-{api}", api=api), Path()) as writer:
        with pytest.raises(StoreMisconfiguredError, match=r"not found|no dbrp mapping found"):
            await writer.write([series("a", [NOW])])
        influxdb_server.create_bucket(f"nope-{api}")
        assert await writer.write([series("a", [NOW])]) == []
    async with open_reader(v2_settings(influxdb_server, "nowhere"), Path()) as reader:
        with pytest.raises(StoreMisconfiguredError, match="nowhere"):
            await reader.latest(0)
        with pytest.raises(StoreMisconfiguredError, match="nowhere"):
            await reader.history(SeriesKey("level", "st", "a"), 0, NOW, 10)
        with pytest.raises(StoreMisconfiguredError, match="nowhere"):
            await reader.deliveries()


async def test_a_wrong_token_is_a_configuration_fault(influxdb_server: InfluxDB, api: Api) -> None:
    settings = v2_settings(influxdb_server, influxdb_server.bucket, api=api, token="wrong")
    async with open_writer(settings, Path()) as writer, open_reader(settings, Path()) as reader:
        with pytest.raises(StoreMisconfiguredError, match="401"):
            await writer.write([series("a", [NOW])])
        with pytest.raises(StoreMisconfiguredError, match="401"):
            await reader.latest(0)


async def test_a_token_file_is_read(influxdb: InfluxBucket, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(influxdb.token + "\n")
    settings = InfluxSettings(
        kind="influxdb", url=influxdb.url, bucket=influxdb.bucket, token_file=tmp_path / "token", org=influxdb.org
    )
    async with open_writer(settings, Path()) as writer:
        assert await writer.write([series("a", [NOW])]) == []
    assert influxdb.count("level") == 1


async def test_raw_tests_rev_and_records_as_they_are_stored(influxdb: InfluxBucket, influxdb_server: InfluxDB) -> None:
    full = SeriesPoints(
        SeriesKey("level", "st", "a"), [NOW, NOW + 1], [1.0, None], [3, 9], raw=[0.5, None], tests=[4, None]
    )
    async with open_writer(v2_settings(influxdb_server, influxdb.bucket), Path()) as writer:
        await writer.write([full, RecordPoint("gw", "gap", NOW, '{"why":"disk"}'), DeliveryPoint("gw", NOW, "{}")])
        rows = influxdb.query_influxql('SELECT value, flag, raw, tests, rev FROM "level"')
        assert [{k: v for k, v in row.items() if k in ("value", "flag", "raw", "tests")} for row in rows] == [
            {"value": 1, "flag": 3, "raw": 0.5, "tests": 4},
            {"value": None, "flag": 9, "raw": None, "tests": None},
        ]
        await writer.write([SeriesPoints(full.key, [NOW], [2.0], [1], rev=[7])])
    (row, _) = influxdb.query_influxql('SELECT value, flag, raw, tests, rev FROM "level"')
    assert (row["value"], row["flag"], row["raw"], row["tests"], row["rev"]) == (2, 1, 2, 0, 7)
    (record,) = influxdb.query_influxql('SELECT * FROM "record"')
    assert (record["gateway"], record["kind"], record["body"]) == ("gw", "gap", '{"why":"disk"}')


async def test_a_frozen_server_times_out_and_a_killed_one_is_unavailable(own_influxdb: InfluxDB) -> None:
    settings = v2_settings(own_influxdb, own_influxdb.bucket, timeout_s=0.5)
    async with open_writer(settings, Path()) as writer:
        assert await writer.write([series("a", [NOW])]) == []
        own_influxdb.pause()
        with pytest.raises(StoreUnavailableError) as frozen:
            await writer.write([series("a", [NOW + 1])])
        assert frozen.value.timed_out
        own_influxdb.resume()
        own_influxdb.kill()
        with pytest.raises(StoreUnavailableError):
            await writer.write([series("a", [NOW + 1])])
        with pytest.raises(StoreUnavailableError) as gone:
            await writer.write([series("a", [NOW + 1])])
        assert not gone.value.timed_out
        await own_influxdb.start_async()

        async def again() -> bool:
            try:
                return await writer.write([series("a", [NOW + 1])]) == []
            except StoreUnavailableError:
                return False

        assert await eventually(again)
    assert own_influxdb.count("level") == 2


async def test_more_than_one_request_may_carry(influxdb: InfluxBucket, influxdb_server: InfluxDB, api: Api) -> None:
    bodies: list[Points] = [DeliveryPoint(f"gw-{n}", NOW, "x" * 900_000) for n in range(40)]
    settings = v2_settings(influxdb_server, influxdb.bucket, api=api, timeout_s=60)
    async with open_writer(settings, Path()) as writer, open_reader(settings, Path()) as reader:
        assert await writer.write(bodies) == []
        assert len(await reader.deliveries()) == 40


async def test_1x_says_partial_write_with_a_400(influx1: Influx1) -> None:
    influx1.create_database("old", "1h")
    settings = InfluxSettings(kind="influxdb", api="v1", url=influx1.url, bucket="old")
    values: list[float | None] = [1.0, _Unparsable(2.0), 3.0]
    batch: list[Points] = [
        series("old", [NOW - 3 * HOUR, NOW]),
        SeriesPoints(SeriesKey("level", "st", "odd"), [NOW, NOW + 1, NOW + 2], values, [1, 1, 1]),
        SeriesPoints(SeriesKey("volume", "st", "typed"), [NOW, NOW + 1], [1.0, 2.0], [1, 1]),
        series("good", [NOW]),
    ]
    async with open_writer(settings, Path()) as writer, open_reader(settings, Path()) as reader:
        integer = SeriesPoints(SeriesKey("volume", "st", "typed"), [NOW], [_Integer(7.0)], [1])
        assert await writer.write([integer]) == []
        refused = await writer.write(batch)
        assert [(one.item, one.row) for one in refused] == [(0, 0), (1, 1), (2, 0), (2, 1)]
        reasons = [one.reason for one in refused]
        assert "beyond retention policy" in reasons[0]
        assert reasons[1] == "unable to parse: invalid number"
        assert "field type conflict" in reasons[2]
        for sensor, count in (("old", 1), ("odd", 2), ("good", 1)):
            history = await reader.history(SeriesKey("level", "st", sensor), 0, NOW + HOUR, 10)
            assert len(history.time_ms) == count


class _Integer(float):
    def __repr__(self) -> str:
        return f"{int(self)}i"


async def test_1x_without_the_database(influx1: Influx1) -> None:
    settings = InfluxSettings(kind="influxdb", api="v1", url=influx1.url, bucket="nowhere")
    async with open_writer(settings, Path()) as writer, open_reader(settings, Path()) as reader:
        with pytest.raises(StoreMisconfiguredError, match="database not found"):
            await writer.write([series("a", [NOW])])
        with pytest.raises(StoreMisconfiguredError, match="nowhere"):
            await reader.latest(0)

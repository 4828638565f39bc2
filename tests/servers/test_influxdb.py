import http.client

import pytest

from tests.servers.http import RefusedError, request
from tests.servers.influxdb import InfluxBucket, InfluxDB

T = 1_700_000_000_000


def test_what_is_written_is_read(influxdb: InfluxBucket) -> None:
    influxdb.write([f"level,station=shu,sensor=l1 value=1.25,flag=1i {T}", f"level,station=talas value=2.5 {T + 1}"])
    assert influxdb.query_influxql('SELECT "value", "flag" FROM "level" GROUP BY "station"') == [
        {"_measurement": "level", "station": "shu", "time": T, "value": 1.25, "flag": 1},
        {"_measurement": "level", "station": "talas", "time": T + 1, "value": 2.5, "flag": None},
    ]
    assert influxdb.count("level") == 2
    assert influxdb.count("discharge") == 0


@pytest.mark.parametrize("round_", [1, 2])
def test_each_test_has_a_fresh_bucket(influxdb: InfluxBucket, round_: int) -> None:
    assert influxdb.count("level") == 0
    influxdb.write(f"level value={round_} {T}")


def test_a_line_that_does_not_parse_is_refused(influxdb: InfluxBucket) -> None:
    with pytest.raises(RefusedError) as caught:
        influxdb.write("level value= 1")
    assert caught.value.status == 400


def test_a_wrong_query_is_said(influxdb: InfluxBucket) -> None:
    with pytest.raises(RefusedError, match="failed to parse query"):
        influxdb.query_influxql("SELEKT 1")


def test_a_bucket_can_have_a_retention(influxdb_server: InfluxDB) -> None:
    bucket = influxdb_server.create_bucket("kept-for-a-day", retention_s=86_400)
    with pytest.raises(RefusedError, match="retention policy"):
        bucket.write(f"level value=1 {T}")


def test_a_killed_server_comes_back_with_what_it_had(own_influxdb: InfluxDB) -> None:
    own_influxdb.write(f"level value=1.25 {T}")
    own_influxdb.kill()
    with pytest.raises(OSError, match="refused"):
        own_influxdb.write(f"level value=2.5 {T}")
    own_influxdb.start()
    assert own_influxdb.query_influxql('SELECT "value" FROM "level"') == [
        {"_measurement": "level", "time": T, "value": 1.25}
    ]
    assert own_influxdb.stop() == 0


def test_a_paused_server_does_not_answer_until_it_is_resumed(own_influxdb: InfluxDB) -> None:
    own_influxdb.pause()
    with pytest.raises((TimeoutError, http.client.HTTPException)):
        request(own_influxdb.port, "GET", "/health", timeout_s=0.3)
    own_influxdb.resume()
    assert request(own_influxdb.port, "GET", "/health")["status"] == "pass"

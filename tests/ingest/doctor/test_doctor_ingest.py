"""`aryk doctor ingest` against a real broker and a real InfluxDB."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doctor.checks import Level, Name
from ingest.body import encode_body
from ingest.change import Change, Count, make_row
from ingest.pipeline import Accepted, Target
from ingest.settings import spool_path
from ingest.spool import Spool
from simulator.toml_text import toml_text
from tests.doctor.certificates import Authority
from tests.doctor.command import Report, doctor
from tests.faults.roles import IngestRole
from tests.ingest.samples import REGISTRY_TOML
from tests.servers.http import request
from tests.servers.influxdb import InfluxBucket, InfluxDB
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import free_port
from tests.servers.wait import eventually_sync

Ask = Callable[..., Report]


def in_influx(place: InfluxBucket, **more: Any) -> dict[str, Any]:
    table = {"kind": "influxdb", "url": place.url, "org": place.org, "bucket": place.bucket, "token": place.token}
    return table | more


def configure(folder: Path, broker_port: int, **more: Any) -> Path:
    (folder / "registry.toml").write_text(REGISTRY_TOML)
    config = folder / "ingest.toml"
    config.write_text(toml_text({"registry": "registry.toml", "broker": {"port": broker_port}, **more}))
    return config


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    def run(broker_port: int, *arguments: object, **more: Any) -> Report:
        config = configure(tmp_path, broker_port, **more)
        return doctor("ingest", "--config", config, "--state", tmp_path / "state", *arguments)

    return run


def waiting(folder: Path, ms: int) -> None:
    """A spool with two readings of this time."""
    accepted = Accepted(Target("k-12", "level", "level", ""), [1, 2], [ms, ms + 1], [1.0, 2.0], [1, 1], None)
    row = make_row(1, ms, "gw1", 42, [(1, 2)], 2, encode_body([accepted], []))
    with Spool(spool_path(folder / "state")) as spool:
        spool.commit([Change(rows=[row], counts=Counter({Count.RECEIVED: 2, Count.WAITING: 2}))], ms)


@pytest.mark.server
def test_all_is_well(mosquitto: Mosquitto, influxdb: InfluxBucket, ask: Ask, tmp_path: Path) -> None:
    good = tmp_path / "good.conf"
    good.write_text(
        "persistence true\nautosave_interval 1\nmax_queued_messages 0\nmax_inflight_messages 1000\n"
        "use_username_as_clientid true\n"
    )
    report = ask(mosquitto.port, "--broker-conf", good, store=in_influx(influxdb))
    assert report.at(Level.FAIL) == []
    assert report.exit == 0
    assert "gave it back" in report.of(Name.STORE)["says"]
    assert [one["says"] for one in report.all(Name.SUBSCRIPTIONS)] == ["granted with QoS 1."] * 2
    assert "20 unacknowledged messages" in report.of(Name.LIMITS)["says"]
    assert "the database server's" in report.of(Name.CLOCK)["says"]
    assert influxdb.count("doctor") == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.server
def test_a_broker_of_mosquittos_defaults_is_named(mosquitto: Mosquitto, ask: Ask) -> None:
    conf = mosquitto.folder / "mosquitto.conf"
    report = ask(mosquitto.port, "--broker-conf", conf, "--outage", "30d")
    assert report.exit == 1
    assert {name for name, _ in report.at(Level.FAIL)} == {"broker-persistence", "broker-queue"}
    assert "192 messages a day" in report.of(Name.BROKER_QUEUE)["says"]
    assert ask(mosquitto.port, "--broker-conf", conf, "--outage", "1d").of(Name.BROKER_QUEUE)["level"] == "ok"


@pytest.mark.server
@pytest.mark.parametrize("wrong", [{"token": "no"}, {"bucket": "nosuch"}, {"api": "v1", "token": "no"}])
def test_a_store_that_refuses(ask: Ask, influxdb: InfluxBucket, wrong: dict[str, str]) -> None:
    report = ask(free_port(), store=in_influx(influxdb, **wrong))
    assert report.exit == 1
    assert "answers and refuses" in report.of(Name.STORE)["says"]
    assert report.of(Name.TCP)["level"] == "fail"
    assert report.all(Name.MQTT) == []


@pytest.mark.server
@pytest.mark.parametrize(
    ("right", "said"),
    [("read", "insufficient permissions for write"), ("write", "took a point and does not let it be read")],
)
def test_a_token_that_may_only_read_or_only_write(ask: Ask, influxdb: InfluxBucket, right: str, said: str) -> None:
    header = {"Authorization": f"Token {influxdb.token}"}
    (bucket,) = request(influxdb.port, "GET", "/api/v2/buckets", parameters={"name": influxdb.bucket}, headers=header)[
        "buckets"
    ]
    rights = [{"action": right, "resource": {"type": "buckets", "id": bucket["id"], "orgID": bucket["orgID"]}}]
    body = {"orgID": bucket["orgID"], "permissions": rights}
    token = request(influxdb.port, "POST", "/api/v2/authorizations", body=body, headers=header)["token"]
    report = ask(free_port(), store=in_influx(influxdb, token=token))
    assert report.of(Name.STORE)["level"] == "fail"
    assert said in report.of(Name.STORE)["says"]


def test_a_store_that_is_away(ask: Ask) -> None:
    store = {"kind": "influxdb", "url": f"http://127.0.0.1:{free_port()}", "token": "any"}
    report = ask(free_port(), store=store)
    assert "cannot be used now" in report.of(Name.STORE)["says"]
    assert report.of(Name.STORE)["says"].endswith(": nothing listens there.")
    assert report.exit == 1


@pytest.mark.server
@pytest.mark.parametrize("api", ["v2", "v1"])
def test_a_retention_shorter_than_the_oldest_that_waits(
    ask: Ask, influxdb_server: InfluxDB, tmp_path: Path, api: str
) -> None:
    bucket = influxdb_server.create_bucket(f"short-{api}", retention_s=3_600)
    now_ms = time.time_ns() // 1_000_000
    waiting(tmp_path, now_ms - 5 * 3_600_000)
    report = ask(free_port(), store=in_influx(bucket, api=api))
    check = report.of(Name.RETENTION)
    assert check["level"] == "fail"
    assert "0.2 days ago, and the store refuses a point of that time" in check["says"]
    assert report.of(Name.STORE)["level"] == "ok"
    assert report.of(Name.SPOOL)["level"] == "warn"
    assert report.exit == 1


@pytest.mark.server
def test_a_retention_long_enough(ask: Ask, influxdb: InfluxBucket, tmp_path: Path) -> None:
    waiting(tmp_path, time.time_ns() // 1_000_000 - 5 * 3_600_000)
    assert ask(free_port(), store=in_influx(influxdb)).of(Name.RETENTION)["level"] == "ok"


@pytest.mark.server
def test_a_running_ingest_is_not_disturbed(mosquitto: Mosquitto, tmp_path: Path) -> None:
    ingest = IngestRole(tmp_path / "ingest", tmp_path / "state")
    config = configure(ingest.folder, mosquitto.port, health={"port": ingest.port})
    ingest.start()
    try:

        def metrics() -> str:
            return str(request(ingest.port, "GET", "/metrics"))

        eventually_sync(lambda: "aryk_ingest_broker_connected 1.0" in metrics(), 20.0, "connected")
        for _ in range(2):
            report = doctor("ingest", "--config", config, "--state", tmp_path / "state")
            assert report.at(Level.FAIL) == []
        assert f"process {ingest.pid}" in report.of(Name.RUNNING)["says"]
        assert "ingest is subscribed" in report.of(Name.SESSION)["says"]
        assert "points.sqlite took a point" in report.of(Name.STORE)["says"]
        assert "aryk_ingest_broker_connects_total 1.0" in metrics()
        assert "aryk_ingest_broker_connected 1.0" in metrics()
    finally:
        assert ingest.stop() == 0


@pytest.mark.server
def test_what_waits_at_the_broker_for_ingest_is_left_there(tmp_path: Path, ask: Ask) -> None:
    """With use_username_as_clientid doctor is handed the stopped ingest's session, and takes nothing out of it."""
    with Mosquitto(tmp_path / "broker", extra="use_username_as_clientid true") as broker:
        folder = tmp_path / "role"
        ingest = IngestRole(folder, tmp_path / "role-state")
        broker_table = {"port": broker.port, "username": "ingest"}
        configure(folder, broker.port, broker=broker_table, health={"port": ingest.port})
        ingest.start()
        try:
            eventually_sync(
                lambda: "broker_connected 1.0" in str(request(ingest.port, "GET", "/metrics")), 20.0, "connected"
            )
            assert ingest.stop() == 0
            publish(broker.port, b"not a batch")
            for _ in range(2):
                report = ask(broker.port, broker=broker_table)
                assert "keeps ingest's session" in report.all(Name.SESSION)[0]["says"]
            ingest.start()
            eventually_sync(
                lambda: "aryk_ingest_dead_letters_kept 1.0" in str(request(ingest.port, "GET", "/metrics")),
                20.0,
                "the message that waited",
            )
        finally:
            ingest.kill()


@pytest.mark.server
def test_an_access_list_that_keeps_the_readings_back_is_named(tmp_path: Path, ask: Ask) -> None:
    """Through MQTT nobody sees it: the broker grants the subscription."""
    acl = tmp_path / "acl"
    acl.write_text(
        "topic read aryk/v1/+/+/status\ntopic write aryk/v1/+/+/receipts\ntopic write aryk/v1/+/+/commands\n"
    )
    with Mosquitto(tmp_path / "broker", extra=f"acl_file {acl}") as broker:
        report = ask(broker.port, "--broker-conf", broker.folder / "mosquitto.conf")
    assert [one["says"] for one in report.all(Name.SUBSCRIPTIONS)] == ["granted with QoS 1."] * 2
    check = report.of(Name.BROKER_ACCESS)
    assert check["level"] == "fail"
    assert "does not give clients without a user name: read aryk/v1/karatal/gw1/readings" in check["says"]


@pytest.mark.server
def test_certificates_on_both_sides(tmp_path: Path, ask: Ask) -> None:
    authority = Authority(tmp_path / "ca")
    theirs, own = authority.sign("broker", 10.1), authority.sign("ingest")
    extra = f"cafile {authority.ca}\ncertfile {theirs.cert}\nkeyfile {theirs.key}\nrequire_certificate true\n"
    extra += "use_identity_as_username true"
    tls = {"ca_file": str(authority.ca), "cert_file": str(own.cert), "key_file": str(own.key)}
    with Mosquitto(tmp_path / "broker", extra=extra) as broker:
        report = ask(broker.port, broker={"port": broker.port, "tls": tls})
        assert report.at(Level.FAIL) == []
        assert report.of(Name.TLS)["level"] == "warn"
        assert "10 more days" in report.of(Name.TLS)["says"]
        assert report.of(Name.MQTT)["says"] == "MQTT 5 is accepted, and our credentials too."
        tls = {"ca_file": str(authority.ca)}
        report = ask(broker.port, broker={"port": broker.port, "tls": tls})
        assert [name for name, _ in report.at(Level.FAIL)] == ["mqtt"]


def publish(port: int, payload: bytes) -> None:
    from paho.mqtt.enums import MQTTProtocolVersion
    from paho.mqtt.publish import single

    single(
        "aryk/v1/karatal/gw1/readings",
        payload,
        qos=1,
        port=port,
        auth={"username": "gw1"},
        protocol=MQTTProtocolVersion.MQTTv5,
    )


def test_a_spool_that_is_no_database_is_named(ask: Ask, tmp_path: Path) -> None:
    path = spool_path(tmp_path / "state")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"flipped" * 2_000)
    report = ask(free_port())
    assert "cannot be read" in report.of(Name.SPOOL)["says"]
    assert report.of(Name.SPOOL)["level"] == "fail"


def test_a_spool_that_is_nearly_full_has_few_days_left(ask: Ask) -> None:
    check = ask(free_port(), spool={"max_bytes": 1_000_000}).of(Name.DISK)
    assert check["says"].startswith("1.0 MB are left for the spool within its max_bytes: 58 days at 17 KB a day")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('registry = "registry.toml"\n[brokr]\nport = 1\n', "ingest.toml:2: brokr: this key is not known"),
        ('registry = "nosuch.toml"\n', "nosuch.toml: there is no such file"),
        ('registry = "registry.toml"\ndistricts = ["karatel"]\n', "the registry has no district 'karatel'"),
    ],
)
def test_a_wrong_configuration_exits_2_and_names_the_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "registry.toml").write_text(REGISTRY_TOML)
    (tmp_path / "ingest.toml").write_text(text)
    report = doctor("ingest", "--config", tmp_path / "ingest.toml")
    assert report.exit == 2
    (check,) = report.checks
    assert (check["name"], said in check["says"]) == ("configuration", True), check["says"]

from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from doctor.checks import Level
from doctor.mosquitto_acl import Access, Rule, allows, judge, parse, user_of
from doctor.mosquitto_conf import read
from settings.broker import BrokerSettings, TlsSettings
from tests.servers.mosquitto import Mosquitto
from tests.servers.wait import eventually_sync
from wire.topics import Kind, topic

OURS = Path(__file__).parents[2] / "deploy" / "mosquitto" / "acl"
READINGS = topic("aksu", "aksu-1", Kind.READINGS)
RECEIPTS = topic("aksu", "aksu-1", Kind.RECEIPTS)


def test_the_lines_are_read_as_mosquitto_reads_them() -> None:
    text = "# all\ntopic read open/#\nuser a b\ntopic deny secret/#\n  topic any/thing\npattern write x/%u/%c\nnonsense\ntopic\n"
    both = frozenset(Access)
    assert parse(text) == [
        Rule(frozenset({Access.READ}), "open/#"),
        Rule(frozenset(), "secret/#", "a b"),
        Rule(both, "any/thing", "a b"),
        Rule(frozenset({Access.WRITE}), "x/%u/%c", "a b", pattern=True),
    ]


@pytest.mark.parametrize(
    ("text", "user", "access", "name", "may"),
    [
        ("topic read a/#", None, Access.READ, "a", True),
        ("topic read a/#", None, Access.READ, "a/b/c", True),
        ("topic read a/#", None, Access.WRITE, "a/b", False),
        ("topic read a/#", "u", Access.READ, "a/b", False),
        ("user u\ntopic a/+/c", "u", Access.WRITE, "a/b/c", True),
        ("user u\ntopic a/+/c", "u", Access.WRITE, "a/b/d", False),
        ("user u\ntopic a/+", "u", Access.WRITE, "a/b/c", False),
        ("user u\ntopic a/b/c", "u", Access.WRITE, "a/b", False),
        ("user u\ntopic a/#\ntopic deny a/b", "u", Access.READ, "a/b", False),
        ("pattern write g/%u/x", "u", Access.WRITE, "g/u/x", True),
        ("pattern write g/%u/x", "u", Access.WRITE, "g/v/x", False),
        ("pattern write g/%u/x", None, Access.WRITE, "g//x", False),
        ("pattern write g/%c/x", None, Access.WRITE, "g/me/x", True),
        ("", "u", Access.READ, "a", False),
    ],
)
def test_what_a_client_may(text: str, user: str | None, access: Access, name: str, may: bool) -> None:
    assert allows(parse(text), user, "me", access, name) is may


def test_our_own_list_gives_both_sides_their_topics() -> None:
    rules = parse(OURS.read_text())
    assert allows(rules, "ingest", "ingest", Access.READ, READINGS)
    assert allows(rules, "ingest", "ingest", Access.WRITE, RECEIPTS)
    assert allows(rules, "aksu-1", "aksu-1", Access.WRITE, READINGS)
    assert allows(rules, "aksu-1", "aksu-1", Access.READ, RECEIPTS)
    assert not allows(rules, "aksu-2", "aksu-2", Access.WRITE, READINGS)


def test_a_topic_that_is_refused_is_named(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("user ingest\ntopic write aryk/v1/+/+/receipts\n")
    (tmp_path / "mosquitto.conf").write_text("acl_file acl\n")
    options = read(tmp_path / "mosquitto.conf")
    wanted = [(Access.READ, READINGS), (Access.WRITE, RECEIPTS)]
    (check,) = judge(options, "ingest", "ingest", wanted)
    assert check.level is Level.FAIL
    assert check.says.startswith(f"the access list does not give user ingest: read {READINGS}. ")
    (check,) = judge(options, None, "ingest", wanted * 3)
    assert "clients without a user name: " in check.says
    assert " and 3 more" in check.says
    (check,) = judge(options, "ingest", "ingest", wanted[1:])
    assert check.level is Level.OK


def test_a_list_that_is_elsewhere_is_said_and_none_is_no_finding() -> None:
    (check,) = judge({"acl_file": "/nosuch/acl"}, "ingest", "ingest", [])
    assert (check.level, "No such file" in check.says) == (Level.WARN, True)
    assert judge({}, "ingest", "ingest", [(Access.READ, READINGS)]) == []


def test_the_user_is_the_certificates_only_where_the_broker_says_so() -> None:
    tls = TlsSettings(ca_file=Path("ca"), cert_file=Path("nosuch"))
    broker = BrokerSettings(username="centre", tls=tls)
    assert user_of(broker, "ingest", {"use_identity_as_username": "true"}) == "ingest"
    assert user_of(broker, "ingest", {}) == "centre"
    assert user_of(BrokerSettings(), "ingest", {}) is None


NOT_AUTHORISED = 0x87
LIST = """topic read open/#
topic deny open/no
user u
topic a/#
topic deny a/b
topic read r/+/x
pattern write p/%u/x
pattern deny p/u/deny
pattern p/%u/deny
pattern c/%c/#
user v
topic write w
"""
TOPICS = (
    "open/x",
    "open/no",
    "a/b",
    "a/c",
    "a",
    "r/1/x",
    "p/u/x",
    "p/v/x",
    "p/u/deny",
    "p/v/deny",
    "c/me/z",
    "c/you/z",
    "w",
    "no",
)


def may_publish(port: int, user: str | None) -> dict[str, bool]:
    """What the broker answers this user, client id "me", for each topic."""
    said: dict[int, int] = {}

    def puback(client: Client, userdata: object, mid: int, reason: ReasonCode, properties: object) -> None:
        said[mid] = reason.value

    client = Client(CallbackAPIVersion.VERSION2, client_id="me", protocol=MQTTProtocolVersion.MQTTv5)
    client.on_publish = puback
    client.username = user
    client.connect("127.0.0.1", port)
    client.loop_start()
    sent = {client.publish(name, b"x", qos=1).mid: name for name in TOPICS}
    eventually_sync(lambda: said.keys() == sent.keys(), 10.0, "every PUBACK")
    client.disconnect()
    client.loop_stop()
    return {sent[mid]: code != NOT_AUTHORISED for mid, code in said.items()}


@pytest.mark.server
@pytest.mark.parametrize("user", [None, "u", "v"])
def test_mosquitto_itself_answers_as_we_do(tmp_path: Path, user: str | None) -> None:
    (tmp_path / "acl").write_text(LIST)
    with Mosquitto(tmp_path / "broker", extra=f"acl_file {tmp_path / 'acl'}") as broker:
        theirs = may_publish(broker.port, user)
    assert {name: allows(parse(LIST), user, "me", Access.WRITE, name) for name in TOPICS} == theirs

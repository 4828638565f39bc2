import pytest

from doctor.broker import (
    SYS_DROPPED,
    SYS_VERSION,
    Greeting,
    ProbeError,
    judge_grants,
    judge_greeting,
    judge_refusal,
    judge_sys,
)
from doctor.checks import Check, Level, Name
from doctor.role_session import may_connect


def judged(greeting: Greeting) -> list[Check]:
    return judge_greeting(greeting, anonymous=True, session_expiry_s=86_400, window=16, role_session="ingest")


@pytest.mark.parametrize(
    ("greeting", "name", "level", "said"),
    [
        (Greeting(), Name.LIMITS, Level.OK, "65535 messages"),
        (Greeting(receive_maximum=10), Name.LIMITS, Level.WARN, "10 unacknowledged"),
        (Greeting(maximum_packet_size=1000), Name.LIMITS, Level.FAIL, "packets of 1000 bytes"),
        (Greeting(maximum_packet_size=1_000_000), Name.LIMITS, Level.OK, "1000000 bytes"),
        (Greeting(maximum_qos=0), Name.LIMITS, Level.FAIL, "QoS 0 only"),
        (Greeting(retain_available=False), Name.LIMITS, Level.FAIL, "no retained"),
        (Greeting(wildcards_available=False), Name.LIMITS, Level.FAIL, "no wildcard"),
        (Greeting(session_expiry_s=60), Name.SESSION, Level.WARN, "after 60 s"),
        (Greeting(session_present=True), Name.SESSION, Level.OK, "keeps ingest's session"),
    ],
)
def test_a_greeting(greeting: Greeting, name: Name, level: Level, said: str) -> None:
    (one,) = [check for check in judged(greeting) if check.name is name]
    assert (one.level, said in one.says) == (level, True), one.says


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0x84, "does not speak MQTT 5"),
        (0x01, "does not speak MQTT 5"),
        (0x86, "does not know this user"),
        (0x87, "does not let this user in"),
        (0x85, "refuses doctor's client id"),
        (None, "does not answer as an MQTT broker"),
    ],
)
def test_a_refusal(code: int | None, said: str) -> None:
    check = judge_refusal(ProbeError("why", code))
    assert (check.level, said in check.says, bool(check.mend)) == (Level.FAIL, True, True)


def test_grants() -> None:
    assert [one.level for one in judge_grants(["a", "b", "c"], [1, 0, 0x87])] == [Level.OK, Level.FAIL, Level.FAIL]


@pytest.mark.parametrize(
    ("heard", "levels"),
    [
        ({}, [Level.WARN]),
        ({SYS_VERSION: "mosquitto version 2.0.21"}, [Level.OK]),
        ({SYS_VERSION: "mosquitto version 2.1.0"}, [Level.OK]),
        ({SYS_VERSION: "mosquitto version 2.0.11"}, [Level.FAIL]),
        ({SYS_VERSION: "something else 1.0"}, [Level.OK]),
        ({SYS_VERSION: "mosquitto version 2.0.21", SYS_DROPPED: "0"}, [Level.OK, Level.OK]),
        ({SYS_VERSION: "mosquitto version 2.0.21", SYS_DROPPED: "7"}, [Level.OK, Level.WARN]),
    ],
)
def test_what_mosquitto_tells_of_itself(heard: dict[str, str], levels: list[Level]) -> None:
    assert [one.level for one in judge_sys(heard)] == levels


@pytest.mark.parametrize(
    ("running", "user", "conf", "may"),
    [
        (False, "gw-1", None, True),
        (True, None, None, True),
        (True, "gw-1", None, False),
        (True, "gw-1", {"use_username_as_clientid": "true"}, False),
        (True, "gw-1", {}, True),
    ],
)
def test_a_running_roles_session_is_never_put_at_risk(
    running: bool, user: str | None, conf: dict[str, str] | None, may: bool
) -> None:
    assert may_connect(running, user, conf) is may

from pathlib import Path

import pytest

from doctor.checks import Check, Level, Name
from doctor.mosquitto_conf import judge, parse, read

DAY_S = 86_400.0
GOOD = """
persistence true
autosave_interval 1
max_queued_messages 0
max_inflight_messages 1000
use_username_as_clientid true
"""
OURS = Path(__file__).parents[2] / "deploy" / "mosquitto" / "mosquitto.conf"


def levels(text: str, messages_a_day: float | None = 9_600.0, outage_s: float = DAY_S) -> dict[Name, Level]:
    return {name: one.level for name, one in found(text, messages_a_day, outage_s).items()}


def found(text: str, messages_a_day: float | None = 9_600.0, outage_s: float = DAY_S) -> dict[Name, Check]:
    out: dict[Name, Check] = {}
    for one in judge(parse(text), messages_a_day, outage_s):
        if one.name not in out or one.level is Level.FAIL:
            out[one.name] = one
    return out


def test_a_good_broker_is_good() -> None:
    assert set(levels(GOOD).values()) == {Level.OK}


def test_mosquittos_own_defaults_would_lose_data() -> None:
    assert levels("") == {
        Name.BROKER_PERSISTENCE: Level.FAIL,
        Name.BROKER_QUEUE: Level.FAIL,
        Name.BROKER_IN_FLIGHT: Level.WARN,
        Name.BROKER_IDENTITY: Level.FAIL,
    }


def test_our_own_broker_of_the_compose_file_has_no_failure() -> None:
    assert Level.FAIL not in [one.level for one in judge(read(OURS), 20_000.0, DAY_S)]


@pytest.mark.parametrize(
    ("lines", "level"),
    [
        ("persistence false", Level.FAIL),
        ("persistence true", Level.FAIL),
        ("persistence true\nautosave_interval 0", Level.FAIL),
        ("persistence true\nautosave_interval 30", Level.WARN),
        ("persistence true\nautosave_interval 5", Level.OK),
        ("persistence true\nautosave_on_changes true", Level.FAIL),
        ("persistence true\nautosave_on_changes true\nautosave_interval 1", Level.OK),
        ("persistence true\nautosave_interval 1\npersistent_client_expiration 1h", Level.FAIL),
        ("persistence true\nautosave_interval 1\npersistent_client_expiration 2w", Level.OK),
    ],
)
def test_persistence(lines: str, level: Level) -> None:
    assert levels(lines)[Name.BROKER_PERSISTENCE] is level


@pytest.mark.parametrize(
    ("lines", "outage_s", "level", "said"),
    [
        ("", DAY_S, Level.FAIL, "keeps about 1000 messages"),
        ("", 3_600.0, Level.OK, "2 h at 9600 messages a day"),
        ("max_queued_messages 20000", DAY_S, Level.OK, "2 days"),
        ("max_queued_messages 0", DAY_S, Level.OK, "no bound but its memory"),
        ("max_queued_messages 0\nmax_queued_bytes 300000", DAY_S, Level.FAIL, "keeps about 1000 messages"),
    ],
)
def test_the_queue_is_held_against_the_longest_outage(lines: str, outage_s: float, level: Level, said: str) -> None:
    check = found(lines, outage_s=outage_s)[Name.BROKER_QUEUE]
    assert (check.level, said in check.says) == (level, True), check.says


def test_the_mend_of_a_short_queue_is_long_enough() -> None:
    mend = found("")[Name.BROKER_QUEUE].mend
    assert mend == "set max_queued_messages 9700 and max_queued_bytes 2900000"
    assert levels(mend.removeprefix("set ").replace(" and ", "\n"))[Name.BROKER_QUEUE] is Level.OK


@pytest.mark.parametrize(
    ("lines", "level"),
    [
        ("allow_anonymous true", Level.WARN),
        ("allow_anonymous true\npassword_file /etc/p", Level.FAIL),
        ("require_certificate true", Level.FAIL),
        ("require_certificate true\nuse_username_as_clientid true", Level.OK),
    ],
)
def test_whether_ingests_session_can_be_taken_over(lines: str, level: Level) -> None:
    assert levels(lines)[Name.BROKER_IDENTITY] is level


def test_parts_of_include_dir_count_too(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "aryk.conf").write_text("persistence true  \n# comment\nautosave_interval 1\n")
    (tmp_path / "mosquitto.conf").write_text(f"persistence false\ninclude_dir {tmp_path / 'conf.d'}\n")
    assert read(tmp_path / "mosquitto.conf")["persistence"] == "true"

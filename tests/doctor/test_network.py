"""The way to a real broker: each step fails by its own name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from doctor.checks import Check, Level, Name
from doctor.network import dial, dial_all, identity, judge_identity
from settings.broker import BrokerSettings, TlsSettings
from tests.doctor.certificates import Authority, Pair
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import free_port

Start = Callable[[Pair], Mosquitto]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def with_certificate(tmp_path: Path, authority: Authority, request: pytest.FixtureRequest) -> Start:
    def start(pair: Pair) -> Mosquitto:
        extra = f"cafile {authority.ca}\ncertfile {pair.cert}\nkeyfile {pair.key}"
        broker = Mosquitto(tmp_path / "broker", extra=extra)
        request.addfinalizer(broker.kill)
        broker.start()
        return broker

    return start


def last(checks: list[Check]) -> tuple[Name, Level, str]:
    return checks[-1].name, checks[-1].level, checks[-1].says


def settings(broker: Mosquitto, ca: Path, own: Pair | None = None, host: str = "127.0.0.1") -> BrokerSettings:
    tls = TlsSettings(ca_file=ca, cert_file=own and own.cert, key_file=own and own.key)
    return BrokerSettings(host=host, port=broker.port, tls=tls)


def test_a_name_without_an_address() -> None:
    (check,) = dial(BrokerSettings(host="broker.invalid"))
    assert (check.name, check.level) == (Name.DNS, Level.FAIL)
    assert check.mend


def test_a_closed_port() -> None:
    name, level, says = last(dial(BrokerSettings(port=free_port())))
    assert (name, level) == (Name.TCP, Level.FAIL)
    assert "nothing listens there" in says


def test_all_nodes_of_a_cluster_are_dead() -> None:
    dead = [free_port(), free_port()]
    checks, node = dial_all(BrokerSettings(port=dead[0], others=(("127.0.0.1", dead[1]),)))
    assert node is None
    found = [(one.subject, one.level) for one in checks if one.name is Name.TCP]
    assert found == [(f"127.0.0.1:{port}", Level.FAIL) for port in dead]


@pytest.mark.server
def test_each_node_of_a_cluster_is_dialled_and_a_dead_one_is_a_warning(mosquitto: Mosquitto) -> None:
    dead = free_port()
    for first, second in ((dead, mosquitto.port), (mosquitto.port, dead)):
        checks, node = dial_all(BrokerSettings(port=first, others=(("127.0.0.1", second),)))
        assert node is not None
        assert node.addresses == (("127.0.0.1", mosquitto.port),)
        levels = {one.subject: one.level for one in checks if one.name is Name.TCP}
        assert levels == {f"127.0.0.1:{dead}": Level.WARN, f"127.0.0.1:{mosquitto.port}": Level.OK}


@pytest.mark.server
@pytest.mark.parametrize(
    ("days", "level", "said"),
    [
        (365.0, Level.OK, "the chain is trusted; the broker's certificate is good for 365 more days"),
        (10.1, Level.WARN, "good for 10 more days"),
        (-2.0, Level.FAIL, "the broker's certificate expired"),
    ],
)
def test_the_brokers_certificate(
    authority: Authority, with_certificate: Start, days: float, level: Level, said: str
) -> None:
    broker = with_certificate(authority.sign("broker", days))
    name, found, says = last(dial(settings(broker, authority.ca)))
    assert (name, found, said in says) == (Name.TLS, level, True), says


@pytest.mark.server
def test_a_certificate_for_another_host(authority: Authority, with_certificate: Start) -> None:
    broker = with_certificate(authority.sign("broker", host="broker.example"))
    assert last(dial(settings(broker, authority.ca))) == (
        Name.TLS,
        Level.FAIL,
        "the broker's certificate is not for 127.0.0.1. It is for broker.",
    )


@pytest.mark.server
def test_a_certificate_of_another_authority(authority: Authority, with_certificate: Start, tmp_path: Path) -> None:
    broker = with_certificate(Authority(tmp_path / "other").sign("broker"))
    name, level, says = last(dial(settings(broker, authority.ca)))
    assert (name, level) == (Name.TLS, Level.FAIL)
    assert "not signed by the authority in" in says


@pytest.mark.server
def test_the_plain_port_speaks_no_tls(authority: Authority, mosquitto: Mosquitto) -> None:
    name, level, says = last(dial(settings(mosquitto, authority.ca)))
    assert (name, level) == (Name.TLS, Level.FAIL)
    assert "does not speak TLS" in says or "broke off during the TLS handshake" in says


@pytest.mark.server
def test_our_own_files(authority: Authority, with_certificate: Start, tmp_path: Path) -> None:
    broker = with_certificate(authority.sign("broker"))
    own, other = authority.sign("gw-1", 10.1), authority.sign("gw-2")
    levels = {one.says: one.level for one in dial(settings(broker, authority.ca, own)) if one.level is not Level.OK}
    assert list(levels.values()) == [Level.WARN]
    assert "our certificate (gw-1) is good for 10 more days" in next(iter(levels))
    mixed = dial(settings(broker, authority.ca, Pair(own.cert, other.key)))
    assert last(mixed)[:2] == (Name.OUR_CERTIFICATE, Level.FAIL)
    lost = dial(settings(broker, tmp_path / "nosuch.pem"))
    assert last(lost)[:2] == (Name.OUR_CERTIFICATE, Level.FAIL)
    old = dial(settings(broker, Authority(tmp_path / "old", days=-0.5).ca))
    assert Level.FAIL in [one.level for one in old if one.name is Name.OUR_CERTIFICATE]


def test_whom_the_broker_takes_us_for(authority: Authority) -> None:
    own = authority.sign("gw-1")
    tls = TlsSettings(ca_file=authority.ca, cert_file=own.cert, key_file=own.key)
    assert identity(BrokerSettings(), "gw-9") is None
    assert identity(BrokerSettings(username="user"), "gw-9") == "user"
    assert identity(BrokerSettings(password="secret"), "gw-9") == "gw-9"
    assert identity(BrokerSettings(tls=tls, username="user"), "gw-9") == "gw-1"
    assert judge_identity(BrokerSettings(tls=tls), "gw-1") == []
    (check,) = judge_identity(BrokerSettings(tls=tls), "gw-2")
    assert check.level is Level.WARN

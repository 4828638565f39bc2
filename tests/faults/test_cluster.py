"""The small parts of `make cluster`; the run itself is the command."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.settings import load_settings
from simulator.audit import Audit, Fault, Finding
from simulator.toml_text import toml_text
from tests.faults.cluster import Outcome, divide, ingest_document, turned
from tests.servers.rmqtt import NodePorts, NotBuiltError, RmqttNode, rmqttd

PORTS = [NodePorts(mqtt=10 * n, grpc=10 * n + 1, raft=10 * n + 2, http=10 * n + 3) for n in (1801, 1802, 1803)]


@given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 5))
def test_every_district_has_exactly_one_ingest(districts: list[str], parts: int) -> None:
    divided = divide(districts, parts)
    assert sorted(one for part in divided for one in part) == sorted(districts)
    assert max(map(len, divided)) - min(map(len, divided)) <= 1


def test_each_ingest_has_its_own_node_and_the_others_after_it(tmp_path: Path) -> None:
    assert turned([1, 2, 3], 1) == [2, 3, 1]
    homes = []
    for number in range(2):
        store = {"kind": "influxdb", "url": "http://127.0.0.1:8086", "token": "t"}
        document = ingest_document(number, [f"d-{number}"], [18010, 18020, 18030], store, 9100)
        (tmp_path / "ingest.toml").write_text(toml_text(document))
        settings = load_settings(tmp_path / "ingest.toml")
        assert settings.id == f"ingest-{number}"
        assert {port for _, port in settings.broker.addresses} == {18010, 18020, 18030}
        homes.append(settings.broker.port)
    assert homes == [18010, 18020]


def test_a_node_knows_itself_and_all_peers(tmp_path: Path) -> None:
    files = RmqttNode(tmp_path, 2, PORTS).configuration()
    main = tomllib.loads(files["rmqtt.toml"])
    assert main["node"]["id"] == 2
    assert main["rpc"]["server_addr"] == "127.0.0.1:18021"
    assert main["listener"]["tcp"]["external"]["addr"] == "127.0.0.1:18020"
    raft = tomllib.loads(files["plugins/rmqtt-cluster-raft.toml"])
    assert raft["raft_peer_addrs"] == ["1@127.0.0.1:18012", "2@127.0.0.1:18022", "3@127.0.0.1:18032"]
    assert raft["node_grpc_addrs"] == ["1@127.0.0.1:18011", "2@127.0.0.1:18021", "3@127.0.0.1:18031"]
    assert raft["laddr"] == "127.0.0.1:18022"
    assert raft["leader_id"] == 1
    assert "broker-" not in "".join(files.values())
    assert "0.0.0.0" not in "".join(files.values())


def test_a_broker_that_is_not_built_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARYK_RMQTTD", str(tmp_path / "none"))
    with pytest.raises(NotBuiltError, match="make tools"):
        rmqttd()


def good() -> Outcome:
    return Outcome(
        nodes_killed=1,
        leaders_killed=1,
        ingests_killed=2,
        published=10,
        points=10,
        fleet_exit=0,
        found=Audit(scanned=10, stored=10),
    )


def test_a_good_run_is_whole_and_says_so() -> None:
    out = good()
    assert out.whole
    assert "published 10, stored 10, lost 0, doubled 0" in str(out)
    assert "all receipted" in str(out)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("points", 11),
        ("points", 9),
        ("published", 0),
        ("dead", 1),
        ("fleet_exit", 1),
        ("fleet_exit", None),
        ("nodes_killed", 0),
        ("leaders_killed", 0),
        ("ingests_killed", 0),
        ("complaints", ["it did not recover"]),
        ("found", Audit(scanned=10, stored=9, findings=[Finding(Fault.LOST, "s", "level", 1)])),
    ],
)
def test_anything_else_is_not(name: str, value: object) -> None:
    out = good()
    setattr(out, name, value)
    assert not out.whole

"""start.sh of the broker's pods, by BusyBox's shell as in the broker's image: when the founding node starts, when it waits."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.servers.busybox import busybox_folder
from tests.servers.process import free_port
from tests.servers.wait import eventually_sync

SCRIPT = Path(__file__).parents[2] / "deploy" / "kubernetes" / "base" / "broker" / "start.sh"
# As RMQTT 0.24 has answered.
LEADER = '{"node_id":2,"running":true,"leader_id":2}'
NO_LEADER = '{"node_id":2,"running":false,"leader_id":0}'
NO_NAME = "2@broker-1.invalid:6060"

pytestmark = pytest.mark.server


class Page:
    """The health page of another node."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.path == "/api/v1/health/check/2"
                self.send_response(200 if known else 404)
                self.end_headers()
                self.wfile.write(page.answer.encode() if known else b"")

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"2@127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Page":
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def starting(folder: Path, pod: str, *peers: str, own: str = "1@127.0.0.1:1") -> Iterator[Path]:
    """The script at work; what it says. The broker that it becomes only says how it was called."""
    broker, log = folder / "rmqttd", folder / "log"
    broker.write_text('#!/bin/sh\necho "became: $*"\n')
    broker.chmod(0o755)
    environment = {
        "PATH": str(busybox_folder(folder / "bin")),
        "HOSTNAME": pod,
        "ARYK_PEERS": " ".join(peers),
        "ARYK_SELF": own,
        "ARYK_RMQTTD": str(broker),
    }
    with log.open("wb") as out:
        process = subprocess.Popen([folder / "bin" / "sh", SCRIPT], env=environment, stdout=out, stderr=out)
    try:
        yield log
    finally:
        process.kill()
        process.wait()


def says(log: Path, text: str) -> None:
    eventually_sync(lambda: text in log.read_text(), 15.0, f"{text!r} in {log.read_text()!r}")


def closed() -> str:
    return f"3@127.0.0.1:{free_port()}"


def test_the_first_start_founds_the_cluster(tmp_path: Path) -> None:
    with starting(tmp_path, "broker-0", NO_NAME, "3@broker-2.invalid:6060") as log:
        says(log, "became: --config /etc/rmqtt/rmqtt.toml --id 1\n")
    assert "waiting" not in log.read_text()


def test_nodes_whose_brokers_do_not_run_are_not_waited_for(tmp_path: Path) -> None:
    with starting(tmp_path, "broker-0", closed(), closed()) as log:
        says(log, "--id 1\n")


def test_a_leader_is_joined(tmp_path: Path) -> None:
    with Page(LEADER) as one, Page(LEADER) as other, starting(tmp_path, "broker-0", one.address, other.address) as log:
        says(log, "--id 1\n")


def test_it_waits_while_another_has_no_leader_yet(tmp_path: Path) -> None:
    with Page(NO_LEADER) as other, starting(tmp_path, "broker-0", NO_NAME, other.address) as log:
        says(log, f"{other.address} is there and tells of no leader, waiting")
        assert "became" not in log.read_text()
        other.answer = LEADER
        says(log, "--id 1\n")


def test_it_waits_for_one_that_does_not_answer_because_that_may_have_a_leader(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"2@127.0.0.1:{silent.getsockname()[1]}"
        with starting(tmp_path, "broker-0", address) as log:
            says(log, f"{address} is there and tells of no leader, waiting")
            assert "became" not in log.read_text()
            silent.close()
            says(log, "--id 1\n")


def test_without_names_it_waits(tmp_path: Path) -> None:
    with starting(tmp_path, "broker-0", NO_NAME, own="1@broker-0.invalid:6060") as log:
        says(log, "no name for 1@broker-0.invalid:6060 yet, waiting")
        assert "became" not in log.read_text()


@pytest.mark.parametrize("number", [1, 2])
def test_the_others_start_at_once_because_they_never_found_one(tmp_path: Path, number: int) -> None:
    with Page(NO_LEADER) as other, starting(tmp_path, f"broker-{number}", other.address) as log:
        says(log, f"--id {number + 1}\n")

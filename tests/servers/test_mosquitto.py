import subprocess

import pytest

from tests.servers.find import find_server
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import accepts


def publish(broker: Mosquitto, topic: str, message: str) -> None:
    subprocess.run(
        [find_server("mosquitto_pub"), "-p", str(broker.port), "-V", "5", "-q", "1", "-r", "-t", topic, "-m", message],
        check=True,
        timeout=10,
    )


def receive(broker: Mosquitto, topic: str, timeout_s: int = 5) -> str:
    """The retained message of a topic."""
    program = str(find_server("mosquitto_sub"))
    command = [program, "-p", str(broker.port), "-V", "5", "-t", topic, "-C", "1", "-W", str(timeout_s)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_message_goes_through(mosquitto: Mosquitto) -> None:
    publish(mosquitto, "aryk/test", "1.234")
    assert receive(mosquitto, "aryk/test") == "1.234"


def test_a_restart_keeps_port_and_messages(mosquitto: Mosquitto) -> None:
    publish(mosquitto, "aryk/test", "kept")
    port = mosquitto.port
    assert mosquitto.stop() == 0
    assert not accepts(port)
    mosquitto.restart()
    assert mosquitto.port == port
    assert receive(mosquitto, "aryk/test") == "kept"


def test_a_kill_loses_what_was_not_saved(mosquitto: Mosquitto) -> None:
    publish(mosquitto, "aryk/test", "gone")
    mosquitto.kill()
    assert not mosquitto.running
    mosquitto.kill()
    mosquitto.start()
    with pytest.raises(subprocess.CalledProcessError):
        receive(mosquitto, "aryk/test", timeout_s=1)


async def test_the_event_loop_runs_on_while_it_restarts(mosquitto: Mosquitto) -> None:
    first = mosquitto.pid
    await mosquitto.restart_async()
    assert mosquitto.pid != first
    assert accepts(mosquitto.port)


@pytest.mark.server
def test_settings_reach_its_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("broker")
    with Mosquitto(folder, persistence=False, max_inflight_messages=7, max_queued_messages=9, extra="max_keepalive 99"):
        lines = (folder / "mosquitto.conf").read_text().splitlines()
    assert {"persistence false", "max_inflight_messages 7", "max_queued_messages 9", "max_keepalive 99"} <= set(lines)


@pytest.mark.server
def test_a_wrong_configuration_shows_what_the_broker_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    broker = Mosquitto(tmp_path_factory.mktemp("broker"), extra="no_such_setting 1")
    with pytest.raises(RuntimeError, match="no_such_setting"):
        broker.start()

"""The roles of the compose file, run as processes with its own configuration: only the addresses are this machine's.

This stands in for a container engine, as far as it goes.
"""

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hydrology.load import load_registry
from tests.servers.http import answers, request
from tests.servers.influxdb import InfluxBucket, InfluxDB
from tests.servers.process import free_port
from tests.servers.prometheus import Prometheus
from tests.servers.wait import eventually_sync
from tests.test_compose import GATEWAYS, ComposeMosquitto

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[1]
ARYK = Path(sys.executable).with_name("aryk")


def copied(folder: Path, replaced: dict[str, str], *names: str) -> None:
    """Copy files of deploy/ with other addresses; each address must stand in one of them."""
    unused = set(replaced)
    for name in names:
        text = (ROOT / "deploy" / name).read_text()
        for there, here in replaced.items():
            if there in text:
                unused.discard(there)
                text = text.replace(there, here)
        (folder / name).write_text(text)
    assert not unused


@contextlib.contextmanager
def role(folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """One role with a state folder of its own; it must end with 0 when it is asked to."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([ARYK, *arguments, "--state", folder / name], cwd=folder, stdout=log, stderr=log)
    try:
        yield process
        if name not in GATEWAYS:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (folder / f"{name}.log").read_text()[-3000:]
    except BaseException as error:
        error.add_note(f"the end of {name}'s log:\n{(folder / f'{name}.log').read_text()[-1500:]}")
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_the_roles_do_their_work_with_the_compose_file_s_configuration(
    influxdb_server: InfluxDB, tmp_path: Path
) -> None:
    bucket: InfluxBucket = influxdb_server.create_bucket("compose-roles")
    modbus, ingest, live, page = (free_port() for _ in range(4))
    gateways = {name: free_port() for name in GATEWAYS}
    token = tmp_path / "influxdb_token"
    token.write_text(bucket.token)
    with ComposeMosquitto(tmp_path / "mosquitto") as broker, contextlib.ExitStack() as roles:
        common = {
            "/run/secrets/influxdb_token": str(token),
            "http://influxdb:8086": bucket.url,
            '"0.0.0.0"': '"127.0.0.1"',
        }
        common['bucket = "aryk"'] = f'bucket = "{bucket.bucket}"'

        def tls(user: str) -> dict[str, str]:
            return {
                "/run/secrets/ca_crt": f"{broker.secrets}/ca.crt",
                "/run/secrets/client_crt": f"{broker.secrets}/{user}.crt",
                "/run/secrets/client_key": f"{broker.secrets}/{user}.key",
            }

        at_broker = {'host = "mosquitto"\nport = 8883': f'host = "127.0.0.1"\nport = {broker.port}'}
        copied(tmp_path, common | at_broker | tls("ingest") | {"port = 9100": f"port = {ingest}"}, "ingest.toml")
        copied(tmp_path, common | {"port = 8080": f"port = {page}", "port = 9100": f"port = {live}"}, "live.toml")
        (tmp_path / "gateways").mkdir()
        for name, health in gateways.items():
            replaced = at_broker | tls(name)
            replaced['host = "simulator"\nport = 5020'] = f'host = "127.0.0.1"\nport = {modbus}'
            replaced |= {"port = 9100": f"port = {health}", '"0.0.0.0"': '"127.0.0.1"'}
            copied(tmp_path, replaced | {'interval = "1min"': 'interval = "5s"'}, f"gateways/{name}.toml")
        (tmp_path / "registry" / "stations").mkdir(parents=True)
        for path in sorted((ROOT / "deploy" / "registry").rglob("*.toml")):
            text = path.read_text().replace('interval = "1min"', 'interval = "5s"')
            (tmp_path / "registry" / path.relative_to(ROOT / "deploy" / "registry")).write_text(text)

        running: dict[str, subprocess.Popen[bytes]] = {}

        def start(name: str, *arguments: str) -> None:
            running[name] = roles.enter_context(role(tmp_path, name, *arguments))

        start("simulator", "simulate", "devices", "--system", "example", "--port", str(modbus), "--seed", "1")
        start("ingest", "ingest", "run", "--config", "ingest.toml")
        for name in gateways:
            start(name, "gateway", "run", "--config", f"gateways/{name}.toml")
        start("live", "live", "--config", "live.toml")

        # Every series of the registry is in the database.
        expected = {
            (sensor.quantity, station.id, sensor.id)
            for station in load_registry(tmp_path / "registry").stations
            for sensor in station.sensors
        }
        query = 'SELECT last("value") FROM /.*/ WHERE "sensor" =~ /./ GROUP BY "station", "sensor"'

        def stored() -> bool:
            found = {(row["_measurement"], row["station"], row["sensor"]) for row in bucket.query_influxql(query)}
            assert found >= expected, expected - found
            return True

        eventually_sync(stored, timeout_s=90)

        # What the health checks ask.
        for port in (*gateways.values(), ingest, live):
            assert answers(port, "/healthz")
        eventually_sync(lambda: answers(ingest, "/readyz"), timeout_s=20)
        assert "<html" in str(request(page, "GET", "/"))

        # And Prometheus, with its own configuration, sees it.
        text = (ROOT / "dashboards" / "prometheus" / "prometheus.yml").read_text()
        text = text.replace("ingest:9100", f"127.0.0.1:{ingest}")
        for name, health in gateways.items():
            text = text.replace(f"{name}:9100", f"127.0.0.1:{health}")
        text = text.replace("influxdb:8086", f"127.0.0.1:{influxdb_server.port}")
        text = text.replace("rules/*.yml", str(ROOT / "dashboards" / "prometheus" / "rules" / "*.yml"))
        text = re.sub(r"(scrape_interval|scrape_timeout|evaluation_interval): \d+s", r"\1: 1s", text)
        with Prometheus(tmp_path / "prometheus", config=text) as prometheus:

            def watched() -> bool:
                assert prometheus.value('up{job="ingest", instance="ingest"}') == 1
                for name in gateways:
                    assert prometheus.value(f'up{{job="gateway", instance="{name}"}}') == 1
                assert prometheus.value('up{job="influxdb"}') == 1
                assert len(prometheus.query("aryk:sensor_state")) == len(expected)
                assert not prometheus.query("aryk:sensor_state == 9")
                assert [one["value"][1] for one in prometheus.query("aryk_gateway_up")] == ["1"] * len(gateways)
                return True

            eventually_sync(watched, timeout_s=30)
            assert prometheus.value('aryk_ingest_readings_total{outcome="dead"}') == 0
        # The gateways are asked together: one after the other they would take seven times as long.
        for name in GATEWAYS:
            running[name].send_signal(signal.SIGTERM)

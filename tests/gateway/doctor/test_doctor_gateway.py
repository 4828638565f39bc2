"""`aryk doctor gateway` against a real broker, a real ingest and emulated instruments."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from doctor.checks import Level, Name
from gateway.clock import SystemClock
from gateway.uplink.paho_session import PahoConnector
from settings.broker import BrokerSettings
from simulator.config import gateway_document, registry_document
from simulator.devices import Emulator
from simulator.devices.faults import Silent
from simulator.scenario import build_scenario
from simulator.toml_text import toml_text
from tests.doctor.certificates import Authority
from tests.doctor.command import Report, doctor
from tests.faults.roles import GatewayRole, IngestRole
from tests.servers.http import request
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import free_port
from tests.servers.wait import eventually

pytestmark = pytest.mark.server


@dataclass(slots=True)
class Site:
    """One gateway's instruments and configuration, and an ingest to be started."""

    emulator: Emulator
    gateway: GatewayRole
    ingest: IngestRole

    def change(self, **more: Any) -> None:
        config = self.gateway.config
        config.write_text(toml_text({**tomllib.loads(config.read_text()), **more}))

    def name_ingest(self) -> None:
        config = self.ingest.config
        document = tomllib.loads(config.read_text())
        config.write_text(toml_text({**document, "broker": {**document["broker"], "username": "ingest"}}))

    async def doctor(self, *arguments: object) -> Report:
        where = ("--config", self.gateway.config, "--state", self.gateway.state)
        return await asyncio.to_thread(doctor, "gateway", *where, *arguments)


@asynccontextmanager
async def site(folder: Path, broker_port: int) -> AsyncIterator[Site]:
    scenario = build_scenario(seed=3, canals=1)
    state = folder / "state"
    gateway, ingest = GatewayRole(folder / "gateway", state), IngestRole(folder / "ingest", state)
    async with Emulator(scenario) as emulator:
        document = gateway_document(
            scenario, emulator.addresses, broker_port=broker_port, interval="1s", health_port=gateway.port
        )
        gateway.config.write_text(toml_text(document))
        (ingest.folder / "registry.toml").write_text(toml_text(registry_document(scenario, "1s")))
        ingest.config.write_text(
            toml_text({"registry": "registry.toml", "broker": {"port": broker_port}, "health": {"port": ingest.port}})
        )
        try:
            yield Site(emulator, gateway, ingest)
        finally:
            gateway.kill()
            ingest.kill()


async def test_all_is_well_before_the_gateway_starts(tmp_path: Path, mosquitto: Mosquitto) -> None:
    async with site(tmp_path, mosquitto.port) as one:
        await one.ingest.start_async()
        report = await one.doctor()
        assert report.at(Level.FAIL) == []
        assert report.exit == 0
        assert report.of(Name.CENTRE)["level"] == "ok"
        assert "the centre's" in report.of(Name.CLOCK)["says"]
        assert all("it answers in" in check["says"] for check in report.all(Name.DEVICE))
        assert len(report.all(Name.DEVICE)) == 2
        assert [check["says"] for check in report.all(Name.SUBSCRIPTIONS)] == ["granted with QoS 1."] * 2
        assert "mosquitto version 2." in report.of(Name.BROKER_VERSION)["says"]
        assert not (one.gateway.state / "gateway").exists()


async def test_a_running_gateway_is_not_disturbed(tmp_path: Path, mosquitto: Mosquitto) -> None:
    async with site(tmp_path, mosquitto.port) as one:
        await one.ingest.start_async()
        await one.gateway.start_async()

        def metrics() -> str:
            return str(request(one.gateway.port, "GET", "/metrics"))

        await eventually(lambda: "aryk_gateway_time_synchronised 1.0" in metrics(), 20.0, "the centre's time")
        await eventually(lambda: "aryk_gateway_receipted_total 0.0" not in metrics(), 20.0, "a receipt")
        for _ in range(2):
            report = await one.doctor()
            assert report.at(Level.FAIL) == []
        assert f"process {one.gateway.pid}" in report.of(Name.RUNNING)["says"]
        assert report.of(Name.CENTRE)["level"] == "ok"
        assert all("none failed" in check["says"] for check in report.all(Name.DEVICE))
        assert "entries" in report.of(Name.LOG)["says"]
        text = metrics()
        assert "aryk_gateway_connects_total 1.0" in text
        assert "aryk_gateway_time_synchronised 1.0" in text
        assert "aryk_gateway_bad_messages_total{" not in text
        # The centre sees it as it was: up, with the logs that its own hello named.
        seen = str(request(one.ingest.port, "GET", "/metrics"))
        assert "aryk_gateway_up{" in seen
        assert [line[-3:] for line in seen.splitlines() if line.startswith("aryk_gateway_up{")] == ["1.0"]


async def test_nobody_listens(tmp_path: Path, mosquitto: Mosquitto) -> None:
    async with site(tmp_path, mosquitto.port) as one:
        report = await one.doctor()
        assert report.exit == 1
        assert report.at(Level.FAIL) == [
            ("centre", "nobody listens: the broker has no subscriber for what this gateway says.")
        ]


async def test_a_broker_that_is_away_and_a_device_that_is_silent(tmp_path: Path) -> None:
    async with site(tmp_path, free_port()) as one:
        next(iter(one.emulator.devices.values())).faults.inject(Silent(), None)
        report = await one.doctor()
        assert report.exit == 1
        assert [name for name, _ in report.at(Level.FAIL)] == ["device", "tcp"]
        assert report.all(Name.MQTT) == []


async def test_a_wrong_password(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("gw:$7$101$c2FsdHNhbHQ=$AAAA\n")
    passwords.chmod(0o600)
    with Mosquitto(tmp_path / "broker", allow_anonymous=False, extra=f"password_file {passwords}") as broker:
        async with site(tmp_path, broker.port) as one:
            one.change(broker={"port": broker.port, "username": "gw", "password": "no"})
            report = await one.doctor()
            assert report.exit == 1
            assert [name for name, _ in report.at(Level.FAIL)] == ["mqtt"]
            assert "password" in report.of(Name.MQTT)["mend"]


async def test_the_brokers_file_is_judged_with_it(tmp_path: Path, mosquitto: Mosquitto) -> None:
    async with site(tmp_path, mosquitto.port) as one:
        await one.ingest.start_async()
        report = await one.doctor("--broker-conf", mosquitto.folder / "mosquitto.conf")
        assert report.exit == 1
        assert {name for name, _ in report.at(Level.FAIL)} == {"broker-persistence", "broker-queue"}


async def test_the_retained_status_stays_and_is_what_the_centre_is_told(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """With another state folder doctor does not see the running gateway; the broker's word is the true one."""
    async with site(tmp_path, mosquitto.port) as one:
        await one.ingest.start_async()
        await one.gateway.start_async()

        def up() -> list[str]:
            text = str(request(one.ingest.port, "GET", "/metrics"))
            return [line[-3:] for line in text.splitlines() if line.startswith("aryk_gateway_up{")]

        await eventually(lambda: up() == ["1.0"], 20.0, "the gateway seen")
        report = await one.doctor("--state", tmp_path / "other")
        assert report.of(Name.CENTRE)["level"] == "ok"
        assert up() == ["1.0"]


async def test_certificates_on_both_sides(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    theirs = authority.sign("broker")
    extra = f"cafile {authority.ca}\ncertfile {theirs.cert}\nkeyfile {theirs.key}\nrequire_certificate true\n"
    extra += "use_identity_as_username true\nuse_username_as_clientid true"
    with Mosquitto(tmp_path / "broker", extra=extra) as broker:
        async with site(tmp_path, broker.port) as one:
            name = tomllib.loads(one.gateway.config.read_text())["id"]
            own = authority.sign(name)
            tls = {"ca_file": str(authority.ca), "cert_file": str(own.cert), "key_file": str(own.key)}
            one.change(broker={"port": broker.port, "tls": tls})
            report = await one.doctor()
            assert [found for found, _ in report.at(Level.FAIL)] == ["centre"]
            assert "TLSv1.3, the chain is trusted" in report.of(Name.TLS)["says"]
            assert report.of(Name.MQTT)["says"] == "MQTT 5 is accepted, and our credentials too."
            one.change(broker={"port": broker.port, "tls": {"ca_file": str(authority.ca)}})
            report = await one.doctor()
            assert [found for found, _ in report.at(Level.FAIL)] == ["mqtt"]
            assert "certificate of ours" in report.of(Name.MQTT)["mend"]


async def test_a_session_that_the_broker_hands_over_is_given_back(tmp_path: Path) -> None:
    """With use_username_as_clientid doctor gets the stopped gateway's own session, whatever client id it names."""
    extra = "use_username_as_clientid true"
    with Mosquitto(tmp_path / "broker", extra=extra) as broker:
        async with site(tmp_path, broker.port) as one:
            name = tomllib.loads(one.gateway.config.read_text())["id"]
            one.change(broker={"port": broker.port, "username": name})
            reach = BrokerSettings(port=broker.port, username=name)
            as_gateway = PahoConnector(reach, name, ["aryk/v1/x/y/receipts"], "will", b"", SystemClock())
            async with as_gateway.connect():
                pass
            one.name_ingest()
            await one.ingest.start_async()
            report = await one.doctor()
            assert "keeps the gateway's session" in report.of(Name.SESSION)["says"]
            again = await one.doctor()
            assert "keeps the gateway's session" in again.of(Name.SESSION)["says"]


async def test_with_a_user_name_a_running_gateway_keeps_its_connection(tmp_path: Path) -> None:
    extra = "use_username_as_clientid true"
    with Mosquitto(tmp_path / "broker", extra=extra) as broker:
        async with site(tmp_path, broker.port) as one:
            name = tomllib.loads(one.gateway.config.read_text())["id"]
            one.change(broker={"port": broker.port, "username": name})
            one.name_ingest()
            await one.ingest.start_async()
            await one.gateway.start_async()

            def metrics() -> str:
                return str(request(one.gateway.port, "GET", "/metrics"))

            await eventually(lambda: "aryk_gateway_time_synchronised 1.0" in metrics(), 20.0, "the centre's time")
            report = await one.doctor()
            assert report.of(Name.MQTT)["level"] == "warn"
            assert "the running gateway has" in report.of(Name.CENTRE)["says"]
            assert "aryk_gateway_connects_total 1.0" in metrics()


def test_a_wrong_configuration_exits_2_and_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text('id = "gw-1"\ndistrct = "north"\n')
    report = doctor("gateway", "--config", tmp_path / "gateway.toml")
    assert report.exit == 2
    (check,) = report.checks
    assert "gateway.toml:2: distrct: this key is not known (did you mean 'district'?)" in check["says"]


async def test_other_arguments_that_are_wrong_exit_2(tmp_path: Path) -> None:
    async with site(tmp_path, free_port()) as one:
        assert (await one.doctor("--broker-conf", tmp_path / "nosuch.conf")).exit == 2
        assert (await one.doctor("--outage", "long")).exit == 2

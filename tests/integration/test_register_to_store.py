"""The main job whole: from registers on a pty and on TCP, through a real mosquitto, into a real InfluxDB 2.7, with receipts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hydrology.registry import StationKind
from simulator.config import gateway_document, registry_document
from simulator.devices import Emulator
from simulator.devices.faults import Late, Refuse
from simulator.ledger import Ledger, LedgerReader
from simulator.ledger.rows import Series, Serve, State
from simulator.modbus.pdu import ExceptionCode
from simulator.scenario import build_scenario
from simulator.toml_text import toml_text
from tests.faults import logged
from tests.faults.roles import GatewayRole, IngestRole
from tests.faults.stored import InfluxData, Points
from tests.servers.influxdb import InfluxBucket
from tests.servers.mosquitto import Mosquitto
from tests.servers.wait import eventually
from wire.flags import Flag

ANSWER_TAKES_S = 0.3
"""Every instrument holds its answer back so long, so that the middle of a poll lies well inside the time it took, also on a
busy machine, where the gateway learns of an answer late."""


@dataclass(slots=True)
class Chain:
    """Two canal gauges on a serial line and a reservoir on TCP, their gateway, and ingest."""

    emulator: Emulator
    gateway: GatewayRole
    ingest: IngestRole
    ledger: Path
    log: Path
    spool: Path

    async def scans(self, more: int) -> None:
        """Wait until every device was polled so many more times."""
        devices = self.emulator.devices
        wanted = {name: device.served + more for name, device in devices.items()}
        await eventually(
            lambda: all(devices[name].served >= least for name, least in wanted.items()),
            60.0,
            f"{more} more scans of each",
        )

    async def finish(self) -> None:
        """Let no more readings leave the instruments, and wait until all that did are receipted and written."""
        for device in self.emulator.devices.values():
            device.faults.clear()
            device.faults.inject(Refuse(ExceptionCode.DEVICE_FAILURE), None)
        last = await asyncio.to_thread(logged.last_seq, self.log)
        await eventually(lambda: logged.last_seq(self.log) >= last + 20, 60.0, "scans that were all refused")
        last = await asyncio.to_thread(logged.last_seq, self.log)
        await eventually(lambda: logged.unsettled(self.log, last) == 0, 60.0, "a receipt for all")
        assert await self.gateway.stop_async() == 0
        await eventually(lambda: logged.spooled(self.spool) == 0, 60.0, "an empty spool")


@asynccontextmanager
async def chain(folder: Path, broker: Mosquitto, bucket: InfluxBucket) -> AsyncIterator[Chain]:
    scenario = build_scenario(seed=3, canals=2)
    on_serial = frozenset(station.id for station in scenario.stations if station.kind is StationKind.CANAL_GAUGE)
    state = folder / "state"
    gateway, ingest = GatewayRole(folder / "gateway", state), IngestRole(folder / "ingest", state)
    ledger_file = folder / "ledger.sqlite"
    async with (
        Ledger(ledger_file) as ledger,
        Emulator(scenario, serial=on_serial, serial_link=folder / "serial", recorder=ledger) as emulator,
    ):
        for device in emulator.devices.values():
            device.faults.inject(Late(ANSWER_TAKES_S), None)
        document = gateway_document(
            scenario,
            emulator.addresses,
            broker_port=broker.port,
            interval="1s",
            timeout="5s",
            health_port=gateway.port,
        )
        gateway.config.write_text(toml_text(document))
        (ingest.folder / "registry.toml").write_text(toml_text(registry_document(scenario, "1s")))
        ingest.config.write_text(
            toml_text(
                {
                    "registry": "registry.toml",
                    "broker": {"port": broker.port},
                    "health": {"port": ingest.port},
                    "store": {
                        "kind": "influxdb",
                        "url": bucket.url,
                        "org": bucket.org,
                        "bucket": bucket.bucket,
                        "token": bucket.token,
                    },
                }
            )
        )
        async with ingest, gateway:
            yield Chain(
                emulator,
                gateway,
                ingest,
                ledger_file,
                state / "gateway" / scenario.gateway / "log.sqlite",
                state / "ingest" / "spool.sqlite",
            )


def compare(ledger: Path, bucket: InfluxBucket) -> int:
    """Assert that each ledger row is in the database once, with its value, its flag and a time inside its poll."""
    data = InfluxData(bucket)
    compared = 0
    with LedgerReader(ledger) as rows:
        series = rows.series()
        points = {number: data.points(one.quantity, one.station, one.sensor) for number, one in series.items()}
        assert len(rows.devices()) == 3
        for device in rows.devices():
            counter = next(n for n, one in series.items() if one.device == device and one.quantity == "count")
            for serve in rows.serves(device):
                compared += compare_block(serve, series, points, counter)
    return compared


def compare_block(serve: Serve, series: dict[int, Series], points: dict[int, Points], counter: int) -> int:
    assert serve.state is State.SENT, "no answer was cut short"
    assert serve.answered_ms is not None
    times = [ms for ms, (value, _) in points[counter].items() if value == serve.serve]
    assert len(times) == 1, f"serve {serve.serve} of {serve.device} is stored at {times}"
    assert serve.requested_ms <= times[0] <= serve.answered_ms
    for reading in serve.readings:
        value, flag = points[reading.series_id][times[0]]
        assert flag == Flag.PASS
        assert value is not None
        assert abs(value - reading.value) <= 1e-9 * max(1.0, abs(reading.value)), series[reading.series_id]
    return len(serve.readings)


async def test_every_reading_of_serial_and_tcp_devices_is_in_influxdb_with_value_flag_and_time(
    tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxBucket
) -> None:
    async with chain(tmp_path, mosquitto, influxdb) as one:
        await one.scans(12)
        await one.finish()
        assert compare(one.ledger, influxdb) >= 12 * 18


async def test_killing_ingest_twice_loses_and_doubles_nothing(
    tmp_path: Path, mosquitto: Mosquitto, influxdb: InfluxBucket
) -> None:
    async with chain(tmp_path, mosquitto, influxdb) as one:
        for _ in range(2):
            await one.scans(4)
            one.ingest.kill()
            await one.scans(3)
            await one.ingest.start_async()
        await one.scans(4)
        await one.finish()
        assert compare(one.ledger, influxdb) >= 18 * 18
        assert logged.conserved(one.spool), logged.counters(one.spool)

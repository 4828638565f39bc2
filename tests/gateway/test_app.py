"""The whole gateway: a real broker, a device on loopback, and a small ingest that receipts."""

import asyncio
import contextlib
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import aiomqtt
import pytest

from gateway.app import run
from gateway.log import LogError
from gateway.log.file import log_path
from gateway.settings import GatewaySettings
from tests.gateway.build import device, settings
from tests.gateway.drivers.responder import Responder, tcp_device
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import free_port
from tests.servers.wait import eventually
from wire.codec import decode_batch
from wire.messages import CentreTime, Receipt, State, Status, decode_message, encode_message
from wire.names import epoch_text
from wire.ranges import coalesce
from wire.topics import Kind, parse_topic, topic


class SmallIngest:
    """Receipts every batch and answers every hello."""

    def __init__(self, broker: Mosquitto) -> None:
        self.broker = broker
        self.readings: dict[tuple[int, int], tuple[str, float | None]] = {}
        self.states: list[State] = []

    async def run(self) -> None:
        async with aiomqtt.Client(self.broker.host, self.broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
            await client.subscribe("aryk/v1/+/+/readings", qos=1)
            await client.subscribe("aryk/v1/+/+/status", qos=1)
            async for message in client.messages:
                await self._take(client, message)

    async def _take(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        where = parse_topic(str(message.topic))
        payload = bytes(message.payload)
        receipts = topic(where.district, where.gateway, Kind.RECEIPTS)
        if where.kind is Kind.STATUS:
            status = decode_message(Status, payload)
            self.states.append(status.state)
            if status.nonce is not None:
                answer = Receipt(time=CentreTime(nonce=status.nonce, ms=time.time_ns() // 1_000_000))
                await client.publish(receipts, encode_message(answer), qos=1)
            return
        assert message.properties is not None
        batch = decode_batch(payload, getattr(message.properties, "ContentType", None))
        for series in batch.series:
            for seq, value in zip(series.seq, series.value, strict=True):
                self.readings[batch.epoch, seq] = (series.sensor, value)
        durable = {epoch_text(batch.epoch): [list(one) for one in coalesce(batch.seqs())]}
        await client.publish(receipts, encode_message(Receipt(durable=durable)), qos=1)


def query(state: Path, sql: str) -> list[tuple[Any, ...]]:
    path = log_path(state, "gw-1")
    if not path.exists():
        return []
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return db.execute(sql).fetchall()
    except sqlite3.OperationalError:  # it is being made
        return []
    finally:
        db.close()


@contextlib.asynccontextmanager
async def gateway(configured: GatewaySettings, state: Path) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.ensure_future(run(configured, state, stop))
    try:
        yield
        stop.set()
        async with asyncio.timeout(15):
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_from_register_to_receipt(mosquitto: Mosquitto, tmp_path: Path) -> None:
    responder = Responder()
    ingest = SmallIngest(mosquitto)
    health = free_port()
    async with tcp_device(responder) as port:
        configured = settings(
            devices=[device("a", port=port, interval=0.2), device("b", port=port, interval=0.3, unit_id=2)],
            broker={"port": mosquitto.port},
            health={"port": health},
        )
        async with gateway(configured, tmp_path):
            # Nobody is there to receipt: the log fills, and is kept.
            await eventually(lambda: (query(tmp_path, "SELECT count(*) FROM entry") or [(0,)])[0][0] >= 10)
            receiving = asyncio.ensure_future(ingest.run())
            try:
                await eventually(lambda: len(ingest.readings) >= 20, 30.0)
                page = await asyncio.to_thread(_get, health, "/metrics")
                assert 'aryk_gateway_scans_total{device="a"}' in page
                assert await asyncio.to_thread(_get, health, "/readyz") == "ready\n"
                # The broker dies and comes back without what it knew.
                mosquitto.kill()
            finally:
                receiving.cancel()
                await asyncio.gather(receiving, return_exceptions=True)
            await mosquitto.start_async()
            receiving = asyncio.ensure_future(ingest.run())
            before = len(ingest.readings)
            await eventually(lambda: len(ingest.readings) > before + 10, 30.0)
        logged = query(
            tmp_path, "SELECT epoch.epoch, seq FROM entry JOIN epoch ON epoch.id = entry.epoch WHERE kind IS NULL"
        )
        await eventually(lambda: set(ingest.readings) == set(logged))
        await eventually(lambda: ingest.states[-1] is State.LOST)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
    newest, settled = query(tmp_path, "SELECT max(seq), (SELECT sum(last - first + 1) FROM settled) FROM entry")[0]
    assert newest == settled
    assert {value for _, value in ingest.readings.values()} == {0.0}


async def test_without_broker_and_device_it_logs_what_failed_and_stops_in_time(tmp_path: Path) -> None:
    configured = settings(
        devices=[device("a", port=free_port(), interval=0.2)],
        broker={"port": free_port()},
        health={"enabled": False},
    )
    async with gateway(configured, tmp_path):
        await eventually(lambda: (query(tmp_path, "SELECT count(*) FROM entry WHERE flag = 9") or [(0,)])[0][0] >= 5)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 5


async def test_scans_stay_on_time_while_the_broker_is_frozen(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """A dead uplink never delays a scan: no slot is left out while the broker takes connections and answers nothing."""
    async with tcp_device(Responder()) as port:
        configured = settings(
            devices=[device("a", port=port, interval=0.5)], broker={"port": mosquitto.port}, health={"enabled": False}
        )
        async with gateway(configured, tmp_path):
            await eventually(lambda: len(query(tmp_path, "SELECT seq FROM entry")) >= 3)
            mosquitto.pause()
            before = len(query(tmp_path, "SELECT seq FROM entry"))
            await eventually(lambda: len(query(tmp_path, "SELECT seq FROM entry")) >= before + 8, 30.0)
            mosquitto.resume()
    times = [ms for (ms,) in query(tmp_path, "SELECT ms FROM entry WHERE series IS NOT NULL ORDER BY seq")]
    # A loaded machine may cost a slot or two; waiting for the broker would cost many.
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 2500


async def test_a_log_damaged_while_the_gateway_runs_is_set_aside_and_salvaged(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """The gateway neither ends nor hangs; what can still be read reaches the centre under its old identity."""
    ingest = SmallIngest(mosquitto)
    health = free_port()
    async with tcp_device(Responder()) as port:
        configured = settings(
            devices=[device("a", port=port, interval=0.1)], broker={"port": mosquitto.port}, health={"port": health}
        )
        async with gateway(configured, tmp_path):
            await eventually(lambda: len(query(tmp_path, "SELECT seq FROM entry")) >= 30, 30.0)
            before = set(query(tmp_path, "SELECT epoch.epoch, seq FROM entry JOIN epoch ON epoch.id = entry.epoch"))
            path = log_path(tmp_path, "gw-1")
            with path.open("r+b") as file, path.with_name("log.sqlite-wal").open("r+b") as wal:
                file.seek(9 * 4096)  # an index that every scan goes through
                file.write(b"\xff" * 64)
                wal.truncate(0)
            await eventually(lambda: list(path.parent.glob("log.sqlite.corrupt-*")), 30.0, "it is set aside")
            receiving = asyncio.ensure_future(ingest.run())
            await eventually(lambda: query(tmp_path, "SELECT seq FROM entry WHERE series IS NOT NULL"), 30.0)
            await eventually(lambda: list(path.parent.glob("salvaged-*.sqlite")), 30.0, "it is salvaged")
            fresh = {epoch for (epoch,) in query(tmp_path, "SELECT epoch FROM epoch")}
            assert not fresh & {epoch for epoch, _ in before}
            await eventually(lambda: fresh & {epoch for epoch, _ in ingest.readings}, 30.0)
            assert "aryk_gateway_log_set_aside_total 1.0" in await asyncio.to_thread(_get, health, "/metrics")
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)


def _get(port: int, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


async def test_a_second_gateway_on_the_same_log_is_refused(tmp_path: Path) -> None:
    configured = settings(broker={"port": free_port()}, health={"enabled": False})
    async with gateway(configured, tmp_path):
        await eventually(lambda: log_path(tmp_path, "gw-1").exists())
        with pytest.raises(LogError, match="another process"):
            await run(configured, tmp_path, asyncio.Event())

"""The whole of ingest against a real mosquitto and the embedded store."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from health import HealthSettings
from ingest.app import run
from ingest.asking import PATIENCE_S
from ingest.change import PARTS, Count
from ingest.letters import open_letters
from ingest.settings import IngestSettings, SpoolSettings, spool_path
from ingest.spool import SpoolUnusableError
from settings import SettingsError
from settings.broker import BrokerSettings
from store.settings import InfluxSettings, SqliteSettings
from tests.ingest.samples import EPOCH, REGISTRY_TOML
from tests.ingest.sender import Sender
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import free_port
from tests.servers.proxy import Proxy
from tests.servers.wait import eventually
from wire.names import digest, epoch_text
from wire.reasons import Reason

pytestmark = pytest.mark.server


class Place:
    """The folders of one test."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.folder, self.broker = folder, broker
        self.state = folder / "state"
        self.start_ms = time.time_ns() // 1_000_000 - 172_800_000
        (folder / "registry.toml").write_text(REGISTRY_TOML)

    def settings(self, port: int = 0, **other: object) -> IngestSettings:
        values: dict[str, object] = {
            "registry": self.folder / "registry.toml",
            "broker": BrokerSettings(port=port or self.broker.port),
            "health": HealthSettings(port=free_port()),
            **other,
        }
        return IngestSettings.model_validate(values)

    def sender(self) -> Sender:
        return Sender(self.broker.host, self.broker.port, self.start_ms)

    def points(self) -> int:
        path = self.state / "store" / "points.sqlite"
        if not path.exists():
            return 0
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return int(db.execute("SELECT count(*) FROM points").fetchone()[0])
        except sqlite3.OperationalError:  # being made
            return 0
        finally:
            db.close()

    def counters(self) -> dict[str, int]:
        db = sqlite3.connect(spool_path(self.state))
        try:
            return dict(db.execute("SELECT name, value FROM counters"))
        finally:
            db.close()

    def conserves(self) -> bool:
        counters = self.counters()
        return counters[Count.RECEIVED.value] == sum(counters.get(part.value, 0) for part in PARTS)


@pytest.fixture
def place(tmp_path: Path, mosquitto: Mosquitto) -> Place:
    return Place(tmp_path, mosquitto)


@asynccontextmanager
async def ingest(place: Place, settings: IngestSettings, ask_after_s: float = PATIENCE_S) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, place.state, stop, ask_after_s=ask_after_s))
    await eventually(lambda: task.done() or _ready(settings))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


def _page(settings: IngestSettings, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.health.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


async def _ready(settings: IngestSettings) -> bool:
    return (await asyncio.to_thread(_page, settings, "/readyz"))[0] == 200


async def test_readings_are_kept_receipted_and_stored(place: Place) -> None:
    settings = place.settings()
    async with place.sender().open() as gateway, ingest(place, settings):
        for _ in range(20):
            await gateway.send(gateway.log(12))
        await gateway.all_told()
        await eventually(lambda: place.points() == 240)
        page = (await asyncio.to_thread(_page, settings, "/metrics"))[1]
        assert 'aryk_ingest_readings_total{outcome="received"} 240.0' in page
        assert 'aryk_gateway_last_seen_timestamp_seconds{district="karatal",gateway="gw1"}' in page
        assert "aryk_ingest_broker_connected 1.0" in page
    assert place.counters() == {"received": 240, "stored": 240, "waiting": 0}
    db = sqlite3.connect(place.state / "store" / "points.sqlite")
    assert json.loads(db.execute("SELECT body FROM delivery").fetchone()[0]) == {epoch_text(EPOCH): [[1, 240]]}
    db.close()


async def test_a_hello_is_answered_with_the_time_and_what_was_received(place: Place) -> None:
    async with place.sender().open() as gateway, ingest(place, place.settings()):
        await gateway.send(gateway.log(5))
        await gateway.all_told()
        gateway.receipts.clear()
        await gateway.hello("00000000000000ff")
        await eventually(lambda: any(one.time for one in gateway.receipts))
        (answer,) = (one for one in gateway.receipts if one.time)
        assert answer.time is not None
        assert answer.time.nonce == "00000000000000ff"
        assert abs(answer.time.ms - time.time_ns() // 1_000_000) < 5_000
        assert answer.durable == {epoch_text(EPOCH): [[1, 5]]}


async def test_bad_messages_are_refused_and_the_rest_goes_on(place: Place) -> None:
    async with place.sender().open() as gateway, ingest(place, place.settings()):
        junk = b"\x00" * 1_000_000
        await gateway.send_raw(junk)
        await gateway.send(gateway.log(3))
        await gateway.all_told()
        await eventually(lambda: any(one.refused for one in gateway.receipts))
        refusals = [refusal for one in gateway.receipts for refusal in one.refused]
        assert [(one.reason, one.digest) for one in refusals] == [(Reason.TOO_LARGE, digest(junk))]
        with open_letters(spool_path(place.state)) as letters:
            (letter,) = letters.find()
            found = letters.get(letter.id)
        assert found is not None
        assert found[1] == junk
    assert place.conserves()


async def test_a_connection_cut_in_the_middle_doubles_nothing(place: Place) -> None:
    async with (
        Proxy(place.broker.port) as proxy,
        place.sender().open() as gateway,
        ingest(place, place.settings(proxy.port)),
    ):
        for step in range(60):
            await gateway.send(gateway.log(10))
            if step in (20, 40):
                await proxy.reset()
        await gateway.all_told()
        await eventually(lambda: place.points() == gateway.logged)
    assert place.conserves()
    assert place.counters()["stored"] == 600


async def test_a_broker_that_lost_everything_costs_nothing(place: Place) -> None:
    async with place.sender().open() as gateway, ingest(place, place.settings()):
        await gateway.send(gateway.log(10))
        await gateway.all_told()
        await asyncio.to_thread(place.broker.kill)
        await place.broker.start_async()
        await eventually(lambda: gateway.client.live, 20)
        await gateway.send(gateway.log(10))
        await gateway.all_told(40)
        await eventually(lambda: place.points() == 20)


PROCESS = """
import asyncio, logging, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from aryk.running import run
from ingest.app import run as ingest
from ingest.settings import load_settings
logging.basicConfig(level=logging.INFO)
settings = load_settings({config!r})
run(lambda stop: ingest(settings, Path({state!r}), stop))
"""


def start_process(place: Place) -> "subprocess.Popen[bytes]":
    config = place.folder / "ingest.toml"
    config.write_text(f'registry = "registry.toml"\n[broker]\nport = {place.broker.port}\n')
    script = PROCESS.format(root=str(Path(__file__).parents[2]), config=str(config), state=str(place.state))
    with (place.folder / "ingest.log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-c", script], stdout=log, stderr=log)


async def test_kill_9_twice_in_the_middle_loses_and_doubles_nothing(place: Place) -> None:
    process = start_process(place)
    try:
        async with place.sender().open() as gateway:
            for kill in range(2):
                for _ in range(30):
                    await gateway.send(gateway.log(10))
                await gateway.all_told(40, at_least=100 + kill * 300)
                process.send_signal(signal.SIGKILL)
                await asyncio.to_thread(process.wait)
                process = start_process(place)
            await gateway.all_told(40)
            await eventually(lambda: place.points() == gateway.logged, 20)
            await eventually(lambda: (place.folder / "ingest.log").read_text().count("connected to") == 3)
            process.terminate()
            assert await asyncio.to_thread(process.wait, 10) == 0
    finally:
        process.kill()
        process.wait()
    assert place.conserves()
    assert place.counters()["stored"] == 600


async def test_a_store_that_is_away_makes_the_spool_grow_to_its_bound_and_no_further(place: Place) -> None:
    away = InfluxSettings(kind="influxdb", url=f"http://127.0.0.1:{free_port()}", timeout_s=1)
    small = place.settings(store=away, spool=SpoolSettings(max_bytes=1_000_000))
    async with place.sender().open() as gateway:
        gateway.rough = True
        async with ingest(place, small):
            for _ in range(240):
                await gateway.send(gateway.log(500))

            async def stopped() -> bool:
                return "intake is stopped: spool" in (await asyncio.to_thread(_page, small, "/readyz"))[1]

            await eventually(stopped, 30)
            page = (await asyncio.to_thread(_page, small, "/metrics"))[1]
            assert 'aryk_ingest_intake_stopped{why="spool"} 1.0' in page
            assert "aryk_ingest_store_up 0.0" in page
        waiting = place.counters()["waiting"]
        assert 0 < waiting < gateway.logged
        async with ingest(place, place.settings(store=SqliteSettings())):
            await gateway.all_told(40, again_s=3.0)
            await eventually(lambda: place.points() == gateway.logged, 30)
    assert place.conserves()


async def test_a_new_spool_learns_from_the_store_and_asks_for_the_rest(place: Place) -> None:
    async with place.sender().open() as gateway:
        async with ingest(place, place.settings()):
            await gateway.send(gateway.log(10))
            await gateway.all_told()
            await eventually(lambda: place.points() == 10)
        for file in (place.state / "ingest").iterdir():
            os.remove(file)  # the disk is lost
        gateway.log(5)  # logged, and not sent
        async with ingest(place, place.settings()):
            await eventually(lambda: any(one.command == "hello" for one in gateway.commands))
            await gateway.hello()
            await eventually(lambda: any(one.command == "resend" for one in gateway.commands))
            (ask,) = (one for one in gateway.commands if one.command == "resend")
            assert (ask.epoch, ask.ranges) == (epoch_text(EPOCH), [[11, 15]])
            await gateway.send(list(range(1, 16)))
            await eventually(lambda: place.points() == 15)
    assert place.counters() == {"received": 15, "repeated": 10, "stored": 5, "waiting": 0}


async def test_two_processes_of_one_spool_are_refused(place: Place) -> None:
    async with ingest(place, place.settings()):
        with pytest.raises(SpoolUnusableError):
            await run(place.settings(), place.state, asyncio.Event())


async def test_a_district_that_is_not_there_is_a_wrong_configuration(place: Place) -> None:
    with pytest.raises(SettingsError, match="no district 'nowhere'"):
        await run(place.settings(districts=["nowhere"]), place.state, asyncio.Event())


async def test_only_its_own_districts_are_taken(place: Place) -> None:
    settings = place.settings(districts=["aksu"])
    async with place.sender().open() as gateway, ingest(place, settings):
        await gateway.send(gateway.log(3))
        page = (await asyncio.to_thread(_page, settings, "/metrics"))[1]
        assert 'station="a-1"' in page
        assert 'station="k-12"' not in page
    assert place.counters() == {}


async def test_without_a_broker_it_waits_and_says_so_and_stops_at_once(place: Place) -> None:
    settings = place.settings(free_port())
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, place.state, stop))

    async def says_why() -> bool:
        code, text = await asyncio.to_thread(_page, settings, "/readyz")
        return code == 503 and "not connected to the broker: no connection" in text

    await eventually(says_why)
    started = time.monotonic()
    stop.set()
    await asyncio.wait_for(task, 5)
    assert time.monotonic() - started < 3

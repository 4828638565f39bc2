"""What an operator does while ingest runs, and what it does by itself: a real mosquitto, the embedded store, real commands."""

import asyncio
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingest.letters import Filter, KeptLetter, open_letters
from ingest.refetch import REFETCH, Order, wanted
from ingest.settings import DeadLetterSettings, IngestSettings, spool_path
from tests.ingest.samples import EPOCH, REGISTRY_TOML, batch, level
from tests.ingest.sender import Sender
from tests.ingest.test_app import Place, _page, ingest, start_process
from tests.servers.mosquitto import Mosquitto
from tests.servers.wait import eventually
from wire.batch import Record
from wire.codec import CONTENT_TYPES, Codec, encode_batch
from wire.names import epoch_text

pytestmark = pytest.mark.server

NEW_SENSOR = """
[[stations.sensors]]
id = "new"
gateway = "gw1"
quantity = "level"
unit = "m"
"""


@pytest.fixture
def place(tmp_path: Path, mosquitto: Mosquitto) -> Place:
    out = Place(tmp_path, mosquitto)
    (tmp_path / "ingest.toml").write_text(f'registry = "registry.toml"\n[broker]\nport = {mosquitto.port}\n')
    return out


def register(place: Place) -> None:
    """Write the registry with one sensor more, as an editor does."""
    text = REGISTRY_TOML.replace('[[stations]]\nid = "a-1"', NEW_SENSOR + '[[stations]]\nid = "a-1"')
    part = place.folder / "registry.toml.part"
    part.write_text(text)
    part.rename(place.folder / "registry.toml")


async def aryk(place: Place, *arguments: str) -> tuple[int, str]:
    """One of the commands, as it is typed."""
    options = ["--state", str(place.state)]
    if any(one in arguments for one in ("replay", "purge", "import", "audit")):
        options += ["--config", str(place.folder / "ingest.toml")]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "aryk", "ingest", *arguments, *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    return done.returncode, done.stdout + done.stderr


def letters(place: Place, which: Filter = Filter()) -> list[KeptLetter]:  # noqa: B008 (it is frozen)
    with open_letters(spool_path(place.state)) as found:
        return found.find(which)


async def send(gateway: Sender, payload: bytes, codec: Codec = Codec.JSON) -> None:
    await gateway.send_raw(payload, CONTENT_TYPES[codec])


async def metric(settings: IngestSettings, name: str) -> float:
    """Its value; -1 while there is none."""
    page = (await asyncio.to_thread(_page, settings, "/metrics"))[1]
    found = re.findall(rf"^{re.escape(name)} (\S+)$", page, re.M)
    return float(found[0]) if found else -1.0


async def test_a_sensor_is_registered_and_its_letters_are_stored_while_readings_flow(place: Place) -> None:
    settings = place.settings()
    async with place.sender().open() as gateway, ingest(place, settings):
        seqs = list(range(1_000_001, 1_000_101))
        new = level(seqs, sensor="new", time_ms=[place.start_ms + seq - 1_000_000 for seq in seqs])
        await send(gateway, encode_batch(batch(new), Codec.JSON))
        await gateway.send(gateway.log(10))
        await eventually(lambda: len(letters(place)) == 1 and place.points() == 10)
        code, said = await aryk(place, "dead-letters", "replay", "--dry-run")
        assert (code, said.splitlines()[0]) == (0, "1 letters: 0 readings would go to the store.")
        assert "100 would be refused again: unknown_sensor, the registry has no such sensor" in said

        register(place)
        code, said = await aryk(place, "dead-letters", "replay", "--dry-run", "--json")
        assert json.loads(said) == {"dry_run": True, "letters": 1, "stored": 100, "repeated": 0, "refused": {}}
        assert len(letters(place)) == 1
        before_s = time.time() - 3600

        async def in_force() -> bool:
            page = (await asyncio.to_thread(_page, settings, "/metrics"))[1]
            return 'sensor="new"' in page

        await eventually(in_force, 15)
        assert await metric(settings, "aryk_ingest_registry_last_ok_timestamp_seconds") > before_s
        sending = asyncio.create_task(_keep_sending(gateway))
        code, said = await aryk(place, "dead-letters", "replay", "--reason", "unknown_sensor")
        assert (code, said) == (0, "1 letters: 100 readings went to the store.\n")
        sending.cancel()
        await gateway.all_told()
        await eventually(lambda: place.points() == gateway.logged + 100)
        code, said = await aryk(place, "dead-letters", "replay")
        assert said == "No dead letters fit.\n"
        assert "100 to the store" in (await aryk(place, "dead-letters", "stats"))[1]
        # The sensor is taken from then on.
        later = level([2_000_001], sensor="new", time_ms=[place.start_ms + 500])
        await send(gateway, encode_batch(batch(later), Codec.JSON))
        await eventually(lambda: place.points() == gateway.logged + 101)
    assert place.conserves()


async def _keep_sending(gateway: Sender) -> None:
    while True:
        await gateway.send(gateway.log(5))
        await eventually(lambda: gateway.client.room)


async def test_a_wrong_registry_is_not_taken_and_is_told(place: Place) -> None:
    settings = place.settings()
    async with place.sender().open() as gateway, ingest(place, settings):
        (place.folder / "registry.toml").write_text(REGISTRY_TOML.replace('unit = "m"', 'unit = "furlong"'))

        async def told() -> bool:
            return await metric(settings, "aryk_ingest_registry_reload_failures_total") == 1

        await eventually(told, 15)
        await gateway.send(gateway.log(3))
        await eventually(lambda: place.points() == 3)
        register(place)

        async def in_force() -> bool:
            return 'sensor="new"' in (await asyncio.to_thread(_page, settings, "/metrics"))[1]

        await eventually(in_force, 15)


async def test_letters_are_purged_and_imported_while_it_runs(place: Place, tmp_path: Path) -> None:
    async with place.sender().open() as gateway, ingest(place, place.settings()):
        await send(gateway, b"junk")
        new = level([901, 902], start_ms=place.start_ms, sensor="new")
        await send(gateway, encode_batch(batch(new), Codec.JSON))
        await eventually(lambda: len(letters(place)) == 2)
        copy = tmp_path / "copy.jsonl.gz"
        assert (await aryk(place, "dead-letters", "export", "--to", str(copy)))[1] == f"2 letters are in {copy}.\n"
        code, said = await aryk(place, "dead-letters", "purge", "--reason", "unknown_sensor")
        assert (code, said) == (2, "1 letters would be exported and taken away: say --yes to do it\n")
        code, said = await aryk(place, "dead-letters", "purge", "--reason", "unknown_sensor", "--yes")
        assert code == 0, said
        (file,) = re.findall(r"^  (\S+)$", said, re.M)
        assert [one.reason for one in letters(place)] == ["bad_json"]
        code, said = await aryk(place, "import", file)
        assert code == 0, said
        assert [one.reason for one in letters(place)] == ["bad_json", "unknown_sensor"]
        assert (await aryk(place, "import", str(place.folder / "ingest.toml")))[0] == 1
    assert place.conserves()
    # And while it does not run.
    code, said = await aryk(place, "dead-letters", "purge", "--yes")
    assert code == 0, said
    assert letters(place) == []
    assert place.conserves()
    assert place.counters()["exported"] == 3


async def test_letters_are_kept_within_their_bound(place: Place) -> None:
    bound = 1_000_000
    settings = place.settings(dead_letters=DeadLetterSettings(max_bytes=bound))
    async with place.sender().open() as gateway, ingest(place, settings):
        for _ in range(60):
            await send(gateway, os.urandom(40_000))

        async def exported() -> bool:
            return place.counters().get("exported", 0) > 0 and place.counters()["received"] == 60

        await eventually(exported, 20)
        await eventually(lambda: sum(one.bytes for one in letters(place)) <= bound, 20)
        assert await metric(settings, "aryk_ingest_dead_letters_export_bytes") > 0
        assert 0 < await metric(settings, "aryk_ingest_dead_letters_bytes") <= bound
    assert place.conserves()
    assert len(letters(place)) == place.counters()["dead"]


async def test_letters_and_a_replay_survive_kill_9_again_and_again(place: Place) -> None:
    process = start_process(place)
    dice = random.Random(5)
    starts, in_the_middle = 1, 0

    def live() -> bool:
        return (place.folder / "ingest.log").read_text().count("connected to") >= starts

    try:
        async with place.sender().open() as gateway:
            await eventually(live, 30)
            for at in range(0, 60_000, 20):
                seqs = list(range(at + 1, at + 21))
                times = [place.start_ms + seq for seq in seqs]
                await send(
                    gateway, encode_batch(batch(level(seqs, sensor="new", time_ms=times)), Codec.CBOR), Codec.CBOR
                )
            await eventually(lambda: place.counters().get("received") == 60_000, 30)
            # A receipt follows the acknowledgements on its way: the broker sends none of them again.
            await eventually(lambda: gateway.told.size == 60_000, 30)
            register(place)
            while before := _number(place):
                process.send_signal(signal.SIGKILL)
                await asyncio.to_thread(process.wait)
                process = start_process(place)
                starts += 1
                await eventually(live, 30)
                replaying = asyncio.create_task(aryk(place, "dead-letters", "replay"))
                some = dice.randrange(1, 1_000)
                await eventually(lambda: replaying.done() or _number(place) <= before - some, 30)  # noqa: B023
                in_the_middle += _number(place) > 0
            assert in_the_middle >= 2
            await eventually(lambda: place.points() == 60_000, 30)
            process.terminate()
            assert await asyncio.to_thread(process.wait, 10) == 0
    finally:
        process.kill()
        process.wait()
    assert place.conserves()
    counters = {name: number for name, number in place.counters().items() if number and "." not in name}
    assert counters == {"received": 60_000, "stored": 60_000}


def _number(place: Place) -> int:
    with open_letters(spool_path(place.state)) as found:
        return sum(one.letters for one in found.stats())


async def test_an_old_spool_is_imported_into_the_running_one(place: Place, tmp_path: Path) -> None:
    old = tmp_path / "old"
    async with place.sender().open() as gateway:
        away = place.settings(store={"kind": "influxdb", "url": "http://127.0.0.1:9", "timeout_s": 1})
        async with ingest(place, away):
            await gateway.send(gateway.log(20))
            await gateway.all_told()
        (place.state / "ingest").rename(old)  # the disk is taken out
        async with ingest(place, place.settings()):
            await gateway.send(list(range(1, 6)))  # some of it came again meanwhile
            await eventually(lambda: place.points() == 5)
            code, said = await aryk(place, "import", str(old / "spool.sqlite"))
            assert code == 0, said
            assert said.splitlines()[0] == "20 readings of 1 messages: 15 wait for the store now, 5 were here before."
            await eventually(lambda: place.points() == 20)
    assert place.conserves()


async def test_refetch_asks_for_what_a_restored_backup_lost(place: Place) -> None:
    store = place.state / "store" / "points.sqlite"
    async with place.sender().open() as gateway:
        async with ingest(place, place.settings()):
            await gateway.send(gateway.log(10))
            await eventually(lambda: place.points() == 10)
        backup = store.read_bytes()
        # As of two hours ago.
        async with ingest(place, place.settings()):
            await gateway.send(gateway.log(10))
            await eventually(lambda: place.points() == 20)
        store.write_bytes(backup)
        for rest in ("-wal", "-shm"):
            store.with_name(store.name + rest).unlink(missing_ok=True)
        _shift_deliveries(store, -2 * 3_600_000)
        async with ingest(place, place.settings()):
            code, said = await aryk(place, "refetch", "--since", "30min", "--station", "nowhere")
            assert (code, said) == (1, "the registry has no station 'nowhere'\n")
            code, said = await aryk(place, "refetch", "--since", "30min", "--station", "k-12")
            assert code == 0, said
            assert said.startswith("10 readings are asked for again.")
            await eventually(lambda: any(one.command == "hello" for one in gateway.commands))
            await gateway.hello()
            await eventually(lambda: any(one.command == "resend" for one in gateway.commands))
            (asked,) = (one for one in gateway.commands if one.command == "resend")
            assert (asked.epoch, asked.ranges) == (epoch_text(EPOCH), [[11, 20]])
            await gateway.send(list(range(11, 21)))
            await eventually(lambda: place.points() == 20)
        # The second order, of a station that nobody has, takes nothing from the first.
        for more in ([], ["--station", "nowhere"]):
            code, said = await aryk(place, "refetch", "--since", "30min", *more)
            assert (code, said) == (0, "Ingest does not run: it will ask when it starts.\n")
        gateway.commands.clear()
        async with ingest(place, place.settings()):
            await eventually(lambda: any(one.command == "hello" for one in gateway.commands))
            await gateway.hello("00000000000000aa")
            await eventually(lambda: any(one.command == "resend" for one in gateway.commands))
            await eventually(lambda: _kept_orders(place) == [])
    assert place.conserves()


def _kept_orders(place: Place) -> list[Order]:
    with sqlite3.connect(spool_path(place.state)) as db:
        (text,) = db.execute("SELECT value FROM meta WHERE key = ?", (REFETCH,)).fetchone()
    db.close()
    return wanted(text)


def _shift_deliveries(store: Path, by_ms: int) -> None:
    db = sqlite3.connect(store)
    db.execute("UPDATE delivery SET time_ms = time_ms + ?", (by_ms,))
    db.commit()
    db.close()


async def test_what_a_gateway_says_is_gone_is_counted_and_not_asked_for_again(place: Place) -> None:
    settings = place.settings()
    async with place.sender().open() as gateway:
        async with ingest(place, settings):
            await gateway.send(gateway.log(3))
            await gateway.all_told()
            gone = Record(
                9, place.start_ms, "gap", {"reason": "disk_full", "epoch": epoch_text(EPOCH), "ranges": [[4, 8]]}
            )
            gateway.log(6)
            await send(gateway, encode_batch(batch(records=[gone]), Codec.CBOR), Codec.CBOR)
            name = 'aryk_gateway_lost_readings_total{district="karatal",gateway="gw1"}'

            async def counted() -> bool:
                return await metric(settings, name) == 5

            await eventually(counted)
            await gateway.hello()

            async def no_backlog() -> bool:
                return await metric(settings, 'aryk_gateway_backlog_readings{district="karatal",gateway="gw1"}') == 0

            await eventually(no_backlog)
        # It is still known after a restart, and a lost disk's refill does not ask for it.
        async with ingest(place, settings):
            assert await metric(settings, name) == 5


async def test_a_hole_is_asked_for_again_until_the_gateway_says_that_it_is_gone(place: Place) -> None:
    settings = place.settings()

    async with place.sender().open() as gateway:
        async with ingest(place, settings):
            await gateway.send(gateway.log(1))
            await gateway.all_told()
        _end_refill(place)  # a week later
        async with ingest(place, settings, ask_after_s=0.3):
            gateway.log(9)
            await gateway.send([2, 3, 4, 5, 8, 9, 10])
            await gateway.hello()
            await eventually(lambda: sum(one.command == "resend" for one in gateway.commands) >= 2)
            resends = {(one.epoch, str(one.ranges)) for one in gateway.commands if one.command == "resend"}
            assert resends == {(epoch_text(EPOCH), "[[6, 7]]")}
            body = {"reason": "trimmed", "epoch": epoch_text(EPOCH), "ranges": [[6, 7]]}
            gap = batch(records=[Record(11, place.start_ms, "gap", body)])
            await send(gateway, encode_batch(gap, Codec.CBOR), Codec.CBOR)

            async def lost() -> bool:
                return await metric(settings, 'aryk_gateway_lost_readings_total{district="karatal",gateway="gw1"}') == 2

            await eventually(lost)
            assert await metric(settings, 'aryk_gateway_backlog_readings{district="karatal",gateway="gw1"}') == 0
            # The log was trimmed, and nobody said so: its hello does.
            gateway.log(11)
            await gateway.send([12, 13, 14, 17, 18, 19, 20, 21])
            await gateway.hello("00000000000000bb", first=17)

            async def all_lost() -> bool:
                return await metric(settings, 'aryk_gateway_lost_readings_total{district="karatal",gateway="gw1"}') == 4

            await eventually(all_lost)
    assert place.conserves()


def _end_refill(place: Place) -> None:
    db = sqlite3.connect(spool_path(place.state))
    db.execute("UPDATE meta SET value = '0' WHERE key = 'refill_until_ms'")
    db.commit()
    db.close()


POISONED = """
import os, sys, asyncio, logging
from pathlib import Path
sys.path.insert(0, {root!r})
from aryk.running import run
from ingest.app import run as ingest
from ingest.settings import load_settings
from wire.codec import decode_batch
logging.basicConfig(level=logging.INFO)

def decode(payload, content_type):
    if b"poison" in payload:
        os._exit(9)
    return decode_batch(payload, content_type)

run(lambda stop: ingest(load_settings({config!r}), Path({state!r}), stop, decode=decode))
"""


async def test_a_message_that_kills_whoever_decodes_it_is_refused_after_two_deaths(place: Place) -> None:
    config = place.folder / "ingest.toml"
    script = POISONED.format(root=str(Path(__file__).parents[2]), config=str(config), state=str(place.state))
    log = (place.folder / "ingest.log").open("ab")

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-c", script], stdout=log, stderr=log)

    process = start()
    try:
        async with place.sender().open() as gateway:
            await eventually(lambda: "connected to" in (place.folder / "ingest.log").read_text(), 30)
            await gateway.send(gateway.log(10))
            await eventually(lambda: place.points() == 10, 30)
            await gateway.send_raw(b"poison \x00")
            codes = []
            for _ in range(5):
                await gateway.send(gateway.log(10))
                try:
                    codes.append(await asyncio.to_thread(process.wait, 6))
                except subprocess.TimeoutExpired:
                    break
                process = start()
            # Once unmarked, among others; twice by itself, with its name written down before.
            assert codes == [9, 9, 9]
            await gateway.all_told(40)
            await eventually(lambda: place.points() == gateway.logged, 30)
            (letter,) = letters(place)
            assert (letter.reason, letter.gateway, letter.readings) == ("poison", "gw1", 1)
            _, said = await aryk(place, "dead-letters", "show", str(letter.id))
            assert "poison: the message was in hand at two deaths of ingest in a row" in said
            assert "70 6f 69 73 6f 6e 20 00" in said
            process.terminate()
            assert await asyncio.to_thread(process.wait, 10) == 0
            # It stays refused after a clean stop.
            process = start()
            await gateway.send_raw(b"poison \x00")
            await eventually(lambda: letters(place)[0].count == 2, 30)
            process.terminate()
            assert await asyncio.to_thread(process.wait, 10) == 0
    finally:
        process.kill()
        process.wait()
        log.close()
    assert place.conserves()

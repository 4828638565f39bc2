"""Spool disk lost, or ingest moved to a new host: refilled from the gateways' kept logs."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.faults import logged
from tests.faults.world import Options, World
from tests.servers.wait import eventually

pytestmark = pytest.mark.server


def fold_back(path: Path) -> None:
    """Bring all of the write-ahead log into the database's own file."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


async def fill_the_spool(world: World) -> None:
    """Receipted and not stored: what a lost disk takes with it."""
    await world.kill("database")
    await eventually(lambda: logged.spooled(world.spool_path) > 20, 20.0, "readings wait in the spool")
    await world.receipted()


async def test_the_spools_disk_is_lost(tmp_path: Path) -> None:
    async with World(tmp_path, Options(store="influxdb")) as world:
        await fill_the_spool(world)
        await world.kill("ingest")
        shutil.rmtree(world.spool_path.parent)
        await world.start("database")
        await world.start("ingest")
        await world.flowing()
        await world.refilled()
        await world.must_be_whole()


async def test_the_spools_disk_is_lost_and_the_gateway_was_restarted_since(tmp_path: Path) -> None:
    """The epoch that is lost is an old one, of which the gateway has nothing left to send."""
    async with World(tmp_path, Options(store="influxdb")) as world:
        await fill_the_spool(world)
        await world.kill_and_restart("gateway")
        await world.receipted()
        await world.kill("ingest")
        shutil.rmtree(world.spool_path.parent)
        await world.start("database")
        await world.start("ingest")
        await world.flowing()
        await world.refilled()
        await world.must_be_whole()


async def test_ingest_is_killed_while_it_refills(tmp_path: Path) -> None:
    async with World(tmp_path, Options(store="influxdb")) as world:
        await fill_the_spool(world)
        await world.kill("ingest")
        shutil.rmtree(world.spool_path.parent)
        await world.start("ingest")
        await world.kill_and_restart("ingest")
        await world.start("database")
        await world.kill_and_restart("ingest")
        await world.flowing()
        await world.refilled()
        await world.must_be_whole()


async def test_ingest_moves_to_a_new_host(tmp_path: Path) -> None:
    """The old one dies with readings in its spool; the new one has the same name, and an empty disk."""
    async with World(tmp_path, Options(store="influxdb")) as world:
        await fill_the_spool(world)
        await world.kill("ingest")
        world.move_ingest(tmp_path / "new-host")
        await world.start("database")
        await world.start("ingest")
        await world.flowing()
        await world.refilled()
        await world.must_be_whole()


async def test_a_damaged_spool_is_set_aside_and_refilled(tmp_path: Path) -> None:
    async with World(tmp_path, Options(store="influxdb")) as world:
        await fill_the_spool(world)
        await world.kill("ingest")
        fold_back(world.spool_path)
        with world.spool_path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * 8192)
        await world.start("database")
        await world.start("ingest")
        await world.flowing()
        await world.refilled()
        await world.must_be_whole()
        assert list(world.spool_path.parent.glob("spool.sqlite.damaged-*"))


async def test_a_flipped_bit_costs_one_row_that_is_set_aside_and_asked_for_again(tmp_path: Path) -> None:
    async with World(tmp_path, Options(store="influxdb")) as world:
        await fill_the_spool(world)
        await world.kill("ingest")
        db = sqlite3.connect(world.spool_path)
        row_id, body = db.execute("SELECT id, body FROM spool ORDER BY id LIMIT 1 OFFSET 3").fetchone()
        flipped = bytearray(body)
        flipped[len(flipped) // 2] ^= 1
        db.execute("UPDATE spool SET body = ? WHERE id = ?", (bytes(flipped), row_id))
        db.commit()
        db.close()
        await world.start("database")
        await world.start("ingest")
        await world.flowing()
        await world.refilled()
        await world.must_be_whole()
        assert logged.counters(world.spool_path)["set_aside"] > 0

"""The auditor sees what it is there to see: each fault is made by hand in what a clean run has left."""

import sqlite3
from pathlib import Path

import pytest

from tests.faults.world import World

pytestmark = pytest.mark.server


def change(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path)
    for statement in statements:
        assert db.execute(statement).rowcount > 0, statement
    db.commit()
    db.close()


SERVES = "(SELECT id FROM series WHERE sensor = 'canal-serves')"


async def test_every_fault_is_found_and_nothing_else(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        clean = await world.must_be_whole()
        store = world.state / "store" / "points.sqlite"
        value = f"(SELECT value FROM points WHERE series = {SERVES} ORDER BY time_ms LIMIT 1 OFFSET 4)"

        change(store, f"DELETE FROM points WHERE series = {SERVES} AND value = {value}")
        verdict = await world.judge()
        assert len(verdict.lost) == len(clean.lost) + 1
        assert not verdict.doubled

        change(
            store,
            f"INSERT INTO points (series, time_ms, value, flag) SELECT series, time_ms + 7, value, 1 FROM points"
            f" WHERE series = {SERVES} AND value = {value}",
        )
        verdict = await world.judge()
        assert len(verdict.doubled) == 1

        level = "(SELECT id FROM series WHERE sensor = 'canal-level')"
        change(
            store,
            f"UPDATE points SET value = value + 1 WHERE series = {level}"
            f" AND time_ms = (SELECT max(time_ms) FROM points WHERE series = {level})",
        )
        verdict = await world.judge()
        assert verdict.wrong

        before = len(verdict.unlogged)
        change(
            world.log_path,
            "DELETE FROM entry WHERE ms = (SELECT ms FROM entry JOIN series ON series.id = entry.series"
            " WHERE sensor = 'reservoir-serves' ORDER BY seq LIMIT 1 OFFSET 3)",
        )
        change(
            store,
            "DELETE FROM points WHERE series = (SELECT id FROM series WHERE sensor = 'reservoir-serves') AND value = 4",
        )
        assert len((await world.judge()).unlogged) == before + 1

"""The database refuses one point of a batch, or one line does not parse, or it answers whatever a database may answer.

That point to the dead letters with its reason; the others stored.
"""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults import logged
from tests.faults.influx_front import InfluxFront, answer, cut_in_mid_answer, hang
from tests.faults.raw_mqtt import RawClient
from tests.faults.world import Options, World
from tests.servers.process import free_port
from tests.servers.wait import eventually
from wire.batch import Batch, Series
from wire.codec import CONTENT_TYPES, Codec, encode_batch

pytestmark = pytest.mark.server

HOUR_MS = 3_600_000


async def test_a_point_beyond_the_retention_is_a_dead_letter_and_its_neighbours_are_stored(tmp_path: Path) -> None:
    async with World(tmp_path, Options(store="influxdb", retention_s=3600)) as world:
        # From before the gateway was started, so that they are no scan's.
        started_ms = round(time.time() * 1000) - HOUR_MS // 2
        times = [started_ms, started_ms - 3 * HOUR_MS, started_ms + 2]
        # Another log of the same gateway, so that its identities are nobody else's.
        epoch = random.getrandbits(48)
        series = Series("canal-level", "level", "m", [1, 2, 3], times, [71.0, 72.0, 73.0], [1, 1, 1])
        payload = encode_batch(Batch(world.gateway_id, epoch, [series]), Codec.JSON)
        async with RawClient(world.broker.port, "other") as client:
            await client.publish(
                f"aryk/v1/{world.scenario.district}/{world.gateway_id}/readings", payload, CONTENT_TYPES[Codec.JSON]
            )
        (letter,) = await eventually(lambda: logged.dead_letters(world.spool_path), 20.0, "a dead letter")
        assert (letter.reason, letter.epoch, list(letter.ranges)) == ("store_refused", epoch, [(2, 2)])
        assert "retention" in letter.detail
        assert json.loads(letter.payload)["series"][0]["value"] == [72.0]
        points = world.store.points("level", world.scenario.stations[0].id, "canal-level")
        assert points[times[0]][0] == 71.0
        assert points[times[2]][0] == 73.0
        assert times[1] not in points
        await world.flowing()
        verdict = await world.settle()
        assert not verdict.lost, str(verdict)
        assert logged.conserved(world.spool_path)


async def behind_a_front(tmp_path: Path, front_port: int, influx_port: int) -> World:
    def short_timeout(ingest: dict[str, Any]) -> None:
        ingest["store"]["timeout_s"] = 1.0

    options = Options(store="influxdb", influx_port=influx_port, database_port=front_port, change_ingest=short_timeout)
    return World(tmp_path, options)


async def test_a_line_that_does_not_parse_is_taken_out_and_the_others_are_stored(tmp_path: Path) -> None:
    influx_port = free_port()
    async with (
        InfluxFront(influx_port) as front,
        await behind_a_front(tmp_path, front.port, influx_port) as world,
    ):
        # Every reading of one sensor in the second decade of its serves.
        front.refuse_lines = "sensor=canal-serves,station=aksu-canal value=2"
        await eventually(lambda: logged.dead_letters(world.spool_path), 30.0, "dead letters")
        await world.run_for(1.0)
        front.refuse_lines = None
        await world.flowing()
        verdict = await world.must_be_whole()
        assert verdict.dead > 0
        letters = logged.dead_letters(world.spool_path)
        assert {(one.reason, one.sensor) for one in letters} == {("store_refused", "canal-serves")}
        assert all("unable to parse" in one.detail for one in letters)


async def test_whatever_it_answers_nothing_is_lost(tmp_path: Path) -> None:
    influx_port = free_port()
    async with (
        InfluxFront(influx_port) as front,
        await behind_a_front(tmp_path, front.port, influx_port) as world,
    ):
        # The lanes meet them side by side.
        front.mishaps.extend(
            [
                ("404", answer(404, 'bucket "aryk" not found')),
                ("hang", hang),
                ("cut", cut_in_mid_answer),
                ("503", answer(503, "service unavailable", Retry_After="1")),
                (
                    "422",
                    answer(
                        422,
                        "failure writing points to database: partial write: points beyond retention policy dropped=1",
                    ),
                ),
                ("400", answer(400, "a proxy's own words")),
                ("429", answer(429, "too many", Retry_After="1")),
                ("500", answer(500, "internal error: unexpected error writing points to database: timeout")),
                ("200", answer(200, "I am no database")),
            ]
        )
        await eventually(lambda: not front.mishaps, 60.0, "all mishaps have happened")
        await world.flowing(90.0)
        await world.must_be_whole(timeout_s=90.0)
        # A request of a single point that is refused names it; all else was tried again.
        assert all("partial write" in one.detail for one in logged.dead_letters(world.spool_path))
        assert len(front.happened) == 9

"""A broker that ignores Receive Maximum: ingest's memory stays bounded all the same."""

import time
from pathlib import Path

import pytest

from simulator.config import registry_document
from simulator.scenario import build_scenario
from simulator.toml_text import toml_text
from tests.faults import logged
from tests.faults.flood_broker import FloodBroker
from tests.faults.roles import IngestRole
from tests.servers.wait import eventually
from wire.batch import Batch, Series
from wire.codec import CONTENT_TYPES, Codec, encode_batch

MESSAGES = 16_000
READINGS = 120
DISTINCT = 200
MEGABYTE = 1024 * 1024
GROWTH_MOST_BYTES = 30 * MEGABYTE
"""The source's queue and one read of the socket, decoded, and what a group of messages takes."""


@pytest.mark.server
async def test_a_flood_that_ignores_receive_maximum_leaves_memory_bounded(tmp_path: Path) -> None:
    scenario = build_scenario()
    now_ms = round(time.time() * 1000)
    payloads = [
        encode_batch(
            Batch(
                scenario.gateway,
                7,
                [
                    Series(
                        "canal-level",
                        "level",
                        "m",
                        [number * READINGS + at + 1 for at in range(READINGS)],
                        [now_ms - 1_000_000 + number * READINGS + at for at in range(READINGS)],
                        [float(at) for at in range(READINGS)],
                        [1] * READINGS,
                    )
                ],
            ),
            Codec.JSON,
        )
        for number in range(DISTINCT)
    ]
    topic = f"aryk/v1/{scenario.district}/{scenario.gateway}/readings"
    content_type = CONTENT_TYPES[Codec.JSON]
    ingest = IngestRole(tmp_path / "ingest", tmp_path / "state")
    (ingest.folder / "registry.toml").write_text(toml_text(registry_document(scenario)))
    total_bytes = sum(len(payloads[number % DISTINCT]) for number in range(MESSAGES))
    assert total_bytes > GROWTH_MOST_BYTES, "more than could be held"
    async with FloodBroker(lambda n: (topic, payloads[n % DISTINCT], content_type), MESSAGES) as broker:
        ingest.config.write_text(
            toml_text(
                {
                    "id": "ingest",
                    "registry": "registry.toml",
                    "broker": {"host": "127.0.0.1", "port": broker.port},
                    "health": {"port": ingest.port},
                }
            )
        )
        async with ingest:
            await eventually(lambda: broker.acknowledged >= 100, 60.0, "the flood has begun")
            before = ingest.rss_bytes
            await eventually(lambda: broker.acknowledged == MESSAGES, 120.0, "all of it is acknowledged")
            growth = ingest.peak_rss_bytes - before
            spool = tmp_path / "state" / "ingest" / "spool.sqlite"
            counters = logged.counters(spool)
    assert broker.most_unacknowledged > 1_000, "it did ignore Receive Maximum"
    assert counters["received"] == MESSAGES * READINGS
    assert counters["repeated"] == (MESSAGES - DISTINCT) * READINGS
    assert growth < GROWTH_MOST_BYTES, f"{growth / MEGABYTE:.1f} MB"

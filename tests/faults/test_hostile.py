"""Malformed, hostile or foreign payload: dead letter with its reason and raw bytes; the rest goes on."""

import json
import random
import time
import zlib
from pathlib import Path
from typing import Any

import cbor2
import pytest

from tests.faults import logged
from tests.faults.raw_mqtt import RawClient, payload_of
from tests.faults.world import Options, World
from tests.servers.proxy import PacketType
from tests.servers.wait import eventually
from wire.batch import Batch, Series
from wire.codec import CONTENT_TYPES, Codec, encode_batch
from wire.messages import Receipt, Refusal, encode_message
from wire.names import digest
from wire.reasons import Reason

pytestmark = pytest.mark.server

JSON, CBOR = CONTENT_TYPES[Codec.JSON], CONTENT_TYPES[Codec.CBOR]


def batch(
    gateway: str, sensor: str = "canal-level", quantity: str = "level", unit: str = "m", shift_ms: int = 0
) -> bytes:
    now_ms = round(time.time() * 1000) + shift_ms
    series = Series(sensor, quantity, unit, [1, 2], [now_ms, now_ms + 1], [1.5, 1.6], [1, 1])
    # Each batch from a log of its own: the same identity twice would be a repeat.
    return encode_batch(Batch(gateway, random.getrandbits(48), [series]), Codec.JSON)


async def test_each_is_a_dead_letter_and_readings_flow_on(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        district, gateway = world.scenario.district, world.gateway_id
        own, foreign = f"aryk/v1/{district}/{gateway}/readings", "aryk/v1/elsewhere/nobody/readings"
        good = batch(gateway)
        deep = b'{"v":1,"gateway":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
        bomb = zlib.compress(b"\0" * 50_000_000, 9)
        hostile: list[tuple[str, bytes, str | None, str]] = [
            (own, b"\xff\xfe not JSON", JSON, "bad_json"),
            (own, deep, JSON, "bad_json"),
            (own, good, "text/plain", "unknown_content_type"),
            (own, b'{"v":99}', JSON, "unknown_version"),
            (own, b'{"v":1}', JSON, "schema"),
            (own, cbor2.dumps({1: 2})[:-1], CBOR, "bad_cbor"),
            (own, batch("somebody-else"), JSON, "topic_mismatch"),
            (own, b"x" * 1_000_000, JSON, "too_large"),
            (own, batch(gateway, sensor="no-such-sensor"), JSON, "unknown_sensor"),
            (foreign, batch("nobody"), JSON, "unknown_gateway"),
            (f"aryk/v1/elsewhere/{gateway}/readings", batch(gateway), JSON, "wrong_district"),
        ]
        async with RawClient(world.broker.port, "hostile") as client:
            for topic, payload, content_type, _ in hostile:
                await client.publish(topic, payload, content_type)
            await client.publish(own, bomb, CBOR)
            await client.publish(own, cbor2.dumps(cbor2.CBORTag(1, bomb)), CBOR)

        def all_are_there() -> bool:
            missing = {reason for *_, reason in hostile} - {one.reason for one in logged.dead_letters(world.spool_path)}
            assert not missing, f"no dead letters for {missing}"
            return True

        await eventually(all_are_there, 20.0)
        payloads = {(one.reason, one.payload) for one in logged.dead_letters(world.spool_path)}
        for _, payload, _, reason in hostile:
            assert (reason, payload) in payloads, f"{reason}: the raw bytes are not kept"
        await world.flowing()
        await world.must_be_whole()


async def test_a_status_that_makes_no_sense_is_one_letter_and_survives_a_kill(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        base, stranger = f"aryk/v1/{world.scenario.district}", f"aryk/v1/elsewhere/{world.gateway_id}/status"
        own, hello = f"{base}/{world.gateway_id}/status", b'{"v":1,"state":"online"}'
        hostile: list[tuple[str, bytes, str]] = [
            (own, b"\xff\xfe not JSON", "bad_json"),
            (own, b'{"v":2,"state":"online"}', "unknown_version"),
            (own, b'{"v":1,"state":"asleep"}', "schema"),
            (own, b'{"v":1,"state":"online","streams":"' + b"x" * 70_000 + b'"}', "too_large"),
            (stranger, hello, "wrong_district"),
            (f"{base}/nobody/status", hello, "unknown_gateway"),
        ]

        async def send_all(times: int) -> None:
            async with RawClient(world.broker.port, "hostile") as client:
                for topic, payload, _ in hostile:
                    await client.publish(topic, payload, JSON)

            def all_are_there() -> bool:
                found = {
                    (one.topic, one.payload, one.reason, one.count) for one in logged.dead_letters(world.spool_path)
                }
                wanted = {(*one, times) for one in hostile}
                assert found == wanted, f"found {found - wanted}, missing {wanted - found}"
                return True

            await eventually(all_are_there, 20.0)

        await send_all(1)
        await world.kill("ingest")
        await world.start("ingest")
        await send_all(2)
        assert logged.conserved(world.spool_path)
        await world.flowing()
        await world.must_be_whole()


async def test_a_registry_that_disagrees_makes_dead_letters_that_count_as_delivered(tmp_path: Path) -> None:
    async with World(tmp_path, Options(change_registry=call_the_battery_a_level)) as world:
        await world.run_for(1.0)
        verdict = await world.must_be_whole()
        assert verdict.dead > 0
        letter = logged.dead_letters(world.spool_path)[0]
        assert letter.reason == "wrong_quantity"
        assert letter.ranges.size > 0


def call_the_battery_a_level(registry: dict[str, Any]) -> None:
    for station in registry["stations"]:
        for sensor in station["sensors"]:
            if sensor["quantity"] == "battery_voltage":
                sensor.update(quantity="level", unit="m", thresholds={})


async def test_what_the_centre_cannot_read_becomes_a_gap_and_the_gateway_goes_on(tmp_path: Path) -> None:
    """A message that is unreadable at the centre is refused by its digest: the gateway logs a gap that names its identities."""
    async with World(tmp_path) as world:
        await world.receipted()
        await world.kill("ingest")
        address = f"aryk/v1/{world.scenario.district}/{world.gateway_id}"
        async with RawClient(world.broker.port, "centre") as centre:
            await centre.subscribe(f"{address}/readings")
            message = await centre.next(PacketType.PUBLISH)
            name = digest(payload_of(message))
            refusal = Receipt(refused=[Refusal(reason=Reason.BAD_CBOR, detail="damaged on its way", digest=name)])
            await centre.publish(f"{address}/receipts", encode_message(refusal), JSON)
        await eventually(lambda: refused_gaps(world, name), 10.0, "a gap names the digest")
        await world.start("ingest")
        await world.flowing()
        await world.must_be_whole()
        assert any(body.get("digest") == name for body in world.store.record_bodies())


def refused_gaps(world: World, name: str) -> list[logged.Entry]:
    return [one for one in logged.entries(world.log_path) if one.kind == "gap" and name in json.dumps(one.body)]

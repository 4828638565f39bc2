"""A fleet against a real mosquitto and a small centre."""

import asyncio
from pathlib import Path

import pytest

from simulator.app import run_fleet
from simulator.audit import audit
from simulator.fleet import FleetReport
from simulator.ledger import LedgerReader
from simulator.settings import FleetSettings
from tests.servers.mosquitto import Mosquitto
from tests.servers.wait import eventually
from tests.simulator.fleet.centre import Centre, open_centre
from wire.batch import Batch
from wire.codec import Codec
from wire.messages import Command, State
from wire.names import epoch_text


def fleet_settings(broker: Mosquitto, folder: Path, **changes: object) -> FleetSettings:
    values: dict[str, object] = {
        "broker": {"host": broker.host, "port": broker.port},
        "gateways": 20,
        "interval": 0.2,
        "duration": 1.0,
        "receipt_timeout": 0.5,
        "ledger": folder / "ledger.sqlite",
    }
    return FleetSettings.model_validate(values | changes)


@pytest.mark.parametrize(("codec", "scans", "content_type"), [("cbor", 1, "cbor"), ("json", 3, "application/json")])
async def test_what_a_fleet_publishes_is_what_the_ledger_says(
    mosquitto: Mosquitto, tmp_path: Path, codec: Codec, scans: int, content_type: str
) -> None:
    told: list[str] = []
    async with open_centre(mosquitto.host, mosquitto.port) as centre:
        settings = fleet_settings(mosquitto, tmp_path, codec=codec, scans_a_message=scans)
        report = await run_fleet(settings, tmp_path, asyncio.Event(), told.append)
        found = await audit(tmp_path / "ledger.sqlite", centre.stored)
        assert centre.content_types == {content_type}
        assert max(len(batch.series[0].seq) for batch in centre.batches) == scans
        assert len({batch.epoch for batch in centre.batches}) == 20
        await eventually(lambda: _states(centre) == {State.SLEEPING})
    assert report.settled, report.summary(1.0)
    assert report.published == report.scanned == report.receipted == found.scanned >= 20 * 3 * 4
    assert found.clean, found
    assert report.latencies.count == report.messages
    assert report.receipts >= 20
    assert "receipted" in report.summary(1.0)


def _states(centre: Centre) -> set[State]:
    return {status.state for status in centre.statuses.values()}


async def test_what_has_no_receipt_is_sent_again(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with open_centre(mosquitto.host, mosquitto.port) as centre:
        seen: set[tuple[int, int]] = set()

        def every_second_time(batch: Batch) -> bool:
            identity = (batch.epoch, min(batch.seqs()))
            again = identity in seen
            seen.add(identity)
            return again

        centre.answer = every_second_time
        settings = fleet_settings(mosquitto, tmp_path, gateways=5, drain=20.0)
        report = await run_fleet(settings, tmp_path, asyncio.Event())
        found = await audit(tmp_path / "ledger.sqlite", centre.stored)
    assert report.settled, report.summary(1.0)
    assert report.sent_again >= report.messages
    assert found.clean, found


async def test_a_broker_that_goes_and_comes_back(mosquitto: Mosquitto, tmp_path: Path) -> None:
    settings = fleet_settings(mosquitto, tmp_path, gateways=5, duration=None, drain=30.0)
    stop = asyncio.Event()
    async with open_centre(mosquitto.host, mosquitto.port) as centre, asyncio.TaskGroup() as group:
        fleet = group.create_task(run_fleet(settings, tmp_path, stop))
        await eventually(lambda: len(centre.batches) > 20)
        before = len(centre.batches)
        mosquitto.kill()
        await mosquitto.start_async()
        await eventually(lambda: len(centre.batches) > before + 40, timeout_s=30.0)
        stop.set()
    report = fleet.result()
    found = await audit(tmp_path / "ledger.sqlite", centre.stored)
    assert report.settled, report.summary(1.0)
    assert found.clean, found


async def test_a_fleet_without_anybody_to_receipt_ends_in_time_and_says_so(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    settings = fleet_settings(mosquitto, tmp_path, gateways=2, window=3, duration=1.5, drain=0.3)
    report = await run_fleet(settings, tmp_path, asyncio.Event())
    assert not report.settled
    assert report.receipted == 0
    assert report.published <= 2 * 3 * 3, "the window"
    assert report.under_way == report.published
    assert report.nobody_listening > 0
    with LedgerReader(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.counts() == (0, report.published)


async def test_the_centres_commands(mosquitto: Mosquitto, tmp_path: Path) -> None:
    settings = fleet_settings(mosquitto, tmp_path, gateways=1, duration=None, interval=0.05)
    stop = asyncio.Event()
    async with open_centre(mosquitto.host, mosquitto.port) as centre, asyncio.TaskGroup() as group:
        fleet = group.create_task(run_fleet(settings, tmp_path, stop))
        await eventually(lambda: len(centre.batches) > 5)
        first = centre.batches[0]
        (gateway,) = centre.statuses
        epoch = epoch_text(first.epoch)
        centre.command(gateway, Command(command="resend", epoch=epoch, ranges=[[1, 1]]))
        await eventually(lambda: centre.batches.count(first) == 2)
        nonce = centre.statuses[gateway].nonce
        centre.command(gateway, Command(command="hello"))
        await eventually(lambda: centre.statuses[gateway].nonce != nonce)
        extent = centre.statuses[gateway].logs[0]
        assert (extent.epoch, extent.first) == (epoch, 1)
        assert extent.last >= 15
        stop.set()
    assert isinstance(fleet.result(), FleetReport)
    assert fleet.result().settled


async def test_a_fleet_that_dies_leaves_its_last_will(mosquitto: Mosquitto, tmp_path: Path) -> None:
    settings = fleet_settings(mosquitto, tmp_path, gateways=3, duration=None)
    async with open_centre(mosquitto.host, mosquitto.port) as centre:
        fleet = asyncio.create_task(run_fleet(settings, tmp_path, asyncio.Event()))
        await eventually(lambda: len(centre.statuses) == 3)
        fleet.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fleet
        await eventually(lambda: _states(centre) == {State.LOST})

"""`aryk ingest audit` says of a run what the ledger, which was kept on the sensors' side, says of it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from hydrology.accounting.periods import day_period
from hydrology.load import load_registry
from ingest.audit import FLAG_9, NEVER, SensorDay
from ingest.auditing import audit_days
from ingest.settings import load_settings
from simulator.ledger import LedgerReader, State
from tests.faults import audited, logged
from tests.faults.world import Options, World

pytestmark = pytest.mark.server

INTERVAL_S = 1
DOWN_S = 6


async def test_the_audit_agrees_with_the_ledger_over_gaps(tmp_path: Path) -> None:
    async with World(tmp_path, Options(interval=f"{INTERVAL_S}s")) as world:
        started_ms = _now_ms()
        await world.run_for(4)
        await world.kill_and_restart("gateway", DOWN_S)  # told in a gap
        await world.run_for(3)
        await world.kill_and_restart("ingest", 1)  # no gap: the gateway kept it
        await world.run_for(3)
        await world.receipted()
        verdict = await world.settle()
        ended_ms = _now_ms()  # the gateway scans until it is stopped
        assert verdict.clean, str(verdict)
        assert (await audited.look(world)).disagreements == []

        settings = load_settings(world.ingest.config)
        registry = load_registry(settings.registry)
        # East of Greenwich it may be tomorrow already.
        last = datetime.fromtimestamp(ended_ms / 1000, UTC).date() + timedelta(days=1)
        found = await audit_days(settings, world.ingest_state, registry, None, last, 3, ended_ms)
        rows = [row for path in logged.log_files(world.log_folder) for row in logged.entries(path)]
        assert found.notes == []
        for plan in world.scenario.stations:
            for sensor in plan.sensors:
                days = [one for one in found.days if (one.station, one.sensor) == (plan.id, sensor.id)]
                read = [row for row in rows if row.sensor == sensor.id]
                assert sum(one.stored for one in days) == sum(row.value is not None for row in read)
                assert _missing(days, FLAG_9) == sum(row.value is None for row in read)
                # What the gateway told: the pause, not more than it lasted with stopping and starting.
                told = sum(number for one in days for why, number in one.missing.items() if why.startswith("gap: "))
                assert DOWN_S - 2 <= told / INTERVAL_S <= DOWN_S + 20
                # Every second is accounted for; but for the days before it began, nothing just never came.
                expected = sum(one.expected for one in days)
                known = sum(one.stored + one.missing.total() for one in days)
                assert abs(expected - known) <= 3, days
                before_s = (started_ms - _midnight_ms(registry.zone_of(registry.stations[0]), days[0])) / 1000
                assert abs(_missing(days, NEVER) - before_s) <= 60, days
        with LedgerReader(world.ledger_path) as ledger:
            served = sum(one.state is State.SENT for device in ledger.devices() for one in ledger.serves(device))
        counters = {world.counter(station)[1:] for station in range(world.devices)}
        stored = sum(one.stored for one in found.days if (one.station, one.sensor) in counters)
        assert stored == served - len(verdict.unlogged)


def _missing(days: list[SensorDay], why: str) -> int:
    return sum(one.missing[why] for one in days)


def _midnight_ms(zone: str, day: SensorDay) -> int:
    return round(day_period(date.fromisoformat(day.day), zone).start.timestamp() * 1000)


def _now_ms() -> int:
    return round(datetime.now(UTC).timestamp() * 1000)

"""The sampler on a virtual clock: hours pass in no time."""

import asyncio
import itertools
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.breaker import OPENS_AFTER
from gateway.drivers.driver import Poll
from gateway.drivers.memory import MemoryDriver
from gateway.log import Scan
from gateway.log.memory import MemoryLog
from gateway.log.rows import Last
from gateway.metrics import GatewayMetrics
from gateway.sampler import POLL_LONGEST_S, DeviceSampler, device_samplers
from gateway.settings import GatewaySettings, TableName
from tests.gateway.build import device, settings
from tests.gateway.virtual_time import VirtualClock, run_for, run_virtual


class Bench:
    """Devices in memory, sampled into a log in memory."""

    def __init__(self, *devices: dict[str, Any], lines: dict[str, str] | None = None) -> None:
        self.clock = VirtualClock()
        self.settings: GatewaySettings = settings(devices=list(devices))
        self.log = MemoryLog()
        self.registry = CollectorRegistry()
        self.drivers = {
            one.id: MemoryDriver(one.sensors, self.clock, line=(lines or {}).get(one.id, one.id), timeout_s=one.timeout)
            for one in self.settings.devices
        }
        self.samplers: dict[str, DeviceSampler] = device_samplers(
            self.settings.devices, self.drivers, self.log, self.clock, GatewayMetrics(self.registry)
        )

    async def run_for(self, seconds: float) -> None:
        await run_for(seconds, *(sampler.run() for sampler in self.samplers.values()))

    def ago(self, seconds: float) -> Last:
        now = self.clock.now()
        return Last(now.ms - round(seconds * 1000), now.boot_ns - round(seconds * 1e9), self.clock.boot)

    def scans(self, device_id: str) -> list[Scan]:
        return [one for one in self.log.scans if any(r.sensor == f"{device_id}-level" for r in one.readings)]

    def times(self, device_id: str) -> list[int]:
        return [one.moment.ms for one in self.scans(device_id)]

    def gaps(self) -> list[dict[str, Any]]:
        return [record.body for one in self.log.scans for record in one.records]


def test_scans_stand_on_multiples_of_the_interval() -> None:
    async def main() -> None:
        bench = Bench(device("a", interval="15min"))
        await bench.run_for(3600 * 6)
        times = bench.times("a")
        assert len(times) == 24
        assert all(ms % 900_000 < 5 for ms in times)
        assert bench.gaps() == []

    run_virtual(main())


def test_the_time_is_the_middle_of_question_and_answer() -> None:
    async def main() -> None:
        bench = Bench(device("a", interval=10.0))
        bench.drivers["a"].delay_s = 2.0
        await bench.run_for(60)
        assert {ms % 10_000 for ms in bench.times("a")} <= {999, 1000, 1001}

    run_virtual(main())


def test_a_device_that_fails_gives_flag_9_with_the_time_of_the_try_and_never_an_old_value() -> None:
    async def main() -> None:
        bench = Bench(device("a"))
        driver = bench.drivers["a"]
        driver.registers[TableName.HOLDING, 0] = 42

        async def fail() -> None:
            await asyncio.sleep(10.5)
            driver.dead = True
            await asyncio.sleep(10)
            driver.dead = False
            await asyncio.sleep(10)

        driver.timeout_s = 0.25
        await run_for(30.5, fail(), bench.samplers["a"].run())
        got = [(one.readings[0].value, one.readings[0].flag) for one in bench.scans("a")]
        assert got == [(42.0, 1)] * 10 + [(None, 9)] * 10 + [(42.0, 1)] * 10
        times = bench.times("a")
        assert all(870 <= later - earlier <= 1130 for earlier, later in itertools.pairwise(times))
        assert (
            bench.registry.get_sample_value("aryk_gateway_failed_reads_total", {"device": "a", "reason": "no_answer"})
            == 10
        )

    run_virtual(main())


def test_a_dead_device_never_delays_one_on_another_line() -> None:
    async def main() -> None:
        bench = Bench(device("dead", timeout=60.0), device("alive"))
        bench.drivers["dead"].dead = True
        await bench.run_for(600.5)
        times = bench.times("alive")
        assert len(times) == 600
        assert all(ms % 1000 < 5 for ms in times)
        assert all(one.readings[0].flag == 9 for one in bench.scans("dead"))

    run_virtual(main())


def test_scans_that_had_no_turn_are_told_in_a_gap() -> None:
    async def main() -> None:
        bench = Bench(device("slow"))
        bench.drivers["slow"].delay_s = 3.5
        await bench.run_for(30)
        gaps = bench.gaps()
        assert gaps
        for gap in gaps:
            assert gap["reason"] == "overrun"
            assert gap["sensors"] == ["slow-level"]
            assert gap["from_ms"] % 1000 < 5
            assert gap["to_ms"] - gap["from_ms"] in range(1995, 2006)

    run_virtual(main())


def test_on_a_shared_line_a_dead_device_is_tried_now_and_then() -> None:
    async def main() -> None:
        bench = Bench(device("dead", timeout=0.5), device("alive"), lines={"dead": "port", "alive": "port"})
        driver = bench.drivers["dead"]
        driver.dead = True
        await bench.run_for(600.5)
        assert OPENS_AFTER < driver.polls <= OPENS_AFTER + 600 / 5
        assert len(bench.scans("alive")) == 600
        gaps = bench.gaps()
        assert {gap["reason"] for gap in gaps} == {"no_answer"}
        # Tried and failed, or told in a gap: nothing is left out.
        tried = set(bench.times("dead"))
        for earlier, later in itertools.pairwise(gaps):
            assert any(earlier["to_ms"] <= ms <= later["from_ms"] for ms in tried)

    run_virtual(main())


def test_a_lone_device_is_always_tried() -> None:
    async def main() -> None:
        bench = Bench(device("dead", timeout=0.2))
        bench.drivers["dead"].dead = True
        await bench.run_for(100.5)
        assert bench.drivers["dead"].polls == 100
        assert bench.gaps() == []

    run_virtual(main())


def test_a_poll_that_hangs_is_given_up_and_told() -> None:
    async def main() -> None:
        bench = Bench(device("a"))

        class Hanging(MemoryDriver):
            async def poll(self) -> Poll:
                if self.polls == 0:
                    self.polls += 1
                    await asyncio.Event().wait()
                return await super().poll()

        driver = Hanging(bench.settings.devices[0].sensors, bench.clock)
        metrics = GatewayMetrics(CollectorRegistry())
        sampler = device_samplers(bench.settings.devices, {"a": driver}, bench.log, bench.clock, metrics)["a"]
        keep_alive = asyncio.sleep(POLL_LONGEST_S + 10)
        await run_for(POLL_LONGEST_S + 10, sampler.run(), keep_alive)
        assert bench.scans("a")
        hung = [gap for gap in bench.gaps() if gap["reason"] == "hung"]
        assert len(hung) == 1
        assert hung[0]["to_ms"] - hung[0]["from_ms"] >= POLL_LONGEST_S * 1000

    run_virtual(main())


def test_a_full_disk_is_told_once_there_is_room() -> None:
    async def main() -> None:
        bench = Bench(device("a"))

        async def fill() -> None:
            await asyncio.sleep(5.5)
            bench.log.full = True
            await asyncio.sleep(5)
            bench.log.full = False
            await asyncio.sleep(5)

        await run_for(15.5, fill(), bench.samplers["a"].run())
        assert len(bench.scans("a")) == 10
        (gap,) = bench.gaps()
        assert gap["reason"] == "disk_full"
        assert gap["to_ms"] - gap["from_ms"] == 4000

    run_virtual(main())


def test_the_pause_of_a_restart_is_a_gap() -> None:
    async def main() -> None:
        bench = Bench(device("a"), device("b"))
        now_ms = bench.clock.now().ms
        bench.log.known = {"a-level": bench.ago(60), "b-level": bench.ago(0.9)}
        await bench.run_for(5)
        (gap,) = bench.gaps()
        assert gap == {"reason": "restart", "from_ms": now_ms - 60_000, "to_ms": now_ms, "sensors": ["a-level"]}

    run_virtual(main())


@pytest.mark.parametrize("step_s", [60, -60, -59.5, 86_400, -86_400])
def test_the_pause_of_a_restart_is_as_long_as_it_was_whatever_the_clock_was_set_to_meanwhile(step_s: float) -> None:
    async def main() -> None:
        bench = Bench(device("a"), device("b"))
        bench.log.known = {"a-level": bench.ago(60), "b-level": bench.ago(0.9)}
        bench.clock.step_wall(step_s)
        now_ms = bench.clock.now().ms
        await bench.run_for(5)
        (gap,) = bench.gaps()
        assert gap == {"reason": "restart", "from_ms": now_ms - 60_000, "to_ms": now_ms, "sensors": ["a-level"]}

    run_virtual(main())


@pytest.mark.parametrize("behind_s", [60, 0.2, -60])
def test_a_reboot_is_always_told_because_the_clock_may_come_up_anywhere(behind_s: float) -> None:
    async def main() -> None:
        bench = Bench(device("a"))
        now_ms = bench.clock.now().ms
        bench.log.known = {"a-level": Last(now_ms - round(behind_s * 1000), 1, "the boot before")}
        await bench.run_for(5)
        (gap,) = bench.gaps()
        from_ms = now_ms - max(0, round(behind_s * 1000))
        assert gap == {"reason": "restart", "from_ms": from_ms, "to_ms": now_ms, "sensors": ["a-level"]}

    run_virtual(main())


def test_scans_that_were_not_tried_before_the_clock_was_set_are_told_as_it_is_now() -> None:
    async def main() -> None:
        bench = Bench(device("a"))

        async def fill() -> None:
            await asyncio.sleep(5.5)
            bench.log.full = True
            await asyncio.sleep(3)
            bench.clock.step_wall(7200)
            await asyncio.sleep(2)
            bench.log.full = False
            await asyncio.sleep(5)

        await run_for(15.5, fill(), bench.samplers["a"].run())
        (gap,) = bench.gaps()
        assert gap["to_ms"] - gap["from_ms"] == 4000
        first_after = next(one.moment.ms for one in bench.scans("a") if one.records)
        assert first_after - gap["to_ms"] == 1000

    run_virtual(main())


def test_when_the_clock_is_set_no_slot_is_taken_twice_and_none_left_out() -> None:
    async def main() -> None:
        bench = Bench(device("a", interval=10.0))
        real: list[float] = []
        append = bench.log.append

        async def noting(scan: Scan) -> Any:
            real.append(bench.clock.monotonic_s())
            return await append(scan)

        bench.log.append = noting  # type: ignore[method-assign]  # the double's, to see when

        async def step() -> None:
            for seconds in (3, -4, 3600, -3599.5, 0.2):
                await asyncio.sleep(33)
                bench.clock.step_wall(seconds)

        await run_for(200, step(), bench.samplers["a"].run())
        spacing = [later - earlier for earlier, later in itertools.pairwise(real)]
        assert all(4.99 <= one <= 15.01 for one in spacing)
        assert bench.times("a")[-1] % 10_000 < 5

    run_virtual(main())

"""Random faults against the whole of Aryk: `python -m tests.faults.chaos --seed 1 --minutes 10 [--kills 200]`.

Kills gateway, broker, ingest and database with SIGKILL at random moments; cuts, stalls and slows links; and now and then fills
the spool's disk (root only), loses it, or steps the gateway's clock. At the end `aryk ingest audit` and ingest's counters are
compared with the ledger. The last line says what came of it; the exit status is 1 when a reading was lost or doubled, or these
do not agree, and then everything is kept that is needed to look into it.
"""

import argparse
import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import audited, logged
from tests.faults.roles import ShiftedGatewayRole
from tests.faults.run_to_end import run_to_end
from tests.faults.shifted_gateway import ClockFile
from tests.faults.small_disk import SmallDisk, may_mount, mounted_disk
from tests.faults.verdict import Verdict
from tests.faults.world import Options, World
from tests.servers.proxy import DOWN, UP, Proxy

RECOVERY_TIMEOUT_S = 120.0
SETTLE_TIMEOUT_S = 300.0
PROGRESS_EVERY_S = 15.0
DISK_MEGABYTES = 256

CLOCK_STEPS_S = (3600.0, -3600.0, 86_400.0, 40.0, -40.0)


@dataclass(slots=True)
class Tally:
    """What was done, and how long recovery took."""

    kills: int = 0
    cuts: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    recoveries_s: list[float] = field(default_factory=list)
    spools_lost: int = 0

    def last_line(self, verdict: Verdict) -> str:
        """The words as the design defines them."""
        worst = max(self.recoveries_s, default=0.0)
        return (
            f"readings {verdict.readings}, kills {self.kills}, cuts {self.cuts}, unlogged {len(verdict.unlogged)},"
            f" lost {len(verdict.lost)}, doubled {len(verdict.doubled)}, worst recovery {worst:.1f} s"
        )


class Chaos:
    """One run. Everything random comes from one seed; the schedule is written down as it happens."""

    def __init__(self, world: World, seed: int, disk: SmallDisk | None, folder: Path) -> None:
        self._world = world
        self._dice = random.Random(seed)
        self._disk = disk
        self._began_s = time.monotonic()
        self._schedule = folder / "schedule.txt"
        self.tally = Tally()

    async def run(self, minutes: float, kills: int | None) -> None:
        """Strike until the time is over, or so many processes were killed."""
        deadline = self._began_s + minutes * 60
        told_s = self._began_s
        while time.monotonic() < deadline and (kills is None or self.tally.kills < kills):
            await self._strike()
            if time.monotonic() - told_s >= PROGRESS_EVERY_S:
                told_s = time.monotonic()
                self._tell_progress()
        await self._all_well()

    def _tell_progress(self) -> None:
        tally = self.tally
        mean = sum(tally.recoveries_s) / len(tally.recoveries_s) if tally.recoveries_s else 0.0
        say(
            f"{time.monotonic() - self._began_s:5.0f} s  kills {tally.kills}  cuts {tally.cuts}  mean recovery {mean:.1f} s"
            f"  blocks served {self._world.served()}  logged {logged.last_seq(self._world.log_path)}"
            f"  in the spool {logged.spooled(self._world.spool_path)}"
        )

    def note(self, what: str) -> None:
        """Write down what is done."""
        self.tally.by_kind[what.split(":")[0]] += 1
        self._write_down(what)

    def _write_down(self, what: str) -> None:
        with self._schedule.open("a") as file:
            file.write(f"{time.monotonic() - self._began_s:8.2f} {what}\n")

    async def _strike(self) -> None:
        dice = self._dice
        faults: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (10, self._kill_one),
            (4, self._kill_several),
            (2, self._kill_again_at_once),
            (2, self._cut),
            (1, self._stall),
            (1, self._slow),
            (0.5, self._step_clock),
            (0.3, self._lose_spool),
        ]
        if self._disk is not None:
            faults.append((0.5, self._fill_disk))
        (fault,) = dice.choices([fault for _, fault in faults], [weight for weight, _ in faults])
        await asyncio.sleep(dice.random() * 0.8)
        started = time.monotonic()
        await fault()
        if dice.random() < 0.75:
            # Else the next fault strikes before this one is got over.
            await self._recovered(started)

    async def _recovered(self, started: float) -> None:
        await self._all_well()
        await self._world.flowing(RECOVERY_TIMEOUT_S)
        took_s = time.monotonic() - started
        self.tally.recoveries_s.append(took_s)
        self._write_down(f"recovered in {took_s:.1f} s")

    async def _all_well(self) -> None:
        """Take every lasting fault away."""
        for link in self._links():
            link.flow()
            link.throttle(UP, None)
            link.throttle(DOWN, None)
            await link.accept()
        if self._disk is not None:
            self._disk.free()
        for name, process in self._world.victims().items():
            if not process.running:
                await self._world.start(name)

    def _links(self) -> list[Proxy]:
        world = self._world
        links = [world.gateway_link, world.ingest_link]
        return links if world.database_link is None else [*links, world.database_link]

    # -- faults

    async def _kill(self, name: str) -> None:
        self.note(f"kill: {name}")
        await self._world.kill(name)
        self.tally.kills += 1

    async def _kill_one(self) -> None:
        name = self._dice.choice(sorted(self._world.victims()))
        await self._kill(name)
        await asyncio.sleep(self._dice.choice((0.0, 0.0, 0.3)))
        await self._world.start(name)

    async def _kill_several(self) -> None:
        names = self._dice.sample(sorted(self._world.victims()), self._dice.choice((2, 2, 3, 4)))
        for name in names:
            await self._kill(name)
            await asyncio.sleep(self._dice.choice((0.0, 0.2)))
        await asyncio.gather(*(self._world.start(name) for name in names))

    async def _kill_again_at_once(self) -> None:
        """While it is still starting, or just up."""
        name = self._dice.choice(["gateway", "ingest"])
        for _ in range(2):
            await self._kill(name)
            await self._world.start(name)
            await asyncio.sleep(self._dice.random() * 0.3)

    async def _cut(self) -> None:
        link = self._dice.choice(self._links())
        self.note(f"cut: {self._links().index(link)}")
        self.tally.cuts += 1
        if self._dice.random() < 0.5:
            await link.reset()
        else:
            await link.refuse()
            await asyncio.sleep(self._dice.random() * 1.5)
            await link.accept()

    async def _stall(self) -> None:
        link = self._dice.choice(self._links())
        direction = self._dice.choice(((UP,), (DOWN,), (UP, DOWN)))
        self.note(f"stall: {self._links().index(link)}")
        self.tally.cuts += 1
        link.stall(*direction)
        await asyncio.sleep(self._dice.random() * 3.0)
        if self._dice.random() < 0.5:
            await self._kill_one()
        link.flow()

    async def _slow(self) -> None:
        link = self._dice.choice(self._links())
        self.note(f"slow: {self._links().index(link)}")
        self.tally.cuts += 1
        link.throttle(UP, 4_000)
        link.throttle(DOWN, 4_000)
        await asyncio.sleep(self._dice.random() * 3.0)
        link.throttle(UP, None)
        link.throttle(DOWN, None)

    async def _step_clock(self) -> None:
        gateway = self._world.gateway
        if isinstance(gateway, ShiftedGatewayRole):
            step_s = self._dice.choice(CLOCK_STEPS_S)
            self.note(f"clock: {step_s:+.0f} s")
            ClockFile(offset_s=step_s).write(gateway.clock_file)
            await asyncio.sleep(0.5 + self._dice.random())
            if self._dice.random() < 0.5:
                await self._kill("gateway")
                await self._world.start("gateway")
            ClockFile(offset_s=0.0).write(gateway.clock_file)

    async def _fill_disk(self) -> None:
        assert self._disk is not None
        self.note("disk: full")
        if self._dice.random() < 0.5:
            self._disk.fill()
        else:
            self._disk.leave(20 * 1024 * 1024)
        await asyncio.sleep(1.0 + self._dice.random())
        if self._dice.random() < 0.5:
            await self._kill("ingest")
            self._disk.free()
            await self._world.start("ingest")
        self._disk.free()

    async def _lose_spool(self) -> None:
        """Only what the dead letters held is lost with it, and in this run there are none but by a gap."""
        self.note("spool: lost")
        await self._kill("ingest")
        shutil.rmtree(self._world.spool_path.parent)
        self.tally.spools_lost += 1
        await self._world.start("ingest")


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def settle(world: World) -> Verdict:
    """All is well again: wait for what is under way, and judge."""
    await world.flowing(SETTLE_TIMEOUT_S)
    await world.refilled(SETTLE_TIMEOUT_S)
    return await world.settle(SETTLE_TIMEOUT_S)


async def run(seed: int, minutes: float, kills: int | None, canals: int, folder: Path) -> bool:
    """One run in this folder; whether nothing was lost or doubled, and all accounts agree."""
    with ExitStack() as stack:
        disk = stack.enter_context(mounted_disk(folder / "disk", DISK_MEGABYTES)) if may_mount() else None
        if disk is None:
            say("NOT ROOT: no disk is filled in this run, because a small disk is a tmpfs that only root may mount")
        options = Options(
            store="influxdb",
            canals=canals,
            seed=seed,
            shifted_clock=True,
            ingest_state=disk.folder if disk is not None else None,
        )
        async with World(folder, options) as world:
            chaos = Chaos(world, seed, disk, folder)
            say(f"seed {seed}: {world.devices} instruments, everything in {folder}")
            whole = False
            try:
                await chaos.run(minutes, kills)
                verdict = await settle(world)
                found = await audited.look(world, spools_lost=chaos.tally.spools_lost)
                say(str(found))
                whole = verdict.clean and not found.disagreements
            except AssertionError as error:
                say(f"it did not recover: {error}")
                verdict = await world.judge()
            if not whole:
                say(str(verdict))
                keep(world, folder)
                say(f"state, logs, configurations and the schedule are kept in {folder}")
            say(f"faults: {', '.join(f'{name} {count}' for name, count in sorted(chaos.tally.by_kind.items()))}")
            most = world.devices * world.gateway_kills
            if len(verdict.unlogged) > most:
                say(f"more unlogged than {most}, one scan a device for each kill of the gateway")
            say(chaos.tally.last_line(verdict))
            return whole


def keep(world: World, folder: Path) -> None:
    """The spool may stand on a disk that is unmounted at the end."""
    with contextlib.suppress(shutil.Error, OSError):
        shutil.copytree(world.ingest_state, folder / "ingest-state", ignore=shutil.ignore_patterns("ballast"))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--kills", type=int, default=None, help="stop after so many, before the time is over")
    parser.add_argument("--canals", type=int, default=2, help="instruments: so many canal gauges and a reservoir")
    parser.add_argument("--folder", type=Path, default=None, help="where everything is put; else a temporary folder")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix=f"aryk-chaos-{asked.seed}-"))
    folder.mkdir(parents=True, exist_ok=True)
    whole = run_to_end(run(asked.seed, asked.minutes, asked.kills, asked.canals, folder))
    if whole and asked.folder is None:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()

"""A device in memory: the double of a driver."""

import asyncio

from gateway.blocks import Block, plan_blocks
from gateway.clock import Clock
from gateway.drivers.driver import BlockAnswer, DriverError, Poll, Trouble
from gateway.settings import SensorSettings, TableName


class MemoryDriver:
    """Answers from `registers` after `delay_s`; while `dead` it answers nothing for `timeout_s`."""

    def __init__(
        self, sensors: tuple[SensorSettings, ...], clock: Clock, *, line: str = "memory", timeout_s: float = 1.0
    ) -> None:
        self._blocks = tuple(plan_blocks(sensors))
        self._clock = clock
        self._line = line
        self.registers: dict[tuple[TableName, int], int] = {}
        self.delay_s = 0.0
        self.timeout_s = timeout_s
        self.dead = False
        self.polls = 0

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The requests of a scan."""
        return self._blocks

    @property
    def line(self) -> str:
        """Its line's name."""
        return self._line

    @property
    def dead_s(self) -> float:
        """How long a try takes while it is dead."""
        return self.timeout_s

    async def poll(self) -> Poll:
        """Answer, or fail as told."""
        asked = self._clock.now()
        self.polls += 1
        await asyncio.sleep(self.timeout_s if self.dead else self.delay_s)
        answers = tuple(self._answer(block) for block in self._blocks)
        return Poll(asked, self._clock.now(), answers)

    def _answer(self, block: Block) -> BlockAnswer:
        if self.dead:
            return BlockAnswer(block, None, DriverError(Trouble.NO_ANSWER, "no answer"))
        words = tuple(self.registers.get((block.table, at), 0) for at in range(block.start, block.start + block.count))
        return BlockAnswer(block, words)

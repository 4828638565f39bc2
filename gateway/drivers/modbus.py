"""Reads one Modbus device in as few requests as it allows, and trusts no answer after a timeout until it is in step again."""

from gateway.blocks import Block, plan_blocks
from gateway.clock import Clock, Moment
from gateway.drivers.driver import BlockAnswer, DriverError, Poll, Trouble
from gateway.drivers.line import ILLEGAL_ADDRESS, Answer, Line, RefusedError
from gateway.settings import RtuDevice, TcpDevice

AGREEING_TRIES = 3
FORGET_AFTER_LATENCIES = 10
"""An answer that has not come for so many times the worst latency does not come any more."""


class ModbusDriver:
    """One device on a line.

    On a serial port a late answer differs from the one asked for in nothing but its length. So the first question after a
    timeout is one of another length than all that were left without an answer: its answer shows that the device is in step.
    Where there is no other length (a block of one register) the block is read twice, and both answers must agree. Agreement
    alone would not do: a counter never reads the same twice.
    """

    def __init__(self, device: TcpDevice | RtuDevice, line: Line, clock: Clock) -> None:
        self._device = device
        self._line = line
        self._clock = clock
        self._blocks = tuple(plan_blocks(device.sensors, device.max_gap, device.max_registers))
        self._latency_s = device.latency_s if isinstance(device, RtuDevice) else device.timeout
        self._answers = True
        self._unanswered: dict[int, float] = {}
        """Lengths asked for in vain since the device was last in step, and when; empty when it is."""
        self._refused_lengths: set[int] = set()

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The requests of a scan."""
        return self._blocks

    @property
    def line(self) -> str:
        """The connection's name."""
        return self._line.name

    @property
    def dead_s(self) -> float:
        """How long the line is held when the device does not answer."""
        return self._latency_s

    async def poll(self) -> Poll:
        """Read all blocks; a device that does not answer for one is not asked for the others."""
        answers: list[BlockAnswer] = []
        asked: Moment | None = None
        answered = self._clock.now()
        silent: DriverError | None = None
        for block in self._blocks:
            if silent is not None:
                answers.append(BlockAnswer(block, None, silent))
                continue
            try:
                answer = await self._read(block)
            except RefusedError as error:
                if error.code == ILLEGAL_ADDRESS and block.has_holes:
                    return await self._without_holes()
                answers.append(BlockAnswer(block, None, error))
            except DriverError as error:
                silent = error
                answers.append(BlockAnswer(block, None, error))
            else:
                asked = asked or answer.asked
                answered = answer.answered
                answers.append(BlockAnswer(block, answer.words))
        self._answers = silent is None
        return Poll(asked or answered, answered, tuple(answers))

    async def _without_holes(self) -> Poll:
        """The device refuses registers that no sensor needs: from now on ask for none of them."""
        self._blocks = tuple(plan_blocks(self._device.sensors, 0, self._device.max_registers))
        return await self.poll()

    async def _read(self, block: Block) -> Answer:
        # Each try waits for the line anew, so that others have their turn in between.
        tries = 1 + (self._device.retries if self._answers else 0)
        while True:
            tries -= 1
            try:
                async with self._line.lock:
                    return await self._read_in_step(block)
            except RefusedError:
                raise
            except DriverError:
                if tries == 0:
                    raise

    async def _read_in_step(self, block: Block) -> Answer:
        self._forget()
        if not self._unanswered:
            return await self._ask(block, block.count)
        lengths = set(range(1, block.count + 1)) - self._unanswered.keys() - self._refused_lengths
        if not lengths:
            return await self._read_twice(block)
        if block.count in lengths:
            answer = await self._ask(block, block.count)
            self._unanswered.clear()
            return answer
        try:
            await self._ask(block, min(lengths))
        except RefusedError:
            self._refused_lengths.add(min(lengths))
            raise
        self._unanswered.clear()
        return await self._ask(block, block.count)

    async def _read_twice(self, block: Block) -> Answer:
        before: tuple[int, ...] | None = None
        for _ in range(AGREEING_TRIES):
            answer = await self._ask(block, block.count)
            if answer.words == before:
                self._unanswered.clear()
                return answer
            before = answer.words
        await self._line.settle(self._latency_s)
        raise DriverError(Trouble.WRONG_ANSWER, f"after a timeout, {AGREEING_TRIES} answers and no two the same")

    def _forget(self) -> None:
        oldest_s = self._clock.monotonic_s() - FORGET_AFTER_LATENCIES * self._latency_s
        self._unanswered = {length: at_s for length, at_s in self._unanswered.items() if at_s >= oldest_s}

    async def _ask(self, block: Block, count: int) -> Answer:
        device = self._device
        try:
            return await self._line.ask(
                device.unit_id, block.table, block.start, count, device.timeout, self._latency_s
            )
        except DriverError as error:
            if self._line.is_serial and error.trouble in (Trouble.NO_ANSWER, Trouble.WRONG_ANSWER):
                self._unanswered[count] = self._clock.monotonic_s()
            raise

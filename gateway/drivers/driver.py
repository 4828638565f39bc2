"""The interface between the sampler and what reads a device."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.blocks import Block
from gateway.clock import Moment


class Trouble(StrEnum):
    """Why a device could not be read. The value is what is counted and shown."""

    NOT_CONNECTED = "not_connected"
    NO_ANSWER = "no_answer"
    WRONG_ANSWER = "wrong_answer"
    REFUSED = "refused"


class DriverError(Exception):
    """A block that could not be read, and why."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.detail = detail


@dataclass(frozen=True, slots=True)
class BlockAnswer:
    """What came of one block: its registers, or the error."""

    block: Block
    words: tuple[int, ...] | None
    error: DriverError | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """One scan of a device. `asked` and `answered` enclose the requests of those blocks that were answered."""

    asked: Moment
    answered: Moment
    blocks: tuple[BlockAnswer, ...]

    @property
    def any_answer(self) -> bool:
        """Whether the device is alive: it answered, if only to refuse."""
        return any(
            answer.words is not None or (answer.error is not None and answer.error.trouble is Trouble.REFUSED)
            for answer in self.blocks
        )


class Driver(Protocol):
    """Reads one device, each time all of its blocks. Devices on one line wait for each other inside."""

    async def poll(self) -> Poll:
        """Read all blocks once. What fails stands in the answer; takes no longer than `longest_s` once the line is free."""
        ...

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The requests of a scan."""
        ...

    @property
    def line(self) -> str:
        """What the device shares with others on the same line."""
        ...

    @property
    def dead_s(self) -> float:
        """How long the line is held by a try of a device that does not answer."""
        ...

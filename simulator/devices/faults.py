"""What can be wrong with an instrument's answer, and when."""

from collections import deque
from dataclasses import dataclass

from simulator.modbus.pdu import ExceptionCode


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer at all."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """No answer, and the connection is closed; on a serial line the same as Silent."""


@dataclass(frozen=True, slots=True)
class Late:
    """The right answer, so many seconds later."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class WrongUnit:
    """An answer that says it comes from the next unit."""


@dataclass(frozen=True, slots=True)
class Truncated:
    """The first bytes of the right answer, and nothing more."""

    bytes_kept: int = 5


@dataclass(frozen=True, slots=True)
class BadChecksum:
    """An answer whose checksum is wrong; on TCP, which has none, one of another transaction."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """A Modbus exception in place of an answer."""

    code: ExceptionCode = ExceptionCode.DEVICE_FAILURE


Fault = Silent | HangUp | Late | WrongUnit | Truncated | BadChecksum | Refuse


class Faults:
    """The faults that wait for one device's next requests, first come first served."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Fault, int | None]] = deque()

    def inject(self, fault: Fault, times: int | None = 1) -> None:
        """Spoil the next requests; None: every one until `clear`."""
        if times is None or times > 0:
            self._waiting.append((fault, times))

    def clear(self) -> None:
        """Be well again."""
        self._waiting.clear()

    def take(self) -> Fault | None:
        """What befalls the request that has just come in."""
        if not self._waiting:
            return None
        fault, times = self._waiting[0]
        if times is not None:
            self._waiting.popleft()
            if times > 1:
                self._waiting.appendleft((fault, times - 1))
        return fault

"""What a derived series is: from which series it comes, how their readings are paired in time, and by which method. Pure.

A derivation has one input that *drives* it: a derived point has the time of a reading of that input. The others are paired
with it: the nearest of their readings, or linear between two, and only within `max_age_ms`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from wire.flags import Flag


class Name(NamedTuple):
    """A series, as the stores call it."""

    quantity: str
    station: str
    sensor: str

    @property
    def reference(self) -> str:
        """As people write it."""
        return f"{self.station}/{self.sensor}"


class Pairing(StrEnum):
    """How a reading of an input is found for a time."""

    DRIVES = "drives"
    NEAREST = "nearest"
    LINEAR = "linear"
    RATE = "rate"
    """The change over the window that ends then, a second."""
    MEAN = "mean"
    """The mean over that window."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input. `close_ms`: a reading that near is as good as one at the time itself, none better is waited for."""

    role: str
    name: Name
    gateway: str = ""
    interval_s: float = 900.0
    pairing: Pairing = Pairing.DRIVES
    max_age_ms: int = 0
    close_ms: int = 0

    @property
    def is_windowed(self) -> bool:
        """Whether all readings of a window count, which `max_age_ms` is then."""
        return self.pairing in (Pairing.RATE, Pairing.MEAN)

    @property
    def wait_ms(self) -> int:
        """How long a reading of it is waited for."""
        return 2 * self.close_ms if self.is_windowed else self.max_age_ms


@dataclass(frozen=True, slots=True)
class Output:
    """One derived series. Values are rounded to so many `digits` after the point; `decimals` are for pages."""

    name: Name
    unit: str
    title: str
    decimals: int
    digits: int


Value = tuple[float | None, int]
"""A value and its flag; None where the flag is 4 (no answer) or 9 (an input is missing)."""
NOTHING: Value = (None, int(Flag.MISSING))
FAILED: Value = (None, int(Flag.FAIL))

Answer = Callable[[int, tuple[float, ...]], tuple[Value, ...]]
"""Time and the inputs' values in, one value for each output out."""
REMEMBERED = 4096
"""Answers a method keeps: levels come in millimetres, and the same ones come again."""


@dataclass(slots=True, eq=False)
class Method:
    """How values come about between two times (ms, the end not included).

    `answer` takes the time and the inputs' values, in the derivation's order and none of them missing, and gives one value
    for each output. With `steady` the time does not matter, and answers are remembered.
    """

    begin_ms: int
    end_ms: int
    title: str
    answer: Answer
    steady: bool = True
    known: dict[tuple[float, ...], tuple[Value, ...]] = field(default_factory=dict)

    def at(self, time_ms: int, values: tuple[float, ...]) -> tuple[Value, ...]:
        """The answer, remembered where it may be."""
        if not self.steady:
            return self.answer(time_ms, values)
        known = self.known.get(values)
        if known is None:
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            known = self.known[values] = self.answer(time_ms, values)
        return known


class Methods(Protocol):
    """The methods of a derivation by time."""

    def at(self, time_ms: int) -> Method | None:
        """The method in force at a time, None where there is none: then nothing is derived."""
        ...

    def parameters(self) -> list[dict[str, Any]]:
        """All methods with the time from which each holds and what it is made of, as JSON has it."""
        ...

    def explain(self, time_ms: int, values: tuple[float, ...]) -> list[str]:
        """What the method in force says of these inputs, in words."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Derivation:
    """Series that come of others. `inputs[0]` drives. `kind` is rating, storage, well, hydropower, release or inflow."""

    id: str
    kind: str
    station: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    methods: Methods
    step_ms: int = 0
    """Where it is not 0: one point in so much time, at the first reading of the driving input in it."""

    @property
    def driver(self) -> Input:
        """The input whose times the derived points have."""
        return self.inputs[0]

    def at(self, time_ms: int, read: Sequence[Value]) -> tuple[Value, ...] | None:
        """The outputs at a time from the inputs' values and flags; None where no method is in force.

        A missing input gives flag 9; a failed one (4) gives 4 and no value. Else the worst of the inputs' flags and of the
        method's own holds: a suspect level makes a suspect discharge, which is still shown.
        """
        method = self.methods.at(time_ms)
        if method is None:
            return None
        worst = 1
        values = []
        for value, flag in read:
            if value is None:
                return (FAILED if flag == 4 else NOTHING,) * len(self.outputs)
            if flag > worst:
                worst = flag
            values.append(value)
        if worst >= 4:
            return (FAILED,) * len(self.outputs)
        answers = method.at(time_ms, tuple(values))
        if worst == 1:
            return answers
        return tuple([(value, max(flag, worst)) for value, flag in answers])

    def column(
        self, times: Sequence[int], rows: Sequence[tuple[float, ...]], worst: Sequence[int]
    ) -> list[tuple[Value, ...] | None]:
        """The same for many times, where no value is missing: the inputs' values, and the worst of their flags."""
        out: list[tuple[Value, ...] | None] = []
        method: Method | None = None
        begin_ms = end_ms = 0
        known: dict[tuple[float, ...], tuple[Value, ...]] = {}
        for time_ms, values, flag in zip(times, rows, worst, strict=True):
            if not begin_ms <= time_ms < end_ms:
                method = self.methods.at(time_ms)
                begin_ms, end_ms, known = (method.begin_ms, method.end_ms, method.known) if method else (0, 0, {})
            if method is None:
                out.append(None)
            elif flag >= 4:
                out.append((FAILED,) * len(self.outputs))
            else:
                answers = known.get(values) or method.at(time_ms, values)
                out.append(answers if flag == 1 else tuple([(value, max(own, flag)) for value, own in answers]))
        return out


def rounded(value: float | None, flag: int, digits: int) -> Value:
    """A method's answer as it is stored."""
    return (None if value is None else round(value, digits), flag)

"""The limits of a series' tests, frozen, with a version that changes when a limit does.

Limits stand between the steps of a sensor's resolution (.1005, not .1; a flat tolerance of 1.01 resolutions), since
binary rounding decides at the step itself.
"""

from dataclasses import dataclass
from hashlib import sha256
from math import isfinite

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Season:
    """Climatology of the months `first` to `last` (inclusive, may wrap the year): outside `suspect` 3, outside `fail` 4."""

    first: int
    last: int
    suspect: Span
    fail: Span | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.first <= 12 and 1 <= self.last <= 12):
            raise ValueError("a season's months are 1 to 12")

    def holds(self, month: int) -> bool:
        """Whether the month is in the season."""
        if self.first <= self.last:
            return self.first <= month <= self.last
        return month >= self.first or month <= self.last


@dataclass(frozen=True, slots=True)
class Spike:
    """Spike limits in the value's unit; the reading is judged when the next one is there, and is 2 until then.

    With `differential` the smaller of the two steps when they turn (flags the spike alone). Otherwise QARTOD's manual: the
    distance from the mean of the two neighbours, which flags the neighbours of a spike too.
    """

    suspect: float
    fail: float
    differential: bool = True


@dataclass(frozen=True, slots=True)
class Flat:
    """Flat line by duration: all readings of the last `suspect_s` (`fail_s`) seconds within `tolerance` of each other."""

    tolerance: float
    suspect_s: float
    fail_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class Attenuated:
    """Too little movement in (t - window_s, t]: range (or population SD) below `suspect` 3, below `fail` 4.

    Not evaluated with fewer than `min_readings` values in the window.
    """

    window_s: float
    suspect: float
    fail: float
    min_readings: int
    standard_deviation: bool = False


@dataclass(frozen=True, slots=True)
class Moves:
    """The multivariate test: a step right after a companion (a gate, an upstream level) moved is explained by it.

    A companion has moved when two of its consecutive readings differ by more than `threshold`; it explains a rate alarm
    for `settle_s` seconds.
    """

    threshold: float
    settle_s: float


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Distance from a neighbour's last reading (no older than `max_age_s`) plus `offset`: above the limits 3 and 4."""

    suspect: float
    fail: float
    max_age_s: float
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter with `modulus` states that goes at most `max_per_s`: a reset or a faster step is 3, a rollover is not."""

    modulus: float
    max_per_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class Rules:
    """The tests of one series; a part that is None (or empty) is not evaluated.

    `fail_span` is the sensor's span, `suspect_span` the operator's. `rate_per_s` in the value's unit a second, flag 3 only.
    `zone` is the IANA time zone of the seasons. `future_s` is how far a clock may run ahead.
    """

    gap_s: float | None = None
    fail_span: Span | None = None
    suspect_span: Span | None = None
    seasons: tuple[Season, ...] = ()
    zone: str = "UTC"
    spike: Spike | None = None
    rate_per_s: float | None = None
    flat: Flat | None = None
    attenuated: Attenuated | None = None
    moves: Moves | None = None
    neighbour: Neighbour | None = None
    counter: Counter | None = None
    future_s: float = 300.0

    def __post_init__(self) -> None:
        spans = [self.fail_span, self.suspect_span]
        spans += [span for season in self.seasons for span in (season.suspect, season.fail)]
        if any(span is not None and not span[0] <= span[1] for span in spans):
            raise ValueError("a span's low end must not be above its high end")
        if self.flat is not None and (self.flat.tolerance < 0 or not 0 < self.flat.suspect_s <= self.flat.fail_s):
            raise ValueError(
                "flat: tolerance must not be negative, and suspect_s must be positive and not above fail_s"
            )
        if self.spike is not None and not 0 < self.spike.suspect <= self.spike.fail:
            raise ValueError("spike: suspect must be positive and not above fail")
        if self.attenuated is not None and not self.attenuated.fail <= self.attenuated.suspect:
            raise ValueError("attenuated: fail must not be above suspect")
        if self.attenuated is not None and (self.attenuated.window_s <= 0 or self.attenuated.min_readings < 2):
            raise ValueError("attenuated: the window must be positive and need at least two readings")
        if self.rate_per_s is not None and self.rate_per_s <= 0:
            raise ValueError("rate_per_s must be positive")
        if self.moves is not None and self.rate_per_s is None:
            raise ValueError("moves explain a rate alarm: give rate_per_s too")

    @property
    def history_s(self) -> float:
        """How many seconds of readings before a reading decide its flags: what a restart must read back at least."""
        windows = [0.0]
        if self.flat is not None:
            windows.append(self.flat.fail_s if isfinite(self.flat.fail_s) else self.flat.suspect_s)
        if self.attenuated is not None:
            windows.append(self.attenuated.window_s)
        return max(windows)

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that change with any limit."""
        return sha256(repr(self).encode()).hexdigest()[:12]

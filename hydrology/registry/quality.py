"""The quality tests of a sensor as the registry writes them, and as the engine takes them."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from hydrology.quality import rules
from hydrology.registry.base import Duration, NotNegative, Number, Positive, Span, Table
from hydrology.sensors import loop_spans
from wire.names import Id

HOUR_S = 3600.0
FLAT_STEPS = 1.01
"""A flat line is within this many resolutions, unless a tolerance is given: see `hydrology.quality.rules`."""

Month = Annotated[int, Field(ge=1, le=12)]


class Spike(Table):
    """Spike limits in the sensor's unit."""

    suspect: Positive
    fail: Positive
    differential: bool = True


class Flat(Table):
    """How long a value may stand still. `tolerance` in the sensor's unit; without it 1.01 times the resolution."""

    suspect: Duration
    fail: Duration | None = None
    tolerance: NotNegative | None = None


class Season(Table):
    """Climatology: the range of the months from the first to the last (the year's end may lie between)."""

    months: tuple[Month, Month]
    range: Span
    fail: Span | None = None


class Attenuated(Table):
    """Too little movement in a window: the range (or the standard deviation) below these limits."""

    window: Duration
    suspect: NotNegative
    fail: NotNegative
    min_readings: Annotated[int, Field(ge=2)] = 6
    standard_deviation: bool = False


class Moves(Table):
    """Sensors of the same station (a gate, an upstream level) whose move explains a quick change."""

    sensors: Annotated[tuple[Id, ...], Field(min_length=1)]
    threshold: NotNegative
    settle: Duration


class Neighbour(Table):
    """A sensor elsewhere that should show nearly the same, after `offset` is added to it."""

    station: Id
    sensor: Id
    suspect: Positive
    fail: Positive
    max_age: Duration = HOUR_S
    offset: Number = 0.0


class Counter(Table):
    """A counter with `modulus` states, going at most so fast."""

    modulus: Positive
    max_per_hour: Positive | None = None


class Quality(Table):
    """The tests of one sensor; a test that is not named is not run. `range` is the operator's, inside the sensor's span.

    `loop` is what 4 and 20 mA stand for: the limits of NAMUR NE 43 then bound both ranges (`hydrology.sensors.current_loop`).
    """

    range: Span | None = None
    gap: Duration | None = None
    rate_per_hour: Positive | None = None
    spike: Spike | None = None
    flat: Flat | None = None
    seasons: tuple[Season, ...] = ()
    attenuated: Attenuated | None = None
    moves: Moves | None = None
    neighbour: Neighbour | None = None
    counter: Counter | None = None
    loop: Span | None = None

    @model_validator(mode="after")
    def _usable(self) -> Self:
        to_rules(self, None, 0.001, "UTC")  # its ValueError says what does not fit
        return self


_NO_QUALITY = Quality.model_construct()


def to_rules(quality: Quality | None, span: Span | None, resolution: float | None, zone: str) -> rules.Rules:
    """The engine's rules of a sensor. `zone` is the time zone of the seasons. Raises ValueError for limits that clash."""
    given = quality or _NO_QUALITY
    flat = None
    if given.flat is not None:
        tolerance = given.flat.tolerance
        if tolerance is None:
            tolerance = FLAT_STEPS * (resolution or 0.0)
        flat = rules.Flat(tolerance, given.flat.suspect, given.flat.fail or float("inf"))
    spike, wide, moves, near, counter = given.spike, given.attenuated, given.moves, given.neighbour, given.counter
    still = None
    if wide is not None:
        still = rules.Attenuated(wide.window, wide.suspect, wide.fail, wide.min_readings, wide.standard_deviation)
    states = None
    if counter is not None:
        fastest = float("inf") if counter.max_per_hour is None else counter.max_per_hour / HOUR_S
        states = rules.Counter(counter.modulus, fastest)
    usual = given.range
    if given.loop is not None:
        works, valid = loop_spans(*given.loop)
        span, usual = within(span, works), within(usual, valid)
    return rules.Rules(
        gap_s=given.gap,
        fail_span=span,
        suspect_span=usual,
        seasons=tuple(rules.Season(*one.months, one.range, one.fail) for one in given.seasons),
        zone=zone,
        spike=None if spike is None else rules.Spike(spike.suspect, spike.fail, spike.differential),
        rate_per_s=None if given.rate_per_hour is None else given.rate_per_hour / HOUR_S,
        flat=flat,
        attenuated=still,
        moves=None if moves is None else rules.Moves(moves.threshold, moves.settle),
        neighbour=None if near is None else rules.Neighbour(near.suspect, near.fail, near.max_age, near.offset),
        counter=states,
    )


def within(span: rules.Span | None, limits: rules.Span) -> rules.Span:
    """What both allow. Raises ValueError where that is nothing."""
    if span is None:
        return limits
    low, high = max(span[0], limits[0]), min(span[1], limits[1])
    if low > high:
        raise ValueError(f"{list(span)} lies outside what the current loop can say, {limits[0]:g} to {limits[1]:g}")
    return low, high

"""What all of the registry's tables share: frozen, no unknown key; durations, spans, dates from which something holds."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from hydrology.accounting.periods import local_time
from settings.load import parse_duration_s

_parsed = lru_cache(maxsize=1024)(parse_duration_s)


def _duration(value: Any) -> Any:
    return _parsed(value) if isinstance(value, str) else value


Duration = Annotated[float, BeforeValidator(_duration), Field(gt=0)]
"""Seconds, written as a number or as "15min"."""


def _rising(span: tuple[float, float]) -> tuple[float, float]:
    if not span[0] < span[1]:
        raise ValueError("write the low end first, then the high one")
    return span


Span = Annotated[tuple[float, float], AfterValidator(_rising)]
"""A low and a high end."""


# Strict: `true` and "1.5" are no numbers.
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0, strict=True)]
NotNegative = Annotated[float, Field(allow_inf_nan=False, ge=0, strict=True)]


def _effective(value: Any) -> date | datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time needs its offset, as in 2026-04-01T00:00:00+05:00; a date alone is local midnight")
        return value.astimezone(UTC)
    if isinstance(value, date):
        return value
    raise ValueError("write a date, as in 2026-04-01, or a time with its offset, as in 2026-04-01T00:00:00+05:00")


def _iso(effective: date | datetime) -> str:
    return effective.isoformat()


Effective = Annotated[date | datetime, PlainValidator(_effective), PlainSerializer(_iso, when_used="json")]
"""From when something holds: a date (its local midnight) or an aware time."""


def moment(effective: date | datetime, zone: str) -> datetime:
    """The UTC time at which an `Effective` begins in a time zone."""
    return effective if isinstance(effective, datetime) else local_time(effective, zone)


SAME_MOST = 4_096
"""Tables remembered of each kind; then the memory of them is emptied."""


def same() -> WrapValidator:
    """Equal tables of this kind become one object: a fleet has one set of tests for thousands of sensors."""
    known: dict[str, Any] = {}

    def once(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        if type(value) is not dict:
            return validate(value)
        written = repr(value)
        found = known.get(written)
        if found is None:
            found = validate(value)
            if len(known) >= SAME_MOST:
                known.clear()
            known[written] = found
        return found

    return WrapValidator(once)


_KEYS: dict[frozenset[str], set[str]] = {}


class Table(BaseModel):
    """A table of the registry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def model_post_init(self, context: Any, /) -> None:
        """Share the set of keys that were given with the tables that have the same: a third of a registry's memory."""
        given = self.__pydantic_fields_set__
        object.__setattr__(self, "__pydantic_fields_set__", _KEYS.setdefault(frozenset(given), given))

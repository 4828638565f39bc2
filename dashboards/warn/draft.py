"""From what a gauge shows to a draft of a warning in three languages. Unknown gauges and quiet ones give none. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dashboards.warn.gauge import GaugeState
from hydrology.cap import Alert, Area, Point, Reference
from hydrology.cap_draft import Situation, draft_flood
from hydrology.cap_words import LANGUAGES, QUANTITIES
from hydrology.warnings import Condition, LevelName, Threshold, TimeToThreshold
from wire.flags import Flag


class NothingToWarnError(ValueError):
    """There is no ground for a warning, or nothing is known; the message says which."""


@dataclass(frozen=True, slots=True)
class Place:
    """How the place is named, by language tag, and the area that is meant."""

    names: Mapping[str, str]
    polygon: tuple[Point, ...] = ()
    centre: Point | None = None
    radius_km: float = 5.0

    def area(self, language: str) -> Area:
        """The area in a language: the polygon, else a circle round the gauge, else its name alone."""
        circles = ((self.centre, self.radius_km),) if self.centre is not None and not self.polygon else ()
        return Area(self.names[language], (self.polygon,) if self.polygon else (), circles)


def threshold_to_name(state: GaugeState, wanted: LevelName | None = None) -> Threshold:
    """The threshold that a warning is about: asked for, else the highest raised, else the next by the trend.

    Raises NothingToWarnError.
    """
    gauge, status = state.gauge, state.status
    here = f"{gauge.station.id}/{gauge.sensor.id}"
    if status.condition is Condition.UNKNOWN:
        since = (
            "it has no usable reading" if state.age_s is None else f"its last usable reading is {_ago(state.age_s)} old"
        )
        raise NothingToWarnError(
            f"{here} is unknown, which is not safe: {since}. Look at the gauge; nothing is drafted."
        )
    known = {one.name: one for one in gauge.thresholds}
    if wanted is not None:
        if wanted not in known:
            raise NothingToWarnError(f"{here} has no threshold {wanted!r}; it has {', '.join(known)}")
        return known[wanted]
    if status.level is not None:
        return known[status.level]
    if state.ahead is not None and state.ahead.hours is not None and state.next is not None:
        return state.next
    raise NothingToWarnError(
        f"{here} is below its thresholds, and its trend reaches none within a day: name one with --threshold to draft "
        "all the same"
    )


def draft_warning(
    state: GaugeState,
    place: Place,
    *,
    sender: str,
    zone: str,
    now: datetime,
    wanted: LevelName | None = None,
    updates: Reference | None = None,
) -> Alert:
    """The draft; its status is Draft, whatever the water does. Raises NothingToWarnError."""
    threshold = threshold_to_name(state, wanted)
    if state.gauge.sensor.quantity not in QUANTITIES:
        raise NothingToWarnError(
            f"{state.gauge.station.id}/{state.gauge.sensor.id} measures {state.gauge.sensor.quantity}, and a warning for the "
            f"public is of one of {', '.join(QUANTITIES)}"
        )
    assert state.value is not None
    assert state.status.last_ms is not None
    local = ZoneInfo(zone)
    ahead = state.ahead if threshold == state.next else None
    falls = state.trend is not None and state.trend.falls
    rises = state.trend is not None and state.trend.rises
    situation = Situation(
        place=place.names,
        value=state.value,
        threshold=threshold.name,
        threshold_value=threshold.level_m,
        observed_at=datetime.fromtimestamp(state.status.last_ms / 1000, tz=UTC)
        .astimezone(local)
        .replace(microsecond=0),
        quantity=state.gauge.sensor.quantity,
        change_24h=state.change_24h,
        per_h=state.trend.slope_per_h if state.trend is not None and (falls or rises) else 0.0,
        trend=ahead,
        suspect=state.flag is Flag.SUSPECT,
    )
    sent = now.astimezone(local).replace(microsecond=0)
    alert = draft_flood(
        situation,
        identifier=f"aryk-{state.gauge.station.id}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        sender=sender,
        sent=sent,
        areas={language: (place.area(language),) for language in LANGUAGES},
        updates=updates,
    )
    spread = () if ahead is None else _trend_parameters(ahead)
    return replace(alert, infos=tuple(replace(one, parameters=(*one.parameters, *spread)) for one in alert.infos))


def _trend_parameters(ahead: TimeToThreshold) -> tuple[tuple[str, str], ...]:
    """The trend with its spread, as numbers beside the text; what is not reached within a day is left out."""
    named = (("trend_hours", ahead.hours), ("trend_earliest_h", ahead.earliest_h), ("trend_latest_h", ahead.latest_h))
    return (*((name, f"{hours:.1f}") for name, hours in named if hours is not None), ("trend_label", ahead.label))


def _ago(age_s: float) -> str:
    return (
        f"{age_s / 60:.0f} min"
        if age_s < 7200
        else f"{age_s / 3600:.0f} h"
        if age_s < 172_800
        else f"{age_s / 86_400:.0f} d"
    )

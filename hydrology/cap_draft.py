"""The flood draft in Kazakh, Russian and English: what the gauge shows, in the words that officials quote.

Centimetres above the gauge's zero, distance to the threshold, change in 24 hours, and the trend, labelled as one; a water
that falls is not said to rise. A person must read, mend and sign it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hydrology.cap import Alert, Area, Certainty, Info, MsgType, Reference, Severity, Urgency
from hydrology.cap_words import DECIMAL, HIGH, LANGUAGES, NAMES, RISING, TEXTS, UNITS, WHAT
from hydrology.warnings.shown import Shown, shown
from hydrology.warnings.thresholds import LevelName
from hydrology.warnings.trend import TimeToThreshold

SEVERITY = {
    LevelName.ACTION: Severity.MINOR,
    LevelName.MINOR: Severity.MODERATE,
    LevelName.MODERATE: Severity.SEVERE,
    LevelName.MAJOR: Severity.EXTREME,
    LevelName.ADVERSE: Severity.MODERATE,
    LevelName.DANGEROUS: Severity.EXTREME,
}
"""Our reading of CAP's classes; an authority may set others."""
VALID_FOR = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a gauge shows. `place` by language tag; values as they are stored. `per_h` is the trend's slope, 0 where it is not
    clear that it rises or falls."""

    place: Mapping[str, str]
    value: float
    threshold: LevelName
    threshold_value: float
    observed_at: datetime
    quantity: str = "level"
    change_24h: float | None = None
    per_h: float = 0.0
    trend: TimeToThreshold | None = None
    suspect: bool = False

    @property
    def reached(self) -> bool:
        """Whether the last reading is at or above the threshold."""
        return self.value >= self.threshold_value

    @property
    def shown(self) -> Shown:
        """How its values are written."""
        return shown(self.quantity, "mm", 1)


def describe(situation: Situation, language: str) -> tuple[str, str]:
    """Headline and description in a language. Raises KeyError for one that we do not write."""
    texts, name, number = TEXTS[language], NAMES[language][situation.threshold], situation.shown.number
    value, threshold = number(situation.value), number(situation.threshold_value)
    distance = abs(float(value) - float(threshold))  # of what the text says, so that it adds up

    def local(text: str) -> str:
        return text.replace(".", DECIMAL[language])

    values = {
        "place": situation.place[language],
        "what": WHAT[language][situation.quantity],
        "unit": UNITS[language][situation.quantity],
        "name": name,
        "value": local(value),
        "threshold": local(threshold),
        "distance": local(f"{distance:.{situation.shown.decimals}f}"),
        "change": local(number(situation.change_24h, sign=True)),
        "rate": local(number(abs(situation.per_h))),
        "time": situation.observed_at.strftime("%d.%m.%Y %H:%M"),
    }
    parts = ["level" if situation.quantity == "level" else "other", "above" if situation.reached else "below"]
    if situation.change_24h is not None:
        parts.append("change")
    if situation.per_h < 0 and float(number(situation.per_h)) != 0:
        parts.append("falling")
    said = (texts[part].format(**values) for part in parts)
    text = "".join(one[:1].upper() + one[1:] for one in said)
    if not situation.reached and situation.trend is not None and situation.trend.hours is not None:
        text += texts["trend"].format(hours=situation.trend.hours)
    if situation.suspect:
        text += texts["suspect"]
    return texts["headline"].format(**values), text.strip()


def event(situation: Situation, language: str) -> str:
    """What the warning is of: a rise only where the trend rises."""
    high = HIGH[language][situation.quantity]
    return RISING[language].get(situation.quantity, high) if situation.per_h > 0 else high


def _parameters(situation: Situation) -> tuple[tuple[str, str], ...]:
    value, threshold = (situation.shown.number(one) for one in (situation.value, situation.threshold_value))
    if situation.quantity == "level":
        return (("level_cm", value), ("threshold_cm", threshold), ("threshold", str(situation.threshold)))
    return (
        ("quantity", situation.quantity),
        ("value", value),
        ("threshold_value", threshold),
        ("unit", situation.shown.unit),
        ("threshold", str(situation.threshold)),
    )


def draft_flood(
    situation: Situation,
    *,
    identifier: str,
    sender: str,
    sent: datetime,
    areas: Mapping[str, tuple[Area, ...]],
    expires: datetime | None = None,
    updates: Reference | None = None,
) -> Alert:
    """A draft with one info for each language; `areas` by language tag. Times carry the zone they are to be shown in."""
    reached = situation.reached
    ahead = Urgency.FUTURE if situation.per_h < 0 else Urgency.EXPECTED
    infos = []
    for language in LANGUAGES:
        headline, description = describe(situation, language)
        infos.append(
            Info(
                language=language,
                event=event(situation, language),
                headline=headline,
                description=description,
                instruction=TEXTS[language]["instruction"],
                urgency=Urgency.IMMEDIATE if reached else ahead,
                severity=SEVERITY[situation.threshold],
                certainty=Certainty.OBSERVED if reached else Certainty.POSSIBLE,
                areas=areas[language],
                expires=expires if expires is not None else sent + VALID_FOR,
                onset=situation.observed_at if reached else None,
                parameters=_parameters(situation),
            )
        )
    return Alert(
        identifier,
        sender,
        sent,
        tuple(infos),
        msg_type=MsgType.ALERT if updates is None else MsgType.UPDATE,
        references=() if updates is None else (updates,),
    )

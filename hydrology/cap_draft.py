"""The flood draft in Kazakh, Russian and English: what the gauge shows, in the words that officials quote.

Centimetres above the gauge's zero, distance to the threshold, change in 24 hours, and the trend, labelled as one. A
person must read, mend and sign it; the texts want a native reader's eye before the first real warning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hydrology.cap import Alert, Area, Certainty, Info, MsgType, Reference, Severity, Urgency
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
LANGUAGES = ("kk-KZ", "ru-RU", "en-US")


@dataclass(frozen=True, slots=True)
class Situation:
    """What a gauge shows. `place` and `water` by language tag; levels in cm above gauge zero."""

    place: Mapping[str, str]
    level_cm: int
    threshold: LevelName
    threshold_cm: int
    observed_at: datetime
    change_24h_cm: int | None = None
    trend: TimeToThreshold | None = None
    suspect: bool = False


_NAMES: dict[str, dict[LevelName, str]] = {
    "kk-KZ": {
        LevelName.ACTION: "дайындық деңгейі",
        LevelName.MINOR: "бірінші қауіп деңгейі",
        LevelName.MODERATE: "екінші қауіп деңгейі",
        LevelName.MAJOR: "үшінші қауіп деңгейі",
        LevelName.ADVERSE: "қолайсыз құбылыс деңгейі (ҚҚ)",
        LevelName.DANGEROUS: "қауіпті құбылыс деңгейі (ҚҚҚ)",
    },
    "ru-RU": {
        LevelName.ACTION: "уровень готовности",
        LevelName.MINOR: "первый уровень опасности",
        LevelName.MODERATE: "второй уровень опасности",
        LevelName.MAJOR: "третий уровень опасности",
        LevelName.ADVERSE: "уровень неблагоприятного явления (НЯ)",
        LevelName.DANGEROUS: "уровень опасного явления (ОЯ)",
    },
    "en-US": {
        LevelName.ACTION: "action level",
        LevelName.MINOR: "minor flood level",
        LevelName.MODERATE: "moderate flood level",
        LevelName.MAJOR: "major flood level",
        LevelName.ADVERSE: "adverse level (НЯ)",
        LevelName.DANGEROUS: "dangerous level (ОЯ)",
    },
}

_TEXTS: dict[str, dict[str, str]] = {
    "kk-KZ": {
        "event": "Су деңгейінің көтерілуі",
        "headline": "{place}: су деңгейі {level} см, {name} {threshold} см",
        "level": "{time} жағдай бойынша су деңгейі бекет нөлінен {level} см. ",
        "above": "Бұл {name} ({threshold} см) мәнінен {distance} см жоғары. ",
        "below": "{name} ({threshold} см) мәніне дейін {distance} см қалды. ",
        "change": "Тәуліктік өзгеріс: {change:+d} см. ",
        "trend": "Соңғы сағаттардағы үрдіс сақталса, бұл деңгейге шамамен {hours:.0f} сағатта жетеді; бұл болжам емес. ",
        "suspect": "Өлшеу сапасы күмәнді, тексерілуде. ",
        "instruction": "Жергілікті билік пен төтенше жағдайлар қызметінің хабарламаларын қадағалаңыз.",
    },
    "ru-RU": {
        "event": "Подъём уровня воды",
        "headline": "{place}: уровень воды {level} см, {name} {threshold} см",
        "level": "По состоянию на {time} уровень воды {level} см над нулём поста. ",
        "above": "Это на {distance} см выше отметки «{name}» ({threshold} см). ",
        "below": "До отметки «{name}» ({threshold} см) осталось {distance} см. ",
        "change": "Изменение за сутки: {change:+d} см. ",
        "trend": "Если тенденция последних часов сохранится, отметка будет достигнута примерно через {hours:.0f} ч; "
        "это не прогноз. ",
        "suspect": "Качество измерения сомнительно, идёт проверка. ",
        "instruction": "Следите за сообщениями местных властей и службы чрезвычайных ситуаций.",
    },
    "en-US": {
        "event": "Rising water level",
        "headline": "{place}: water level {level} cm, {name} {threshold} cm",
        "level": "At {time} the water level was {level} cm above gauge zero. ",
        "above": "That is {distance} cm above the {name} ({threshold} cm). ",
        "below": "It is {distance} cm below the {name} ({threshold} cm). ",
        "change": "Change in 24 hours: {change:+d} cm. ",
        "trend": "If the trend of the last hours persists, it is reached in about {hours:.0f} h; this is not a forecast. ",
        "suspect": "The quality of the measurement is in doubt and is being checked. ",
        "instruction": "Follow the messages of local authorities and the emergency service.",
    },
}


def describe(situation: Situation, language: str) -> tuple[str, str]:
    """Headline and description in a language. Raises KeyError for one that we do not write."""
    texts, name = _TEXTS[language], _NAMES[language][situation.threshold]
    distance = situation.level_cm - situation.threshold_cm
    values = {
        "place": situation.place[language],
        "name": name,
        "level": situation.level_cm,
        "threshold": situation.threshold_cm,
        "distance": abs(distance),
        "time": situation.observed_at.strftime("%d.%m.%Y %H:%M"),
    }
    parts = [texts["level"], texts["above" if distance >= 0 else "below"]]
    text = "".join(part.format(**values) for part in parts)
    if situation.change_24h_cm is not None:
        text += texts["change"].format(change=situation.change_24h_cm)
    if distance < 0 and situation.trend is not None and situation.trend.hours is not None:
        text += texts["trend"].format(hours=situation.trend.hours)
    if situation.suspect:
        text += texts["suspect"]
    return texts["headline"].format(**values), text.strip()


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
    reached = situation.level_cm >= situation.threshold_cm
    infos = []
    for language in LANGUAGES:
        headline, description = describe(situation, language)
        infos.append(
            Info(
                language=language,
                event=_TEXTS[language]["event"],
                headline=headline,
                description=description,
                instruction=_TEXTS[language]["instruction"],
                urgency=Urgency.IMMEDIATE if reached else Urgency.EXPECTED,
                severity=SEVERITY[situation.threshold],
                certainty=Certainty.OBSERVED if reached else Certainty.POSSIBLE,
                areas=areas[language],
                expires=expires if expires is not None else sent + VALID_FOR,
                onset=situation.observed_at if reached else None,
                parameters=(
                    ("level_cm", str(situation.level_cm)),
                    ("threshold_cm", str(situation.threshold_cm)),
                    ("threshold", str(situation.threshold)),
                ),
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

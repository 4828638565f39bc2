"""The words of warnings in Kazakh, Russian and English. They want a native reader's eye before the first real warning."""

from hydrology.warnings.thresholds import LevelName

LANGUAGES = ("kk-KZ", "ru-RU", "en-US")
DECIMAL = {"kk-KZ": ",", "ru-RU": ",", "en-US": "."}
"""The sign before the decimals."""
QUANTITIES = ("level", "elevation", "discharge", "volume", "rain")
"""What a warning for the public can be of."""

NAMES: dict[str, dict[LevelName, str]] = {
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

WHAT: dict[str, dict[str, str]] = {
    "kk-KZ": {
        "level": "су деңгейі",
        "elevation": "су деңгейінің белгісі",
        "discharge": "су шығыны",
        "volume": "су қоймасындағы көлем",
        "rain": "өлшеу аралығындағы жауын-шашын",
    },
    "ru-RU": {
        "level": "уровень воды",
        "elevation": "отметка уровня воды",
        "discharge": "расход воды",
        "volume": "объём воды в водохранилище",
        "rain": "осадки за интервал измерения",
    },
    "en-US": {
        "level": "water level",
        "elevation": "water elevation",
        "discharge": "discharge",
        "volume": "stored volume",
        "rain": "rain in the interval of measurement",
    },
}
UNITS: dict[str, dict[str, str]] = {
    "kk-KZ": {"level": "см", "elevation": "м", "discharge": "м³/с", "volume": "млн м³", "rain": "мм"},
    "ru-RU": {"level": "см", "elevation": "м", "discharge": "м³/с", "volume": "млн м³", "rain": "мм"},
    "en-US": {"level": "cm", "elevation": "m", "discharge": "m³/s", "volume": "mln m³", "rain": "mm"},
}
RISING: dict[str, dict[str, str]] = {
    "kk-KZ": {
        "level": "Су деңгейінің көтерілуі",
        "elevation": "Су деңгейінің көтерілуі",
        "discharge": "Су шығынының артуы",
        "volume": "Су қоймасының толуы",
    },
    "ru-RU": {
        "level": "Подъём уровня воды",
        "elevation": "Подъём уровня воды",
        "discharge": "Рост расхода воды",
        "volume": "Наполнение водохранилища",
    },
    "en-US": {
        "level": "Rising water level",
        "elevation": "Rising water level",
        "discharge": "Rising discharge",
        "volume": "Filling reservoir",
    },
}
"""The event while the trend rises."""
HIGH: dict[str, dict[str, str]] = {
    "kk-KZ": {
        "level": "Су деңгейінің жоғары болуы",
        "elevation": "Су деңгейінің жоғары болуы",
        "discharge": "Су шығынының көп болуы",
        "volume": "Су қоймасының жоғары толуы",
        "rain": "Қатты жауын",
    },
    "ru-RU": {
        "level": "Высокий уровень воды",
        "elevation": "Высокий уровень воды",
        "discharge": "Большой расход воды",
        "volume": "Высокое наполнение водохранилища",
        "rain": "Сильный дождь",
    },
    "en-US": {
        "level": "High water level",
        "elevation": "High water level",
        "discharge": "High discharge",
        "volume": "High reservoir storage",
        "rain": "Heavy rain",
    },
}
"""The event while it falls or stands, or nobody knows."""
TEXTS: dict[str, dict[str, str]] = {
    "kk-KZ": {
        "headline": "{place}: {what} {value} {unit}, {name} {threshold} {unit}",
        "level": "{time} жағдай бойынша су деңгейі бекет нөлінен {value} {unit}. ",
        "other": "{time} жағдай бойынша {what} {value} {unit}. ",
        "above": "Бұл {name} ({threshold} {unit}) мәнінен {distance} {unit} жоғары. ",
        "below": "{name} ({threshold} {unit}) мәніне дейін {distance} {unit} қалды. ",
        "change": "Тәуліктік өзгеріс: {change} {unit}. ",
        "falling": "Соңғы сағаттарда {what} сағатына шамамен {rate} {unit} төмендеп келеді; бұл болжам емес. ",
        "trend": "Соңғы сағаттардағы үрдіс сақталса, бұл деңгейге шамамен {hours:.0f} сағатта жетеді; бұл болжам емес. ",
        "suspect": "Өлшеу сапасы күмәнді, тексерілуде. ",
        "instruction": "Жергілікті билік пен төтенше жағдайлар қызметінің хабарламаларын қадағалаңыз.",
    },
    "ru-RU": {
        "headline": "{place}: {what} {value} {unit}, {name} {threshold} {unit}",
        "level": "По состоянию на {time} уровень воды {value} {unit} над нулём поста. ",
        "other": "По состоянию на {time} {what} {value} {unit}. ",
        "above": "Это на {distance} {unit} выше отметки «{name}» ({threshold} {unit}). ",
        "below": "До отметки «{name}» ({threshold} {unit}) осталось {distance} {unit}. ",
        "change": "Изменение за сутки: {change} {unit}. ",
        "falling": "За последние часы спад: {what} снижается примерно на {rate} {unit} в час; это не прогноз. ",
        "trend": "Если тенденция последних часов сохранится, отметка будет достигнута примерно через {hours:.0f} ч; "
        "это не прогноз. ",
        "suspect": "Качество измерения сомнительно, идёт проверка. ",
        "instruction": "Следите за сообщениями местных властей и службы чрезвычайных ситуаций.",
    },
    "en-US": {
        "headline": "{place}: {what} {value} {unit}, {name} {threshold} {unit}",
        "level": "At {time} the water level was {value} {unit} above gauge zero. ",
        "other": "At {time} the {what} was {value} {unit}. ",
        "above": "That is {distance} {unit} above the {name} ({threshold} {unit}). ",
        "below": "It is {distance} {unit} below the {name} ({threshold} {unit}). ",
        "change": "Change in 24 hours: {change} {unit}. ",
        "falling": "Over the last hours the {what} has been falling by about {rate} {unit} an hour; this is not a forecast. ",
        "trend": "If the trend of the last hours persists, it is reached in about {hours:.0f} h; this is not a forecast. ",
        "suspect": "The quality of the measurement is in doubt and is being checked. ",
        "instruction": "Follow the messages of local authorities and the emergency service.",
    },
}

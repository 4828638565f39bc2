"""How spreadsheets here name columns and say values in Russian, and what the registry calls them. Pure."""

import re

COLUMNS_RU: dict[str, tuple[str, ...]] = {
    "station": ("станция", "пост", "гидропост", "код_поста", "код_станции", "код"),
    "name": ("название", "наименование", "название_поста", "название_станции"),
    "district": ("район", "участок", "управление", "филиал"),
    "kind": ("вид", "тип", "тип_поста", "вид_поста"),
    "river_or_canal": ("водоток", "водный_объект", "река", "канал", "река_или_канал"),
    "km": ("км", "пикет", "расстояние"),
    "latitude": ("широта",),
    "longitude": ("долгота",),
    "gauge_zero_m": ("нуль_поста", "ноль_поста", "отметка_нуля", "отметка_нуля_поста", "нуль_графика"),
    "height_system": ("система_высот", "система"),
    "note": ("примечание", "заметка"),
    "sensor": ("датчик", "код_датчика"),
    "gateway": ("шлюз", "контроллер"),
    "quantity": ("величина", "параметр", "показатель"),
    "interval": ("интервал", "период", "частота"),
    "title": ("подпись", "название_датчика"),
    "decimals": ("знаков", "знаков_после_запятой"),
    "span_low": ("диапазон_от", "нижний_предел"),
    "span_high": ("диапазон_до", "верхний_предел"),
    "resolution": ("разрешение", "шаг"),
    "low": ("низкий", "нижний_порог"),
    "action": ("внимание",),
    "minor": ("слабое",),
    "moderate": ("умеренное",),
    "major": ("сильное",),
    "adverse": ("ня", "неблагоприятное"),
    "dangerous": ("оя", "опасное"),
}
"""Other names of the registry's columns; spaces and what stands behind a comma or in brackets do not matter."""

KINDS_RU = {
    "канал": "canal_gauge",
    "канальный": "canal_gauge",
    "канальный пост": "canal_gauge",
    "пост на канале": "canal_gauge",
    "река": "river_gauge",
    "речной": "river_gauge",
    "речной пост": "river_gauge",
    "пост на реке": "river_gauge",
    "водохранилище": "reservoir",
    "скважина": "well",
    "гэс": "hydropower",
    "мгэс": "hydropower",
    "осадки": "rain",
}
QUANTITIES_RU = {
    "уровень": "level",
    "уровень воды": "level",
    "отметка": "elevation",
    "расход": "discharge",
    "расход воды": "discharge",
    "объём": "volume",
    "объем": "volume",
    "скорость": "velocity",
    "открытие": "gate_opening",
    "открытие затвора": "gate_opening",
    "давление": "pressure",
    "осадки": "rain",
    "мощность": "power",
    "напряжение батареи": "battery_voltage",
    "батарея": "battery_voltage",
}
_INTERVAL = re.compile(r"(\d+(?:[.,]\d+)?)\s*(сек|с|мин|м|час|часа|часов|ч|сут)\.?")
_UNITS = {"сек": "s", "с": "s", "мин": "min", "м": "min", "час": "h", "часа": "h", "часов": "h", "ч": "h", "сут": "d"}


def plain_value(column: str, text: str) -> str:
    """A cell's value as the registry says it: what is not known here stays as it is."""
    if column == "kind":
        return KINDS_RU.get(text.lower(), text)
    if column == "quantity":
        return QUANTITIES_RU.get(text.lower(), text)
    if column == "interval":
        found = _INTERVAL.fullmatch(text.lower())
        return f"{found[1].replace(',', '.')}{_UNITS[found[2]]}" if found else text
    return text

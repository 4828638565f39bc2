"""Seeded scenes for the live page: a registry and a store of what an irrigation district may look like at one moment."""

import math
import random
from dataclasses import dataclass, field
from pathlib import Path

from store.memory import Fields, MemoryStore
from store.points import SeriesKey

NOW_MS = 1_795_424_700_000
"""2026-11-23 09:05 UTC, 15:05 in Bishkek."""
MINUTE_MS = 60_000
STEP_MS = 15 * MINUTE_MS
DAY_MS = 86_400_000

PLACES = (
    ("Tokmok head gate", "West Big Chu canal"),
    ("Kant bridge", "West Big Chu canal"),
    ("Ivanovka regulator", "East Big Chu canal"),
    ("Krasnaya Rechka", "Chu river"),
    ("Sokuluk weir", "Sokuluk river"),
    ("Ala-Archa outlet", "Ala-Archa river"),
    ("Jylamysh siphon", "West Big Chu canal"),
    ("Belovodsk drop", "West Big Chu canal"),
    ("Kara-Balta intake", "Kara-Balta river"),
    ("Petrovka turnout 4", "West Big Chu canal"),
    ("Aksuu gauge", "Aksuu river"),
    ("Orto-Tokoy tailwater", "Chu river"),
    ("Burana gauge", "Burana river"),
    ("Kegeti gauge", "Kegeti river"),
    ("Shamshy gauge", "Shamshy river"),
    ("Issyk-Ata weir", "Issyk-Ata river"),
    ("Noruz weir", "Noruz river"),
    ("Lebedinovka lateral", "Atbashy canal"),
    ("Atbashy head", "Atbashy canal"),
    ("Vasilevka outfall", "Atbashy canal"),
)
RESERVOIRS = (("Orto-Tokoy", 470e6), ("Ala-Archa reservoir", 39e6), ("Sokuluk reservoir", 11.5e6), ("Spartak", 23e6))


@dataclass
class Scene:
    """A registry's text and a store with its readings."""

    registry: str
    store: MemoryStore
    now_ms: int = NOW_MS
    stations: list[str] = field(default_factory=list)

    def write_registry(self, folder: Path) -> Path:
        """Put the registry into a file."""
        path = folder / "registry.toml"
        path.write_text(self.registry, encoding="utf-8")
        return path


HEAD = """
[districts.chu]
name = "Chu"
timezone = "Asia/Bishkek"
"""


def empty() -> Scene:
    """A district without a station."""
    return Scene(HEAD, MemoryStore())


def district(
    stations: int = 40, *, flooded: int = 0, silent: int = 0, days: float = 2, seed: int = 7, now_ms: int = NOW_MS
) -> Scene:
    """Canal gauges and reservoirs; the first `flooded` rise through their thresholds, the last `silent` fell silent."""
    chance = random.Random(seed)
    store = MemoryStore()
    text = [HEAD]
    names: list[str] = []
    for number in range(stations):
        id_ = f"st-{number:02d}"
        names.append(id_)
        gateway = f"gw-{number:02d}"
        text.append(f'[[gateways]]\nid = "{gateway}"\ndistrict = "chu"\n')
        end_ms = now_ms - chance.randrange(1, 14) * MINUTE_MS
        if number >= stations - silent:
            end_ms = now_ms - int((7 + (number % 3) * 0.02) * 3_600_000)
        flood = number < flooded
        if number % 10 == 9:
            _reservoir(text, store, chance, id_, gateway, number // 10, end_ms, days)
        else:
            _gauge(text, store, chance, id_, gateway, number, end_ms, days, flood=flood)
    return Scene("\n".join(text), store, now_ms, names)


def _gauge(
    text: list[str],
    store: MemoryStore,
    chance: random.Random,
    id_: str,
    gateway: str,
    number: int,
    end_ms: int,
    days: float,
    *,
    flood: bool,
) -> None:
    name, water = PLACES[number % len(PLACES)]
    if number >= len(PLACES):
        name += " II"
    base = round(chance.uniform(0.8, 1.9), 2)
    swing = chance.uniform(0.03, 0.12)
    action = round(base + 0.45, 1)
    kind = "canal_gauge" if "canal" in water else "river_gauge"
    thresholds = f"{{ action = {action}, minor = {action + 0.3:.1f}, moderate = {action + 0.6:.1f}, major = {action + 0.9:.1f} }}"
    if number == 16:
        thresholds = "{ }"
    if number == 12:
        thresholds = f"{{ low = {base - 0.6:.1f}, action = {action} }}"
    text.append(
        f'[[stations]]\nid = "{id_}"\nname = "{name}"\ndistrict = "chu"\nkind = "{kind}"\nriver_or_canal = "{water}"\n'
        f'[[stations.sensors]]\nid = "{gateway}-level"\ngateway = "{gateway}"\nquantity = "level"\nunit = "m"\n'
        f"thresholds = {thresholds}\n"
        f'[[stations.sensors]]\nid = "{gateway}-flow"\ngateway = "{gateway}"\nquantity = "discharge"\nunit = "m3/s"\n'
        f'[[stations.sensors]]\nid = "{gateway}-battery"\ngateway = "{gateway}"\nquantity = "battery_voltage"\nunit = "V"\n'
    )
    phase = chance.uniform(0, 6)
    rise = (1.35, 0.78, 0.98)[number % 3] if flood else 0.0
    level, flow, battery = {}, {}, {}
    drift = 0.0
    for at in range(end_ms - int(days * DAY_MS), end_ms + 1, STEP_MS):
        hours = (at - end_ms) / 3_600_000
        drift = 0.97 * drift + chance.gauss(0, 0.004)
        value = base + swing * math.sin(hours * math.tau / 24 + phase) + drift
        value += rise / (1 + math.exp(-(hours + 6) / 1.6)) if rise else 0
        flag = 3 if flood and hours > -24 and chance.random() < 0.04 else 1
        level[at] = Fields(round(value, 3), flag)
        flow[at] = Fields(round(9 * max(value, 0.02) ** 1.55, 3), flag)
        battery[at] = Fields(round(12.6 + 0.4 * math.sin(hours * math.tau / 24), 2), 1)
    if flood and number == 0:  # a gap, as a field engineer knows it
        for at in list(level):
            if end_ms - 15 * 3_600_000 < at < end_ms - 12 * 3_600_000:
                del level[at], flow[at]
    store.series[SeriesKey("level", id_, f"{gateway}-level")] = level
    store.series[SeriesKey("discharge", id_, f"{gateway}-flow")] = flow
    store.series[SeriesKey("battery_voltage", id_, f"{gateway}-battery")] = battery


def _reservoir(
    text: list[str],
    store: MemoryStore,
    chance: random.Random,
    id_: str,
    gateway: str,
    number: int,
    end_ms: int,
    days: float,
) -> None:
    name, capacity = RESERVOIRS[number % len(RESERVOIRS)]
    text.append(
        f'[[stations]]\nid = "{id_}"\nname = "{name}"\ndistrict = "chu"\nkind = "reservoir"\n'
        f'[[stations.sensors]]\nid = "{gateway}-volume"\ngateway = "{gateway}"\nquantity = "volume"\nunit = "m3"\n'
        f"thresholds = {{ low = {capacity * 0.2:.0f}.0, action = {capacity * 0.95:.0f}.0, major = {capacity:.0f}.0 }}\n"
        f'[[stations.sensors]]\nid = "{gateway}-elevation"\ngateway = "{gateway}"\nquantity = "elevation"\nunit = "m"\n'
    )
    volume, elevation = {}, {}
    share = chance.uniform(0.45, 0.8)
    for at in range(end_ms - int(days * DAY_MS), end_ms + 1, STEP_MS):
        hours = (at - end_ms) / 3_600_000
        part = share + 0.0004 * hours + 0.0008 * math.sin(hours / 4)
        volume[at] = Fields(round(part * capacity), 1)
        elevation[at] = Fields(round(740 + 30 * part, 3), 1)
    store.series[SeriesKey("volume", id_, f"{gateway}-volume")] = volume
    store.series[SeriesKey("elevation", id_, f"{gateway}-elevation")] = elevation

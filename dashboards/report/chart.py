"""The chart of plan and fact: a column for each decade of the season, filled as delivered, a bar across at the plan."""

from collections.abc import Sequence
from math import floor, log10

from dashboards.report.drawing import Box, Drawing, Label, Line, Shape
from dashboards.report.figures import Figures
from dashboards.report.span import local_day
from dashboards.report.users import DecadeSum
from dashboards.report.words import Words
from hydrology.accounting import decade_of

WIDTH, HEIGHT = 1120.0, 230.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 6.0, 26.0, 36.0
_SLOTS = 18
"""A growing season's decades: an unfinished season keeps its room to the right."""


def ticks(most: float) -> list[float]:
    """Three to six round values from 0 to at least `most`."""
    if most <= 0:
        return [0.0, 1.0]
    power = 10 ** floor(log10(most))
    step = next(step * power for step in (0.2, 0.5, 1.0, 2.0) if most / (step * power) <= 5)
    count = int(most / step - 1e-9) + 1
    return [step * n for n in range(count + 1)]


def plan_and_fact(sums: Sequence[DecadeSum], zone: str, words: Words, figures: Figures) -> Drawing:
    """The chart, in million m3."""
    most = max((max(one.plan_m3, one.delivered_m3 or 0.0) for one in sums), default=0.0) / 1e6
    scale = ticks(most)
    slots = max(_SLOTS, len(sums))
    slot = (WIDTH - _LEFT - _RIGHT) / slots
    floor_y = HEIGHT - _BOTTOM

    def y(hm3: float) -> float:
        return floor_y - (floor_y - _TOP) * hm3 / scale[-1]

    shapes: list[Shape] = [Label(0, 12, words("unit_mln"))]
    for value in scale:
        shapes += [
            Line(_LEFT, y(value), WIDTH - _RIGHT, y(value)),
            Label(_LEFT - 6, y(value) + 4, _tick(value, figures), "end"),
        ]
    x = WIDTH - _RIGHT
    for fill, key in (("none", "chart_plan"), ("partly", "chart_partly"), ("fact", "chart_fact")):
        text = words(key)
        x -= 8.0 * len(text) + 30
        if fill == "none":
            shapes.append(Line(x, 8, x + 16, 8, strong=True))
        else:
            shapes.append(Box(x, 2, 16, 12, "partly" if fill == "partly" else "fact"))
        shapes.append(Label(x + 22, 13, text))
    wide = slot * 0.62
    told = []
    for place, one in enumerate(sums):
        left = _LEFT + slot * place + (slot - wide) / 2
        day = local_day(one.period.start, zone)
        name = "I" * decade_of(day)
        delivered, plan = one.delivered_m3, one.plan_m3
        says = f"{words.month(day.month, alone=True)} {name}: {figures.million(delivered)} / {figures.million(plan)}"
        told.append(says)
        if delivered is not None and delivered > 0:
            top = y(delivered / 1e6)
            shapes.append(Box(left, top, wide, floor_y - top, "partly" if one.provisional else "fact", says))
        if plan > 0:
            shapes.append(Line(left - 4, y(plan / 1e6), left + wide + 4, y(plan / 1e6), strong=True))
        shapes.append(Label(left + wide / 2, floor_y + 14, name, "middle", strong=place == len(sums) - 1))
        if place == 0 or day.day == 1:
            shapes.append(Label(_LEFT + slot * place + slot * 0.19, floor_y + 30, words.month(day.month, alone=True)))
            shapes.append(Line(_LEFT + slot * place, floor_y, _LEFT + slot * place, floor_y + 32))
    return Drawing(WIDTH, HEIGHT, tuple(shapes), f"{words('chart')}, {words('unit_mln')}. " + "; ".join(told))


def _tick(value: float, figures: Figures) -> str:
    return figures.number(value, 0 if value == int(value) else 1 if round(value, 1) == round(value, 6) else 2)

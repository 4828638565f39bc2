"""A drawing as shapes, and as inline SVG. The PDF draws the same shapes."""

from dataclasses import dataclass
from html import escape
from typing import Literal

Fill = Literal["fact", "partly", "none"]
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle. "fact" is filled, "partly" hatched, "none" only an outline. `title` is said by a pointer over it."""

    x: float
    y: float
    width: float
    height: float
    fill: Fill
    title: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A hairline; a `strong` one is the plan's."""

    x1: float
    y1: float
    x2: float
    y2: float
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """A text on its base line."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    strong: bool = False


Shape = Box | Line | Label


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes in a frame of `width` by `height`, y downwards; `says` tells it in words to those who do not see it."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    says: str


def svg(drawing: Drawing) -> str:
    """The drawing as an SVG element; its colours are the page's classes."""
    parts = [
        f'<svg class="chart" viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" '
        f'aria-label="{escape(drawing.says)}">',
        '<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="5" height="5" class="paper"/><rect width="2.5" height="5" class="fact"/></pattern></defs>',
    ]
    for shape in drawing.shapes:
        if isinstance(shape, Box):
            said = f"<title>{escape(shape.title)}</title>" if shape.title else ""
            parts.append(
                f'<rect class="{shape.fill}" x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}" '
                f'height="{shape.height:.1f}">{said}</rect>'
            )
        elif isinstance(shape, Line):
            parts.append(
                f'<line class="{"plan" if shape.strong else "hair"}" x1="{shape.x1:.1f}" y1="{shape.y1:.1f}" '
                f'x2="{shape.x2:.1f}" y2="{shape.y2:.1f}"/>'
            )
        else:
            weight = ' class="strong"' if shape.strong else ""
            parts.append(
                f'<text{weight} x="{shape.x:.1f}" y="{shape.y:.1f}" text-anchor="{shape.anchor}">{escape(shape.text)}</text>'
            )
    return "".join((*parts, "</svg>"))

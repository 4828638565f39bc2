"""CAP 1.2 read back into the model, for checking a draft and for signing it. Entities are refused, so nothing expands."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeVar
from xml.etree import ElementTree

from hydrology.cap import (
    NAMESPACE,
    Alert,
    Area,
    CapStatus,
    Certainty,
    Info,
    MsgType,
    Point,
    Reference,
    Scope,
    Severity,
    Urgency,
)

MAX_BYTES = 1_000_000
"""No alert of ours has a hundredth of it."""
_ALERT = [
    "identifier",
    "sender",
    "sent",
    "status",
    "msgType",
    "scope",
    "restriction",
    "addresses",
    "note",
    "references",
    "incidents",
    "info",
]
_INFO = [
    "language",
    "category",
    "event",
    "responseType",
    "urgency",
    "severity",
    "certainty",
    "effective",
    "onset",
    "expires",
    "senderName",
    "headline",
    "description",
    "instruction",
    "web",
    "contact",
    "parameter",
    "area",
]
_AREA = ["areaDesc", "polygon", "circle", "geocode"]
_PAIR = ["valueName", "value"]
_MANY = frozenset({"info", "category", "responseType", "parameter", "area", "polygon", "circle", "geocode"})

_Name = TypeVar("_Name", bound=StrEnum)


class CapReadError(ValueError):
    """Bytes that are no alert, or not one whose parts can be understood."""


class ReadAlert(NamedTuple):
    """An alert, and the elements of it that the model does not hold: writing it again would lose them."""

    alert: Alert
    not_held: tuple[str, ...]


def read_alert(xml: bytes) -> ReadAlert:
    """The alert in these bytes. Raises CapReadError, which names the element."""
    if len(xml) > MAX_BYTES:
        raise CapReadError(f"{len(xml)} bytes are too many for an alert")
    # UTF-8 only: in another encoding a document type would hide from this look.
    try:
        text = xml.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CapReadError("the file is not UTF-8") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise CapReadError("a document type or entities do not belong into an alert")
    try:
        root = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError) as error:
        raise CapReadError(f"not XML: {error}") from error
    if root.tag != f"{{{NAMESPACE}}}alert":
        raise CapReadError(f"the root is {root.tag}, not an alert of {NAMESPACE}")
    lost: list[str] = []
    part = _Part(root, _ALERT, "alert", lost)
    alert = Alert(
        identifier=part.text("identifier"),
        sender=part.text("sender"),
        sent=part.time("sent"),
        infos=tuple(_info(one, place, lost) for place, one in enumerate(part.all("info"), 1)),
        status=part.one_of("status", CapStatus),
        msg_type=part.one_of("msgType", MsgType),
        scope=part.one_of("scope", Scope),
        references=tuple(_reference(one) for one in part.text("references", "").split()),
        restriction=part.text("restriction", ""),
        addresses=_addresses(part.text("addresses", "")),
        note=part.text("note", ""),
        incidents=part.text("incidents", ""),
    )
    return ReadAlert(alert, tuple(dict.fromkeys(lost)))


class _Part:
    """An element with its children; those that are not known are noted, those given twice refused."""

    def __init__(self, element: ElementTree.Element, known: Iterable[str], here: str, lost: list[str]) -> None:
        self.here = here
        self._children: dict[str, list[ElementTree.Element]] = {}
        names = set(known)
        for child in element:
            name = child.tag.removeprefix(f"{{{NAMESPACE}}}")
            if name in names:
                self._children.setdefault(name, []).append(child)
            else:
                lost.append(f"{here}/{name}")
        for name, found in self._children.items():
            if len(found) > 1 and name not in _MANY:
                raise CapReadError(f"{here} has {name} twice")

    def all(self, name: str) -> list[ElementTree.Element]:
        return self._children.get(name, [])

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple((child.text or "").strip() for child in self.all(name))

    def text(self, name: str, default: str | None = None) -> str:
        found = self.texts(name)
        if not found and default is None:
            raise CapReadError(f"{self.here} has no {name}")
        return found[0] if found else default or ""

    def time(self, name: str) -> datetime:
        return _time(self.text(name), f"{self.here}/{name}")

    def time_or_none(self, name: str) -> datetime | None:
        return self.time(name) if self.all(name) else None

    def one_of(self, name: str, kind: type[_Name]) -> _Name:
        text = self.text(name)
        try:
            return kind(text)
        except ValueError:
            raise CapReadError(f"{self.here}/{name} is {text!r}: one of {', '.join(kind)}") from None


def _time(text: str, here: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CapReadError(f"{here} is not a time: {text!r}") from None
    if found.tzinfo is None:
        raise CapReadError(f"{here} has no time zone: {text!r}")
    return found


def _info(element: ElementTree.Element, place: int, lost: list[str]) -> Info:
    part = _Part(element, _INFO, f"info {place}", lost)
    return Info(
        language=part.text("language", "en-US"),
        event=part.text("event"),
        headline=part.text("headline", ""),
        description=part.text("description", ""),
        urgency=part.one_of("urgency", Urgency),
        severity=part.one_of("severity", Severity),
        certainty=part.one_of("certainty", Certainty),
        areas=tuple(_area(one, f"{part.here}/area", lost) for one in part.all("area")),
        expires=part.time("expires"),
        instruction=part.text("instruction", ""),
        categories=part.texts("category"),
        response_types=part.texts("responseType"),
        effective=part.time_or_none("effective"),
        onset=part.time_or_none("onset"),
        sender_name=part.text("senderName", ""),
        web=part.text("web", ""),
        contact=part.text("contact", ""),
        parameters=_pairs(part.all("parameter"), part.here, lost),
    )


def _area(element: ElementTree.Element, here: str, lost: list[str]) -> Area:
    part = _Part(element, _AREA, here, lost)
    circles = []
    for text in part.texts("circle"):
        centre, _, radius = text.rpartition(" ")
        circles.append((_point(centre.strip(), here), _number(radius, here)))
    return Area(
        part.text("areaDesc", ""),
        tuple(tuple(_point(point, here) for point in text.split()) for text in part.texts("polygon")),
        tuple(circles),
        _pairs(part.all("geocode"), here, lost),
    )


def _pairs(elements: list[ElementTree.Element], here: str, lost: list[str]) -> tuple[tuple[str, str], ...]:
    parts = [_Part(one, _PAIR, here, lost) for one in elements]
    return tuple((part.text("valueName"), part.text("value")) for part in parts)


def _point(text: str, here: str) -> Point:
    latitude, _, longitude = text.partition(",")
    return _number(latitude, here), _number(longitude, here)


def _number(text: str, here: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CapReadError(f"{here} has a place that is not latitude,longitude in numbers: {text!r}") from None


def _reference(text: str) -> Reference:
    parts = text.split(",")
    if len(parts) != 3:
        raise CapReadError(f"a reference is sender,identifier,sent, not {text!r}")
    return Reference(parts[0], parts[1], _time(parts[2], "alert/references"))


def _addresses(text: str) -> tuple[str, ...]:
    """Separated by blanks; one with a blank stands in quotes."""
    out, quoted = [], False
    for piece in text.split('"'):
        out += [piece] if quoted and piece else piece.split() if not quoted else []
        quoted = not quoted
    return tuple(out)

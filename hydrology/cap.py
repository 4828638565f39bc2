"""CAP 1.2 alerts: the model, the rules that the schema does not know, and the XML. Drafts until a person signs.

The element order and the required elements follow the XSD (read). The schema accepts alerts without info or area, an
update without references, restricted without restriction, private without addresses, identifiers with blanks, open
polygons, and an expiry before sending: `problems` finds these.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from xml.etree import ElementTree

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_FORBIDDEN = frozenset(" ,<&\t\r\n")


class CapStatus(StrEnum):
    """Who may act on it. Everything but ACTUAL is for people who know that it is not."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(StrEnum):
    """The nature of the message."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    """Who may read it."""

    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Urgency(StrEnum):
    """When to act."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """How bad."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    """How sure."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


Point = tuple[float, float]
"""(latitude, longitude) in degrees, WGS 84."""


@dataclass(frozen=True, slots=True)
class Area:
    """A described area: closed polygons (first point again at the end), circles (centre, radius km), geocodes."""

    description: str
    polygons: tuple[tuple[Point, ...], ...] = ()
    circles: tuple[tuple[Point, float], ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Info:
    """One language's block."""

    language: str
    event: str
    headline: str
    description: str
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    areas: tuple[Area, ...]
    expires: datetime
    instruction: str = ""
    categories: tuple[str, ...] = ("Met",)
    response_types: tuple[str, ...] = ("Monitor",)
    effective: datetime | None = None
    onset: datetime | None = None
    sender_name: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier message that this one updates or cancels."""

    sender: str
    identifier: str
    sent: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """A message. `status` is Draft until `sign_off`."""

    identifier: str
    sender: str
    sent: datetime
    infos: tuple[Info, ...]
    status: CapStatus = CapStatus.DRAFT
    msg_type: MsgType = MsgType.ALERT
    scope: Scope = Scope.PUBLIC
    references: tuple[Reference, ...] = ()
    restriction: str = ""
    addresses: tuple[str, ...] = ()
    note: str = ""
    incidents: str = ""


class CapError(ValueError):
    """An alert that breaks our rules; `problems` has them all."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def sign_off(alert: Alert, signed_by: str, sent: datetime, status: CapStatus = CapStatus.ACTUAL) -> Alert:
    """A person takes the draft over: it gets the status, the time of sending, and who signed it, in the note.

    Raises ValueError without a name, or for an alert that is no draft.
    """
    if not signed_by.strip():
        raise ValueError("a person must sign: a name is needed")
    if alert.status is not CapStatus.DRAFT:
        raise ValueError(f"only a draft can be signed, this is {alert.status}")
    note = f"{alert.note} Signed off by {signed_by.strip()}.".strip()
    return replace(alert, status=status, sent=sent, note=note)


def problems(alert: Alert) -> list[str]:
    """What is wrong with an alert beyond the schema, in words; empty when nothing is."""
    found = [
        f"{name} is empty or has a blank, comma, < or &: {value!r}"
        for name, value in (
            ("identifier", alert.identifier),
            ("sender", alert.sender),
            *(("reference", text) for r in alert.references for text in (r.sender, r.identifier)),
        )
        if not value or _FORBIDDEN & set(value)
    ]
    times = [("sent", alert.sent), *(("reference's sent", r.sent) for r in alert.references)]
    if alert.msg_type in (MsgType.UPDATE, MsgType.CANCEL, MsgType.ACK, MsgType.ERROR) and not alert.references:
        found.append(f"{alert.msg_type} needs references")
    if alert.scope is Scope.RESTRICTED and not alert.restriction:
        found.append("Restricted needs a restriction")
    if alert.scope is Scope.PRIVATE and not alert.addresses:
        found.append("Private needs addresses")
    if not alert.infos and alert.msg_type in (MsgType.ALERT, MsgType.UPDATE):
        found.append(f"{alert.msg_type} needs at least one info")
    languages = [info.language for info in alert.infos]
    if len(set(languages)) != len(languages):
        found.append("two infos have one language")
    for info in alert.infos:
        here = info.language or "info"
        times += [(f"{here}: {name}", t) for name, t in _times(info)]
        if not (info.language and info.event and info.headline and info.description and info.categories):
            found.append(f"{here}: language, event, headline, description and category are needed")
        if not info.areas:
            found.append(f"{here}: needs an area")
        for area in info.areas:
            found += [f"{here}: {problem}" for problem in _area_problems(area)]
    naive = [f"{name} has no time zone" for name, t in times if t.tzinfo is None]
    if not naive:
        found += [
            f"{info.language or 'info'}: expires is not after sent"
            for info in alert.infos
            if info.expires <= alert.sent
        ]
        found += [
            f"{info.language or 'info'}: expires is not after onset"
            for info in alert.infos
            if info.onset is not None and info.expires <= info.onset
        ]
    return found + naive


def _times(info: Info) -> list[tuple[str, datetime]]:
    every = (("effective", info.effective), ("onset", info.onset), ("expires", info.expires))
    return [(name, t) for name, t in every if t is not None]


def _area_problems(area: Area) -> list[str]:
    found = [] if area.description else ["the area has no description"]
    for polygon in area.polygons:
        if len(polygon) < 4 or polygon[0] != polygon[-1]:
            found.append("a polygon needs four points, the last equal to the first")
    points = [point for polygon in area.polygons for point in polygon] + [centre for centre, _ in area.circles]
    if any(not (-90 <= latitude <= 90 and -180 <= longitude <= 180) for latitude, longitude in points):
        found.append("a point is not latitude, longitude in degrees")
    if any(not radius >= 0 for _, radius in area.circles):
        found.append("a circle's radius is negative")
    return found


def cap_time(when: datetime) -> str:
    """A time as CAP wants it: seconds, a numeric offset, never Z. Raises ValueError for a naive one."""
    if when.tzinfo is None:
        raise ValueError(f"{when} has no time zone")
    return when.replace(microsecond=0).isoformat()


def to_xml(alert: Alert) -> bytes:
    """The alert as CAP 1.2, UTF-8 with an XML declaration. Raises CapError if `problems` finds any."""
    found = problems(alert)
    if found:
        raise CapError(found)
    ElementTree.register_namespace("", NAMESPACE)
    root = ElementTree.Element(f"{{{NAMESPACE}}}alert")
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", cap_time(alert.sent))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.msg_type)
    _add(root, "scope", alert.scope)
    _add(root, "restriction", alert.restriction)
    _add(root, "addresses", " ".join(f'"{a}"' if " " in a else a for a in alert.addresses))
    _add(root, "note", alert.note)
    _add(root, "references", " ".join(f"{r.sender},{r.identifier},{cap_time(r.sent)}" for r in alert.references))
    _add(root, "incidents", alert.incidents)
    for info in alert.infos:
        _add_info(root, info)
    ElementTree.indent(root)
    xml: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    if text:
        ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = text


def _add_pairs(parent: ElementTree.Element, name: str, pairs: tuple[tuple[str, str], ...]) -> None:
    for key, value in pairs:
        child = ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        _add(child, "valueName", key)
        _add(child, "value", value)


def _add_info(root: ElementTree.Element, info: Info) -> None:
    block = ElementTree.SubElement(root, f"{{{NAMESPACE}}}info")
    _add(block, "language", info.language)
    for category in info.categories:
        _add(block, "category", category)
    _add(block, "event", info.event)
    for response in info.response_types:
        _add(block, "responseType", response)
    _add(block, "urgency", info.urgency)
    _add(block, "severity", info.severity)
    _add(block, "certainty", info.certainty)
    for name, when in _times(info):
        _add(block, name, cap_time(when))
    _add(block, "senderName", info.sender_name)
    _add(block, "headline", info.headline)
    _add(block, "description", info.description)
    _add(block, "instruction", info.instruction)
    _add(block, "web", info.web)
    _add(block, "contact", info.contact)
    _add_pairs(block, "parameter", info.parameters)
    for area in info.areas:
        place = ElementTree.SubElement(block, f"{{{NAMESPACE}}}area")
        _add(place, "areaDesc", area.description)
        for polygon in area.polygons:
            _add(place, "polygon", " ".join(f"{latitude:.5f},{longitude:.5f}" for latitude, longitude in polygon))
        for (latitude, longitude), radius in area.circles:
            _add(place, "circle", f"{latitude:.5f},{longitude:.5f} {radius:g}")
        _add_pairs(place, "geocode", area.geocodes)

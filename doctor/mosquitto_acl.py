"""Whether a mosquitto's access list lets a role have its topics. mosquitto grants a forbidden subscription and then sends nothing
of it, so nobody finds this out through MQTT. Pure but for `read`. See mosquitto.conf(5), acl_file."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from doctor.checks import Check, Name, fail, ok, warn
from doctor.network import identity
from settings.broker import BrokerSettings

_SHOWN = 3


class Access(StrEnum):
    """What a client does with a topic: publishes to it, or is sent what others publish."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line. `user` is None for clients without a user name; a pattern is for every user."""

    access: frozenset[Access]
    topic: str
    user: str | None = None
    pattern: bool = False


_ACCESS = {
    "read": frozenset({Access.READ}),
    "write": frozenset({Access.WRITE}),
    "readwrite": frozenset(Access),
    "deny": frozenset[Access](),
}


def parse(text: str) -> list[Rule]:
    """The rules of an access list; what is no rule is left out, as mosquitto itself refuses to start with it."""
    rules: list[Rule] = []
    user: str | None = None
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if word == "user":
            user = rest
        elif word in ("topic", "pattern") and rest:
            first, _, topic = rest.partition(" ")
            access, topic = (
                (_ACCESS[first], topic.strip()) if first in _ACCESS and topic else (_ACCESS["readwrite"], rest)
            )
            rules.append(Rule(access, topic, user, pattern=word == "pattern"))
    return rules


def allows(rules: Iterable[Rule], user: str | None, client_id: str, access: Access, topic: str) -> bool:
    """Whether this client may: a denial before all, and what no rule names is refused."""
    allowed = False
    for rule in rules:
        wanted = rule.topic
        if rule.pattern:
            if "%u" in wanted and user is None:
                continue
            wanted = wanted.replace("%c", client_id).replace("%u", user or "")
        elif rule.user != user:
            continue
        if _matches(wanted, topic):
            if not rule.access:
                return False
            allowed = allowed or access in rule.access
    return allowed


def _matches(wanted: str, topic: str) -> bool:
    pieces, parts = wanted.split("/"), topic.split("/")
    for at, piece in enumerate(pieces):
        if piece == "#":
            return True
        if at >= len(parts) or piece not in ("+", parts[at]):
            return False
    return len(pieces) == len(parts)


def user_of(broker: BrokerSettings, role_id: str, options: Mapping[str, str]) -> str | None:
    """The user that a broker of these options takes this role for; None without one."""
    if broker.tls is not None and broker.tls.cert_file is not None:
        by_certificate = ("use_identity_as_username", "use_subject_as_username")
        if not any(options.get(one, "false").lower() == "true" for one in by_certificate):
            return broker.username
    return identity(broker, role_id)


def judge(
    options: Mapping[str, str], user: str | None, client_id: str, wanted: Sequence[tuple[Access, str]]
) -> list[Check]:
    """Whether all these topics are given to this client. Nothing is said where the broker has no access list in a file."""
    place = options.get("acl_file")
    if place is None:
        return []
    who = f"user {user}" if user is not None else "clients without a user name"
    try:
        rules = parse(Path(place).read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        says = f"the broker's access list {place} cannot be read here: {error.strerror or error}."
        return [
            warn(Name.BROKER_ACCESS, says, "give doctor a copy of mosquitto.conf that names it where it can be read")
        ]
    refused = [(access, topic) for access, topic in wanted if not allows(rules, user, client_id, access, topic)]
    if not refused:
        return [ok(Name.BROKER_ACCESS, f"the access list gives {who} all its topics.")]
    named = ", ".join(f"{access.value} {topic}" for access, topic in refused[:_SHOWN])
    more = f" and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
    return [
        fail(
            Name.BROKER_ACCESS,
            f"the access list does not give {who}: {named}{more}. The broker says nothing of it: subscriptions are granted "
            "and stay empty, readings wait in the gateways.",
            f"add what is missing to {place}; deploy/mosquitto/acl has the lines",
        )
    ]


def resolve(options: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The options with `acl_file` where it is: a relative one may be meant from the configuration's own folder."""
    out = dict(options)
    place = out.get("acl_file")
    if place is not None:
        beside = folder / place
        with contextlib.suppress(OSError):
            if not Path(place).exists() and beside.exists():
                out["acl_file"] = str(beside)
    return out

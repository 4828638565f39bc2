"""The topics of the contract: aryk/v1/{district}/{gateway}/{kind}."""

from enum import StrEnum
from typing import NamedTuple

from wire.names import is_id
from wire.reasons import Reason, WireError

PREFIX = "aryk/v1"


class Kind(StrEnum):
    """What a topic carries."""

    READINGS = "readings"
    RECEIPTS = "receipts"
    STATUS = "status"
    COMMANDS = "commands"


class Topic(NamedTuple):
    """A topic taken apart."""

    district: str
    gateway: str
    kind: Kind

    def __str__(self) -> str:
        return f"{PREFIX}/{self.district}/{self.gateway}/{self.kind.value}"


def topic(district: str, gateway: str, kind: Kind) -> str:
    """The topic's text."""
    return f"{PREFIX}/{district}/{gateway}/{kind.value}"


def topic_filter(kind: Kind, district: str = "+") -> str:
    """The subscription for all gateways of one district, or of all of them."""
    return f"{PREFIX}/{district}/+/{kind.value}"


_STATUS_END = f"/{Kind.STATUS.value}"


def is_status(text: str) -> bool:
    """Whether messages on this topic are statuses, be the rest of it well formed or not."""
    return text.endswith(_STATUS_END)


_KINDS = {kind.value: kind for kind in Kind}


def parse_topic(text: str) -> Topic:
    """Take a topic apart. Raises WireError(BAD_TOPIC)."""
    parts = text.split("/")
    if len(parts) != 5 or parts[0] != "aryk" or parts[1] != "v1" or parts[4] not in _KINDS:
        raise WireError(Reason.BAD_TOPIC, f"{text[:200]!r} is not {PREFIX}/DISTRICT/GATEWAY/KIND")
    if not (is_id(parts[2]) and is_id(parts[3])):
        raise WireError(Reason.BAD_TOPIC, f"district or gateway in {text[:200]!r} is not a well-formed id")
    return Topic(parts[2], parts[3], _KINDS[parts[4]])

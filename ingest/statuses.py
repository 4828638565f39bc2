"""What a status says, or why it cannot be used. Pure."""

from typing import NamedTuple

from ingest.pipeline import Directory, Refused, refused_sender
from wire.messages import Status, decode_message
from wire.reasons import WireError
from wire.topics import Topic, parse_topic


class Heard(NamedTuple):
    """A status. One of a gateway that the registry does not place here has both: it is answered, and counts for nothing."""

    address: Topic | None = None
    status: Status | None = None
    refused: Refused | None = None


def judge_status(topic: str, payload: bytes, known: Directory) -> Heard:
    """Decode a status and check its sender against the registry."""
    address = None
    try:
        address = parse_topic(topic)
        status = decode_message(Status, payload)
    except WireError as error:
        return Heard(address, refused=Refused(error.reason, "", error.detail, []))
    fault = refused_sender(address, known)
    return Heard(address, status, None if fault is None else Refused(*fault, []))

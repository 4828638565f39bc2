"""The names that travel: ids of districts, gateways, stations and sensors, epochs, digests."""

import hashlib
import re
from typing import Annotated

from pydantic import StringConstraints

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")

# At most 63 characters that need no escape in a topic, in line protocol, in a URL or in a file name.
Id = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$", max_length=63)]

EPOCH_BITS = 48
MAX_EPOCH = (1 << EPOCH_BITS) - 1
MAX_SEQ = (1 << 53) - 1
"""The largest whole number that every JSON reader keeps exactly."""


def is_id(text: object) -> bool:
    """Whether this is a well-formed id."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def epoch_text(epoch: int) -> str:
    """An epoch as it is written for people and in JSON: 12 hexadecimal digits."""
    return f"{epoch:012x}"


def epoch_number(text: str) -> int:
    """The epoch that these 12 hexadecimal digits name. Raises ValueError on anything else."""
    if not re.fullmatch(r"[0-9a-f]{12}", text):
        raise ValueError(f"an epoch is 12 hexadecimal digits, not {text!r}")
    return int(text, 16)


def digest(payload: bytes) -> str:
    """What names a message whose identity cannot be read: the first 128 bits of its SHA-256, in hexadecimal."""
    return hashlib.sha256(payload).hexdigest()[:32]


MEAN, LEAST, MOST = ".hourly_mean", ".hourly_min", ".hourly_max"
"""A gateway whose disk is full keeps these of an hour's readings, in series of their own: the sensor's id and one of these."""


def thinned_from(sensor: str) -> str | None:
    """The sensor whose hourly values these are; None when they are no such values."""
    for name in (MEAN, LEAST, MOST):
        if sensor.endswith(name) and len(sensor) > len(name):
            return sensor.removesuffix(name)
    return None

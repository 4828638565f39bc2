"""Receipts, status and commands: small JSON messages, as pydantic models."""

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wire.json_codec import EpochText, check_version, first_fault, parse_json
from wire.names import MAX_SEQ, Id
from wire.reasons import Reason, WireError

HELLO_EXPIRY_S = 10
"""An answer to a hello expires after this, and counts only with a round trip shorter than this."""
MAX_LOGS = 300
"""Epochs that a hello names, the newest ones: what it costs the centre is bounded."""
MAX_SKEW_S = 2.0
"""A clock further than this from the centre's counts as unsynchronised."""

_Seq = Annotated[int, Field(strict=True, ge=1, le=MAX_SEQ)]
SeqRange = Annotated[list[_Seq], Field(min_length=2, max_length=2, description="first and last number, both inside")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", description="64 random bits")]


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Versioned(_Message):
    v: Literal[1] = 1


class Refusal(_Message):
    """What was refused and why. With `digest` alone the message had no readable identity: the gateway logs a gap.

    With `epoch` and `ranges` those readings are kept as dead letters; they stand among the durable ones too.
    """

    reason: Reason = Field(strict=False)
    detail: str = ""
    digest: Digest | None = None
    epoch: EpochText | None = None
    ranges: list[SeqRange] = []


class CentreTime(_Message):
    """The centre's answer to a hello."""

    nonce: Nonce
    ms: Annotated[int, Field(ge=0, le=MAX_SEQ, description="the centre's clock, milliseconds since 1970, UTC")]


class Receipt(_Versioned):
    """Ranges made durable at the centre, refusals with reasons, the centre's time when a hello asked for it."""

    durable: Annotated[
        dict[EpochText, list[SeqRange]], Field(description="per epoch: identities now in the spool or the dead letters")
    ] = {}
    refused: list[Refusal] = []
    time: CentreTime | None = None


class State(StrEnum):
    """What a gateway says of itself. LOST is its last will."""

    ONLINE = "online"
    SLEEPING = "sleeping"
    LOST = "lost"


class LogExtent(_Message):
    """One epoch of the gateway's log: the first number still kept and the last one given."""

    epoch: EpochText
    first: _Seq
    last: Annotated[int, Field(ge=0, le=MAX_SEQ, description="0 or first - 1 when nothing is logged yet")]


class Stream(_Message):
    """One series that the gateway samples."""

    sensor: Id
    quantity: Id
    unit: str
    interval_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Status(_Versioned):
    """The retained hello, a planned sleep, or the last will."""

    state: State = Field(strict=False)
    nonce: Nonce | None = None
    logs: Annotated[
        list[LogExtent],
        Field(max_length=MAX_LOGS, description="epochs of which something is kept, each once, and the newest"),
    ] = []
    version: str = ""
    config: Annotated[str, Field(description="hash of the configuration in force")] = ""
    streams: list[Stream] = []
    until_ms: Annotated[int | None, Field(ge=0, le=MAX_SEQ, description="sleeping until then")] = None

    @model_validator(mode="after")
    def _each_once(self) -> "Status":
        if len({one.epoch for one in self.logs}) < len(self.logs):
            raise ValueError("an epoch is named twice")
        return self


class Command(_Versioned):
    """What the centre asks of a gateway: to send ranges again, or to say hello."""

    command: Literal["resend", "hello"]
    epoch: EpochText | None = None
    ranges: list[SeqRange] = []

    @model_validator(mode="after")
    def _whole(self) -> "Command":
        if self.command == "resend" and (self.epoch is None or not self.ranges):
            raise ValueError("resend names an epoch and at least one range")
        return self


MAX_MESSAGE_BYTES = 64 * 1024

_M = TypeVar("_M", Receipt, Status, Command)


def decode_message(kind: type[_M], payload: bytes) -> _M:
    """Read a receipt, a status or a command. Raises WireError and nothing else, whatever the bytes are."""
    if len(payload) > MAX_MESSAGE_BYTES:
        raise WireError(Reason.TOO_LARGE, f"{len(payload)} bytes, at most {MAX_MESSAGE_BYTES}")
    doc = parse_json(payload)
    if type(doc) is not dict:
        raise WireError(Reason.SCHEMA, "message: not an object")
    check_version(doc.get("v"))
    try:
        message = kind.model_validate(doc)
    except ValidationError as error:
        raise WireError(Reason.SCHEMA, first_fault(error)) from error
    for ranges in _ranges_of(message):
        if any(first > last for first, last in ranges):
            raise WireError(Reason.SCHEMA, "a range ends before it starts")
    return message


def _ranges_of(message: Any) -> list[list[list[int]]]:
    if isinstance(message, Receipt):
        return [*message.durable.values(), *(refusal.ranges for refusal in message.refused)]
    return [message.ranges] if isinstance(message, Command) else []


def encode_message(message: Receipt | Status | Command) -> bytes:
    """Write a message without what stands at its default."""
    body = message.model_dump_json(exclude_defaults=True).encode()
    return b'{"v":1}' if body == b"{}" else b'{"v":1,' + body[1:]

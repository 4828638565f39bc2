"""What a broker's answers promise: its CONNACK, the granted subscriptions, what mosquitto tells of itself. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from doctor.checks import Check, Name, fail, ok, warn
from wire.messages import MAX_MESSAGE_BYTES

SYS_VERSION = "$SYS/broker/version"
SYS_DROPPED = "$SYS/broker/publish/messages/dropped"
SYS_TOPICS = (SYS_VERSION, SYS_DROPPED)
SYS_WAIT_S = 1.5
"""They are retained: who has them sends them at once."""

LEAST_MOSQUITTO = (2, 0, 21)
PACKET_ROOM_BYTES = 1024
"""Topic and properties beside the payload."""
NO_MATCHING_SUBSCRIBERS = 0x10
_UNSUPPORTED_VERSION = (0x84, 0x01)
"""MQTT 5's reason, and what a broker that knows 3.1.1 only answers."""
_BAD_CREDENTIALS = (0x86, 0x04, 0x8C)
_NOT_AUTHORISED = (0x87, 0x05)
_BAD_CLIENT_ID = 0x85


class ProbeError(Exception):
    """The broker did not take the connection; `code` is its reason where it gave one."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Greeting:
    """A CONNACK; what it leaves out has MQTT's default."""

    session_present: bool = False
    receive_maximum: int = 65_535
    maximum_packet_size: int | None = None
    maximum_qos: int = 2
    retain_available: bool = True
    wildcards_available: bool = True
    session_expiry_s: int | None = None


def judge_refusal(error: ProbeError) -> Check:
    """Why the broker did not take us."""
    if error.code in _UNSUPPORTED_VERSION:
        return fail(
            Name.MQTT, "the broker does not speak MQTT 5.", "use mosquitto 2.0.21 or newer, or another MQTT 5 broker"
        )
    if error.code in _BAD_CREDENTIALS:
        return fail(
            Name.MQTT,
            f"the broker does not know this user or password: {error}.",
            "check [broker] username and password",
        )
    if error.code in _NOT_AUTHORISED:
        return fail(
            Name.MQTT,
            f"the broker does not let this user in: {error}.",
            "check [broker] username and password or the certificate, and the broker's list of users",
        )
    if error.code == _BAD_CLIENT_ID:
        return fail(Name.MQTT, f"the broker refuses doctor's client id: {error}.", "let it take ids of this form")
    return fail(
        Name.MQTT,
        f"the broker does not answer as an MQTT broker: {error}.",
        "is this its MQTT port, with TLS or without as configured? Does it want a certificate of ours? Its log says more",
    )


def judge_greeting(
    greeting: Greeting, *, anonymous: bool, session_expiry_s: int, window: int, role_session: str
) -> list[Check]:
    """What the CONNACK promises. `window`: how many messages this side may have under way."""
    checks = [
        ok(Name.MQTT, f"MQTT 5 is accepted{' without a user name' if anonymous else ', and our credentials too'}.")
    ]
    if greeting.session_present:
        checks.append(
            ok(Name.SESSION, f"the broker keeps {role_session}'s session; it gives the client id by the user name.")
        )
    if greeting.session_expiry_s is not None and greeting.session_expiry_s < session_expiry_s:
        checks.append(
            warn(
                Name.SESSION,
                f"the broker forgets a session after {greeting.session_expiry_s} s, we ask for {session_expiry_s} s: "
                "what waits there longer is lost, and sent again by the gateways.",
                "raise the broker's session expiry",
            )
        )
    return checks + _limits(greeting, window)


def _limits(greeting: Greeting, window: int) -> list[Check]:
    checks: list[Check] = []
    needed = MAX_MESSAGE_BYTES + PACKET_ROOM_BYTES
    size = greeting.maximum_packet_size
    if size is not None and size < needed:
        checks.append(
            fail(
                Name.LIMITS,
                f"the broker takes packets of {size} bytes at most, a batch has up to {needed}.",
                f"set the broker's largest packet to {needed} or more (mosquitto: max_packet_size)",
            )
        )
    if greeting.maximum_qos < 1:
        checks.append(fail(Name.LIMITS, "the broker takes QoS 0 only.", "allow QoS 1"))
    if not greeting.retain_available:
        checks.append(
            fail(Name.LIMITS, "the broker keeps no retained messages: pages would not know the gateways.", "allow them")
        )
    if not greeting.wildcards_available:
        checks.append(
            fail(Name.LIMITS, "the broker allows no wildcard subscriptions: ingest needs them.", "allow them")
        )
    if greeting.receive_maximum < window:
        checks.append(
            warn(
                Name.LIMITS,
                f"the broker takes {greeting.receive_maximum} unacknowledged messages at once from us, "
                f"we may have {window} to send: sending is slower than it could be.",
                "raise it (mosquitto: max_inflight_messages 1000; it is also how many ingest gets at once)",
            )
        )
    if not checks:
        most = "any size" if size is None else f"{size} bytes"
        checks.append(
            ok(Name.LIMITS, f"up to {greeting.receive_maximum} messages under way to it, packets of {most}, QoS 1.")
        )
    return checks


def judge_grants(filters: Sequence[str], codes: Sequence[int]) -> list[Check]:
    """The granted QoS of each subscription."""
    checks = []
    for one, code in zip(filters, codes, strict=True):
        if code >= 0x80:
            said = f"the broker refuses the subscription (reason 0x{code:02x})."
            checks.append(fail(Name.SUBSCRIPTIONS, said, "allow it in the broker's access list", one))
        elif code < 1:
            said = "granted with QoS 0 only: a message may be lost without a word."
            checks.append(fail(Name.SUBSCRIPTIONS, said, "let the broker grant QoS 1", one))
        else:
            checks.append(ok(Name.SUBSCRIPTIONS, f"granted with QoS {code}.", one))
    return checks


def sys_left_alone() -> Check:
    """What is said in a role's own session: what is subscribed there, and not acknowledged, the role would be sent later."""
    return warn(
        Name.BROKER_VERSION,
        "not asked: nothing is subscribed in the role's own session.",
        "see on the broker's machine that it is mosquitto 2.0.21 or newer",
    )


def judge_sys(heard: Mapping[str, str]) -> list[Check]:
    """What the broker tells under $SYS: mosquitto does, to who may read it."""
    text = heard.get(SYS_VERSION)
    if text is None:
        return [
            warn(
                Name.BROKER_VERSION,
                "the broker does not tell its version; it may be none of mosquitto's, or not let us read $SYS.",
                "if it is mosquitto, make sure that it is 2.0.21 or newer",
            )
        ]
    checks = []
    found = re.search(r"mosquitto version (\d+)\.(\d+)\.(\d+)", text)
    if found is not None and tuple(map(int, found.groups())) < LEAST_MOSQUITTO:
        checks.append(
            fail(
                Name.BROKER_VERSION,
                f"{text} has a broken flow control: after a pause it sends more at once than ingest allows, or stops sending.",
                "install mosquitto 2.0.21 or newer",
            )
        )
    else:
        checks.append(ok(Name.BROKER_VERSION, f"the broker is {text}."))
    dropped = heard.get(SYS_DROPPED, "")
    if dropped.isdigit() and int(dropped) > 0:
        checks.append(
            warn(
                Name.BROKER_DROPS,
                f"the broker has dropped {dropped} messages since it started, and told nobody; the gateways send them again.",
                "raise max_queued_messages and max_queued_bytes; see whether some client of it never reads",
            )
        )
    elif dropped.isdigit():
        checks.append(ok(Name.BROKER_DROPS, "the broker has dropped no message since it started."))
    return checks

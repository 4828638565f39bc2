"""Whether a mosquitto is configured so that it would lose data: see docs/doctor.md. Pure but for `read`."""

from collections.abc import Mapping
from pathlib import Path

from doctor import mosquitto_acl
from doctor.checks import Check, Name, fail, ok, warn
from doctor.disk import span

DEFAULT_AUTOSAVE_S = 1800
OK_AUTOSAVE_S = 10
WARN_AUTOSAVE_S = 60
DEFAULT_QUEUE = 1000
DEFAULT_IN_FLIGHT = 20
FEW_IN_FLIGHT = 100
BATCH_BYTES = 300
"""A scan of three series in CBOR with topic and properties has about 200; JSON has more."""

_UNITS_S = {"h": 3_600, "d": 86_400, "w": 7 * 86_400, "m": 30 * 86_400, "y": 365 * 86_400}
_AGAIN = "No reading is lost by it, as the gateways send again what has no receipt; but"


def read(path: Path) -> dict[str, str]:
    """The options of this file and of its include_dir, the last one of a name in force. Raises OSError."""
    options = parse(path.read_text(encoding="utf-8", errors="replace"))
    folder = options.get("include_dir")
    if folder is not None:
        for part in sorted(Path(folder).glob("*.conf")):
            options |= parse(part.read_text(encoding="utf-8", errors="replace"))
    return mosquitto_acl.resolve(options, path.parent)


def parse(text: str) -> dict[str, str]:
    """Name to value. Options of several listeners are not told apart: the last one is taken."""
    options: dict[str, str] = {}
    for line in text.splitlines():
        words = line.strip().split(maxsplit=1)
        if words and not words[0].startswith("#"):
            options[words[0]] = words[1].strip() if len(words) == 2 else ""
    return options


def judge(options: Mapping[str, str], messages_a_day: float | None, outage_s: float) -> list[Check]:
    """What would be lost with these options in an outage of so many seconds."""
    return [
        *_persistence(options, outage_s),
        _queue(options, messages_a_day, outage_s),
        _in_flight(options),
        _identity(options),
    ]


def _persistence(options: Mapping[str, str], outage_s: float) -> list[Check]:
    checks = [_autosave(options)]
    text = options.get("persistent_client_expiration")
    if text is not None and text[:-1].isdigit() and text[-1] in _UNITS_S:
        expiry_s = int(text[:-1]) * _UNITS_S[text[-1]]
        if expiry_s < outage_s:
            checks.append(
                fail(
                    Name.BROKER_PERSISTENCE,
                    f"persistent_client_expiration {text}: a session ends before an outage of {span(outage_s)} does.",
                    "take it out, or make it longer than the longest outage",
                )
            )
    return checks


def _autosave(options: Mapping[str, str]) -> Check:
    mend = "set persistence true and autosave_interval 1 in mosquitto.conf"
    if not _true(options.get("persistence", "false")):
        return fail(
            Name.BROKER_PERSISTENCE,
            "persistence is off: at a restart the broker forgets every session, what waits in it, and the retained "
            f"statuses. {_AGAIN} until then the centre sees nothing of them.",
            mend,
        )
    interval = _number(options, "autosave_interval", DEFAULT_AUTOSAVE_S)
    on_changes = _true(options.get("autosave_on_changes", "false"))
    unit = "changes" if on_changes else "s"
    if interval == 0:
        return fail(
            Name.BROKER_PERSISTENCE,
            "autosave_interval 0: the broker saves only when it stops in order, and a kill loses all that waits there. "
            f"{_AGAIN} that takes time.",
            mend,
        )
    says = (
        f"persistence is on, saved every {interval} {unit}: a kill of the broker loses what it acknowledged since "
        "the last save, and sessions begun since."
    )
    if interval <= OK_AUTOSAVE_S:
        return ok(Name.BROKER_PERSISTENCE, f"{says} The gateways send that again.")
    if interval <= WARN_AUTOSAVE_S:
        return warn(Name.BROKER_PERSISTENCE, f"{says} The gateways send that again.", mend)
    return fail(Name.BROKER_PERSISTENCE, f"{says} {_AGAIN} so much again is slow.", mend)


def _queue(options: Mapping[str, str], messages_a_day: float | None, outage_s: float) -> Check:
    most = _number(options, "max_queued_messages", DEFAULT_QUEUE)
    most_bytes = _number(options, "max_queued_bytes", 0)
    by_bytes = most_bytes // BATCH_BYTES if most_bytes else None
    room = by_bytes if most == 0 else most if by_bytes is None else min(most, by_bytes)
    if room is None:
        return ok(Name.BROKER_QUEUE, "the broker's queue has no bound but its memory (max_queued_messages 0).")
    says = f"the broker keeps about {room} messages for an ingest that is away"
    if not messages_a_day:
        return ok(Name.BROKER_QUEUE, f"{says}, and drops the rest without a word; the gateways send that again.")
    lasts_s = room / messages_a_day * 86_400
    says = f"{says}: {span(lasts_s)} at {messages_a_day:.0f} messages a day."
    if lasts_s >= outage_s:
        return ok(Name.BROKER_QUEUE, says)
    wanted = int(messages_a_day * outage_s / 86_400) + 1
    return fail(
        Name.BROKER_QUEUE,
        f"{says} An outage of {span(outage_s)} brings {wanted}; the broker answers Success and drops what is too much. "
        f"{_AGAIN} anybody else's messages are lost.",
        f"set max_queued_messages {_round_up(wanted)} and max_queued_bytes {_round_up(wanted * BATCH_BYTES)}",
    )


def _in_flight(options: Mapping[str, str]) -> Check:
    most = _number(options, "max_inflight_messages", DEFAULT_IN_FLIGHT)
    if most == 0 or most >= FEW_IN_FLIGHT:
        return ok(Name.BROKER_IN_FLIGHT, f"{most or 'any number of'} messages may be under way to ingest.")
    return warn(
        Name.BROKER_IN_FLIGHT,
        f"only {most} messages may be under way to ingest: each such group waits for a sync of ingest's disk.",
        "set max_inflight_messages 1000",
    )


def _identity(options: Mapping[str, str]) -> Check:
    if _true(options.get("use_username_as_clientid", "false")):
        return ok(Name.BROKER_IDENTITY, "client ids are bound to users: no gateway can take ingest's session over.")
    mend = "set use_username_as_clientid true, and give every gateway and every ingest a user or certificate of its own"
    has_users = any(
        key in options
        for key in ("password_file", "use_identity_as_username", "use_subject_as_username", "require_certificate")
    )
    if has_users or not _true(options.get("allow_anonymous", "false")):
        return fail(
            Name.BROKER_IDENTITY,
            "use_username_as_clientid is off: whoever may connect can do so with ingest's client id, and its waiting "
            f"messages are gone. {_AGAIN} one stolen key stops the centre.",
            mend,
        )
    return warn(
        Name.BROKER_IDENTITY,
        "anybody who reaches the broker may use it, under any client id: good for one machine, not for a network.",
        mend,
    )


def _true(text: str) -> bool:
    return text.lower() == "true"


def _number(options: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(options[name])
    except (KeyError, ValueError):
        return default


def _round_up(number: int) -> int:
    """To two digits, so that it can be read and typed."""
    step: int = 10 ** max(0, len(str(number)) - 2)
    return -(-number // step) * step

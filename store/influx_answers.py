"""What InfluxDB says to a write, read into what it means for the lines that were sent.

Observed on 2.7.12 (both write paths) and 1.6.7; what 3 says is from its documentation, not tried.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from store.points import StoreMisconfiguredError, StoreUnavailableError


@dataclass(frozen=True, slots=True)
class Stored:
    """All lines are stored."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Nothing is stored; fewer lines a request will do."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Some lines are refused. The others are stored only where the server says "partial write", so send them again.

    `lines` are the lines that the answer names, each with its reason, and surely refused; there may be more.
    `dropped` is how many were refused at the least: a partial write for two reasons counts only one of them.
    `older_ms` and `measurement` say where the refused ones are likely to be found.
    """

    reason: str
    lines: Mapping[str, str] = field(default_factory=dict)
    dropped: int = 0
    older_ms: int | None = None
    measurement: str | None = None


Answer = Stored | TooLarge | Refused

_MAX_SHOWN = 300
_DROPPED = re.compile(r"dropped=(\d+)")
_CONFLICT = re.compile(r'on measurement "((?:[^"\\]|\\.)*)" is type')
_NEWEST = re.compile(r"newest point .* at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z dropped because it violates")
_UNPARSED = "unable to parse '"


def read_answer(status: int, headers: Mapping[str, str], body: bytes, lines: Sequence[str], now: datetime) -> Answer:
    """What this answer to these lines means; header names in any case. `now` is for a Retry-After that names a time.

    Raises StoreUnavailableError (429, 5xx, 408) and StoreMisconfiguredError (401, 403, 404, a redirect, anything that a
    database would not say).
    """
    if status == 204:  # a 200 comes from something that is no database: nothing is stored there
        return Stored()
    message = message_of(body)
    shown = f"HTTP {status}: {message[:_MAX_SHOWN] or 'no message'}"
    if status == 413:
        return TooLarge()
    if status in (408, 429) or status >= 500:
        # Behind a gateway's time limit, and after the server's own, the write may go on.
        timed_out = status in (408, 504) or (status == 500 and "timeout" in message.lower())
        lower = {name.lower(): value for name, value in headers.items()}
        wait_s = retry_after_s(lower.get("retry-after"), now)
        raise StoreUnavailableError(shown, retry_after_s=wait_s, timed_out=timed_out)
    if status in (400, 422) and _speaks_of_lines(status, message):
        return Refused(
            message[:_MAX_SHOWN],
            named_lines(message, lines),
            int(match[1]) if (match := _DROPPED.search(message)) else 0,
            _newest_dropped_ms(message),
            match[1].replace('\\"', '"').replace("\\\\", "\\") if (match := _CONFLICT.search(message)) else None,
        )
    raise StoreMisconfiguredError(shown)


def _speaks_of_lines(status: int, message: str) -> bool:
    """A 400 may also be a proxy's, or about the request: that must not send every line to the dead letters."""
    return status == 422 or any(mark in message for mark in ("unable to parse", "partial write", "parsing failed"))


def message_of(body: bytes) -> str:
    """The text of an answer: 2.x has it under `message`, 1.x and 3 under `error`."""
    text = body.decode("utf-8", "replace").strip()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(document, dict):
        for key in ("message", "error"):
            if isinstance(document.get(key), str):
                return _with_details(document, document[key])
    return text


def _with_details(document: Mapping[str, object], message: str) -> str:
    """InfluxDB 3 names the lines beside the message: say them as 2.x does."""
    details = document.get("data")
    for detail in details if isinstance(details, list) else [details]:
        if isinstance(detail, dict) and isinstance(detail.get("original_line"), str):
            message += f"\n{_UNPARSED}{detail['original_line']}': {detail.get('error_message', '')}"
    return message


def named_lines(message: str, lines: Sequence[str]) -> dict[str, str]:
    """Those of these lines that the message names as unparsable, each with its reason."""
    if _UNPARSED not in message:
        return {}
    sent = set(lines)
    out: dict[str, str] = {}
    for chunk in message.split(_UNPARSED)[1:]:
        # A line may hold the very characters that end it in the message: the longest that was sent is meant.
        end = chunk.rfind("': ")
        while end >= 0 and chunk[:end] not in sent:
            end = chunk.rfind("': ", 0, end)
        if end >= 0:
            reason = _DROPPED.sub("", chunk[end + 3 :]).strip()
            out[chunk[:end]] = f"unable to parse: {reason}"[:_MAX_SHOWN]
        elif (first := chunk.split("\n", 1)[0]) in sent:
            # A quote without its end takes the following lines with it.
            out[first] = f"unable to parse: {chunk[-60:].strip()}"
    return out


def _newest_dropped_ms(message: str) -> int | None:
    """The newest time that lies outside the bucket's retention."""
    match = _NEWEST.search(message)
    if match is None or "Lower Bound" not in message:
        return None
    whole = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return int(whole.timestamp()) * 1000 + int((match[2] or "")[:3].ljust(3, "0"))


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After, which is a number of them or a date; None without one, or with nonsense."""
    if text is None:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text.strip()):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())

"""Finds the lines that a store refuses, and sees that all others are stored.

Sending a line again is harmless: the same series and time is the same point. What an answer claims beyond the lines that
it names is only used to find the refused ones faster, never to conclude that a line is stored.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from store.influx_answers import Answer, Refused, Stored, TooLarge
from store.lines import escape_measurement


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """The place of the line among those given, and the store's reason."""

    at: int
    reason: str


Isolating = Generator[list[str], Answer, list[RefusedLine]]
"""Gives lines to send, takes the answer, and returns the refused ones in the end."""


def isolate(lines: Sequence[str]) -> Isolating:
    """Send all lines; where the answer is not plain, narrow down until every line is stored or refused.

    One refused line among n costs about 2 log2(n) further requests, and fewer where the answer says where to look. An error
    that the driver raises ends it; then write all again later.
    """
    refused: list[RefusedLine] = []
    waiting = [list(range(len(lines)))] if lines else []
    while waiting:
        group = waiting.pop()
        answer = yield [lines[at] for at in group]
        if isinstance(answer, Stored):
            continue
        if isinstance(answer, TooLarge):
            if len(group) == 1:
                refused.append(RefusedLine(group[0], "the line alone is larger than a request may be"))
            else:
                waiting.extend(_halves(group))
            continue
        rest = [at for at in group if lines[at] not in answer.lines]
        refused.extend(RefusedLine(at, answer.lines[lines[at]]) for at in group if lines[at] in answer.lines)
        if len(rest) < len(group):
            if rest:
                waiting.append(rest)
        elif len(group) == 1 or answer.dropped >= len(group):
            refused.extend(RefusedLine(at, answer.reason) for at in group)
        else:
            waiting.extend(_split(lines, group, answer))
    return sorted(refused, key=lambda one: one.at)


def _split(lines: Sequence[str], group: list[int], answer: Refused) -> list[list[int]]:
    """Two parts, neither of them empty: the suspects and the others where the answer tells, else the halves."""
    suspects: set[int] = set()
    if answer.older_ms is not None:
        suspects = {at for at in group if _time_ms(lines[at]) <= answer.older_ms}
    elif answer.measurement is not None:
        start = escape_measurement(answer.measurement) + ","
        suspects = {at for at in group if lines[at].startswith(start)}
    if not suspects or len(suspects) == len(group):
        return _halves(group)
    # The last is taken first: the suspects are settled before the others are sent again.
    return [[at for at in group if at not in suspects], [at for at in group if at in suspects]]


def _halves(group: list[int]) -> list[list[int]]:
    middle = len(group) // 2
    return [group[middle:], group[:middle]]


def _time_ms(line: str) -> int:
    return int(line.rpartition(" ")[2])

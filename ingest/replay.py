"""A dead letter judged again, by the registry and the limits in force now. Pure but for the intake's memory.

It takes the way of a message, but the check of what was received: a letter's own numbers count as received. What is accepted
becomes a spool row in the same change that takes the letter away, so that a replay repeated, or killed, does nothing twice.
"""

from collections import Counter
from dataclasses import dataclass, field

from ingest.change import Again, Count, Letter, Mark
from ingest.intake import Arrival, Group, Intake, keep_only, letters_of
from ingest.letters import KeptLetter
from ingest.pipeline import Judged
from ingest.received import count, parse_ranges, ranges_text, take_new
from ingest.statuses import judge_status
from wire.ranges import RangeSet
from wire.reasons import Reason
from wire.topics import is_status


@dataclass(slots=True)
class Tally:
    """What a replay did: letters looked at, and readings by what became of them."""

    letters: int = 0
    stored: int = 0
    repeated: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Readings refused again, by reason."""

    def add(self, other: "Tally") -> None:
        """Add another one's numbers."""
        self.letters += other.letters
        self.stored += other.stored
        self.repeated += other.repeated
        self.refused.update(other.refused)

    def document(self) -> dict[str, object]:
        """For JSON."""
        return {
            "letters": self.letters,
            "stored": self.stored,
            "repeated": self.repeated,
            "refused": dict(sorted(self.refused.items())),
        }


def replay(letters: list[tuple[KeptLetter, bytes]], intake: Intake, group: Group, now_ms: int) -> Tally:
    """Judge these letters again, into this group."""
    tally = Tally()
    for letter, payload in letters:
        tally.letters += 1
        _replay_one(letter, payload, intake, group, now_ms, tally)
    return tally


def _replay_one(letter: KeptLetter, payload: bytes, intake: Intake, group: Group, now_ms: int, tally: Tally) -> None:
    arrival = Arrival(letter.topic, payload, letter.content_type, letter.received_ms, 0.0)
    if is_status(letter.topic):
        _replay_status(letter, payload, intake, group, now_ms, tally)
        return
    judged = intake.rejudge(arrival)
    _is_survived(letter, intake, group)
    if judged.gateway is None or (letter.epoch is not None and judged.epoch != letter.epoch):
        reason = judged.refused[0].reason if judged.refused else Reason(letter.reason)
        detail = judged.refused[0].detail if judged.refused else letter.detail
        _refuse_again(letter, reason, detail, group, now_ms, tally)
        return
    if letter.epoch is None:
        _was_unreadable(letter, judged, judged.gateway, intake, group, tally, arrival, now_ms)
        return
    numbers = RangeSet(parse_ranges(letter.ranges))
    keep_only(judged, numbers)
    refused = letters_of(arrival, judged, judged.gateway)
    if len(refused) == 1 and refused[0].key == letter.key:
        _refuse_again(letter, refused[0].reason, refused[0].detail, group, now_ms, tally)
        return
    for first, last in RangeSet.of(judged.seqs()):
        numbers.remove(first, last)
    if numbers:  # not in the bytes any more: cannot be, and must not get lost
        refused.append(_rest(letter, payload, numbers))
    group.change.counts[Count.DEAD] -= letter.readings
    stored = _spool(letter, judged, judged.gateway, intake, group)
    _leave(letter, refused, group, tally)
    tally.stored += stored
    _mark(letter, group, now_ms, stored, 0, sum(one.readings for one in refused))


def _is_survived(letter: KeptLetter, intake: Intake, group: Group) -> None:
    """It was decoded, and we are alive."""
    if letter.reason == Reason.POISON.value:
        intake.poison.discard(letter.digest)
        group.change.unmarks.append(letter.digest)


def _replay_status(letter: KeptLetter, payload: bytes, intake: Intake, group: Group, now_ms: int, tally: Tally) -> None:
    """A status names no readings, and an old one must not speak for today: one that is good now has done its service.

    Its gateway has said hello again since then, or will: so it counts as repeated.
    """
    refused = judge_status(letter.topic, payload, intake.known).refused
    _is_survived(letter, intake, group)
    if refused is not None:
        _refuse_again(letter, refused.reason, refused.detail, group, now_ms, tally)
        return
    counts = group.change.counts
    counts[Count.DEAD] -= letter.readings
    counts[Count.REPEATED] += letter.readings
    intake.dead_keys.discard(letter.key)
    _leave(letter, [], group, tally)
    tally.repeated += letter.readings
    _mark(letter, group, now_ms, 0, letter.readings, 0)


def _was_unreadable(
    letter: KeptLetter,
    judged: Judged,
    gateway: str,
    intake: Intake,
    group: Group,
    tally: Tally,
    arrival: Arrival,
    now_ms: int,
) -> None:
    """A message without readable identity that can be read now: it came once, as so many readings."""
    ranges, new = take_new(intake.received, gateway, judged.epoch, judged.seqs())
    total, new_total = count(ranges), count(new)
    keep_only(judged, RangeSet(new))
    counts = group.change.counts
    counts[Count.RECEIVED] += total - 1
    counts[Count.DEAD] -= 1
    counts[Count.REPEATED] += total - new_total
    intake.dead_keys.discard(letter.key)
    refused = letters_of(arrival, judged, gateway)
    stored = _spool(letter, judged, gateway, intake, group)
    _leave(letter, refused, group, tally)
    tally.stored += stored
    tally.repeated += total - new_total
    _mark(letter, group, now_ms, stored, total - new_total, sum(one.readings for one in refused))


def _spool(letter: KeptLetter, judged: Judged, gateway: str, intake: Intake, group: Group) -> int:
    if not judged.accepted and not judged.records:
        return 0
    return intake.spool(letter.received_ms, gateway, judged, group)


def _refuse_again(letter: KeptLetter, reason: Reason, detail: str, group: Group, now_ms: int, tally: Tally) -> None:
    group.change.refused_again.append(Again(letter.id, reason, detail, now_ms))
    tally.refused[reason.value] += letter.readings


def _leave(letter: KeptLetter, refused: list[Letter], group: Group, tally: Tally) -> None:
    group.change.letters_gone.append(letter.id)
    for one in refused:
        group.change.keep_letter(one)
        tally.refused[one.reason.value] += one.readings


def _mark(letter: KeptLetter, group: Group, now_ms: int, stored: int, repeated: int, refused: int) -> None:
    group.change.replayed.append(
        Mark(
            now_ms,
            letter.id,
            letter.reason,
            letter.gateway,
            letter.epoch,
            letter.ranges,
            letter.sensor,
            stored,
            repeated,
            refused,
        )
    )


def _rest(letter: KeptLetter, payload: bytes, numbers: RangeSet) -> Letter:
    return Letter(
        reason=Reason(letter.reason),
        detail=letter.detail,
        topic=letter.topic,
        content_type=letter.content_type,
        received_ms=letter.received_ms,
        payload=payload,
        digest=letter.digest,
        gateway=letter.gateway,
        epoch=letter.epoch,
        ranges=parse_ranges(ranges_text(numbers)),
        sensor=letter.sensor,
    )

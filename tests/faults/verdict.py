"""The auditor of the fault tests: ledger, the gateway's log files, the store, dead letters and gaps, as the design defines it.

*Lost*: logged by the gateway, and in neither store nor dead letters nor a gap. *Unlogged*: served, and not in the log.
*Doubled*: one serve number at two timestamps.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.ledger import LedgerReader, Serve, State
from tests.faults.logged import DeadLetter, Entry, dead_letters, entries
from tests.faults.stored import NO_FLAG, Points, StoredData
from wire.names import thinned_from
from wire.ranges import RangeSet

Identity = tuple[int, int]
"""Epoch and number."""

MOST_SHOWN = 8


@dataclass(slots=True)
class Verdict:
    """What was found; each list says what and where, so that a failed test tells enough."""

    readings: int = 0
    stored: int = 0
    dead: int = 0
    in_gaps: int = 0
    served: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unlogged: list[str] = field(default_factory=list)
    """Blocks, not readings."""
    wrong: list[str] = field(default_factory=list)
    """Stored with another value than was served, or never served."""

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing doubled, nothing wrong."""
        return not (self.lost or self.doubled or self.wrong)

    def __str__(self) -> str:
        head = (
            f"readings {self.readings}, stored {self.stored}, dead {self.dead}, in gaps {self.in_gaps}, blocks served"
            f" {self.served}, unlogged {len(self.unlogged)}, lost {len(self.lost)}, doubled {len(self.doubled)},"
            f" wrong {len(self.wrong)}"
        )
        lines = [head]
        for name in ("lost", "doubled", "wrong", "unlogged"):
            found: list[str] = getattr(self, name)
            lines += [f"  {name}: {one}" for one in found[:MOST_SHOWN]]
            if len(found) > MOST_SHOWN:
                lines.append(f"  {name}: and {len(found) - MOST_SHOWN} more")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where to look. `stations` names the station of each sensor."""

    gateway: str
    ledger: Path
    logs: list[Path]
    spools: list[Path]
    store: StoredData
    stations: Mapping[str, str]


def judge(evidence: Evidence, upto: int | None = None) -> Verdict:
    """The verdict over all rows of the log, or those up to this number: newer ones may be under way."""
    verdict = Verdict()
    rows = [row for path in evidence.logs for row in entries(path)]
    letters = [letter for spool in evidence.spools for letter in dead_letters(spool)]
    bodies = evidence.store.record_bodies()
    stored = _Stored(evidence)
    dead, gaps = _dead(letters), in_gaps(bodies)
    records = {str(body.get("identity")) for body in bodies}
    for row in rows:
        if upto is not None and row.seq > upto:
            continue
        _judge_row(verdict, row, stored, records, dead, gaps)
    with LedgerReader(evidence.ledger) as ledger:
        names = ledger.series()
        counters = {one.device: one for one in names.values() if one.quantity == "count"}
        for device in ledger.devices():
            serves = ledger.serves(device)
            verdict.served += sum(serve.state is State.SENT for serve in serves)
            _judge_device(verdict, serves, counters[device].sensor, rows, stored, names)
    return verdict


class _Stored:
    """The store's series, each read once."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._points: dict[tuple[str, str], Points] = {}

    def points(self, quantity: str, sensor: str) -> Points:
        key = (quantity, sensor)
        if key not in self._points:
            station = self._evidence.stations[thinned_from(sensor) or sensor]
            self._points[key] = self._evidence.store.points(quantity, station, sensor)
        return self._points[key]


def _dead(letters: Iterable[DeadLetter]) -> dict[int, RangeSet]:
    out: dict[int, RangeSet] = {}
    for letter in letters:
        if letter.epoch is not None:
            out.setdefault(letter.epoch, RangeSet()).update(letter.ranges)
    return out


def in_gaps(bodies: Iterable[Mapping[str, Any]]) -> dict[int, RangeSet]:
    """The identities that gaps name: an epoch in hexadecimal, and ranges."""
    out: dict[int, RangeSet] = {}
    for body in bodies:
        if isinstance(body.get("epoch"), str) and isinstance(body.get("ranges"), list):
            out.setdefault(int(body["epoch"], 16), RangeSet()).update(tuple(one) for one in body["ranges"])
    return out


def _judge_row(
    verdict: Verdict,
    row: Entry,
    stored: _Stored,
    records: set[str],
    dead: dict[int, RangeSet],
    gaps: dict[int, RangeSet],
) -> None:
    verdict.readings += 1
    name = f"{row.epoch:012x}/{row.seq} {row.sensor or row.kind} at {row.ms}"
    if row.sensor:
        point = stored.points(row.quantity, row.sensor).get(row.ms)
        if point is not None:
            verdict.stored += 1
            if not _same(point[0], row.value):
                verdict.wrong.append(f"{name}: stored {point[0]}, logged {row.value}")
            elif point[1] == NO_FLAG:
                verdict.wrong.append(f"{name}: stored without a flag")
            return
    elif f"{row.epoch:012x}/{row.seq}" in records:
        verdict.stored += 1
        return
    if row.seq in dead.get(row.epoch, RangeSet()):
        verdict.dead += 1
    elif row.seq in gaps.get(row.epoch, RangeSet()):
        verdict.in_gaps += 1
    else:
        verdict.lost.append(name)


def _judge_device(
    verdict: Verdict,
    serves: list[Serve],
    counter: str,
    rows: list[Entry],
    stored: _Stored,
    names: Mapping[int, Any],
) -> None:
    logged = {int(row.value) for row in rows if row.sensor == counter and row.value is not None}
    times: dict[int, list[int]] = {}
    for ms, (value, _) in stored.points("count", counter).items():
        if value is not None:
            times.setdefault(int(value), []).append(ms)
    for number, found in times.items():
        if len(found) > 1:
            verdict.doubled.append(f"{counter} {number} at {sorted(found)}")
    by_number = {serve.serve: serve for serve in serves}
    for serve in serves:
        if serve.state is State.SENT and serve.serve not in logged and serve.serve not in times:
            verdict.unlogged.append(f"{counter} {serve.serve} requested at {serve.requested_ms}")
    for number, found in times.items():
        origin = by_number.get(number)
        if origin is None:
            verdict.wrong.append(f"{counter} {number} at {found[0]}: never served")
            continue
        for reading in origin.readings:
            one = names[reading.series_id]
            point = stored.points(one.quantity, one.sensor).get(found[0])
            # A second scan within the same millisecond stands one further; its own row was compared above.
            if point is not None and point[0] is not None and not _same(point[0], reading.value):
                verdict.wrong.append(
                    f"{one.sensor} at {found[0]}: stored {point[0]}, served {reading.value} ({number})"
                )


def _same(left: float | None, right: float | None) -> bool:
    if left is None or right is None:
        return left is right
    return abs(left - right) <= 1e-9 * max(1.0, abs(left), abs(right))

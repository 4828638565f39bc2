"""Derives a span of time anew from the stored readings: after a rating with a past date, or for what came too late.

The same arithmetic as at ingest. A point that differs becomes a new version (`rev`), the old one goes to measurement `history`
first: killed at any moment and run again it does the rest, and run once more it changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hydrology.derived import Derivation, Name
from ingest.derive_unit import Unit
from ingest.lineage import REDERIVE, record
from ingest.pipeline import Accepted, Changed
from store.points import HistoryPoint, PointReader, Points, PointWriter, SeriesKey, SeriesPoints, StoredPoint

PIECE_MS = 2 * 86_400_000
"""Derived at once, in time."""
READ_POINTS = 20_000
WRITE_POINTS = 5_000
EVER_MS = 1 << 62
EARLIEST_MS = -9_000_000_000_000
"""In 1684: InfluxDB knows no time before 1677."""

Progress = Callable[[int], None]
"""Is told how far it has come, as a time."""


class RefusedError(Exception):
    """The store refused a point."""


@dataclass(slots=True)
class Tally:
    """What became of one derivation's points: made where there were none, changed, as they were."""

    made: int = 0
    changed: int = 0
    same: int = 0


@dataclass(slots=True)
class Outcome:
    """By derivation."""

    tallies: dict[str, Tally] = field(default_factory=dict)

    @property
    def touched(self) -> int:
        """Points made or changed."""
        return sum(one.made + one.changed for one in self.tallies.values())


async def rederive(
    reader: PointReader,
    writer: PointWriter | None,
    derivations: list[Derivation],
    start_ms: int,
    end_ms: int,
    *,
    registry: str,
    now_ms: int,
    progress: Progress = lambda time_ms: None,
) -> Outcome:
    """Derive start <= time < end anew, in the order given (what others need first). Without a writer: only say what would be.

    Where nothing is stored it goes on to the next reading: a year without any costs no time.

    Raises StoreError or RefusedError.
    """
    outcome = Outcome({one.id: Tally() for one in derivations})
    told: set[str] = set()
    until_ms = start_ms
    while (first_ms := await _first_ms(reader, derivations, until_ms, end_ms)) < end_ms:
        piece_ms = first_ms - (first_ms - start_ms) % PIECE_MS
        until_ms = min(piece_ms + PIECE_MS, end_ms)
        anew: dict[Name, dict[int, StoredPoint]] = {}
        for one in derivations:
            unit = await _unit(reader, one, piece_ms, until_ms, anew)
            before = sum(len(track.times) for track in unit.outputs)
            made, changed = unit.again(_times(unit, piece_ms, until_ms), _has_no_method(derivations, one))
            tally = outcome.tallies[one.id]
            tally.made += sum(len(series.time_ms) for series in made)
            tally.changed += len(changed)
            tally.same += before - len(changed)
            _overlay(anew, made, changed)
            if writer is not None and (made or changed):
                if one.id not in told:
                    # Before the points: a run that is killed has said what it began.
                    await _write(writer, [record(one, registry, now_ms, REDERIVE, (start_ms, end_ms))])
                    told.add(one.id)
                await _put(writer, made, changed)
        progress(until_ms)
    progress(end_ms)
    return outcome


async def _first_ms(reader: PointReader, derivations: list[Derivation], start_ms: int, end_ms: int) -> int:
    """The time of the first stored reading of what is derived from, `end_ms` where there is none."""
    since_ms = max(start_ms, EARLIEST_MS)
    first_ms = end_ms
    for key in {SeriesKey(*part.name) for one in derivations for part in one.inputs}:
        for point in await reader.points(key, since_ms, first_ms, 1):
            first_ms = point.time_ms
    return first_ms


def _has_no_method(derivations: list[Derivation], one: Derivation) -> Callable[[int], bool]:
    """Whether at a time none of those that make the same series has a method: a rating that was ended earlier."""
    mates = [other for other in derivations if other.outputs[0].name == one.outputs[0].name]
    return lambda time_ms: all(mate.methods.at(time_ms) is None for mate in mates)


def _times(unit: Unit, start_ms: int, end_ms: int) -> list[int]:
    return [time_ms for time_ms in unit.inputs[0].times if start_ms <= time_ms < end_ms]


async def _unit(
    reader: PointReader, one: Derivation, start_ms: int, end_ms: int, anew: dict[Name, dict[int, StoredPoint]]
) -> Unit:
    """The derivation with all that it may need of these times in its memory."""
    unit = Unit(one, 0, capacity=EVER_MS)
    for part, track in zip(one.inputs, unit.inputs, strict=True):
        found = await read_all(reader, SeriesKey(*part.name), start_ms - part.max_age_ms, end_ms + part.max_age_ms)
        points = {point.time_ms: point for point in found} | anew.get(part.name, {})
        track.fill((points[time_ms] for time_ms in sorted(points)), complete=True)
    for output, track, revs in zip(one.outputs, unit.outputs, unit.revs, strict=True):
        found = await read_all(reader, SeriesKey(*output.name), start_ms, end_ms)
        track.fill(found, complete=True)
        revs.update((point.time_ms, point.rev) for point in found if point.rev)
    return unit


async def read_all(reader: PointReader, key: SeriesKey, start_ms: int, end_ms: int) -> list[StoredPoint]:
    """Every point with start <= time < end."""
    out: list[StoredPoint] = []
    while True:
        found = await reader.points(key, start_ms, end_ms, READ_POINTS)
        out += found
        if len(found) < READ_POINTS:
            return out
        start_ms = found[-1].time_ms + 1


def _overlay(anew: dict[Name, dict[int, StoredPoint]], made: list[Accepted], changed: list[Changed]) -> None:
    for series in made:
        target = series.target
        of = anew.setdefault(Name(target.quantity, target.station, target.sensor), {})
        for time_ms, value, flag in zip(series.time_ms, series.value, series.flag, strict=True):
            of[time_ms] = StoredPoint(time_ms, value, flag)
    for change in changed:
        target = change.target
        anew.setdefault(Name(target.quantity, target.station, target.sensor), {})[change.new.time_ms] = change.new


async def _put(writer: PointWriter, made: list[Accepted], changed: list[Changed]) -> None:
    items: list[Points] = [
        SeriesPoints(
            SeriesKey(one.target.quantity, one.target.station, one.target.sensor), one.time_ms, one.value, one.flag
        )
        for one in made
    ]
    await _write(writer, items)
    for at in range(0, len(changed), WRITE_POINTS):
        some = changed[at : at + WRITE_POINTS]
        keys = [SeriesKey(one.target.quantity, one.target.station, one.target.sensor) for one in some]
        # The old ones first, and stored: a point that has changed without its history would be a loss.
        await _write(writer, [HistoryPoint(key, one.old) for key, one in zip(keys, some, strict=True)])
        await _write(writer, [_point(key, one.new) for key, one in zip(keys, some, strict=True)])


def _point(key: SeriesKey, new: StoredPoint) -> SeriesPoints:
    return SeriesPoints(key, [new.time_ms], [new.value], [new.flag], [new.raw], [new.tests], [new.rev])


async def _write(writer: PointWriter, items: list[Points]) -> None:
    if not items:
        return
    refused = await writer.write(items)
    if refused:
        raise RefusedError(f"the store refused {len(refused)} points: {refused[0].reason}")

"""The quality tests of all series at ingest: what is new is judged, and earlier points whose flag changes by it are changed.

Pure but for what it remembers: of each series with tests its last readings, rebuilt at a start (ingest.rebuild).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hydrology.quality import Companion, Revision, Rules, SeriesJudge
from hydrology.quality.companion import DEFAULT_CAPACITY as COMPANION_READINGS
from hydrology.quality.series import DEFAULT_CAPACITY, MARGIN
from hydrology.quality.verdict import Check, Verdict, source_of
from hydrology.registry import Registry, Sensor, Station
from ingest.pipeline import Accepted, Changed, Target
from store.points import SeriesKey, StoredPoint
from wire.flags import Flag

SPOKE = (Flag.SUSPECT, Flag.FAIL)
"""The flags with which a mask is stored."""
ALWAYS_MS = 1 << 62
REMEMBERED = 512
"""Raws, revs and flags kept of a series before those of forgotten readings are taken away."""


class Need(NamedTuple):
    """What a series must read back at a start: so many of its newest readings, and those `window_ms` before them."""

    readings: int
    window_ms: int


@dataclass(slots=True)
class Watched:
    """One series that is judged, or that explains another (then `judge` is None, unless it is judged too)."""

    target: Target
    judge: SeriesJudge | None = None
    feeds: Companion | None = None
    dependents: "list[Watched]" = field(default_factory=list)
    """Judged again when this one has a new reading."""
    future_ms: float = 300_000
    raw: dict[int, float] = field(default_factory=dict)
    rev: dict[int, int] = field(default_factory=dict)
    told: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Flag and mask in the store where the judge, whose rules have changed since, would say otherwise."""

    @property
    def key(self) -> SeriesKey:
        """As the stores call it."""
        return SeriesKey(self.target.quantity, self.target.station, self.target.sensor)

    def need(self) -> Need:
        """What it must read back."""
        readings = COMPANION_READINGS + COMPANION_READINGS // 4 if self.feeds is not None else 0
        if self.judge is None:
            return Need(readings, 0)
        return Need(max(readings, self.judge.capacity + MARGIN), round(self.judge.rules.history_s * 1000))

    def forget(self) -> None:
        """Drop what is remembered of readings that can no longer change."""
        oldest_ms = self.judge.oldest_ms if self.judge is not None else 0
        for memory in (self.raw, self.rev, self.told):
            if len(memory) > REMEMBERED:
                for time_ms in [one for one in memory if one < oldest_ms]:
                    del memory[time_ms]


class Quality:
    """All series of a registry. `flags` counts the readings judged or passed on, by flag; `changed` the changes."""

    def __init__(self, registry: Registry, *, capacity: int = DEFAULT_CAPACITY) -> None:
        self._capacity = capacity
        self.flags: Counter[int] = Counter()
        self.changed = 0
        self._watched: dict[tuple[str, str, str], Watched] = {}
        self.reload(registry)

    def reload(self, registry: Registry) -> None:
        """Judge by this registry from now on; what is remembered of the readings stays."""
        before, self._watched = self._watched, _watch(registry, self._capacity)
        self._companions = any(watched.feeds is not None for watched in self._watched.values())
        for name, watched in self._watched.items():
            old = before.get(name)
            if old is not None:
                _take_over(watched, old)

    def needs(self) -> dict[SeriesKey, Need]:
        """What each series must read back at a start."""
        return {watched.key: watched.need() for watched in self._watched.values()}

    def ties(self) -> Iterator[tuple[SeriesKey, ...]]:
        """Series that must be seeded in one call: a companion and those that look at it."""
        for watched in self._watched.values():
            if watched.dependents:
                yield (watched.key, *(one.key for one in watched.dependents))

    def seed(self, tails: dict[SeriesKey, tuple[list[StoredPoint], bool]]) -> None:
        """Start with these readings, rising in time, and whether there are none older."""
        looks = ((self._watched.get((key.station, key.sensor, key.quantity)), tail) for key, tail in tails.items())
        found = [(watched, *tail) for watched, tail in looks if watched is not None]
        for watched, points, _ in found:
            if watched.feeds is not None:
                for point in points:
                    if not (point.tests or 0) >> Check.FUTURE & 1:
                        watched.feeds.add(point.time_ms, point.value)
        for watched, points, complete in found:
            _seed(watched, points, complete)

    def judge(self, accepted: list[Accepted], now_ms: int) -> tuple[list[Accepted], list[Changed]]:
        """Judge what is new of one message, received at this time; and the changes of earlier points that follow."""
        known = self._watched
        looks = [known.get(one.target[:3]) for one in accepted]
        again = self._feed(looks, accepted, now_ms) if self._companions else {}
        out: list[Accepted] = []
        revised: list[Watched] = []
        for watched, one in zip(looks, accepted, strict=True):
            if watched is not None and (judge := watched.judge) is not None:
                one = _judge(watched, judge, one, now_ms)
                if judge.has_revisions:
                    revised.append(watched)
            out.append(one)
        changed: list[Changed] = []
        for dependent, since_ms in again.values():
            assert dependent.judge is not None
            dependent.judge.recheck(since_ms, ALWAYS_MS)
        for watched in revised:
            self._revise(watched, looks, out, changed)
        for dependent, _ in again.values():
            self._revise(dependent, looks, out, changed)
        count = self.flags
        for one in out:
            flags = one.flag
            first = flags[0]
            if len(flags) == 1:
                count[first] += 1
            elif flags.count(first) == len(flags):
                count[first] += len(flags)
            else:
                count.update(flags)
        self.changed += len(changed)
        return out, changed

    def _feed(
        self, looks: Sequence[Watched | None], accepted: list[Accepted], now_ms: int
    ) -> dict[int, tuple[Watched, int]]:
        """Give the companions their readings; which series must look again, and from when on."""
        again: dict[int, tuple[Watched, int]] = {}
        for watched, one in zip(looks, accepted, strict=True):
            if watched is not None and watched.feeds is not None:
                since_ms = _add(watched, watched.feeds, one, now_ms)
                if since_ms is not None:
                    for dependent in watched.dependents:
                        _, other_ms = again.get(id(dependent), (dependent, since_ms))
                        again[id(dependent)] = (dependent, min(since_ms, other_ms))
        return again

    def _revise(
        self, watched: Watched, looks: Sequence[Watched | None], out: list[Accepted], changed: list[Changed]
    ) -> None:
        """Put what the judge has changed into this message, or to the changes."""
        revisions = watched.judge.take_revisions() if watched.judge is not None else None
        if revisions:
            places = {
                time_ms: (item, row)
                for item, look in enumerate(looks)
                if look is watched
                for row, time_ms in enumerate(out[item].time_ms)
            }
            changed += _change(watched, revisions, out, places)


def _watch(registry: Registry, capacity: int) -> dict[tuple[str, str, str], Watched]:
    sensors: dict[tuple[str, str], tuple[Station, Sensor]] = {
        (station.id, sensor.id): (station, sensor) for station in registry.stations for sensor in station.sensors
    }
    out: dict[tuple[str, str, str], Watched] = {}
    same: dict[tuple[object, ...], Rules] = {}
    fresh: dict[int, SeriesJudge] = {}
    """Most sensors of a fleet have equal rules: made once, and copied."""

    def watched(station: Station, sensor: Sensor) -> Watched:
        target = Target(station.id, sensor.id, sensor.quantity, sensor.unit)
        return out.setdefault(target[:3], Watched(target))

    def companion(station: str, sensor: str, dependent: Watched) -> Companion | None:
        if (station, sensor) not in sensors:
            return None  # a part of the registry: its gateway belongs to another ingest
        one = watched(*sensors[station, sensor])
        one.dependents.append(dependent)
        one.feeds = one.feeds or Companion()
        return one.feeds

    for station, sensor in sensors.values():
        zone = registry.zone_of(station)
        written = (id(sensor.quality), sensor.span, sensor.resolution, zone)
        rules = same.get(written)
        if rules is None:
            rules = same[written] = sensor.rules(zone)
        if rules == Rules(zone=rules.zone):
            continue
        one = watched(station, sensor)
        given = sensor.quality
        movers = [companion(station.id, name, one) for name in (given.moves.sensors if given and given.moves else ())]
        near = given.neighbour if given else None
        neighbour = companion(near.station, near.sensor, one) if near else None
        if movers or near:
            one.judge = SeriesJudge(rules, movers=tuple(filter(None, movers)), neighbour=neighbour, capacity=capacity)
        else:
            if id(rules) not in fresh:
                fresh[id(rules)] = SeriesJudge(rules, capacity=capacity)
            one.judge = fresh[id(rules)].twin()
        one.future_ms = rules.future_s * 1000
    return out


def _take_over(watched: Watched, old: Watched) -> None:
    """The readings of the same series under the registry before."""
    if watched.feeds is not None and old.feeds is not None:
        watched.feeds.take(old.feeds)
    if watched.judge is None or old.judge is None:
        return
    rules = watched.judge.rules
    if rules == old.judge.rules and rules.moves is None and rules.neighbour is None:
        watched.judge, watched.raw, watched.rev, watched.told = old.judge, old.raw, old.rev, old.told
        return
    points = []
    for (time_ms, flag, tests), value in zip(old.judge.flagged(), old.judge.export()["value"], strict=True):
        flag, tests = old.told.get(time_ms) or _kept(flag, tests)
        points.append(StoredPoint(time_ms, value, flag, old.raw.get(time_ms), tests, old.rev.get(time_ms, 0)))
    _seed(watched, points, complete=old.judge.complete)


def _seed(watched: Watched, points: list[StoredPoint], complete: bool) -> None:
    judge = watched.judge
    if judge is None:
        return
    judge.rebuild(((one.time_ms, one.value, one.flag, one.tests or 0) for one in points), complete=complete)
    now = {time_ms: (flag, tests) for time_ms, flag, tests in judge.flagged()}
    for one in points:
        if one.time_ms not in now:
            continue
        if one.raw is not None and one.raw != one.value:
            watched.raw[one.time_ms] = one.raw
        if one.rev:
            watched.rev[one.time_ms] = one.rev
        stored = (one.flag, one.tests or 0)
        if _kept(*now[one.time_ms]) != stored:
            watched.told[one.time_ms] = stored


def _kept(flag: int, tests: int) -> tuple[int, int]:
    """Flag and mask as they are stored."""
    return flag, tests if flag in SPOKE else 0


def _add(watched: Watched, feeds: Companion, one: Accepted, now_ms: int) -> int | None:
    """Give a companion its readings; the earliest that is new."""
    since_ms = None
    for time_ms, value in zip(one.time_ms, one.value, strict=True):
        # Of a series without tests a restart could not tell which ones were from the future.
        ahead = watched.judge is not None and time_ms - now_ms > watched.future_ms
        if not ahead and feeds.add(time_ms, value):
            since_ms = time_ms if since_ms is None else min(since_ms, time_ms)
    return since_ms


def _judge(watched: Watched, judge: SeriesJudge, one: Accepted, now_ms: int) -> Accepted:
    target, seq, times, values, sources, raws, masks = one
    if masks is not None:  # from the spool of another ingest, which has judged it already
        sources = [source_of(flag, mask or 0) for flag, mask in zip(sources, masks, strict=True)]
    verdicts: list[Verdict] | None
    if len(times) == 1:
        verdict = judge.judge(times[0], values[0], sources[0], now_ms)
        verdicts = None if verdict is judge.passed else [verdict]
    else:
        verdicts = judge.judge_column(times, values, sources, now_ms)
    if raws is not None:
        watched.raw.update(
            (time_ms, raw)
            for time_ms, raw, value in zip(times, raws, values, strict=True)
            if raw is not None and raw != value
        )
        watched.forget()
    if verdicts is None:
        return one if masks is None else Accepted(target, seq, times, values, [int(Flag.PASS)] * len(times), raws)
    flags = [int(verdict.flag) for verdict in verdicts]
    tests = [verdict.tests if verdict.flag in SPOKE else None for verdict in verdicts]
    if masks is None and flags == sources and not any(tests):
        return one
    return Accepted(target, seq, times, values, flags, raws, _or_none(tests))


def _or_none(tests: list[int | None]) -> list[int | None] | None:
    return tests if any(tests) else None


def _change(
    watched: Watched, revisions: Sequence[Revision], out: list[Accepted], places: dict[int, tuple[int, int]]
) -> list[Changed]:
    """Put the revisions of this message's own readings right in place; the others become changes."""
    ends: dict[int, tuple[Revision, Revision]] = {}
    for revision in revisions:
        ends[revision.t_ms] = (ends.get(revision.t_ms, (revision,))[0], revision)
    changed: list[Changed] = []
    for time_ms, (first, last) in ends.items():
        place = places.get(time_ms)
        flag, tests = _kept(int(last.after.flag), last.after.tests)
        if place is not None:
            _put_right(out, *place, flag, tests)
            continue
        before = watched.told.pop(time_ms, None) or _kept(int(first.before.flag), first.before.tests)
        if before == (flag, tests):
            continue
        rev, raw = watched.rev.get(time_ms, 0), watched.raw.get(time_ms)
        watched.rev[time_ms] = rev + 1
        changed.append(
            Changed(
                watched.target,
                StoredPoint(time_ms, last.value, before[0], raw, before[1] or None, rev),
                StoredPoint(time_ms, last.value, flag, raw, tests or None, rev + 1),
            )
        )
    watched.forget()
    return changed


def _put_right(out: list[Accepted], item: int, row: int, flag: int, tests: int) -> None:
    one = out[item]
    flags = one.flag.copy()  # it may be the message's own column
    flags[row] = flag
    masks = one.tests or [None] * len(one.flag)
    masks[row] = tests or None
    out[item] = one._replace(flag=flags, tests=_or_none(masks))

"""Derived series at ingest: beside every accepted reading the points that follow from it, in the same row of the spool.

A derived series has no sequence numbers: it is no reading of a gateway, is not receipted, and no counter of readings moves.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hydrology.derived import Derivation, derivations
from hydrology.registry import Registry
from ingest.derive_memory import Track
from ingest.derive_unit import CAPACITY, Unit
from ingest.pipeline import Accepted, Changed
from ingest.quality import Need
from store.points import SeriesKey, StoredPoint

Key = tuple[str, str, str]
"""Station, sensor, quantity: as a target begins."""


class Use(NamedTuple):
    """Where a series goes in: which unit, and which of its inputs."""

    unit: Unit
    place: int


class Derive:
    """All derivations of a registry. `points` counts what was derived, `changed` the changes of earlier points."""

    def __init__(self, registry: Registry, *, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self.points = 0
        self.changed = 0
        self._late_before = 0
        self._units: list[Unit] = []
        self._uses: dict[Key, list[Use]] = {}
        self._makers: dict[SeriesKey, list[Unit]] = {}
        """By the first series that they make."""
        self.reload(registry)

    @property
    def late(self) -> int:
        """Readings too late to be paired."""
        return self._late_before + sum(unit.late for unit in self._units)

    @property
    def derivations(self) -> list[Derivation]:
        """What is derived now."""
        return [unit.derivation for unit in self._units]

    def reload(self, registry: Registry) -> None:
        """Derive by this registry from now on; what is remembered of the readings stays."""
        before = self._units
        self._late_before = self.late
        self._units = [Unit(one, order, self._capacity) for order, one in enumerate(derivations(registry))]
        self._uses, self._makers = {}, {}
        for unit in self._units:
            self._makers.setdefault(SeriesKey(*unit.derivation.outputs[0].name), []).append(unit)
            for place, one in enumerate(unit.derivation.inputs):
                key = (one.name.station, one.name.sensor, one.name.quantity)
                self._uses.setdefault(key, []).append(Use(unit, place))
        if before:
            self._take_over(before)

    def _take_over(self, before: list[Unit]) -> None:
        inputs: dict[Key, Track] = {}
        outputs: dict[tuple[str, Key], tuple[Track, dict[int, int]]] = {}
        for unit in before:
            for one, track in zip(unit.derivation.inputs, unit.inputs, strict=True):
                if unit.joined:
                    inputs[one.name] = track
            for target, track, revs in zip(unit.targets, unit.outputs, unit.revs, strict=True):
                outputs[unit.derivation.id, target[:3]] = (track, revs)
        waiting = {unit.derivation.id: unit.waiting for unit in before}
        for unit in self._units:
            for place, one in enumerate(unit.derivation.inputs):
                known = inputs.get(one.name)
                if known is None:
                    unit.inputs[place].complete = False
                else:
                    unit.inputs[place].take(known)
            for place, target in enumerate(unit.targets):
                found = outputs.get((unit.derivation.id, target[:3]))
                if found is not None:
                    unit.outputs[place], unit.revs[place] = found
            if unit.joined:
                unit.waiting = set(waiting.get(unit.derivation.id, ()))

    def needs(self) -> dict[SeriesKey, Need]:
        """What of which series must be read back at a start."""
        need = Need(self._capacity, 0)
        out: dict[SeriesKey, Need] = {}
        for unit in self._units:
            if unit.joined:
                for one in unit.derivation.inputs:
                    key, before = SeriesKey(*one.name), out.get(SeriesKey(*one.name), need)
                    out[key] = before._replace(window_ms=max(before.window_ms, unit.keep_ms(one)))
            for output in unit.derivation.outputs:
                out.setdefault(SeriesKey(*output.name), need)
        return out

    def ties(self) -> Iterator[tuple[SeriesKey, ...]]:
        """Series that must be seeded in one call: what goes into a derivation and what comes out of it."""
        for unit in self._units:
            one = unit.derivation
            yield tuple(
                SeriesKey(*name) for name in (*(out.name for out in one.outputs), *(part.name for part in one.inputs))
            )

    def seed(
        self,
        tails: dict[SeriesKey, tuple[list[StoredPoint], bool]],
        *,
        known: bool = True,
        of: Iterable[SeriesKey] | None = None,
    ) -> None:
        """Start with these readings, rising in time, and whether there are none older. Not `known`: the store did not say.

        With `of` only what makes these series.
        """
        units = self._units if of is None else [unit for key in of for unit in self._makers.get(key, ())]
        for unit in units:
            for one, track in zip(unit.derivation.inputs, unit.inputs, strict=True):
                if unit.joined:
                    points, complete = tails.get(SeriesKey(*one.name), ([], known))
                    track.fill(points, complete)
                    unit.keep(one, track)
            for one_out, track, revs in zip(unit.derivation.outputs, unit.outputs, unit.revs, strict=True):
                points, complete = tails.get(SeriesKey(*one_out.name), ([], known))
                track.fill(points[-self._capacity :], complete and len(points) <= self._capacity)
                revs.update((point.time_ms, point.rev) for point in points if point.rev)
            unit.settle_waiting()

    def take(self, accepted: list[Accepted], changed: list[Changed]) -> tuple[list[Accepted], list[Changed]]:
        """What was accepted of one message and what it changed, with the derived points and their changes behind."""
        touched = self._touch(accepted, changed, {}) if self._uses else None
        if not touched:
            return accepted, changed
        accepted, changed = list(accepted), list(changed)
        while touched:
            points, changes = touched.pop(min(touched)).work()
            self.points += sum(len(one.time_ms) for one in points)
            self.changed += len(changes)
            self._touch(points, changes, touched)
            accepted += points
            changed += changes
        return accepted, changed

    def _touch(self, points: list[Accepted], changes: list[Changed], touched: dict[int, Unit]) -> dict[int, Unit]:
        """Give these to the units that they go into, which are noted in `touched` by their order."""
        uses = self._uses
        for one in points:
            for unit, place in uses.get(one.target[:3], ()):
                unit.add(place, one)
                touched[unit.order] = unit
        for change in changes:
            for unit, place in uses.get(change.target[:3], ()):
                unit.add_change(place, change)
                touched[unit.order] = unit
        return touched

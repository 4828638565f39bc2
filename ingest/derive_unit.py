"""One derivation at work: from new and changed inputs to derived points, new ones and changes of earlier ones. Pure but for
what it remembers.

A derived point is the same whatever the order in which its inputs came: it is made when the inputs that count for it are
there (or are no longer waited for), and made again, as a change with its history, when one of them comes late or changes.
"""

from collections.abc import Callable, Iterable

from hydrology.derived import Derivation, Input, Pairing, Value
from ingest.derive_memory import Track
from ingest.pipeline import Accepted, Changed, Target
from store.points import StoredPoint
from wire.flags import Flag

CAPACITY = 131
"""Readings remembered of a series: as many as the quality tests may change."""
NOTHING_COMES_MS = 1 << 62
"""As the newest reading's time: no partner is waited for any more."""
FAILED: Value = (None, int(Flag.FAIL))
MISSING: Value = (None, int(Flag.MISSING))


class Unit:
    """A derivation with its memory. With one input nothing need be remembered of that."""

    def __init__(self, derivation: Derivation, order: int, capacity: int = CAPACITY) -> None:
        self.derivation, self.order, self.capacity = derivation, order, capacity
        self.targets = [
            Target(one.name.station, one.name.sensor, one.name.quantity, one.unit) for one in derivation.outputs
        ]
        self.inputs = [Track() for _ in derivation.inputs]
        self.outputs = [Track() for _ in derivation.outputs]
        self.revs: list[dict[int, int]] = [{} for _ in derivation.outputs]
        self.joined = len(derivation.inputs) > 1
        self._places = list(range(len(derivation.inputs)))
        self._keeps = [self.keep_ms(one) for one in derivation.inputs]
        self.waiting: set[int] = set()
        """Times of the driving input whose partners may still come."""
        self.late = 0
        """Readings that came so late that what belongs to them is not remembered: `aryk rederive` makes these points."""
        self._series: list[tuple[int, Accepted]] = []
        self._changes: list[tuple[int, Changed]] = []

    def add(self, place: int, one: Accepted) -> None:
        """New readings of an input, for the next `work`."""
        self._series.append((place, one))

    def add_change(self, place: int, one: Changed) -> None:
        """A changed reading of an input."""
        self._changes.append((place, one))

    def work(self) -> tuple[list[Accepted], list[Changed]]:
        """The derived points that follow."""
        series, changes = self._series, self._changes
        self._series, self._changes = [], []
        if not changes and len(series) == len(self.inputs) and not self.derivation.step_ms:
            out = self._straight(series)
            if out is not None:
                return out, []
        if self.joined:
            return self._join(series, changes)
        at = self.derivation.at
        found: dict[int, tuple[Value, ...]] = {}
        for _, one in series:
            for time_ms, value, flag in zip(one.time_ms, one.value, one.flag, strict=True):
                answers = at(time_ms, ((value, flag),))
                if answers is not None:
                    found[time_ms] = answers
        out, changed = self._emit(found, found)
        if changes:
            again: dict[int, tuple[Value, ...]] = {}
            for _, change in changes:
                old, new = change.old, change.new
                before = at(old.time_ms, ((old.value, old.flag),))
                answers = at(new.time_ms, ((new.value, new.flag),))
                if before is None or answers is None:
                    continue
                again[new.time_ms] = answers
                for track, revs, (value, flag) in zip(self.outputs, self.revs, before, strict=True):
                    if track.get(old.time_ms) is None:  # older than what is remembered
                        track.put(old.time_ms, value, flag)
                        if old.rev:
                            revs[old.time_ms] = old.rev
            more, more_changed = self._emit(again, ())
            out, changed = out + more, changed + more_changed
        self._trim()
        return out, changed

    def _straight(self, series: list[tuple[int, Accepted]]) -> list[Accepted] | None:
        """The usual case: one message with the next scans of all inputs, every one with a value, and nothing waits for them.

        None where it is another one; then nothing was done.
        """
        if self.joined:
            series.sort(key=_place)
            if [place for place, _ in series] != self._places:
                return None
        columns = [one for _, one in series]
        times = columns[0].time_ms
        if times[0] <= self.outputs[0].newest_ms or self.waiting or (len(times) > 1 and sorted(set(times)) != times):
            return None
        for one in columns:
            if one.time_ms != times or None in one.value:
                return None
        if self.joined:
            newest_ms = self.inputs[0].newest_ms
            if times[0] <= newest_ms:
                return None
            for track in self.inputs:
                if track.newest_ms != newest_ms or not track.is_whole_at_end:
                    return None
            for track, one in zip(self.inputs, columns, strict=True):
                track.extend(times, one.value, one.flag)
        rows: list[tuple[float, ...]] = list(zip(*(one.value for one in columns), strict=True))
        worst = list(map(max, *(one.flag for one in columns))) if self.joined else columns[0].flag
        answers = self.derivation.column(times, rows, worst)
        if None in answers:
            times = [time_ms for time_ms, one in zip(times, answers, strict=True) if one is not None]
        found = [one for one in answers if one is not None]
        out = []
        if found:
            for target, track, column in zip(self.targets, self.outputs, zip(*found, strict=True), strict=True):
                values = [value for value, _ in column]
                flags = [flag for _, flag in column]
                track.extend(times, values, flags)
                out.append(Accepted(target, [], times, values, flags, None, None))
        self._trim()
        return out

    def _join(
        self, series: list[tuple[int, Accepted]], changes: list[tuple[int, Changed]]
    ) -> tuple[list[Accepted], list[Changed]]:
        fresh: set[int] = set()
        partners: list[tuple[int, int]] = []
        touched: set[int] = set()
        for place, one in series:
            track = self.inputs[place]
            for time_ms, value, flag in zip(one.time_ms, one.value, one.flag, strict=True):
                track.put(time_ms, value, flag)
            if place == 0:
                fresh.update(one.time_ms)
            else:
                partners += [(place, time_ms) for time_ms in one.time_ms]
        for place, change in changes:
            new = change.new
            self.inputs[place].put(new.time_ms, new.value, new.flag)
            if place == 0:
                touched.add(new.time_ms)
            else:
                partners.append((place, new.time_ms))
        times = self.inputs[0]
        for place, time_ms in partners:
            part = self.derivation.inputs[place]
            if part.is_windowed:
                first_ms, last_ms = time_ms, time_ms + part.max_age_ms
            else:
                first_ms, last_ms = self.inputs[place].reach(time_ms, part.max_age_ms)
            touched.update(times.between(first_ms, last_ms))
        made = self.outputs[0]
        found: dict[int, tuple[Value, ...]] = {}
        newest_ms = max(track.newest_ms for track in self.inputs)
        for time_ms in sorted(touched | fresh | self.waiting):
            if time_ms not in fresh and time_ms not in self.waiting and made.get(time_ms) is None:
                continue  # of a time without a method, or before anything was derived here
            if not self._is_due(time_ms):
                self.waiting.discard(time_ms)  # an earlier one of its step came late
                continue
            self._look(time_ms, newest_ms, found)
        out, changed = self._emit(found, fresh)
        while len(self.waiting) > self.capacity // 2:  # before they are forgotten
            oldest_ms = min(self.waiting)
            last: dict[int, tuple[Value, ...]] = {}
            self._look(oldest_ms, NOTHING_COMES_MS, last)
            more, more_changed = self._emit(last, fresh)
            out, changed = out + more, changed + more_changed
        self._trim()
        return out, changed

    def _look(self, time_ms: int, newest_ms: int, found: dict[int, tuple[Value, ...]]) -> None:
        """Derive at this time, or wait."""
        driver = self.inputs[0].get(time_ms)
        self.waiting.discard(time_ms)
        if driver is None:
            return
        if not self.is_ready(time_ms, driver, newest_ms):
            if self.derivation.methods.at(time_ms) is not None:
                self.waiting.add(time_ms)
            return
        read = self.read(time_ms)
        for pair, track, one in zip(read, self.inputs, self.derivation.inputs, strict=True):
            first_ms = time_ms - one.max_age_ms if one.is_windowed else time_ms
            if pair is None and not track.complete and (not track.times or first_ms < track.times[0]):
                self.late += 1
                return
        answers = self.derivation.at(time_ms, [pair or MISSING for pair in read])
        if answers is not None:
            found[time_ms] = answers

    def read(self, time_ms: int) -> list[Value | None]:
        """The inputs that count for a time of the driving one; None where nothing is near enough."""
        out: list[Value | None] = []
        for one, track in zip(self.derivation.inputs, self.inputs, strict=True):
            if one.pairing is Pairing.DRIVES:
                out.append(track.get(time_ms))
            elif one.pairing is Pairing.RATE:
                out.append(track.rate(time_ms, one.max_age_ms))
            elif one.pairing is Pairing.MEAN:
                out.append(track.mean(time_ms, one.max_age_ms, 2 * one.close_ms))
            elif one.pairing is Pairing.LINEAR:
                out.append(track.linear(time_ms, one.max_age_ms, one.close_ms))
            else:
                out.append(track.nearest(time_ms, one.max_age_ms))
        return out

    def is_ready(self, time_ms: int, driver: Value, newest_ms: int) -> bool:
        """Whether all that may count for this time is there, or nothing more is waited for."""
        if driver[0] is None or driver[1] >= Flag.FAIL:
            return True
        for one, track in zip(self.derivation.inputs, self.inputs, strict=True):
            if (
                one.pairing is not Pairing.DRIVES
                and track.newest_ms < time_ms - one.close_ms
                and newest_ms < time_ms + one.wait_ms
            ):
                return False
        return True

    def _emit(self, found: dict[int, tuple[Value, ...]], fresh: Iterable[int]) -> tuple[list[Accepted], list[Changed]]:
        """What is new of these answers, and what differs from what was made before."""
        if not found:
            return [], []
        out: list[Accepted] = []
        changed: list[Changed] = []
        again = fresh if isinstance(fresh, (set, dict)) else set(fresh)
        for place, (target, track) in enumerate(zip(self.targets, self.outputs, strict=True)):
            times: list[int] = []
            values: list[float | None] = []
            flags: list[int] = []
            for time_ms, answers in found.items():
                value, flag = answers[place]
                old = track.get(time_ms)
                if old is not None:
                    value, flag = settled(old, value, flag)
                    if old != (value, flag):
                        changed.append(self._change(place, time_ms, old, value, flag))
                        track.put(time_ms, value, flag)
                        continue
                    if time_ms not in again:
                        continue
                else:
                    track.put(time_ms, value, flag)
                times.append(time_ms)
                values.append(value)
                flags.append(flag)
            if times:
                out.append(Accepted(target, [], times, values, flags, None, None))
        return out, changed

    def _change(self, place: int, time_ms: int, old: Value, value: float | None, flag: int) -> Changed:
        revs = self.revs[place]
        rev = revs.get(time_ms, 0)
        revs[time_ms] = rev + 1
        return Changed(
            self.targets[place],
            StoredPoint(time_ms, old[0], old[1], None, None, rev),
            StoredPoint(time_ms, value, flag, None, None, rev + 1),
        )

    def _trim(self) -> None:
        if self.joined:
            for keep_ms, track in zip(self._keeps, self.inputs, strict=True):
                if keep_ms:
                    track.cut(track.newest_ms - keep_ms)
                else:
                    track.trim(self.capacity)
        for track, revs in zip(self.outputs, self.revs, strict=True):
            if track.trim(self.capacity) and revs:
                for time_ms in [one for one in revs if one < track.times[0]]:
                    del revs[time_ms]

    def again(self, times: Iterable[int], has_no_method: Callable[[int], bool]) -> tuple[list[Accepted], list[Changed]]:
        """Derive at these times anew: the points that were not there, and the changes. Nothing is waited for.

        Where no method is in force any more, an earlier point loses its value.
        """
        found: dict[int, tuple[Value, ...]] = {}
        for time_ms in times:
            if not self._is_due(time_ms):
                continue
            self._look(time_ms, NOTHING_COMES_MS, found)
            if time_ms not in found and has_no_method(time_ms) and self.outputs[0].get(time_ms) is not None:
                found[time_ms] = (FAILED,) * len(self.outputs)
        return self._emit(found, ())

    def keep(self, one: Input, track: Track) -> None:
        """Forget what is too old: of a window's input what two windows do not hold."""
        if self.keep_ms(one):
            track.cut(track.newest_ms - self.keep_ms(one))
        else:
            track.trim(self.capacity)

    def keep_ms(self, one: Input) -> int:
        """For how long an input's readings are remembered; 0 where their number counts."""
        if not self.derivation.step_ms or self.capacity >= NOTHING_COMES_MS:
            return 0
        return 2 * max(part.max_age_ms for part in self.derivation.inputs)

    def _is_due(self, time_ms: int) -> bool:
        """Whether there is a point at this reading of the driving input, where not each has one."""
        step_ms = self.derivation.step_ms
        if not step_ms or self.outputs[0].get(time_ms) is not None:
            return True
        cell_ms = time_ms - time_ms % step_ms
        return next(iter(self.inputs[0].between(cell_ms, time_ms)), time_ms) == time_ms

    def settle_waiting(self) -> None:
        """After a start: which readings of the driving input have no derived point yet because a partner may come."""
        if not self.joined:
            return
        newest_ms = max(track.newest_ms for track in self.inputs)
        made = self.outputs[0]
        for time_ms, value, flag in self.inputs[0].rows():
            if (
                made.get(time_ms) is None
                and not self.is_ready(time_ms, (value, flag), newest_ms)
                and self.derivation.methods.at(time_ms) is not None
                and self._is_due(time_ms)
            ):
                self.waiting.add(time_ms)


def _place(one: tuple[int, Accepted]) -> int:
    return one[0]


def settled(old: Value, value: float | None, flag: int) -> Value:
    """What a point becomes: stores merge fields, so one that had a value keeps it, and the flag says that it is none."""
    return (old[0], int(Flag.FAIL)) if value is None and old[0] is not None else (value, flag)

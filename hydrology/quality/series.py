"""The streaming quality engine of one series: judge a reading when it comes, in its place when it comes late.

The flags of the newest `capacity` readings depend only on the readings around them in time, never on the order in which
they came, nor on a restart: `rebuild` goes on as if nothing had been. What comes
later than that is judged alone (range and climatology), and changes nothing before the newest `capacity`. The usual reading
(later than all others, with a value) takes a path without loops or new objects, below 1.5 µs for range, rate and flat.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Any

from hydrology.quality.checks import (
    attenuated_flag,
    counter_flag,
    flat_flag,
    flat_run_start,
    gap_flag,
    range_flag,
    rate_flag,
    season_flag,
    spike_flag,
)
from hydrology.quality.climate import Seasons
from hydrology.quality.companion import Companion
from hydrology.quality.rules import Rules
from hydrology.quality.verdict import NO_VALUE, UNTOUCHED, Check, Verdict, source_of, verdict, with_flag

DEFAULT_CAPACITY = 128
"""Readings that a late one may still change, and be judged among: 32 h at 15 minutes. Their windows are kept too."""
MARGIN = 3
"""Readings kept beside: the first of a window has one before it."""
HARD_CAPACITY = 8192
"""Never more than this (200 kB), whatever the windows ask for; then early parts of long windows are not seen."""

_KEPT = 15 << 4 * Check.SOURCE | 15 << 4 * Check.FUTURE | 15 << 4 * Check.DOUBLED
_RANGE, _RATE, _FLAT, _GAP = (4 * check for check in (Check.RANGE, Check.RATE, Check.FLAT, Check.GAP))


@dataclass(frozen=True, slots=True)
class Revision:
    """An earlier reading whose flag or mask changed because of a later arrival: the store's point gets a new `rev`."""

    t_ms: int
    value: float | None
    before: Verdict
    after: Verdict


class SeriesJudge:
    """The tests of one series. `movers` explain rate alarms (gates, upstream levels); `neighbour` contradicts."""

    __slots__ = (
        "_capacity", "_enough", "_fail3", "_fail4", "_floor", "_future", "_gap", "_high", "_last", "_low", "_more",
        "_movers", "_neighbour", "_ok", "_ok_packs", "_packs", "_prev", "_rate", "_revisions", "_run_high", "_run_low",
        "_run_t", "_seasons", "_times", "_tolerance", "_trim_at", "_values", "_window", "passed", "rules",
    )  # fmt: skip

    def __init__(
        self,
        rules: Rules,
        *,
        movers: tuple[Companion, ...] = (),
        neighbour: Companion | None = None,
        capacity: int = DEFAULT_CAPACITY,
    ) -> None:
        self.rules = rules
        self._movers = movers if rules.moves is not None else ()
        self._neighbour = neighbour if rules.neighbour is not None else None
        self._capacity = capacity
        self._trim_at = 2 * capacity
        self._window = rules.history_s * 1000
        self._seasons = Seasons(rules.seasons, rules.zone) if rules.seasons else None
        spans = [span for span in (rules.fail_span, rules.suspect_span) if span is not None]
        self._low = max((span[0] for span in spans), default=-inf)
        self._high = min((span[1] for span in spans), default=inf)
        self._gap = inf if rules.gap_s is None else rules.gap_s * 1000
        self._rate = inf if rules.rate_per_s is None else rules.rate_per_s / 1000
        flat = rules.flat
        self._tolerance = -1.0 if flat is None else flat.tolerance
        self._fail3 = inf if flat is None else flat.suspect_s * 1000
        self._fail4 = inf if flat is None else flat.fail_s * 1000
        self._enough = self._fail4 if isfinite(self._fail4) else self._fail3
        self._future = rules.future_s * 1000
        self._ok = with_flag(UNTOUCHED, Check.SOURCE, 1)
        for check, wanted in (
            (Check.GAP, rules.gap_s is not None),
            (Check.RANGE, bool(spans)),
            (Check.RATE, rules.rate_per_s is not None),
            (Check.FLAT, flat is not None),
        ):
            if wanted:
                self._ok = with_flag(self._ok, check, 1)
        self._ok_packs = array("q", (self._ok,))
        self.passed = verdict(self._ok)
        """What a reading gets that came with flag 1 and passes all tests."""
        self._more = any((self._seasons, rules.spike, rules.attenuated, self._movers, self._neighbour, rules.counter))
        self._revisions: list[Revision] = []
        self._last: int = 0
        self._prev: float = nan
        self._clear()

    def twin(self) -> "SeriesJudge":
        """One with the same rules and without readings, for a fifth of what making it anew takes."""
        other = object.__new__(SeriesJudge)
        for name in SeriesJudge.__slots__:
            setattr(other, name, getattr(self, name))
        other._revisions = []
        other._trim_at = 2 * self._capacity
        other._clear()
        return other

    def _clear(self) -> None:
        self._times = array("q")
        self._values = array("d")
        self._packs = array("q")
        self._floor = -inf
        self._settle()

    # ------------------------------------------------------------------ the usual reading

    def judge(self, t_ms: int, value: float | None, source: int = 1, now_ms: int | None = None) -> Verdict:
        """The verdict on a reading at `t_ms` (ms UTC); `source` is the flag that came with it.

        With `now_ms`, a time more than `future_s` ahead of it fails and is not kept. The same reading again gets the same
        verdict. Earlier readings whose verdict changed by it are in `take_revisions`.
        """
        last = self._last
        if t_ms <= last or value is None or source != 1 or (now_ms is not None and t_ms - now_ms > self._future):
            return self._place(t_ms, value, source, now_ms)
        step = value - self._prev
        if step < 0.0:
            step = -step
        if not step < 1e300:  # infinite, or no number on either side
            return self._place(t_ms, value, source, now_ms)
        packed = self._ok
        if not self._low <= value <= self._high:
            packed += range_flag(value, self.rules.fail_span, self.rules.suspect_span) - 1 << _RANGE
        elapsed = t_ms - last
        if step > self._rate * elapsed:
            packed += 2 << _RATE
        if elapsed > self._gap:
            packed += 8 << _GAP
        if step > self._tolerance:
            self._run_low = self._run_high = value
            self._run_t = t_ms
        else:
            if value < self._run_low:
                self._run_low = value
            elif value > self._run_high:
                self._run_high = value
            if self._run_high - self._run_low > self._tolerance:
                self._shorten_run(t_ms, value)
            if t_ms - self._run_t >= self._fail3:
                packed += (3 if t_ms - self._run_t >= self._fail4 else 2) << _FLAT
        self._times.append(t_ms)
        self._values.append(value)
        self._packs.append(packed)
        self._last = t_ms
        self._prev = value
        if self._more:
            return self._judge_more(packed)
        if len(self._times) > self._trim_at:
            self._trim()
        return self.passed if packed == self._ok else verdict(packed)

    def judge_column(
        self, t_ms: list[int], values: list[float | None], sources: Sequence[int], now_ms: int
    ) -> list[Verdict] | None:
        """As `judge` for one after the other; None when all of them get the verdict `passed`.

        The usual ones, which pass all tests, go through in one loop.
        """
        count = len(t_ms)
        usual = not self._more and sources.count(1) == count
        at = self._pass_column(t_ms, values, 0, now_ms) if usual else 0
        if at == count:
            return None
        out = [self.passed] * at
        while at < count:
            out.append(self.judge(t_ms[at], values[at], sources[at], now_ms))
            at += 1
            if usual:
                end = self._pass_column(t_ms, values, at, now_ms)
                out += [self.passed] * (end - at)
                at = end
        return out

    def _pass_column(self, t_ms: list[int], values: list[float | None], start: int, now_ms: int) -> int:
        """Take in the readings from `start` on that are later than all others and pass all tests; where the first other is."""
        last, prev = self._last, self._prev
        low, high, gap, rate, tolerance, fail = (
            self._low,
            self._high,
            self._gap,
            self._rate,
            self._tolerance,
            self._fail3,
        )
        run_low, run_high, run_t = self._run_low, self._run_high, self._run_t
        latest = now_ms + self._future
        end = min(len(t_ms), start + self._trim_at - len(self._times))
        at = start
        while at < end:
            now, value = t_ms[at], values[at]
            if value is None or not last < now <= latest or not low <= value <= high:
                break
            step, elapsed = value - prev, now - last
            if step < 0.0:
                step = -step
            if not step < 1e300 or step > rate * elapsed or elapsed > gap:
                break
            if step > tolerance:
                run_low = run_high = value
                run_t = now
            elif now - run_t >= fail:
                break
            elif value < run_low:
                if run_high - value > tolerance:
                    break
                run_low = value
            elif value > run_high:
                if value - run_low > tolerance:
                    break
                run_high = value
            last, prev = now, value
            at += 1
        if at > start:
            # An array takes a list twice as fast as any other sequence.
            self._times.fromlist(t_ms[start:at])
            self._values.fromlist(values[start:at])  # type: ignore[arg-type]
            self._packs.extend(self._ok_packs * (at - start))
            self._last, self._prev = last, prev
            self._run_low, self._run_high, self._run_t = run_low, run_high, run_t
        return at

    @property
    def has_revisions(self) -> bool:
        """Whether `take_revisions` has any."""
        return bool(self._revisions)

    def take_revisions(self) -> list[Revision]:
        """The revisions since the last call, oldest arrival first; they are forgotten here."""
        if not self._revisions:
            return []
        taken, self._revisions = self._revisions, []
        return taken

    def _shorten_run(self, t_ms: int, value: float) -> None:
        """Find the longest run that the newest reading, not yet appended, belongs to."""
        self._times.append(t_ms)
        self._values.append(value)
        at, low, high = flat_run_start(self._times, self._values, len(self._times) - 1, self._tolerance, self._enough)
        self._run_t, self._run_low, self._run_high = self._times[at], low, high
        self._times.pop()
        self._values.pop()

    def _judge_more(self, packed: int) -> Verdict:
        """The tests that the short path leaves out, for the newest reading and the spike test of the one before."""
        at = len(self._times) - 1
        packed = self._slow_tests(at, packed)
        self._packs[at] = packed
        self._spike_again(at - 1)
        if len(self._times) > self._trim_at:
            self._trim()
        return verdict(packed)

    # ------------------------------------------------------------------ any reading

    def _slow_tests(self, i: int, packed: int) -> int:
        rules, t, v = self.rules, self._times, self._values
        if self._seasons is not None:
            packed = with_flag(packed, Check.CLIMATE, season_flag(v[i], self._seasons.at(t[i])))
        if rules.attenuated is not None:
            packed = with_flag(packed, Check.ATTENUATED, attenuated_flag(t, v, i, rules.attenuated))
        if rules.counter is not None:
            packed = with_flag(packed, Check.COUNTER, counter_flag(t, v, i, rules.counter))
        if rules.moves is not None and self._movers and v[i] == v[i]:
            since = t[i] - int(rules.moves.settle_s * 1000)
            rate = packed >> _RATE & 15
            if rate != 3:
                packed = with_flag(packed, Check.MULTIVARIATE, rate)
            elif any(mover.moved(since, t[i], rules.moves.threshold) for mover in self._movers):
                # Explained: the rate test leaves its verdict to the multivariate one.
                packed = with_flag(with_flag(packed, Check.RATE, 2), Check.MULTIVARIATE, 1)
            else:
                packed = with_flag(packed, Check.MULTIVARIATE, 3)
        if rules.neighbour is not None and self._neighbour is not None and v[i] == v[i]:
            other = self._neighbour.at(t[i], rules.neighbour.max_age_s * 1000)
            flag = 2
            if other is not None:
                distance = abs(v[i] - other - rules.neighbour.offset)
                flag = 4 if distance > rules.neighbour.fail else 3 if distance > rules.neighbour.suspect else 1
            packed = with_flag(packed, Check.NEIGHBOUR, flag)
        return packed

    def _evaluate(self, i: int) -> int:
        """All tests of reading `i` from the kept readings; source and time stay as they are."""
        rules, t, v = self.rules, self._times, self._values
        packed = UNTOUCHED & ~_KEPT | self._packs[i] & _KEPT
        if rules.gap_s is not None:
            packed = with_flag(packed, Check.GAP, gap_flag(t, i, self._gap))
        packed = with_flag(packed, Check.RANGE, range_flag(v[i], rules.fail_span, rules.suspect_span))
        if rules.rate_per_s is not None:
            packed = with_flag(packed, Check.RATE, rate_flag(t, v, i, self._rate))
        if rules.flat is not None:
            packed = with_flag(packed, Check.FLAT, flat_flag(t, v, i, rules.flat, self._enough))
        if rules.spike is not None:
            packed = with_flag(packed, Check.SPIKE, spike_flag(v, i, rules.spike))
        packed = self._slow_tests(i, packed)
        return packed | NO_VALUE if v[i] != v[i] else packed

    def _place(self, t_ms: int, value: float | None, source: int, now_ms: int | None) -> Verdict:
        """Judge a reading that is late, doubled, without a value, flagged by its source, or from the future."""
        number = nan if value is None or not isfinite(value) else value
        if now_ms is not None and t_ms - now_ms > self._future:
            return self._alone(t_ms, number, source, 4)
        times = self._times
        if t_ms < self._floor and t_ms <= self._last and (not times or t_ms < times[0]):
            return self._alone(t_ms, number, source, 2)
        at = len(times) if t_ms > self._last else bisect_left(times, t_ms)
        if at < self._first():
            return self._far_back(at, t_ms, number, source)
        if at < len(times) and times[at] == t_ms:
            held = self._values[at]
            same = held == number or (held != held and number != number)
            if same and self._packs[at] & 15 == source:
                return verdict(self._packs[at])
            self._values[at] = number
            doubled = (self._packs[at] >> 4 * Check.DOUBLED & 15) if same else 3
        else:
            times.insert(at, t_ms)
            self._values.insert(at, number)
            self._packs.insert(at, 0)
            doubled = 2
        packed = with_flag(UNTOUCHED, Check.SOURCE, source)
        self._packs[at] = with_flag(packed, Check.DOUBLED, doubled)
        self._packs[at] = self._evaluate(at)
        self._spike_again(at - 1)
        self._judge_after(at)
        result = verdict(self._packs[at])
        if len(times) > self._trim_at:
            self._trim()
        return result

    def _first(self) -> int:
        """Index of the first reading that a late one may change."""
        first = max(len(self._times) - self._capacity, 0)
        return first if self._floor == -inf else max(first, bisect_left(self._times, self._floor))

    def _judge_after(self, at: int) -> None:
        """Judge the readings again whose tests reach back to the one at `at`."""
        times = self._times
        after = max(at + 1, self._first())
        while after < len(times) and times[after] - times[at + 1] <= self._window:
            self._revise(after, self._evaluate(after))
            after += 1
        self._settle()

    def _far_back(self, at: int, t_ms: int, number: float, source: int) -> Verdict:
        """A reading before those that may change: judged alone, but kept where their windows reach it."""
        alone = self._alone(t_ms, number, source, 2)
        if at < len(self._times) and self._times[at] == t_ms:
            held = self._values[at]
            if held == number or (held != held and number != number):
                return verdict(self._packs[at])
            alone = verdict(with_flag(alone.packed, Check.DOUBLED, 3))
            self._values[at], self._packs[at] = number, alone.packed
        elif at == 0 and self._floor != -inf:
            return alone  # before all windows
        else:
            self._times.insert(at, t_ms)
            self._values.insert(at, number)
            self._packs.insert(at, alone.packed)
        self._judge_after(at)
        if len(self._times) > self._trim_at:
            self._trim()
        return alone

    def _alone(self, t_ms: int, number: float, source: int, future: int) -> Verdict:
        """A reading outside the kept ones: range and climatology only, and it is not kept."""
        packed = with_flag(with_flag(UNTOUCHED, Check.SOURCE, source), Check.FUTURE, future)
        packed = with_flag(packed, Check.RANGE, range_flag(number, self.rules.fail_span, self.rules.suspect_span))
        if self._seasons is not None:
            packed = with_flag(packed, Check.CLIMATE, season_flag(number, self._seasons.at(t_ms)))
        return verdict(packed | NO_VALUE if number != number else packed)

    def _spike_again(self, i: int) -> None:
        if self.rules.spike is not None and i >= max(len(self._times) - self._capacity, 0):
            flag = spike_flag(self._values, i, self.rules.spike)
            self._revise(i, with_flag(self._packs[i], Check.SPIKE, flag))

    def _revise(self, i: int, packed: int) -> None:
        old = self._packs[i]
        if packed == old:
            return
        self._packs[i] = packed
        before, after = verdict(old), verdict(packed)
        if before.flag != after.flag or before.tests != after.tests:
            value = self._values[i]
            self._revisions.append(Revision(self._times[i], None if value != value else value, before, after))

    def recheck(self, since_ms: int, until_ms: int) -> None:
        """Judge the kept readings of a closed interval again, after a companion's reading; see `take_revisions`."""
        at = max(bisect_left(self._times, since_ms), self._first())
        while at < len(self._times) and self._times[at] <= until_ms:
            self._revise(at, self._evaluate(at))
            at += 1

    # ------------------------------------------------------------------ what is kept

    def _settle(self) -> None:
        """Take the state of the short path from the kept readings."""
        if not self._times:
            self._last, self._prev = -(1 << 62), nan
            self._run_t, self._run_low, self._run_high = 0, nan, nan
            return
        end = len(self._times) - 1
        self._last, self._prev = self._times[end], self._values[end]
        if self._tolerance >= 0 and self._prev == self._prev:
            at, self._run_low, self._run_high = flat_run_start(
                self._times, self._values, end, self._tolerance, self._enough
            )
            self._run_t = self._times[at]
        else:
            self._run_t, self._run_low, self._run_high = self._last, self._prev, self._prev

    def _trim(self) -> None:
        """Forget the oldest readings, but none that the windows of those that may change reach."""
        first = self._times[len(self._times) - self._capacity]
        drop = max(bisect_left(self._times, first - self._window) - MARGIN, len(self._times) - HARD_CAPACITY, 0)
        if drop:
            del self._times[:drop], self._values[:drop], self._packs[:drop]
            self._floor = self._times[1] + self._window + 1
        self._trim_at = max(2 * self._capacity, len(self._times) + self._capacity)

    @property
    def oldest_ms(self) -> int:
        """The time of the oldest reading that is kept; 0 without any."""
        return self._times[0] if self._times else 0

    @property
    def capacity(self) -> int:
        """How many of the newest readings a late one may change."""
        return self._capacity

    @property
    def complete(self) -> bool:
        """Whether all readings of the series are kept."""
        return self._floor == -inf

    def flagged(self) -> list[tuple[int, int, int]]:
        """Time, flag and mask of the readings kept, as they would be stored."""
        verdicts = map(verdict, self._packs)
        return [(t, int(one.flag), one.tests) for t, one in zip(self._times, verdicts, strict=True)]

    def export(self) -> dict[str, Any]:
        """The kept readings as plain columns, with the rules' version; `restore` takes them back."""
        values: list[float | None] = [None if v != v else v for v in self._values]
        floor = None if self._floor == -inf else self._floor
        return {
            "rules": self.rules.version,
            "floor_ms": floor,
            "t_ms": list(self._times),
            "value": values,
            "packed": list(self._packs),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take the state of `export`. Raises ValueError if it was made under other rules: then `rebuild`."""
        if state["rules"] != self.rules.version:
            raise ValueError(f"the state is of rules {state['rules']}, these are {self.rules.version}")
        self._times = array("q", state["t_ms"])
        self._values = array("d", [nan if v is None else v for v in state["value"]])
        self._packs = array("q", state["packed"])
        self._floor = -inf if state["floor_ms"] is None else state["floor_ms"]
        self._settle()

    def rebuild(self, stored: Iterable[tuple[int, float | None, int, int]], *, complete: bool = False) -> None:
        """Start again from stored points, rising in time: (t_ms, value, flag, tests), as the store has them.

        Give at least the newest `capacity` readings, those within `Rules.history_s` before these, and MARGIN more. With
        `complete` there is nothing older in the store.
        A point from the future stays out, a doubled one keeps its flag, and so does what the source said.
        """
        self._clear()
        for t_ms, value, flag, tests in stored:
            if tests >> Check.FUTURE & 1:
                continue
            self.judge(t_ms, None if flag == 9 else value, source_of(flag, tests))
            if tests >> Check.DOUBLED & 1:
                self._packs[-1] = with_flag(self._packs[-1], Check.DOUBLED, 3)
        self._revisions.clear()
        if self._times and not complete:
            self._floor = max(self._floor, self._times[min(1, len(self._times) - 1)] + self._window + 1)

"""Which past is to be written: of which water system, from when to when, how dense."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from settings.load import parse_duration_s
from simulator.example import build_example
from simulator.example.derived import Derived
from simulator.example.registry import example_registry, without_ice
from simulator.example.season import season_days, true_points
from simulator.history import STEP_S, Derive, history
from simulator.scenario import build_scenario
from store.points import Points

SEASON_STEP_S = 1_800.0


@dataclass(frozen=True, slots=True)
class Past:
    """A past to be written. `season_until` is the last day of a true season of the example system."""

    system: str
    seed: int
    canals: int
    days: float
    step_s: float
    until_s: float
    season_until: date | None = None

    @classmethod
    def of(
        cls, system: str, seed: int, canals: int, days: float, step: str | None, until: str | None, true_season: bool
    ) -> "Past":
        """What a command line asks for; raises ValueError that says what is wrong with it."""
        last = None if until is None else _day(until)
        step_s = parse_duration_s(step) if step is not None else SEASON_STEP_S if true_season else STEP_S
        if not isinstance(step_s, float | int) or step_s <= 0:
            raise ValueError(f"{step} is not a duration")
        if true_season:
            last = last or datetime.now(UTC).date()
            if not season_days(last):
                raise ValueError(f"the season of {last.year} begins on 1 April, after {last}")
            return cls("example", seed, canals, float(len(season_days(last))), step_s, 0.0, last)
        zone = ZoneInfo("Asia/Almaty")
        end_s = time.time()
        if last is not None:
            end_s = datetime.combine(last + timedelta(days=1), time_of_day(), zone).timestamp()
        return cls(system, seed, canals, days, step_s, end_s)

    def portions(self) -> Iterator[list[Points]]:
        """Its points, in portions. Raises ValueError for a step that a season cannot have."""
        if self.season_until is not None:
            return true_points(example_registry(), self.season_until, seed=self.seed, step_s=self.step_s)
        derive: Derive | None = None
        if self.system == "example":
            registry = without_ice(example_registry())
            scenario, derive = build_example(registry, self.seed), Derived(registry).of
        else:
            scenario = build_scenario(self.seed, self.canals)
        return history(scenario, self.until_s, days=self.days, step_s=self.step_s, derive=derive)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--until: write a day, such as 2026-09-30, not {text!r}") from None

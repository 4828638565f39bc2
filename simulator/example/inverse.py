"""Ratings read the other way round: the stage that a discharge makes, and the opening that lets a discharge through."""

from bisect import bisect_right
from datetime import datetime

from hydrology.registry import Heads, Station
from hydrology.registry.flow_history import FlowHistory

_STEP_M = 0.004
_ENOUGH = 1e-5
_MOST_ROUNDS = 30


class Stage:
    """The stage of one discharge series of a station, by the rating in force. A tail is a fixed share of the head."""

    def __init__(
        self, station: Station, series: str, zone: str, most_m: float, *, tail_share: float | None = None
    ) -> None:
        self._history = FlowHistory(station.discharges()[series], zone)
        self._most_m, self._tail_share = most_m, tail_share
        self._tables: dict[datetime, tuple[list[float], list[float]]] = {}

    def stage_m(self, discharge_m3s: float, when: datetime) -> float:
        """The level above gauge zero that this discharge makes. Raises ValueError where no rating is in force."""
        dated = self._history.in_force(when)
        if dated is None:
            raise ValueError(f"no rating is in force at {when.isoformat()}")
        if dated.begins not in self._tables:
            law = self._history.law(dated)
            stages: list[float] = []
            flows: list[float] = []
            for n in range(round(self._most_m / _STEP_M) + 1):
                stage = n * _STEP_M
                flow = law(Heads(stage, None if self._tail_share is None else self._tail_share * stage)).value_m3s
                if flow is not None and (not flows or flow > flows[-1]):
                    stages.append(stage)
                    flows.append(flow)
            self._tables[dated.begins] = (stages, flows)
        stages, flows = self._tables[dated.begins]
        n = min(max(bisect_right(flows, discharge_m3s), 1), len(flows) - 1)
        share = (discharge_m3s - flows[n - 1]) / (flows[n] - flows[n - 1])
        rated = stages[n - 1] + (stages[n] - stages[n - 1]) * share
        seen = rated
        for _ in range(3):
            seen = rated - dated.shift_m(when, seen)
        return max(seen, 0.0)


class Opening:
    """The opening of a station's gates that lets a discharge through, by the rating in force."""

    def __init__(self, station: Station, series: str, zone: str, most_m: float) -> None:
        self._history = FlowHistory(station.discharges()[series], zone)
        self._most_m = most_m

    def opening_m(
        self, discharge_m3s: float, head_m: float, tail_m: float | None, when: datetime, near_m: float
    ) -> float:
        """The opening for this discharge between these levels above gauge zero; `near_m` is a first guess.

        Raises ValueError where no rating is in force.
        """
        dated = self._history.in_force(when)
        if dated is None:
            raise ValueError(f"no rating is in force at {when.isoformat()}")
        law = self._history.law(dated)
        if discharge_m3s <= 0.0:
            return 0.0
        opening = max(near_m, 0.01)
        for _ in range(_MOST_ROUNDS):
            flow = law(Heads(head_m, tail_m, opening)).value_m3s or 0.0
            # The flow is nearly proportional to the opening.
            better = opening * discharge_m3s / flow if flow > 0.0 else self._most_m / 2.0
            better = min(better, self._most_m)
            if abs(better - opening) <= _ENOUGH:
                return better
            opening = better
        return opening

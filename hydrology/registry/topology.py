"""What is upstream of what: the stations as a graph, from canals' reaches and from links. Water has no circles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from hydrology.registry.canals import Canal, Link


@dataclass(frozen=True, slots=True)
class Edge:
    """Water flows from one station to another. `via` says by which reach or link, `lag_s` how long it takes, if known."""

    upstream: str
    downstream: str
    via: str
    lag_s: float | None = None
    distance_km: float | None = None


def _station(meter: str) -> str:
    return meter.partition("/")[0]


def edges(canals: Iterable[Canal], links: Iterable[Link]) -> list[Edge]:
    """All edges: a reach's head to its turnouts and tail, an inflow to the tail, the source to the first head, links."""
    out = [Edge(link.upstream, link.downstream, "link", link.lag, link.distance_km) for link in links]
    for canal in canals:
        if canal.takes_from is not None:
            out.append(Edge(canal.takes_from, _station(canal.reaches[0].head), canal.id))
        for reach in canal.reaches:
            via, head = f"{canal.id}/{reach.id}", _station(reach.head)
            out += [Edge(head, _station(turnout), via) for turnout in reach.turnouts]
            if reach.tail is not None:
                tail = _station(reach.tail)
                out.append(Edge(head, tail, via, reach.travel_time, reach.length_km))
                out += [Edge(_station(inflow), tail, via) for inflow in reach.inflows]
    return [edge for edge in out if edge.upstream != edge.downstream]


class Topology:
    """The graph, asked by station."""

    __slots__ = ("_down", "_up", "edges")

    def __init__(self, found: Iterable[Edge]) -> None:
        self.edges = tuple(found)
        self._up: dict[str, list[Edge]] = {}
        self._down: dict[str, list[Edge]] = {}
        for edge in self.edges:
            self._down.setdefault(edge.upstream, []).append(edge)
            self._up.setdefault(edge.downstream, []).append(edge)

    def above(self, station: str) -> list[Edge]:
        """The edges that end at a station."""
        return self._up.get(station, [])

    def below(self, station: str) -> list[Edge]:
        """The edges that begin at a station."""
        return self._down.get(station, [])

    def all_above(self, station: str) -> set[str]:
        """Every station upstream of one."""
        return _reachable(station, {to: [edge.upstream for edge in ways] for to, ways in self._up.items()})

    def all_below(self, station: str) -> set[str]:
        """Every station downstream of one."""
        return _reachable(station, {start: [edge.downstream for edge in ways] for start, ways in self._down.items()})

    def circle(self) -> list[str] | None:
        """Stations in a circle, the first one again at the end; None where water only flows down."""
        done: set[str] = set()
        for start in self._down:
            path: list[str] = []
            on_path: set[str] = set()
            stack: list[tuple[str, bool]] = [(start, False)]
            while stack:
                here, leaving = stack.pop()
                if leaving:
                    on_path.discard(path.pop())
                    done.add(here)
                elif here in on_path:
                    return [*path[path.index(here) :], here]
                elif here not in done:
                    path.append(here)
                    on_path.add(here)
                    stack.append((here, True))
                    stack += [(edge.downstream, False) for edge in self.below(here)]
        return None


def _reachable(start: str, ways: Mapping[str, list[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(ways.get(start, ()))
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting += ways.get(here, ())
    return seen


def broken_chain(canal: Canal) -> list[tuple[int, str, str]]:
    """Reaches whose head is not the tail of the one before: (place, that tail, this head)."""
    return [
        (place, above.tail or "nothing", below.head)
        for place, (above, below) in enumerate(pairwise(canal.reaches), 1)
        if above.tail != below.head
    ]

"""The picture that every browser holds, its version, and the changes from one to the next."""

from dataclasses import dataclass, field
from typing import Any

from dashboards.live.board import Board, Record


@dataclass(slots=True)
class Picture:
    """`boot` tells this process's versions from those of an earlier one."""

    boot: str
    number: int = 0
    head: Record = field(default_factory=dict)
    catalogue: dict[str, Record] = field(default_factory=dict)
    zones: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    board: Board = field(default_factory=lambda: Board({}, [], [], []))
    store: Record = field(default_factory=lambda: {"ok": True, "since_ms": None, "reason": ""})
    ready: bool = False

    @property
    def version(self) -> str:
        """Names this picture."""
        return f"{self.boot}-{self.number}"

    def whole(self, now_ms: int) -> Record:
        """All of it, for a browser that has nothing, or something else."""
        return {
            "version": self.version,
            "now_ms": now_ms,
            **self.head,
            "ready": self.ready,
            "store": self.store,
            "zones": self.zones,
            "catalogue": self.catalogue,
            "stations": self.board.stations,
            "order": self.board.order,
            "summary": self.board.summary,
            "gateways": self.board.gateways,
        }

    def turn(self, board: Board, store: Record) -> Record | None:
        """Take over a new board; what a browser must change, or None when it is the same picture."""
        changes: Record = {}
        stations = changed_stations(self.board.stations, board.stations)
        if stations:
            changes["stations"] = stations
        for name in ("order", "summary", "gateways"):
            if getattr(board, name) != getattr(self.board, name):
                changes[name] = getattr(board, name)
        if store != self.store:
            changes["store"] = store
        if not self.ready:
            changes["ready"] = True
        self.ready = True
        self.board = board
        self.store = store
        if not changes:
            return None
        self.number += 1
        return {"version": self.version, **changes}

    def renew(self, catalogue: dict[str, Record], zones: dict[str, list[tuple[int, int]]]) -> bool:
        """Take over what the registry says; True when that is something else, and every browser needs the whole."""
        if catalogue == self.catalogue and zones == self.zones:
            return False
        self.catalogue = catalogue
        self.zones = zones
        self.number += 1
        return True


def changed_stations(old: dict[str, Record], new: dict[str, Record]) -> dict[str, Record]:
    """For each station the fields that differ, and of its sensors only those that differ."""
    out: dict[str, Record] = {}
    for id_, record in new.items():
        before = old.get(id_)
        if before is None:
            out[id_] = record
        elif before != record:
            change: dict[str, Any] = {
                name: value for name, value in record.items() if name != "sensors" and value != before.get(name)
            }
            sensors = {key: row for key, row in record["sensors"].items() if row != before["sensors"].get(key)}
            if sensors:
                change["sensors"] = sensors
            out[id_] = change
    return out

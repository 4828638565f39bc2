"""What an audit found, counted in readings."""

from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What is wrong with a reading.

    LOST: it left the sensor and is not in the store (with a gateway's log: it was logged and is not in the store).
    UNLOGGED: it left the sensor and is not in the gateway's log, told only when logs are given.
    DOUBLED: one serve number at two timestamps. WRONG: stored with another value, or a time far from the serving's.
    FOREIGN: stored, and nothing like it left a sensor.
    """

    LOST = "lost"
    UNLOGGED = "unlogged"
    DOUBLED = "doubled"
    WRONG = "wrong"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Finding:
    """One reading with a fault. `serve` is the serve number of a device; epoch and seq are the identity where it is known."""

    fault: Fault
    station: str
    sensor: str
    time_ms: int
    detail: str = ""
    serve: int | None = None
    gateway: str = ""
    epoch: int | None = None
    seq: int | None = None

    def __str__(self) -> str:
        serve = f", serve {self.serve}" if self.serve is not None else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.fault.value}: {self.station}/{self.sensor} at {self.time_ms}{serve}{detail}"


@dataclass(slots=True)
class Audit:
    """`scanned` readings left a sensor whole, `stored` of them are in the store. `uncertain` ones were cut off while they
    were sent, or spoiled by an injected fault: nobody may call them lost, and they are in neither number.
    """

    scanned: int = 0
    stored: int = 0
    uncertain: int = 0
    findings: list[Finding] = field(default_factory=list)

    def count(self, fault: Fault) -> int:
        """How many readings have this fault."""
        return sum(finding.fault is fault for finding in self.findings)

    @property
    def lost(self) -> int:
        """See Fault."""
        return self.count(Fault.LOST)

    @property
    def unlogged(self) -> int:
        """See Fault."""
        return self.count(Fault.UNLOGGED)

    @property
    def unlogged_scans(self) -> int:
        """How many blocks the unlogged readings were in."""
        return len({(one.station, one.serve) for one in self.findings if one.fault is Fault.UNLOGGED})

    @property
    def doubled(self) -> int:
        """See Fault."""
        return self.count(Fault.DOUBLED)

    @property
    def wrong(self) -> int:
        """See Fault."""
        return self.count(Fault.WRONG)

    @property
    def foreign(self) -> int:
        """See Fault."""
        return self.count(Fault.FOREIGN)

    @property
    def missing(self) -> list[Finding]:
        """The readings that are not in the store."""
        return [finding for finding in self.findings if finding.fault in (Fault.LOST, Fault.UNLOGGED)]

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong; a reading that the gateway never logged is not wrong."""
        return all(finding.fault is Fault.UNLOGGED for finding in self.findings)

    def __str__(self) -> str:
        rest = [
            f", {fault.value} {self.count(fault)}"
            for fault in (Fault.UNLOGGED, Fault.WRONG, Fault.FOREIGN)
            if self.count(fault)
        ]
        return f"scanned {self.scanned}, stored {self.stored}, lost {self.lost}, doubled {self.doubled}{''.join(rest)}"

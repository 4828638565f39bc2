"""What one measured row says; what it is compared with. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """One way of bringing the readings of one shape to where they are to be.

    `cpu_us` is processor time a reading of each process, `rss_mb` its resident memory at the end. `complaint` says what is not
    as it should be, such as a store that does not hold what was sent: then the rate counts for nothing.
    """

    way: str
    size: int
    codec: str
    readings: int = 0
    per_s: float = 0.0
    cpu_us: dict[str, float] = field(default_factory=dict)
    rss_mb: dict[str, float] = field(default_factory=dict)
    complaint: str = ""

    @property
    def holds(self) -> bool:
        """Whether it ran and the store held what was sent."""
        return not self.complaint and self.per_s > 0

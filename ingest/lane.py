"""Which of the writer's lanes a series takes. Pure.

The number is part of what is kept on disk (ingest.group_body): another hash would cut a series' points in two orders.
"""

from zlib import crc32

from store.points import SeriesKey

LANES = 4
"""Requests under way at once: one leaves a third of InfluxDB's speed unused, four are enough."""


def lane_of(key: SeriesKey) -> int:
    """The lane of a series: always the same, in every process."""
    return crc32("\0".join(key).encode()) % LANES


class LaneCache:
    """Remembers the key and the lane of every series: the hash is worth a lookup."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], tuple[SeriesKey, int]] = {}

    def look(self, quantity: str, station: str, sensor: str) -> tuple[SeriesKey, int]:
        """The key and its lane."""
        found = self._known.get((quantity, station, sensor))
        if found is None:
            key = SeriesKey(quantity, station, sensor)
            found = self._known[key] = (key, lane_of(key))
        return found

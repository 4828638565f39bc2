"""Which season a time falls in, by local month; the month's ends are remembered, so that a reading costs two compares."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hydrology.quality.rules import Season


class Seasons:
    """The seasons of one series in its time zone. Raises ZoneInfoNotFoundError for an unknown zone."""

    __slots__ = ("_from_ms", "_season", "_seasons", "_until_ms", "_zone")

    def __init__(self, seasons: tuple[Season, ...], zone: str) -> None:
        self._seasons = seasons
        self._zone = ZoneInfo(zone)
        self._from_ms = 0.0
        self._until_ms = 0.0
        self._season: Season | None = None

    def at(self, t_ms: int) -> Season | None:
        """The first season that holds the time, or None."""
        if not self._from_ms <= t_ms < self._until_ms:
            local = datetime.fromtimestamp(t_ms / 1000, UTC).astimezone(self._zone)
            start = datetime(local.year, local.month, 1, tzinfo=self._zone)
            year, month = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
            self._from_ms = start.timestamp() * 1000
            self._until_ms = datetime(year, month, 1, tzinfo=self._zone).timestamp() * 1000
            self._season = next((season for season in self._seasons if season.holds(local.month)), None)
        return self._season

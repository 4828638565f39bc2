"""Which rules judged a reading: the versions of the quality tests of every sensor, kept in the store from when they held.

A record of kind `quality_rules` for each gateway, time of coming into force: for each of its sensors with tests the version
(`Rules.version`) and the tests as the registry says them. A version on every point would be a field more on every point.
"""

import json
import logging
from typing import Any

from hydrology.registry import Registry
from ingest.recall import FOR_EVER_S, ask
from store.points import PointReader, Points, PointWriter, RecordPoint

log = logging.getLogger(__name__)

KIND = "quality_rules"
AT_ONCE = 500
"""Records in one request."""

Book = dict[str, dict[str, Any]]
"""For each gateway its sensors, "station/sensor", with the version and the tests."""


def book_of(registry: Registry) -> Book:
    """The rules in force by this registry. A sensor without tests is not in it."""
    out: Book = {}
    for station in registry.stations:
        zone = registry.zone_of(station)
        for sensor in station.sensors:
            if sensor.quality is None and sensor.span is None:
                continue
            tests = {} if sensor.quality is None else sensor.quality.model_dump(mode="json", exclude_unset=True)
            if sensor.span is not None:
                tests["span"] = list(sensor.span)
            if sensor.resolution is not None:
                tests["resolution"] = sensor.resolution
            one = {"version": sensor.rules(zone).version, "tests": tests}
            out.setdefault(sensor.gateway, {})[f"{station.id}/{sensor.id}"] = one
    return out


def versions(body: dict[str, Any]) -> dict[str, str]:
    """The versions of one gateway's sensors."""
    return {name: str(one["version"]) for name, one in body.items()}


class RuleBook:
    """What the store knows of the rules, so that only what has changed is written."""

    def __init__(self, reader: PointReader, writer: PointWriter) -> None:
        self._reader, self._writer = reader, writer
        self._kept: dict[str, dict[str, str]] | None = None

    async def keep(self, registry: Registry, since_ms: int) -> int:
        """Write what is new by this registry, in force since then; how many gateways. Waits for the store."""
        if self._kept is None:
            found = await ask(lambda: self._reader.records_of(KIND, 0, 1 << 43), "the rules before", FOR_EVER_S)
            self._kept = {}
            for record in found or []:  # rising in time
                try:
                    self._kept[record.gateway] = versions(json.loads(record.body))
                except (ValueError, KeyError, TypeError, AttributeError):
                    self._kept.pop(record.gateway, None)
        book = book_of(registry)
        known = self._kept
        changed = {gateway: now for gateway, now in book.items() if known.get(gateway, {}) != versions(now)}
        changed |= {gateway: {} for gateway, before in known.items() if before and gateway not in book}
        points: list[Points] = [
            RecordPoint(gateway, KIND, since_ms, json.dumps(now, separators=(",", ":"), ensure_ascii=False))
            for gateway, now in changed.items()
        ]
        for at in range(0, len(points), AT_ONCE):
            some = points[at : at + AT_ONCE]
            await ask(lambda some=some: self._writer.write(some), "that the rules are kept", FOR_EVER_S)  # type: ignore[misc]
        known.update({gateway: versions(now) for gateway, now in changed.items()})
        if changed:
            log.info("the store knows the quality tests' rules of %d gateways anew", len(changed))
        return len(changed)

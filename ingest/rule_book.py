"""Which rules judged a reading: the versions of the quality tests of every sensor, kept in the store from when they held.

A record of kind `quality_rules` for each gateway, time of coming into force: for each of its sensors with tests the version
(`Rules.version`) and the tests as the registry says them. A version on every point would be a field more on every point.
"""

import json
import logging
from collections.abc import Iterator
from itertools import islice
from typing import Any

from hydrology.registry import Registry, Sensor, Station
from ingest.recall import FOR_EVER_S, ask
from store.points import PointReader, Points, PointWriter, RecordPoint
from wire.names import digest

log = logging.getLogger(__name__)

KIND = "quality_rules"
AT_ONCE = 500
"""Records in one request."""

Body = dict[str, dict[str, Any]]
"""The sensors of one gateway, "station/sensor", with the version and the tests."""


def book_of(registry: Registry) -> Iterator[tuple[str, Body]]:
    """The rules in force by this registry, gateway by gateway. A sensor without tests is not in it."""
    sensors: dict[str, list[tuple[Station, Sensor]]] = {}
    for station in registry.stations:
        for sensor in station.sensors:
            if sensor.quality is not None or sensor.span is not None:
                sensors.setdefault(sensor.gateway, []).append((station, sensor))
    equal: dict[tuple[object, ...], dict[str, Any]] = {}
    for gateway, those in sensors.items():
        body: Body = {}
        for station, sensor in those:
            zone = registry.zone_of(station)
            written = (id(sensor.quality), sensor.span, sensor.resolution, zone)
            if written not in equal:
                equal[written] = _said(sensor, zone)
            body[f"{station.id}/{sensor.id}"] = equal[written]
        yield gateway, body


def _said(sensor: Sensor, zone: str) -> dict[str, Any]:
    tests = {} if sensor.quality is None else sensor.quality.model_dump(mode="json", exclude_unset=True)
    if sensor.span is not None:
        tests["span"] = list(sensor.span)
    if sensor.resolution is not None:
        tests["resolution"] = sensor.resolution
    return {"version": sensor.rules(zone).version, "tests": tests}


def versions(body: Body) -> str:
    """A digest of the versions of one gateway's sensors; of none nothing."""
    text = "".join(f"{name} {one['version']}\n" for name, one in sorted(body.items()))
    return digest(text.encode()) if text else ""


class RuleBook:
    """What the store knows of the rules, so that only what has changed is written."""

    def __init__(self, reader: PointReader, writer: PointWriter) -> None:
        self._reader, self._writer = reader, writer
        self._kept: dict[str, str] | None = None

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
        known, count = self._kept, 0
        changes = self._changes(registry, known)
        while some := list(islice(changes, AT_ONCE)):
            points: list[Points] = [
                RecordPoint(gateway, KIND, since_ms, json.dumps(now, separators=(",", ":"), ensure_ascii=False))
                for gateway, now in some
            ]
            await ask(lambda points=points: self._writer.write(points), "that the rules are kept", FOR_EVER_S)  # type: ignore[misc]
            known.update((gateway, versions(now)) for gateway, now in some)
            count += len(some)
        if count:
            log.info("the store knows the quality tests' rules of %d gateways anew", count)
        return count

    def _changes(self, registry: Registry, known: dict[str, str]) -> Iterator[tuple[str, Body]]:
        gone = {gateway for gateway, before in known.items() if before}
        for gateway, now in book_of(registry):
            gone.discard(gateway)
            if known.get(gateway) != versions(now):
                yield gateway, now
        for gateway in gone:
            yield gateway, {}

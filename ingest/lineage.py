"""Lineage: from which sensors and by which method a derived series is made, written to the store when it comes into force.

A record of kind `lineage`; its `gateway` is the derivation's name ("station/series"), since no gateway made it. One is written
when ingest first derives by a method, whenever the registry changes it, and for every span that is derived anew.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

from hydrology.derived import Derivation, digest
from store.points import PointReader, Points, PointWriter, RecordPoint, StoreError

log = logging.getLogger(__name__)

KIND = "lineage"
MOST_BODY = 60_000
"""InfluxDB's longest string field is 64 KB: a longer table of a rating is left out, its digest stays."""
PAUSE_S = 5.0
EVER_MS = 9_000_000_000_000
REGISTRY, REDERIVE = "registry", "rederive"


def record(
    one: Derivation, registry: str, time_ms: int, why: str = REGISTRY, span_ms: tuple[int, int] | None = None
) -> RecordPoint:
    """What is derived from what, as of this time. `registry` is the digest of the registry's files."""
    methods = one.methods.parameters()
    body: dict[str, Any] = {
        "why": why,
        "digest": digest(one),
        "registry": registry,
        "kind": one.kind,
        "series": ["/".join(output.name) for output in one.outputs],
        "sources": {part.role: "/".join(part.name) for part in one.inputs},
        "methods": methods,
    }
    if span_ms is not None:
        body["from_ms"], body["to_ms"] = span_ms
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > MOST_BODY:
        body["methods"] = [{key: method[key] for key in ("title", "from", "to")} for method in methods]
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return RecordPoint(one.id, KIND, time_ms, text)


def read_body(point: RecordPoint) -> dict[str, Any]:
    """What a record says; nothing of one that cannot be read."""
    try:
        body = json.loads(point.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def records(reader: PointReader) -> dict[str, list[RecordPoint]]:
    """The lineage records of each derivation, in the order of time. Raises StoreError."""
    out: dict[str, list[RecordPoint]] = {}
    for point in await reader.records_of(KIND, 0, EVER_MS):
        out.setdefault(point.gateway, []).append(point)
    return out


def missing(
    derivations: Iterable[Derivation], known: dict[str, list[RecordPoint]], registry: str, now_ms: int
) -> list[RecordPoint]:
    """Records of the methods that are new or have changed since the newest record."""
    out = []
    for one in derivations:
        before = known.get(one.id)
        if not before or read_body(before[-1]).get("digest") != digest(one):
            out.append(record(one, registry, now_ms))
    return out


class LineageKeeper:
    """Writes what is missing; `changed()` after a new registry. Run `run()` as a task."""

    def __init__(
        self,
        reader: PointReader,
        writer: PointWriter,
        say: Callable[[], tuple[list[Derivation], str]],
        now_ms: Callable[[], int],
        pause_s: float = PAUSE_S,
    ) -> None:
        self._reader, self._writer, self._say, self._now_ms, self._pause_s = reader, writer, say, now_ms, pause_s
        self._event = asyncio.Event()
        self._event.set()

    def changed(self) -> None:
        """There is a new registry."""
        self._event.set()

    async def run(self) -> None:
        """Write when there is something to write, and try again while the store is away."""
        while True:
            await self._event.wait()
            self._event.clear()
            try:
                await self._keep()
            except (StoreError, OSError) as error:
                log.debug("the lineage is not written yet: %s", error)
                self._event.set()
                await asyncio.sleep(self._pause_s)

    async def _keep(self) -> None:
        derivations, registry = self._say()
        if not derivations:
            return
        new: list[Points] = list(missing(derivations, await records(self._reader), registry, self._now_ms()))
        if not new:
            return
        for refused in await self._writer.write(new):
            log.warning("the store refused the lineage of %s: %s", derivations[refused.item].id, refused.reason)
        log.info("the lineage of %d derived series is written", len(new))

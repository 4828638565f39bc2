"""From what, and by which method, one derived value was made: the point, its inputs, the record, and the same computed anew."""

from dataclasses import dataclass, field
from typing import Any

from hydrology.derived import Derivation, Value
from ingest.derive_unit import NOTHING_COMES_MS, Unit
from ingest.lineage import REDERIVE, read_body
from ingest.rederive import read_all
from store.points import PointReader, RecordPoint, SeriesKey, StoredPoint

LOOK_BACK_MS = 86_400_000
"""How long before the time asked for the point may be."""


@dataclass(slots=True)
class Made:
    """One series of a derivation at a time. `now` is what its inputs give by the registry as it is; None without a method."""

    series: str
    unit: str
    point: StoredPoint
    now: Value | None
    earlier: list[StoredPoint] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether the stored value is what is computed now."""
        if self.now is None:
            return self.point.flag >= 4
        value, flag = self.now
        if value is None or self.point.value is None:
            return self.point.flag >= 4 and flag >= 4
        return self.point.flag == flag and abs(value - self.point.value) <= 1e-9 * max(1.0, abs(value))


@dataclass(slots=True)
class Explained:
    """A moment of a derivation: inputs by role with value and flag, the method, its words, and the record it was made under."""

    time_ms: int
    inputs: list[tuple[str, str, Value | None]]
    method: str
    says: list[str]
    made: list[Made]
    record: RecordPoint | None


async def explain(reader: PointReader, one: Derivation, at_ms: int, records: list[RecordPoint]) -> Explained | None:
    """The newest point at or before a time; None where there is none within a day. Raises StoreError."""
    keys = [SeriesKey(*output.name) for output in one.outputs]
    found = await read_all(reader, keys[0], at_ms - LOOK_BACK_MS, at_ms + 1)
    if not found:
        return None
    time_ms = found[-1].time_ms
    unit = Unit(one, 0, capacity=NOTHING_COMES_MS)
    for part, track in zip(one.inputs, unit.inputs, strict=True):
        track.fill(
            await read_all(reader, SeriesKey(*part.name), time_ms - part.max_age_ms, time_ms + part.max_age_ms + 1),
            True,
        )
    read = unit.read(time_ms)
    method = one.methods.at(time_ms)
    now = one.at(time_ms, [value or (None, 9) for value in read])
    made = []
    for place, (output, key) in enumerate(zip(one.outputs, keys, strict=True)):
        points = await read_all(reader, key, time_ms, time_ms + 1)
        if points:
            earlier = await reader.versions(key, time_ms, time_ms + 1)
            value = None if now is None else now[place]
            made.append(Made(output.name.reference, output.unit, points[0], value, earlier))
    values = tuple(value[0] for value in read if value is not None and value[0] is not None)
    says = one.methods.explain(time_ms, values) if method is not None and len(values) == len(one.inputs) else []
    return Explained(
        time_ms,
        [(part.role, "/".join(part.name), value) for part, value in zip(one.inputs, read, strict=True)],
        "no method is in force" if method is None else method.title,
        says,
        made,
        made_under(records, time_ms, any(one_made.point.rev for one_made in made)),
    )


def made_under(records: list[RecordPoint], time_ms: int, changed: bool) -> RecordPoint | None:
    """The record that a value of this time was made under: of its span's newest new derivation, where it was changed; else the
    newest that was in force then; where none was yet, its span's, or the first (a reading that came after its time)."""
    spans = [one for one in records if _covers(read_body(one), time_ms)]
    if changed and spans:
        return spans[-1]
    plain = [one for one in records if read_body(one).get("why") != REDERIVE]
    then = [one for one in plain if one.time_ms <= time_ms]
    found = then or spans or plain[:1]
    return found[-1] if found else None


def _covers(body: dict[str, Any], time_ms: int) -> bool:
    first, last = body.get("from_ms"), body.get("to_ms")
    return isinstance(first, int) and isinstance(last, int) and first <= time_ms < last

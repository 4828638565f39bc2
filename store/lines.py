"""Line protocol: points as lines, the escaped prefix of each series kept.

Fields of a reading: `value` (float), `flag` (integer), `raw` only where it differs, `tests` and `rev` only where given; a
missing value has only its flag. Where `rev` is given all are written, since InfluxDB merges fields and a change must leave
nothing of the old point. Times are milliseconds: send with precision `ms`.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

import msgspec

from store.points import DeliveryPoint, HistoryPoint, Points, RecordPoint, SeriesKey, SeriesPoints

RECORD, DELIVERY, HISTORY = "record", "delivery", "history"
RESERVED = frozenset({RECORD, DELIVERY, HISTORY})
"""Measurements that are no quantity."""

_MEASUREMENT = str.maketrans({",": "\\,", " ": "\\ "})
_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_STRING = str.maketrans({'"': '\\"', "\\": "\\\\"})

_encode_json = msgspec.json.Encoder(enc_hook=lambda number: msgspec.Raw(repr(number).encode())).encode
"""The hook is for other kinds of numbers, which have their own text."""

Place = tuple[int, int]
"""Which item of the list, and which row of it."""


def escape_measurement(name: str) -> str:
    """A measurement's name as it stands in a line. Names are checked before (store.checks)."""
    return name.translate(_MEASUREMENT)


@lru_cache(maxsize=100_000)
def series_prefix(key: SeriesKey) -> str:
    """What every line of this series starts with; tags in the order of their names, as InfluxDB likes them."""
    quantity, station, sensor = key
    return f"{escape_measurement(quantity)},sensor={sensor.translate(_TAG)},station={station.translate(_TAG)} "


def encode(points: Sequence[Points], skip: Collection[Place] = ()) -> list[str]:
    """One line for each point in order, but for those to skip."""
    out: list[str] = []
    skipped_items = {item for item, _ in skip}
    run = _Run()
    for item, one in enumerate(points):
        skipped = item in skipped_items
        if not skipped and type(one) is SeriesPoints and run.take(one):
            continue
        out += run.lines()
        lines = _lines(one)
        out += [line for row, line in enumerate(lines) if (item, row) not in skip] if skipped else lines
    out += run.lines()
    return out


class _Run:
    """Points that have only a value and a flag, as columns: all their numbers become text in one call, not one by one."""

    def __init__(self) -> None:
        self._start: list[str] = []
        self._value: list[float | None] = []
        self._flag: list[int] = []
        self._time_ms: list[int] = []

    def take(self, one: SeriesPoints) -> bool:
        """Take these points, unless they have more than a value and a flag."""
        key, time_ms, value, flag, raw, tests, rev = one
        if raw is not None or tests is not None or rev is not None or None in value:
            return False
        self._start += [series_prefix(key)] * len(value)
        self._value += value
        self._flag += flag
        self._time_ms += time_ms
        return True

    def lines(self) -> list[str]:
        """Their lines; the next run begins empty."""
        if not self._value:
            return []
        start, value, flag, time_ms = self._start, _texts(self._value), self._flag, _texts(self._time_ms)
        self._start, self._value, self._flag, self._time_ms = [], [], [], []
        first = flag[0]
        if flag.count(first) == len(flag):
            middle = f",flag={first}i "
            return [f"{a}value={b}{middle}{c}" for a, b, c in zip(start, value, time_ms, strict=True)]
        return [f"{a}value={b},flag={f}i {c}" for a, b, f, c in zip(start, value, flag, time_ms, strict=True)]


def _texts(numbers: Sequence[float | None]) -> list[str]:
    """Each number in the fewest digits that give it back, as `repr` does, but a fifth of its time."""
    return _encode_json(numbers).decode()[1:-1].split(",")


def rows_of(points: Sequence[Points]) -> list[int]:
    """How many lines each item makes."""
    return [len(one.time_ms) if isinstance(one, SeriesPoints) else 1 for one in points]


def places(rows: Sequence[int], skip: Collection[Place] = ()) -> list[Place]:
    """Where each line of `encode` comes from, for items with so many rows and the same `skip`."""
    return [(item, row) for item, count in enumerate(rows) for row in range(count) if (item, row) not in skip]


def _lines(one: Points) -> list[str]:
    if isinstance(one, SeriesPoints):
        prefix = series_prefix(one.key)
        return list(_full_lines(prefix, one))
    if isinstance(one, RecordPoint):
        tags = f"gateway={one.gateway.translate(_TAG)},kind={one.kind.translate(_TAG)}"
        return [f'{RECORD},{tags} body="{one.body.translate(_STRING)}" {one.time_ms}']
    if isinstance(one, DeliveryPoint):
        return [f'{DELIVERY},gateway={one.gateway.translate(_TAG)} body="{one.body.translate(_STRING)}" {one.time_ms}']
    if isinstance(one, HistoryPoint):
        return [_history_line(one)]
    raise TypeError(f"not a point: {one!r}")


def _history_line(one: HistoryPoint) -> str:
    quantity, station, sensor = (name.translate(_TAG) for name in one.key)
    old = one.old
    tags = f"quantity={quantity},rev={old.rev},sensor={sensor},station={station}"
    fields = [f"flag={old.flag}i"]
    if old.value is not None:
        fields.append(f"value={old.value!r}")
    if old.raw is not None and old.raw != old.value:
        fields.append(f"raw={old.raw!r}")
    if old.tests is not None:
        fields.append(f"tests={old.tests}i")
    return f"{HISTORY},{tags} {','.join(fields)} {old.time_ms}"


def _full_lines(prefix: str, one: SeriesPoints) -> Iterator[str]:
    for raw, tests, rev, value, flag, time_ms in zip(*full_columns(one), one.value, one.flag, one.time_ms, strict=True):
        fields = f"flag={flag}i" if value is None else f"value={value!r},flag={flag}i"
        if raw is not None:
            fields += f",raw={raw!r}"
        if tests is not None:
            fields += f",tests={tests}i"
        if rev is not None:
            fields += f",rev={rev}i"
        yield f"{prefix}{fields} {time_ms}"


def full_columns(one: SeriesPoints) -> tuple[list[float | None], list[int | None], list[int | None]]:
    """Raw, tests and rev as they are stored: raw only where it differs, but all of them where `rev` is given."""
    nothing: list[None] = [None] * len(one.value)
    raw: list[float | None] = (
        [None if before == value else before for before, value in zip(one.raw, one.value, strict=True)]
        if one.raw is not None
        else [*nothing]
    )
    tests: list[int | None] = one.tests if one.tests is not None else [*nothing]
    if one.rev is None:
        return raw, tests, [*nothing]
    changed = [rev is not None for rev in one.rev]
    return (
        [
            value if now and before is None else before
            for now, before, value in zip(changed, raw, one.value, strict=True)
        ],
        [0 if now and mask is None else mask for now, mask in zip(changed, tests, strict=True)],
        one.rev,
    )

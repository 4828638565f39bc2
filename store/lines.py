"""Line protocol: points as lines, the escaped prefix of each series kept.

Fields of a reading: `value` (float), `flag` (integer), `raw` only where it differs, `tests` and `rev` only where given; a
missing value has only its flag. Where `rev` is given all are written, since InfluxDB merges fields and a change must leave
nothing of the old point. Times are milliseconds: send with precision `ms`.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

from store.points import DeliveryPoint, HistoryPoint, Points, RecordPoint, SeriesKey, SeriesPoints

RECORD, DELIVERY, HISTORY = "record", "delivery", "history"
RESERVED = frozenset({RECORD, DELIVERY, HISTORY})
"""Measurements that are no quantity."""

_MEASUREMENT = str.maketrans({",": "\\,", " ": "\\ "})
_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_STRING = str.maketrans({'"': '\\"', "\\": "\\\\"})

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
    for item, one in enumerate(points):
        if type(one) is SeriesPoints and len(one.time_ms) == 1 and not skipped_items:
            key, (time_ms,), (value,), (flag,), raw, tests, rev = one
            if raw is tests is rev is None is not value:
                out.append(f"{series_prefix(key)}value={value!r},flag={flag}i {time_ms}")
                continue
        if item in skipped_items:
            lines = _lines(one)
            out.extend(line for row, line in enumerate(lines) if (item, row) not in skip)
        else:
            out.extend(_lines(one))
    return out


def places(points: Sequence[Points], skip: Collection[Place] = ()) -> list[Place]:
    """Where each line of `encode` with the same arguments comes from."""
    return [
        (item, row)
        for item, one in enumerate(points)
        for row in range(len(one.time_ms) if isinstance(one, SeriesPoints) else 1)
        if (item, row) not in skip
    ]


def _lines(one: Points) -> list[str]:
    if isinstance(one, SeriesPoints):
        prefix = series_prefix(one.key)
        if one.raw is None and one.tests is None and one.rev is None and None not in one.value:
            flags = one.flag
            if flags and flags.count(flags[0]) == len(flags):
                start, middle = f"{prefix}value=", f",flag={flags[0]}i "
                return [
                    f"{start}{value!r}{middle}{time_ms}" for value, time_ms in zip(one.value, one.time_ms, strict=True)
                ]
            return [
                f"{prefix}value={value!r},flag={flag}i {time_ms}"
                for value, flag, time_ms in zip(one.value, flags, one.time_ms, strict=True)
            ]
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

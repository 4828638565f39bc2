"""The audit of a fleet: its readings are joined to the store by station, sensor and time."""

from collections.abc import Iterable

from simulator.audit.points import read_points, same
from simulator.audit.report import Audit, Fault, Finding
from simulator.ledger.rows import Published, Series
from store.points import PointReader, SeriesKey


async def audit_fleet(
    out: Audit, reader: PointReader, series: dict[int, Series], published: Iterable[tuple[int, list[Published]]]
) -> None:
    """Add what is found of these readings, series by series in the order of time, to the audit."""
    for number, rows in published:
        one = series[number]
        key = SeriesKey(one.quantity, one.station, one.sensor)
        points = await read_points(reader, key, rows[0].time_ms, rows[-1].time_ms + 1)
        for row in rows:
            out.scanned += 1
            point = points.pop(row.time_ms, None)
            if point is None:
                out.findings.append(_finding(Fault.LOST, one, row, ""))
                continue
            out.stored += 1
            value = point[0]
            if (value is None) != (row.value is None) or (
                value is not None and row.value is not None and not same(value, row.value)
            ):
                out.findings.append(_finding(Fault.WRONG, one, row, f"stored {value}, published {row.value}"))
        out.findings.extend(
            Finding(Fault.FOREIGN, one.station, one.sensor, time_ms, f"stored {value}, never published")
            for time_ms, (value, _) in points.items()
        )


def _finding(fault: Fault, series: Series, row: Published, detail: str) -> Finding:
    return Finding(
        fault,
        series.station,
        series.sensor,
        row.time_ms,
        detail,
        gateway=series.gateway,
        epoch=row.epoch,
        seq=row.seq,
    )

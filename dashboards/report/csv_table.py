"""The report as CSV: one header row with units, one row for each user, reach, reservoir and hydropost.

The header is the same in all languages, so that programs find their columns. With a decimal comma, semicolons separate.
"""

import csv
import io
from datetime import timedelta

from dashboards.report.flows import Amount
from dashboards.report.span import local_day
from dashboards.report.table import Report
from hydrology.accounting import Performance

HEADER = (
    "kind",
    "id",
    "name",
    "first day",
    "last day",
    "plan [thousand m3]",
    "delivered [thousand m3]",
    "delivered [mln m3]",
    "coverage [%]",
    "provisional",
    "delivered of plan [%]",
    "deviation of mean flow [%]",
    "deviation class",
    "mean flow [m3/s]",
    "season",
    "plan since season start [mln m3]",
    "delivered since season start [mln m3]",
    "coverage since season start [%]",
    "limit [mln m3]",
    "delivered of limit [%]",
    "projected [mln m3]",
    "projected of limit [%]",
    "projected overrun [mln m3]",
    "state",
    "head [thousand m3]",
    "inflows [thousand m3]",
    "turnouts [thousand m3]",
    "tail [thousand m3]",
    "loss [thousand m3]",
    "loss [%]",
    "efficiency [%]",
    "combined uncertainty [thousand m3]",
    "imbalance",
    "level at start [m]",
    "level at end [m]",
    "volume at start [mln m3]",
    "volume at end [mln m3]",
    "inflow [mln m3]",
    "release [mln m3]",
    "level at 08:00 [cm]",
    "indicator",
    "indicator class",
)


Value = str | float | None


def csv_text(report: Report, decimal: str = ".") -> str:
    """The table as text with CRLF line ends, as RFC 4180 wants it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if decimal == "," else ",")
    writer.writerow(HEADER)
    for row in _rows(report):
        unknown = row.keys() - set(HEADER)
        assert not unknown, unknown
        writer.writerow([_text(row.get(name), decimal) for name in HEADER])
    return out.getvalue()


def _rows(report: Report) -> list[dict[str, Value]]:
    days: dict[str, Value] = {"first day": report.span.first.isoformat(), "last day": report.span.last.isoformat()}
    rows: list[dict[str, Value]] = []
    for user in report.users:
        share = user.share
        over = user.overrun_m3
        rows.append(
            {"kind": "user", "id": user.user.id, "name": user.user.name}
            | days
            | _amount(user.delivered)
            | {
                "plan [thousand m3]": _scaled(user.plan_m3, 1e3),
                "delivered of plan [%]": user.of_plan_pct,
                "deviation of mean flow [%]": user.deviation_pct,
                "deviation class": str(user.deviation or ""),
                "season": user.season.name,
                "plan since season start [mln m3]": _scaled(user.plan_since_m3, 1e6),
                "delivered since season start [mln m3]": _scaled(user.since.volume_m3, 1e6),
                "coverage since season start [%]": user.since.coverage_pct,
                "limit [mln m3]": _scaled(share.limit_m3 if share else None, 1e6),
                "delivered of limit [%]": share.of_limit_pct if share else None,
                "projected [mln m3]": _scaled(share.projected_m3 if share else None, 1e6),
                "projected of limit [%]": share.projected_pct if share else None,
                "projected overrun [mln m3]": None if over is None else max(over, 0.0) / 1e6,
                "state": "no limit" if share is None else "not judged" if user.unsure else str(user.alarm),
            }
        )
    for reach in report.reaches:
        balance = reach.balance
        imbalance = "not judged"
        if balance is not None and reach.judged:
            imbalance = "larger than uncertainty" if balance.significant else "within uncertainty"
        rows.append(
            {"kind": "reach", "id": f"{reach.canal.id}/{reach.reach.id}", "name": reach.canal.name}
            | days
            | {
                "coverage [%]": reach.coverage_pct,
                "provisional": "yes" if reach.coverage_pct < 90 else "no",
                "head [thousand m3]": _scaled(reach.head.volume_m3, 1e3),
                "inflows [thousand m3]": _scaled(reach.inflows.volume_m3 if reach.inflows else None, 1e3),
                "turnouts [thousand m3]": _scaled(reach.turnouts.volume_m3 if reach.turnouts else None, 1e3),
                "tail [thousand m3]": _scaled(reach.tail.volume_m3 if reach.tail else None, 1e3),
                "loss [thousand m3]": _scaled(balance.loss if balance else None, 1e3),
                "loss [%]": balance.loss_pct if balance else None,
                "efficiency [%]": balance.efficiency_pct if balance else None,
                "combined uncertainty [thousand m3]": _scaled(balance.uncertainty if balance else None, 1e3),
                "imbalance": imbalance,
            }
        )
    for basin in report.reservoirs:
        both = [amount.coverage_pct for amount in (basin.inflow, basin.release) if amount is not None]
        rows.append(
            {"kind": "reservoir", "id": basin.station.id, "name": basin.station.name}
            | days
            | {
                "coverage [%]": min(both, default=None),
                "provisional": "yes" if min(both, default=0.0) < 90 else "no",
                "level at start [m]": basin.start_m,
                "level at end [m]": basin.end_m,
                "volume at start [mln m3]": _scaled(basin.start_m3, 1e6),
                "volume at end [mln m3]": _scaled(basin.end_m3, 1e6),
                "inflow [mln m3]": _scaled(basin.inflow.volume_m3 if basin.inflow else None, 1e6),
                "release [mln m3]": _scaled(basin.release.volume_m3 if basin.release else None, 1e6),
            }
        )
    rows += [
        {"kind": "post", "id": post.meter.reference, "name": post.station.name}
        | days
        | _amount(post.delivered)
        | {
            "delivered since season start [mln m3]": _scaled(post.since.volume_m3, 1e6),
            "coverage since season start [%]": post.since.coverage_pct,
            "level at 08:00 [cm]": None if post.level_m is None else 100 * post.level_m,
        }
        for post in report.posts
    ]
    return rows + _indicators(report)


def _indicators(report: Report) -> list[dict[str, Value]]:
    """Of the period's last decade and of the season so far, each under its own dates. One decade has no dependability."""
    found = report.indicators
    if found is None or not report.decades:
        return []
    last = local_day(report.period.end - timedelta(milliseconds=1), report.zone)
    decade_from, season_from = (
        local_day(period.start, report.zone) for period in (report.decades[-1].period, report.season)
    )
    out = []
    for what, first, season in ((found.decade, decade_from, ""), (found.season, season_from, report.season.name)):
        if what is not None:
            out += _performance(what, {"first day": first.isoformat(), "last day": last.isoformat()}, season)
    return out


def _performance(found: Performance, days: dict[str, Value], season: str) -> list[dict[str, Value]]:
    grades = found.classes()
    names = ("adequacy", "efficiency", "equity", *(("dependability",) if season else ()))
    return [
        {"kind": "indicator", "id": name, "name": "Molden and Gates, population SD"}
        | days
        | {"season": season, "indicator": getattr(found, name), "indicator class": grades[name]}
        for name in names
    ]


def _amount(amount: Amount) -> dict[str, Value]:
    return {
        "delivered [thousand m3]": _scaled(amount.volume_m3, 1e3),
        "delivered [mln m3]": _scaled(amount.volume_m3, 1e6),
        "coverage [%]": amount.coverage_pct,
        "provisional": "yes" if amount.provisional else "no",
        "mean flow [m3/s]": amount.covered_mean_m3s,
    }


def _scaled(m3: float | None, unit: float) -> float | None:
    return None if m3 is None else m3 / unit


def _text(value: Value, decimal: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # A name that a spreadsheet would take for a formula is given as the text that it is.
        return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value
    return f"{round(value, 6) + 0.0:.10g}".replace(".", decimal)

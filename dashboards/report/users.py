"""A water user's row: limit, plan, delivered in the period and since the season began, and where that leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboards.report.flows import Amount, Column, together, volume
from dashboards.report.meters import Meter
from dashboards.report.plan import limit_at, planned_m3
from dashboards.report.span import local_day, season_of, until
from hydrology.accounting import Alarm, Deviation, Performance, Period, Share, deviation, performance, share
from hydrology.registry import User
from store.points import SeriesKey

Columns = Mapping[SeriesKey, Column]
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class UserRow:
    """Volumes in m3. `since` is the season's part up to the period's end, counted against the limit.

    `share` is None without a limit. `deviation` is of the mean flow from the planned one, None where the period is
    provisional or nothing was planned. `suspect` is the share of the period's readings that are in doubt.
    """

    user: User
    season: Period
    delivered: Amount
    plan_m3: float | None
    since: Amount
    plan_since_m3: float | None
    share: Share | None
    deviation_pct: float | None
    deviation: Deviation | None
    suspect: float

    @property
    def of_plan_pct(self) -> float | None:
        """Delivered in the period, % of its plan."""
        if not self.plan_m3 or self.delivered.volume_m3 is None:
            return None
        return 100 * self.delivered.volume_m3 / self.plan_m3

    @property
    def since_of_plan_pct(self) -> float | None:
        """Delivered since the season began, % of the plan until now."""
        if not self.plan_since_m3 or self.since.volume_m3 is None:
            return None
        return 100 * self.since.volume_m3 / self.plan_since_m3

    @property
    def overrun_m3(self) -> float | None:
        """By how much the projection passes the limit; negative is what will be left. At least that where data is missing."""
        return None if self.share is None else self.share.projected_m3 - self.share.limit_m3

    @property
    def alarm(self) -> Alarm:
        """How the user stands against the limit."""
        return Alarm.NONE if self.share is None else self.share.alarm

    @property
    def unsure(self) -> bool:
        """Whether nothing stands against the user only because too little was measured: that is not within the limit."""
        return self.alarm is Alarm.NONE and self.since.provisional


def counted_since(user: User, last: datetime, zone: str) -> Period:
    """The season of the user's limit in force at a time; without a limit the growing season or the other one."""
    found = limit_at(user, last, zone)
    return season_of(local_day(last, zone), zone) if found is None else found[1]


def user_row(
    user: User, meters: Sequence[Meter], columns: Columns, period: Period, last: datetime, zone: str
) -> UserRow:
    """The row; `last` is a moment inside the period that says which season it belongs to."""
    season = counted_since(user, last, zone)
    so_far = until(season, period.end)
    delivered = together([volume(columns[meter.key], meter, period) for meter in meters])
    since = together([volume(columns[meter.key], meter, so_far) for meter in meters])
    plan = planned_m3(user, period.start, period.end, zone)
    limit = limit_at(user, last, zone)
    plan_since = planned_m3(user, season.start, so_far.end, zone)
    account = None
    if limit is not None and since.volume_m3 is not None:
        days = max((season.end - so_far.end).total_seconds(), 0.0) / DAY_S
        ahead = planned_m3(user, so_far.end, season.end, zone) or 0.0
        flow = ahead / (days * DAY_S) if days else 0.0
        volume_m3 = max(since.volume_m3, 0.0)
        account = share(limit[0].volume_hm3 * 1e6, plan_since or 0.0, volume_m3, flow, days)
    percent = band = None
    if plan and not delivered.provisional and delivered.covered_mean_m3s is not None:
        percent, band = deviation(delivered.covered_mean_m3s, plan / period.seconds)
    doubt = max((columns[meter.key].suspect_share(period) for meter in meters), default=0.0)
    return UserRow(user, season, delivered, plan, since, plan_since, account, percent, band, doubt)


@dataclass(frozen=True, slots=True)
class Indicators:
    """Molden and Gates' indicators of the period's last decade and of the season, population SD.

    `decades` went in of `of_decades`; `left_out` names users with too little measured. None where nothing can be said.
    """

    decade: Performance | None
    season: Performance | None
    decades: int
    of_decades: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecadeSum:
    """All users together in a decade of the season: a bar of the chart."""

    period: Period
    plan_m3: float
    delivered_m3: float | None
    provisional: bool


Cell = tuple[Amount, float | None]
"""What a user got in a decade, and its plan in m3."""


def decade_cells(
    user: User, meters: Sequence[Meter], columns: Columns, periods: Sequence[Period], zone: str
) -> list[Cell]:
    """A user's decades."""
    return [
        (
            together([volume(columns[meter.key], meter, period) for meter in meters]),
            planned_m3(user, period.start, period.end, zone),
        )
        for period in periods
    ]


def decade_sums(cells: Sequence[Sequence[Cell]], periods: Sequence[Period]) -> list[DecadeSum]:
    """All users together."""
    out = []
    for place, period in enumerate(periods):
        column = [row[place] for row in cells]
        measured = [amount.volume_m3 for amount, _ in column if amount.volume_m3 is not None]
        doubt = any(amount.provisional for amount, _ in column)
        out.append(DecadeSum(period, sum(p or 0.0 for _, p in column), sum(measured) if measured else None, doubt))
    return out


def indicators(names: Sequence[str], cells: Sequence[Sequence[Cell]], periods: Sequence[Period]) -> Indicators:
    """From users' decades, delivered against planned mean flows.

    A decade counts if every user had a plan and was measured for 90 % of it. A user measured in fewer than half of the
    decades is left out first, so that one dead meter does not silence all.
    """

    def usable(cell: Cell) -> bool:
        amount, plan = cell
        return bool(plan) and not amount.provisional and amount.covered_mean_m3s is not None

    planned = [place for place in range(len(periods)) if any(row[place][1] for row in cells)]
    kept = [n for n, row in enumerate(cells) if 2 * sum(usable(row[p]) for p in planned) >= len(planned) > 0]
    left_out = tuple(name for n, name in enumerate(names) if n not in kept)
    good = [p for p in planned if kept and all(usable(cells[n][p]) for n in kept)]

    def of(places: Sequence[int]) -> Performance | None:
        if not places:
            return None
        rows = [[cells[n][p] for p in places] for n in kept]
        got = [[max(amount.covered_mean_m3s or 0.0, 0.0) for amount, _ in row] for row in rows]
        wanted = [
            [(plan or 0.0) / periods[p].seconds for (_, plan), p in zip(row, places, strict=True)] for row in rows
        ]
        return performance(got, wanted)

    last = [p for p in good if p == len(periods) - 1]
    return Indicators(of(last), of(good), len(good), len(planned), left_out)

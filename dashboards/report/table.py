"""The whole report as values: built of a registry, a span of days and columns of readings. Pure; no word of it is text."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.report.flows import Amount
from dashboards.report.meters import Meter, Meters
from dashboards.report.reaches import ReachRow, reach_row
from dashboards.report.span import Span, decades, local_day, season_of, until
from dashboards.report.stations import PostRow, ReservoirRow, level_key, post_row, reservoir_row
from dashboards.report.users import (
    Columns,
    DecadeSum,
    Indicators,
    UserRow,
    counted_since,
    decade_cells,
    decade_sums,
    indicators,
    user_row,
)
from hydrology.accounting import Period
from hydrology.registry import Canal, District, Registry, Station, StationKind, User, along_water
from store.points import SeriesKey


class ReportError(ValueError):
    """A report that cannot be made as asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is posted. `period` ends now if it is not over; `unfinished` says so. `silent`: nothing at all was read in it."""

    district: District
    zone: str
    span: Span
    period: Period
    unfinished: bool
    season: Period
    made_at: datetime
    users: tuple[UserRow, ...]
    reaches: tuple[ReachRow, ...]
    reservoirs: tuple[ReservoirRow, ...]
    posts: tuple[PostRow, ...]
    decades: tuple[DecadeSum, ...]
    indicators: Indicators | None
    meters: tuple[Meter, ...]
    first_reading: datetime | None
    last_reading: datetime | None
    silent: bool

    @property
    def provisional(self) -> list[str]:
        """Whose volumes of the period are provisional."""
        rows = [(row.user.name, row.delivered) for row in self.users]
        rows += [(row.station.name, row.delivered) for row in self.posts]
        return [name for name, amount in rows if amount.provisional]


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be read before a report can be built: each series with the time from which it is needed."""

    registry: Registry
    district_id: str
    zone: str
    span: Span
    period: Period
    unfinished: bool
    meters: Meters
    needed: dict[SeriesKey, datetime]


def choose_district(registry: Registry, wanted: str | None) -> str:
    """The district to report on. Raises ReportError where it must be named, or is not there."""
    known = ", ".join(sorted(registry.districts)) or "none"
    if wanted is not None:
        if wanted not in registry.districts:
            raise ReportError(f"there is no district {wanted!r}; the registry has {known}")
        return wanted
    if len(registry.districts) != 1:
        raise ReportError(f"name the district, the registry has {known}")
    return next(iter(registry.districts))


def draft(registry: Registry, district_id: str, span_of: Callable[[str], Span], meters: Meters, now: datetime) -> Draft:
    """What must be read; `span_of` is asked with the district's zone. Raises ReportError."""
    zone = registry.districts[district_id].timezone
    span = span_of(zone)
    whole = span.period(zone)
    if whole.start >= now:
        raise ReportError(f"{span.first} to {span.last} has not begun yet")
    period = until(whole, now)
    users, canals, stations = _parts(registry, district_id)
    if not users and not canals and not stations:
        raise ReportError(f"district {district_id!r} has no user, no canal and no station to report on")
    season = season_of(local_day(_last(period), zone), zone)
    needed: dict[SeriesKey, datetime] = {}

    def need(found: Iterable[Meter], since: datetime) -> None:
        for meter in found:
            needed[meter.key] = min(needed.get(meter.key, since), since)

    start = min(season.start, period.start)
    for user in users:
        begins = min(start, counted_since(user, _last(period), zone).start)
        need((meters.meter(one) for one in user.turnouts), begins)
    for canal in canals:
        for reach in canal.reaches:
            ends = (reach.head, *((reach.tail,) if reach.tail else ()))
            need((meters.meter(one) for one in (*ends, *reach.turnouts, *reach.inflows)), period.start)
    for station in stations:
        level = level_key(station)
        if level is not None:
            needed[level[1]] = period.start
        if station.kind is StationKind.RESERVOIR:
            inflows, releases = _around(registry, station, meters)
            need((*inflows, *releases), period.start)
        else:
            need(meters.of_station(station), start)
    return Draft(registry, district_id, zone, span, period, whole.end > now, meters, needed)


def build(what: Draft, columns: Columns, now: datetime) -> Report:
    """The report of what was read."""
    registry, zone, period, meters = what.registry, what.zone, what.period, what.meters
    users, canals, stations = _parts(registry, what.district_id)
    last = _last(period)
    season = season_of(local_day(last, zone), zone)
    so_far = Period(season.name, min(season.start, period.start), period.end)
    periods = [until(one, period.end) for one in decades(local_day(season.start, zone), local_day(last, zone), zone)]
    of_user = [[meters.meter(one) for one in user.turnouts] for user in users]
    cells = [decade_cells(user, own, columns, periods, zone) for user, own in zip(users, of_user, strict=True)]
    used = {meter.key: meter for own in of_user for meter in own}
    reaches, posts, reservoirs = [], [], []
    for canal in canals:
        for reach in canal.reaches:
            head = meters.meter(reach.head)
            tail = meters.meter(reach.tail) if reach.tail else None
            outs, ins = ([meters.meter(one) for one in group] for group in (reach.turnouts, reach.inflows))
            reaches.append(reach_row(canal, reach, head, outs, tail, ins, columns, period))
            used |= {meter.key: meter for meter in (head, *outs, *ins, *((tail,) if tail else ()))}
    turnouts = {meter.key for own in of_user for meter in own}
    for station in stations:
        if station.kind is StationKind.RESERVOIR:
            inflows, releases = _around(registry, station, meters)
            reservoirs.append(reservoir_row(station, inflows, releases, columns, period, zone))
            used |= {meter.key: meter for meter in (*inflows, *releases)}
        else:
            for meter in meters.of_station(station):
                if meter.key not in turnouts:
                    posts.append(post_row(station, meter, columns, period, so_far, zone))
                    used[meter.key] = meter
    ends = [column.ends(so_far.start.timestamp(), period.end.timestamp()) for column in columns.values()]
    times = [t for pair in ends if pair is not None for t in pair]
    first_s, last_s = period.start.timestamp(), last.timestamp()
    return Report(
        registry.districts[what.district_id],
        zone,
        what.span,
        period,
        what.unfinished,
        season,
        now,
        tuple(user_row(u, own, columns, period, last, zone) for u, own in zip(users, of_user, strict=True)),
        tuple(reaches),
        tuple(reservoirs),
        tuple(posts),
        tuple(decade_sums(cells, periods)),
        indicators([user.name for user in users], cells, periods) if users else None,
        tuple(used.values()),
        datetime.fromtimestamp(min(times), tz=now.tzinfo) if times else None,
        datetime.fromtimestamp(max(times), tz=now.tzinfo) if times else None,
        all(column.ends(first_s, last_s) is None for column in columns.values()),
    )


def total(amounts: Sequence[Amount]) -> Amount:
    """Several amounts together; coverage is their mean, and one provisional part makes the sum provisional."""
    measured = [amount.volume_m3 for amount in amounts if amount.volume_m3 is not None]
    cover = sum(amount.coverage_pct for amount in amounts) / len(amounts) if amounts else 0.0
    return Amount(sum(measured) if measured else None, cover, None, any(amount.provisional for amount in amounts))


def _last(period: Period) -> datetime:
    return period.end - timedelta(milliseconds=1)


def _parts(registry: Registry, district_id: str) -> tuple[list[User], list[Canal], list[Station]]:
    stations = [
        station
        for station in along_water(registry.stations)
        if station.district == district_id and (station.kind is StationKind.RESERVOIR or station.has_discharge())
    ]
    return (
        [user for user in registry.users if user.district == district_id],
        [canal for canal in registry.canals if canal.district == district_id],
        stations,
    )


def _around(registry: Registry, station: Station, meters: Meters) -> tuple[list[Meter], list[Meter]]:
    """What comes into a reservoir and what leaves it, by its own outlets, the links and the canals that it feeds."""
    by_id = {one.id: one for one in registry.stations}
    above = [by_id[link.upstream] for link in registry.links if link.downstream == station.id]
    below = [by_id[link.downstream] for link in registry.links if link.upstream == station.id]
    heads = [meters.meter(canal.reaches[0].head) for canal in registry.canals if canal.takes_from == station.id]
    inflows = [meter for one in above for meter in meters.of_station(one)]
    releases = [*meters.of_station(station), *(m for one in below for m in meters.of_station(one)), *heads]
    return inflows, list({meter.key: meter for meter in releases}.values())

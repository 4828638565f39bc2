"""Sets a report in words and figures: which tables, which columns, which marks. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from dashboards.report.chart import plan_and_fact
from dashboards.report.document import Bar, Cell, Column, Document, Figure, Sheet, Tone
from dashboards.report.figures import NOTHING, Figures
from dashboards.report.flows import Amount
from dashboards.report.settings import ReportSettings
from dashboards.report.sheets import indicator_sheet, post_sheet, reach_sheet, reservoir_sheet
from dashboards.report.span import local_day
from dashboards.report.table import Report, total
from dashboards.report.users import UserRow
from dashboards.report.words import DECIMAL, Words
from hydrology.accounting import Alarm, Deviation, decade_of
from hydrology.registry.order import by_number

PROVISIONAL, DOUBT = "◌", "?"
_ALARM_TONE: dict[Alarm, Tone] = {Alarm.OVER: "bad", Alarm.PROJECTED: "warn", Alarm.USED_95: "warn", Alarm.NONE: "soft"}
_DEVIATION_TONE: dict[Deviation, Tone] = {Deviation.NORMAL: "soft", Deviation.WARN: "warn"}


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a report's numbers come from: the program's version, the registry's name and digest."""

    version: str
    registry: str
    digest: str


def compose(report: Report, settings: ReportSettings, source: Provenance) -> Document:
    """The document, in the settings' language."""
    words = Words(settings.language)
    figures = Figures(settings.decimal or DECIMAL[settings.language], report.zone)
    sheets = [
        _user_sheet(report, words, figures) if report.users else None,
        reach_sheet(report, words, figures) if report.reaches else None,
        indicator_sheet(report, words, figures) if report.indicators else None,
        reservoir_sheet(report, words, figures) if report.reservoirs else None,
        post_sheet(report, words, figures) if report.posts else None,
    ]
    banner = words("all_measured")
    if report.silent:
        banner = words("silent")
    elif report.provisional:
        banner = words("provisional", names=", ".join(report.provisional))
    if report.unfinished:
        banner = f"{words('unfinished', time=figures.time(report.period.end))} {banner}"
    return Document(
        settings.language,
        words("title"),
        days(report, words),
        subtitle(report, words),
        settings.office or report.district.name,
        banner,
        bool(report.provisional) or report.unfinished or report.silent,
        _figures(report, words, figures),
        plan_and_fact(report.decades, report.zone, words, figures) if report.users else None,
        words("chart"),
        tuple(sheet for sheet in sheets if sheet is not None),
        (words("marks"), *((words("projected_note"),) if report.users else ())),
        _provenance(report, words, figures, source),
        (words("signed"), words("approved")),
        words("signature"),
    )


def days(report: Report, words: Words) -> str:
    """The period's days in words, as in 11-20 July 2026."""
    first, last = report.span.first, report.span.last
    if (first.year, first.month) == (last.year, last.month):
        return words("range_one_month", a=first.day, b=last.day, month=words.month(first.month), year=first.year)
    if first.year == last.year:
        months = {"month_a": words.month(first.month), "month_b": words.month(last.month)}
        return words("range", a=first.day, b=last.day, year=first.year, **months)
    return words("days", first=first.isoformat(), last=last.isoformat())


def subtitle(report: Report, words: Words) -> str:
    """The decade's name where it is one."""
    first = report.span.first
    if report.span.kind != "decade":
        return words("season") if report.span.kind == "season" else ""
    month = words.month(first.month, alone=True)
    return words("decade", roman="I" * decade_of(first), month=month, year=first.year)


def _figures(report: Report, words: Words, figures: Figures) -> tuple[Figure, ...]:
    out = []
    if report.users:
        period = total([row.delivered for row in report.users])
        since = total([row.since for row in report.users])
        plan = sum(row.plan_m3 or 0.0 for row in report.users)
        limit = sum(row.share.limit_m3 for row in report.users if row.share is not None)
        counted = [row.since.volume_m3 or 0.0 for row in report.users if row.share is not None]
        share = Figure(
            figures.million(period.volume_m3, 2) + _mark(period),
            words("delivered_period"),
            words("of_plan", pct=figures.number(_pct(period.volume_m3, plan), 0)) if plan else "",
        )
        season = Figure(
            figures.million(since.volume_m3, 2) + _mark(since),
            words("since_season", date=_day_month(report, words)),
            words("of_limit", pct=figures.number(_pct(sum(counted), limit), 0)) if limit else "",
        )
        marked = [row for row in report.users if row.alarm is not Alarm.NONE]
        tone: Tone = "bad" if any(row.alarm is Alarm.OVER for row in marked) else "warn" if marked else ""
        out += [
            share,
            season,
            Figure(str(len(marked)), words("concerned"), words("of_users", n=len(report.users)), tone),
        ]
    canals = {row.canal.id: row.canal.name for row in report.reaches}
    for canal, name in list(canals.items())[:2]:
        rows = [row for row in report.reaches if row.canal.id == canal]
        balances = [row.balance for row in rows if row.balance is not None]
        if len(balances) == len(rows) and balances[0].came > 0 and all(row.judged for row in rows):
            lost = sum(balance.loss for balance in balances)
            came = balances[0].came + sum((row.inflows.volume_m3 or 0.0) for row in rows[1:] if row.inflows is not None)
            out.append(
                Figure(
                    figures.number(100 * (1 - lost / came), 1),
                    f"{words('canal_efficiency')} · {name}",
                    words("efficiency_note", loss=figures.thousand(lost)),
                )
            )
    return tuple(out)


def _user_sheet(report: Report, words: Words, figures: Figures) -> Sheet:
    since = words("since_group", date=_day_month(report, words))
    period, limit = words("period_group"), words("limit_group")
    thousand, million, pct = words("unit_th"), words("unit_mln"), words("unit_pct")
    columns = (
        Column(words("user"), number=False, width=2.6),
        Column(words("plan"), thousand, period),
        Column(words("delivered"), thousand, period, width=1.1),
        Column(words("delivered"), million, period),
        Column(words("pct_plan"), pct, period, width=0.8),
        Column(words("deviation"), pct, period, width=1.35),
        Column(words("coverage"), pct, period, width=0.85),
        Column(words("plan"), million, since),
        Column(words("delivered"), million, since, width=1.1),
        Column(words("pct_plan"), pct, since, width=0.8),
        Column(words("coverage"), pct, since, width=0.85),
        Column(words("limit"), million, limit),
        Column(words("used"), pct, limit, width=1.5),
        Column(words("projected"), pct, limit, width=0.95),
        Column(words("overrun"), million, limit, width=0.95),
        Column(words("state"), "", limit, number=False, width=1.4),
    )
    rows = tuple(_user_cells(row, words, figures) for row in report.users)
    period_sum, since_sum = total([r.delivered for r in report.users]), total([r.since for r in report.users])
    plan = _sum(row.plan_m3 for row in report.users)
    plan_since = _sum(row.plan_since_m3 for row in report.users)
    shares = [row.share for row in report.users if row.share is not None]
    limits, used = sum(share.limit_m3 for share in shares), sum(share.delivered_m3 for share in shares)
    ahead = sum(share.projected_m3 for share in shares)
    last = (
        words("total"),
        figures.thousand(plan),
        figures.thousand(period_sum.volume_m3) + _mark(period_sum),
        figures.million(period_sum.volume_m3),
        figures.number(_pct(period_sum.volume_m3, plan), 0),
        "",
        figures.number(period_sum.coverage_pct, 0),
        figures.million(plan_since),
        figures.million(since_sum.volume_m3) + _mark(since_sum),
        figures.number(_pct(since_sum.volume_m3, plan_since), 0),
        figures.number(since_sum.coverage_pct, 0),
        figures.million(limits) if shares else NOTHING,
        figures.number(_pct(used, limits), 1),
        figures.number(_pct(ahead, limits), 1),
        figures.million(ahead - limits) if ahead > limits else NOTHING,
        "",
    )
    return Sheet(words("users"), columns, rows, tuple(Cell(text) for text in last))


def _user_cells(row: UserRow, words: Words, figures: Figures) -> tuple[Cell, ...]:
    share = row.share
    if row.deviation is None or row.deviation_pct is None:
        flow = Cell(words("not_judged") if row.delivered.provisional else NOTHING, "soft")
    else:
        text = f"{figures.number(row.deviation_pct, 1, sign=True)} {words(f'dev_{row.deviation}')}"
        flow = Cell(text, _DEVIATION_TONE.get(row.deviation, ""))
    used, limit_m3 = (None, None) if share is None else (share.of_limit_pct, share.limit_m3)
    bar = None
    if used is not None and limit_m3:
        due = _pct(row.plan_since_m3, limit_m3)
        shown = {"used": figures.number(used, 0), "plan": figures.number(due, 0)}
        bar = Bar(used, due, words("used_bar", **shown))
    over = row.overrun_m3
    doubt = DOUBT if row.suspect > 0.1 else ""
    if share is None:
        alarm = Cell(words("no_limit"), "soft")
    elif row.unsure:
        alarm = Cell(words("not_judged"), "soft")
    else:
        alarm = Cell(words(row.alarm.value), _ALARM_TONE.get(row.alarm, ""))
    return (
        Cell(row.user.name),
        Cell(figures.thousand(row.plan_m3)),
        Cell(figures.thousand(row.delivered.volume_m3) + _mark(row.delivered) + doubt),
        Cell(figures.million(row.delivered.volume_m3)),
        Cell(figures.number(row.of_plan_pct, 0)),
        flow,
        _coverage(row.delivered, figures),
        Cell(figures.million(row.plan_since_m3)),
        Cell(figures.million(row.since.volume_m3) + _mark(row.since)),
        Cell(figures.number(row.since_of_plan_pct, 0)),
        _coverage(row.since, figures),
        Cell(figures.million(limit_m3)),
        Cell(figures.number(used, 1), bar=bar),
        Cell(figures.number(share.projected_pct if share else None, 1)),
        Cell(figures.million(over), "warn") if over is not None and over > 0 else Cell(NOTHING, "soft"),
        alarm,
    )


def _coverage(amount: Amount, figures: Figures) -> Cell:
    return Cell(figures.number(amount.coverage_pct, 0), "warn" if amount.provisional else "soft")


def _mark(amount: Amount) -> str:
    return f" {PROVISIONAL}" if amount.provisional else ""


def _sum(parts: Iterable[float | None]) -> float | None:
    """Of those that there are; None of none."""
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _pct(part: float | None, whole: float | None) -> float | None:
    return 100 * part / whole if part is not None and whole else None


def _day_month(report: Report, words: Words) -> str:
    day = local_day(report.season.start, report.zone)
    return f"{day.day} {words.month(day.month)}"


def _provenance(report: Report, words: Words, figures: Figures, source: Provenance) -> tuple[str, ...]:
    made = words("made", time=figures.time(report.made_at), zone=report.zone, version=source.version)
    registry = words("registry", name=source.registry, digest=source.digest)
    data = words("no_data")
    if report.first_reading is not None and report.last_reading is not None:
        data = words("data", first=figures.time(report.first_reading), last=figures.time(report.last_reading))
    steps = sorted({meter.title for meter in report.meters if meter.step}, key=by_number)
    seconds = figures.number(report.period.seconds, 0)
    if steps:
        method = words("method", zone=report.zone, seconds=seconds, step=", ".join(steps))
    else:
        method = words("method_plain", zone=report.zone, seconds=seconds)
    return method, f"{made}; {registry}; {data}."

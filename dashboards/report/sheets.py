"""The tables beside the users': canal reaches, indicators, reservoirs, hydroposts."""

from dashboards.report.document import Cell, Column, Sheet, Tone
from dashboards.report.figures import NOTHING, Figures
from dashboards.report.flows import Amount
from dashboards.report.table import Report
from dashboards.report.words import Words
from hydrology.accounting import Performance

_CLASS_TONE: dict[str, Tone] = {"poor": "warn", "good": "soft"}


def _volume(amount: Amount | None, figures: Figures) -> Cell:
    if amount is None:
        return Cell(NOTHING, "soft")
    return Cell(figures.thousand(amount.volume_m3) + (" ◌" if amount.provisional else ""))


def _covered(coverage_pct: float, figures: Figures) -> Cell:
    return Cell(figures.number(coverage_pct, 0), "warn" if coverage_pct < 90 else "soft")


def reach_sheet(report: Report, words: Words, figures: Figures) -> Sheet:
    """Head, turnouts, tail, loss, efficiency, and the imbalance against the meters' uncertainty."""
    thousand, pct = words("unit_th"), words("unit_pct")
    inflows = any(row.inflows is not None for row in report.reaches)
    columns = [
        Column(words("reach"), number=False, width=2.6),
        Column(words("head"), thousand),
        *([Column(words("inflows"), thousand)] if inflows else []),
        Column(words("turnouts"), thousand),
        Column(words("tail"), thousand),
        Column(words("loss"), thousand),
        Column(words("loss_pct"), pct, width=0.7),
        Column(words("loss_km"), words("unit_pctkm"), width=0.8),
        Column(words("efficiency"), pct, width=0.8),
        Column(words("uncertainty"), thousand),
        Column(words("coverage"), pct, width=0.8),
        Column(words("finding"), number=False, width=1.8),
    ]
    rows = []
    for row in report.reaches:
        balance, reach = row.balance, row.reach
        if balance is None or not row.judged:
            finding = Cell(words("not_judged"), "soft")
        elif balance.significant:
            finding = Cell(words("significant"), "warn")
        else:
            finding = Cell(words("insignificant"), "soft")
        rows.append(
            (
                Cell(f"{row.canal.name}, {reach.id} ({figures.number(reach.length_km, 1)} {words('unit_km')})"),
                _volume(row.head, figures),
                *([_volume(row.inflows, figures)] if inflows else []),
                _volume(row.turnouts, figures),
                _volume(row.tail, figures),
                Cell(figures.thousand(balance.loss if balance else None)),
                Cell(figures.number(balance.loss_pct if balance else None, 1)),
                Cell(figures.number(balance.loss_pct_per_km(reach.length_km) if balance else None, 2)),
                Cell(figures.number(balance.efficiency_pct if balance else None, 1)),
                Cell(figures.thousand(balance.uncertainty if balance else None)),
                _covered(row.coverage_pct, figures),
                finding,
            )
        )
    return Sheet(words("reaches"), tuple(columns), tuple(rows), notes=(words("reach_note"),))


def indicator_sheet(report: Report, words: Words, figures: Figures) -> Sheet:
    """Molden and Gates' four with their classes, and over which decades."""
    found = report.indicators
    assert found is not None
    columns = (
        Column(words("indicator"), number=False, width=1.3),
        Column(words("last_decade"), width=1.1),
        Column(words("season_value"), width=1.1),
        Column("", number=False, width=2.6),
    )

    def cell(name: str, value: Performance | None) -> Cell:
        if value is None:
            return Cell(NOTHING, "soft")
        grade = value.classes()[name]
        return Cell(f"{figures.number(getattr(value, name), 2)} {words(grade)}", _CLASS_TONE.get(grade, ""))

    rows = tuple(
        (
            # Not the canal's efficiency, which has a word of its own in Russian and Kazakh.
            Cell(words("sharing_efficiency") if name == "efficiency" else words(name)),
            # One decade says nothing of evenness in time.
            Cell(NOTHING, "soft") if name == "dependability" else cell(name, found.decade),
            cell(name, found.season),
            Cell(words(f"{name}_says"), "soft"),
        )
        for name in ("adequacy", "efficiency", "equity", "dependability")
    )
    notes = [words("indicators_note", used=found.decades, all=found.of_decades)]
    if found.left_out:
        notes.append(words("left_out", names=", ".join(found.left_out)))
    return Sheet(words("indicators"), columns, rows, notes=(" ".join(notes),))


def reservoir_sheet(report: Report, words: Words, figures: Figures) -> Sheet:
    """Level, volume, inflow, release."""
    million, metre, pct = words("unit_mln"), words("unit_m"), words("unit_pct")
    systems = sorted({row.system for row in report.reservoirs if row.system})
    height = f"{metre}, {', '.join(systems)}" if systems else metre
    columns = (
        Column(words("reservoir"), number=False, width=2.2),
        Column(words("level_start"), height, width=1.3),
        Column(words("level_end"), height, width=1.3),
        Column(words("volume_start"), million),
        Column(words("volume_end"), million),
        Column(words("change"), million),
        Column(words("full"), pct, width=0.8),
        Column(words("useful"), pct, width=0.8),
        Column(words("inflow"), million, width=1.1),
        Column(words("release"), million, width=1.1),
        Column(words("coverage"), pct, width=0.8),
        Column(words("rest"), million),
    )
    rows = []
    for row in report.reservoirs:
        both = [amount for amount in (row.inflow, row.release) if amount is not None]

        def moved(amount: Amount | None) -> Cell:
            if amount is None:
                return Cell(NOTHING, "soft")
            return Cell(figures.million(amount.volume_m3) + (" ◌" if amount.provisional else ""))

        def signed(m3: float | None) -> Cell:
            return Cell(figures.number(None if m3 is None else m3 / 1e6, 3, sign=True))

        rows.append(
            (
                Cell(row.station.name),
                Cell(figures.number(row.start_m, 2)),
                Cell(figures.number(row.end_m, 2)),
                Cell(figures.million(row.start_m3)),
                Cell(figures.million(row.end_m3)),
                signed(row.change_m3),
                Cell(figures.number(row.full_pct, 1)),
                Cell(figures.number(row.useful_pct, 1)),
                moved(row.inflow),
                moved(row.release),
                _covered(min((amount.coverage_pct for amount in both), default=0.0), figures),
                signed(row.rest_m3),
            )
        )
    return Sheet(words("reservoirs"), columns, tuple(rows), notes=(words("reservoir_note"),))


def post_sheet(report: Report, words: Words, figures: Figures) -> Sheet:
    """Hydroposts: level in the morning, mean flow, volumes."""
    pct = words("unit_pct")
    columns = (
        Column(words("post"), number=False, width=2.6),
        Column(words("level_8"), words("unit_cm")),
        Column(words("mean_flow"), words("unit_m3s")),
        Column(words("volume"), words("unit_th"), width=1.1),
        Column(words("coverage"), pct, width=0.8),
        Column(f"{words('volume')}, {words('season')}", words("unit_mln"), width=1.1),
        Column(words("coverage"), pct, width=0.8),
    )
    rows = tuple(
        (
            Cell(row.station.name),
            Cell(figures.number(None if row.level_m is None else 100 * row.level_m, 0)),
            Cell(figures.number(row.delivered.covered_mean_m3s, 2)),
            _volume(row.delivered, figures),
            _covered(row.delivered.coverage_pct, figures),
            Cell(figures.million(row.since.volume_m3) + (" ◌" if row.since.provisional else "")),
            _covered(row.since.coverage_pct, figures),
        )
        for row in report.posts
    )
    return Sheet(words("posts"), columns, rows)

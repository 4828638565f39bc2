"""The results as text that people can read. Pure."""

from collections.abc import Iterator

from benchmarks.outcome import Outcome
from benchmarks.results import OWN, QUEUE, RAW, STOCK, TUNED, Goal, Results, goals

NOT_MEASURED = "-"


def render(results: Results) -> str:
    """The whole report."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Results) -> Iterator[str]:
    yield "  ".join(f"{name} {value}" for name, value in results.about.items())
    yield from _end_to_end(results)
    yield from _stages(results)
    yield from _latencies(results)
    yield from _rest(results)
    yield ""
    yield "Goals of issue 6 (of two codecs the slower one)"
    yield from map(goal_line, goals(results))
    yield f"took {results.took_s:.0f} s"


def _end_to_end(results: Results) -> Iterator[str]:
    heads = ("way", "readings/s", "x raw", "x queue", "x stock", "x tuned", "own", "broker", "InfluxDB", "MB", "store")
    for size in sorted({row.size for row in results.outcomes}):
        yield ""
        yield f"{size} readings a message: rate, its ratio to the others, CPU µs a reading (own, broker, InfluxDB), own MB"
        yield _row(heads)
        for row in results.outcomes:
            if row.size == size:
                yield _row(_cells(results, row))


def _cells(results: Results, row: Outcome) -> tuple[str, ...]:
    ratios = [results.ratio(row, way) for way in (RAW, QUEUE, STOCK, TUNED)] if row.way == "aryk" else [None] * 4
    own = OWN[row.way]
    costs = [row.cpu_us.get(name) for name in (own, "mosquitto", "influxd")]
    return (
        f"{row.way} {row.codec}",
        f"{row.per_s:,.0f}" if row.per_s else NOT_MEASURED,
        *(NOT_MEASURED if one is None else f"{one:.2f}" for one in ratios),
        *(NOT_MEASURED if one is None else f"{one:.2f}" for one in costs),
        f"{row.rss_mb[own]:.0f}" if own in row.rss_mb else NOT_MEASURED,
        row.complaint or (NOT_MEASURED if row.way == QUEUE else "holds all"),
    )


def _row(cells: tuple[str, ...]) -> str:
    first, *middle, last = cells
    return f"  {first:20}" + "".join(f"{one:>11}" for one in middle) + f"  {last}"


def _stages(results: Results) -> Iterator[str]:
    if not results.stages:
        return
    yield ""
    yield "CPU µs a reading of each step of the path, without process, loop and store (python -m benchmarks.ingest_path)"
    yield "  " + f"{'':12}" + "".join(f"{name:>14}" for name in next(iter(results.stages.values())))
    for shape, steps in results.stages.items():
        yield "  " + f"{shape:12}" + "".join(f"{one:14.2f}" for one in steps.values())


def _latencies(results: Results) -> Iterator[str]:
    if not results.latencies:
        return
    yield ""
    yield "Latency at half load, ms: 50 %, 99 %, 99.9 % (receipt: from publishing, both ways through the broker)"
    for one in results.latencies:
        shape = f"{one.size} {one.codec}, {one.gateways} gateways"
        rate = f"{one.per_s:,.0f}/s"
        receipt = " ".join(f"{ms:8.1f}" for ms in one.receipt_ms)
        acknowledge = " ".join(f"{ms:8.1f}" for ms in one.acknowledge_ms)
        yield f"  {shape:26}{rate:>10}   receipt {receipt}   acknowledgement {acknowledge}  {one.complaint}"


def _rest(results: Results) -> Iterator[str]:
    outage = results.outage
    yield ""
    if outage:
        yield (
            f"After an outage of the database: {outage.readings:,} readings drained at {outage.per_s:,.0f}/s (an hour at"
            f" 2,000/s in {outage.hour_s:.0f} s), at most {outage.rss_mb:.0f} MB  {outage.complaint or 'holds all'}"
        )
    for one in results.startups:
        yield (
            f"Start with {one.stations:,} stations, {one.sensors:,} sensors: ready in {one.ready_s:.2f} s, {one.rss_mb:.0f} MB;"
            f" scrape {one.scrape_s:.2f} s, {one.scrape_bytes / 1e6:.1f} MB"
        )


def goal_line(goal: Goal) -> str:
    """One goal beside its figure."""
    word = {True: "met", False: "NOT MET", None: "not measured"}[goal.met]
    figure = NOT_MEASURED if goal.figure is None else f"{goal.figure:.2f} {goal.unit}"
    sign = ">=" if goal.at_least else "<="
    return f"  {goal.name:48}{figure:>14}   goal {sign} {goal.limit:g} {goal.unit:3} {word}"

"""What so many sensors need: `python -m benchmarks.capacity --sensors 50000 --interval 15min --a-gateway 3`.

Every figure comes from benchmarks/results/*.json by the formulae below; docs/capacity.md says them in words. `--write` puts the
tables of that page anew, from the newest results of `make bench`.
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.needs import FLEET_S, Costs, Plan, need
from settings import parse_duration_s

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "capacity.md"

COUNTRY = [Plan(sensors, interval) for interval in (900.0, 60.0) for sensors in (5_000, 50_000, 500_000)]
AIR = [
    (name, plan)
    for name, scans, keepalive in (
        ("every scan at once, keepalive 60 s", 1, 60.0),
        ("every scan at once, keepalive 15 min", 1, 900.0),
        ("an hour's scans together, keepalive 60 s", 4, 60.0),
        ("an hour's scans together, keepalive 1 h", 4, 3600.0),
        ("a day's scans together, keepalive 6 h", 96, 21_600.0),
    )
    for plan in [Plan(3, 900.0, 3, scans, keepalive)]
]


def duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def figure(value: float) -> str:
    """Two digits that count, no more: the measurements are not better."""
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0:
        return "0"
    digits = max(0, 1 - math.floor(math.log10(abs(value))))
    rounded = round(value, digits if value < 10 else 0)
    return f"{rounded:,.{digits}f}" if value < 10 else f"{float(f'{value:.2g}'):,.0f}"


ROWS: tuple[tuple[str, str], ...] = (
    ("readings a second", "rate"),
    ("gateways (connections)", "gateways"),
    ("ingest processes", "ingests"),
    ("their cores together", "ingest_cores"),
    ("memory of each after some days, MB", "ingest_mb_each"),
    ("the broker's cores (mosquitto)", "broker_cores"),
    ("its memory, MB", "broker_mb"),
    ("InfluxDB's cores for writing", "influx_cores"),
    ("its memory after the series were made, MB", "influx_mb"),
    ("its disk, GB a year", "influx_gb_year"),
    ("spools for a day without InfluxDB, GB", "spool_gb_day"),
    ("hours to drain them", "drain_h_day"),
)


def country_table(costs: Costs) -> Iterator[str]:
    found = [need(plan, costs) for plan in COUNTRY]
    yield (
        "| sensors, each read every | "
        + " | ".join(f"{one.sensors:,}, {duration(one.interval_s)}" for one in COUNTRY)
        + " |"
    )
    yield "|---|" + "---:|" * len(COUNTRY)
    for title, name in ROWS:
        yield f"| {title} | " + " | ".join(figure(getattr(one, name)) for one in found) + " |"


def air_table(costs: Costs) -> Iterator[str]:
    yield "| 3 sensors, every 15 minutes | bytes a message, all in all | MB a month: messages | pings | together |"
    yield "|---|---:|---:|---:|---:|"
    for name, plan in AIR:
        one = need(plan, costs)
        together = one.gateway_mb_month + one.ping_mb_month
        cells = [one.message_bytes, one.gateway_mb_month, one.ping_mb_month, together]
        yield f"| {name} | " + " | ".join(map(figure, cells)) + " |"


def measured_table(costs: Costs) -> Iterator[str]:
    yield "| what was measured | figure |"
    yield "|---|---:|"
    for size in sorted(costs.ingest_us):
        cells = [figure(one[size]) for one in (costs.ingest_us, costs.broker_us, costs.influx_us)]
        yield f"| processor µs a reading at {size} a message: ingest, mosquitto, InfluxDB | {', '.join(cells)} |"
    for size, spooled in sorted(costs.spool_bytes.items()):
        yield f"| spool, bytes a reading at {size} a message | {figure(spooled)} |"
    for apart, stored in sorted(costs.stored_bytes.items()):
        yield f"| InfluxDB's disk, bytes a point (value and flag), readings {duration(apart)} apart | {figure(stored)} |"
    for name, (start, each), per in (
        ("ingest", costs.ingest_mb, "1,000 sensors"),
        ("mosquitto", costs.broker_mb, "1,000 connections"),
        ("InfluxDB", costs.influx_mb, "1,000 series"),
    ):
        yield f"| memory of {name}, MB: at the start, for each {per} more | {figure(start)}, {figure(each * 1000)} |"
    what = "and once each has had some days of readings, for each 1,000 sensors more"
    yield f"| memory of ingest, MB: {what} | {figure(costs.history_mb * 1000)} |"
    yield f"| readings a second from one spool into InfluxDB after an outage | {figure(costs.drain_per_s)} |"
    for one in costs.fleets:
        what = f"{one['gateways']:,} gateways connected for a minute, {figure(one['received'] / FLEET_S)} readings a second"
        took = ", ".join(figure(one[name]) for name in ("ingest_cpu_s", "ingest_mb", "broker_mb"))
        yield f"| {what}: ingest's processor seconds, its start included; its MB; mosquitto's MB | {took} |"
    for one in costs.wire:
        shape = f"{one['sensors']} sensors, {one['scans']} scan{'s' * (one['scans'] > 1)} a message"
        yield f"| payload in bytes, {shape}: CBOR, JSON | {one['cbor']['payload']}, {one['json']['payload']} |"


def load_costs(bench: Path) -> Costs:
    """From these results of `make bench` and the two files beside it."""
    documents = [
        json.loads(path.read_text()) for path in (bench, bench.with_name("sizes.json"), bench.with_name("scale.json"))
    ]
    return Costs.of(*documents)


def newest() -> Path:
    """The newest results of `make bench`."""
    return max(RESULTS.glob("20*.json"))


def source_of(page: str) -> Path:
    """The results that a page was made from, by its own word."""
    found = re.search(r"results/(20[\d-]+\.json)", page)
    if found is None:
        raise ValueError("the page names no results")
    return RESULTS / found[1]


def with_tables(page: str, bench: Path) -> str:
    """The page with its tables made anew from these results."""
    costs = load_costs(bench)
    page = re.sub(r"results/20[\d-]+\.json", f"results/{bench.name}", page)
    for name, lines in (
        ("country", country_table(costs)),
        ("air", air_table(costs)),
        ("measured", measured_table(costs)),
    ):
        start, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, found, rest = page.partition(start)
        if not found or end not in rest:
            raise ValueError(f"the page has no place for the table {name!r}")
        page = before + start + "".join(f"{line}\n" for line in lines) + rest[rest.index(end) :]
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sensors", type=int, default=50_000)
    parser.add_argument("--interval", default="15min", help="between two readings of a sensor")
    parser.add_argument("--a-gateway", type=int, default=3, help="sensors of a gateway")
    parser.add_argument("--scans", type=int, default=1, help="sent in one message")
    parser.add_argument("--keepalive", default="60s", help="0s: the gateway sleeps between messages")
    parser.add_argument("--write", action="store_true", help="write the tables of docs/capacity.md")
    asked = parser.parse_args()
    if asked.write:
        PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), newest()), encoding="utf-8")
        sys.exit(0)
    seconds = [parse_duration_s(one) for one in (asked.interval, asked.keepalive)]
    plan = Plan(asked.sensors, seconds[0], asked.a_gateway, asked.scans, seconds[1])
    found = need(plan, load_costs(newest()))
    print(
        f"{plan.sensors:,} sensors every {duration(plan.interval_s)}, {plan.size} readings a message; from {newest().name}"
    )
    for title, name in (
        *ROWS,
        ("bytes of a message on the air", "message_bytes"),
        ("a gateway's messages, MB a month", "gateway_mb_month"),
        ("and its pings, MB a month", "ping_mb_month"),
    ):
        print(f"  {title:46}{figure(getattr(found, name)):>12}")


if __name__ == "__main__":
    main()

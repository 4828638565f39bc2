"""The picture of a run: `python -m benchmarks.chart RESULTS.json docs/pictures/bench.png`."""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

WAYS = {
    ("aryk", "cbor"): ("Aryk, CBOR", "#0b6e99"),
    ("aryk", "json"): ("Aryk, JSON", "#6fb3d2"),
    ("telegraf tuned", "json"): ("Telegraf, tuned", "#c4752b"),
    ("telegraf stock", "json"): ("Telegraf, stock", "#e8bd94"),
    ("raw loader", "lines"): ("raw loader: InfluxDB's limit", "#8a8a8a"),
}
OWN = {"aryk": "ingest", "telegraf tuned": "telegraf", "telegraf stock": "telegraf", "raw loader": "loader"}
BAR = 0.16


def draw(results: dict[str, Any], target: Path) -> None:
    """Two panels: readings a second, and processor time a reading, by shape."""
    rows = {(row["way"], row["codec"], row["size"]): row for row in results["outcomes"]}
    sizes = sorted({size for _, _, size in rows})
    figure, (rates, costs) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for place, ((way, codec), (label, colour)) in enumerate(WAYS.items()):
        at = [n + (place - (len(WAYS) - 1) / 2) * BAR for n in range(len(sizes))]
        found = [rows.get((way, codec, size)) for size in sizes]
        heights = [row["per_s"] / 1000 if row else 0.0 for row in found]
        bars = rates.bar(at, heights, BAR, label=label, color=colour)
        broken = [bool(row and row["complaint"]) for row in found]
        names = [f"{one:.0f}{'*' if bad else ''}" if one else "" for one, bad in zip(heights, broken, strict=True)]
        rates.bar_label(bars, names, fontsize=7, padding=1)
        if way == "raw loader":
            continue
        used = [row["cpu_us"].get(OWN[way], 0.0) if row else 0.0 for row in found]
        bars = costs.bar(at, used, BAR, label=label, color=colour)
        costs.bar_label(bars, [f"{one:.1f}" if one else "" for one in used], fontsize=7, padding=1)
    _dress(rates, sizes, "thousand readings/s, end to end")
    _dress(costs, sizes, "CPU µs a reading, without broker and database")
    costs.set_yscale("log")
    costs.yaxis.set_major_formatter("{x:g}")
    costs.yaxis.set_minor_formatter("{x:g}")
    rates.set_ylim(0, 1.4 * rates.get_ylim()[1])
    rates.legend(fontsize=8, frameon=False, loc="upper left", ncols=2)
    if any(row["complaint"].startswith("stopped") for row in rows.values()):
        rates.annotate("* stopped before the end", (0.98, 0.82), xycoords="axes fraction", fontsize=8, ha="right")
    about = results["about"]
    figure.suptitle(
        f"mosquitto, ingest and InfluxDB 2.7.12 together on {about['cores']} cores ({about['at']}, {about['commit']})",
        fontsize=10,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def _dress(axes: Axes, sizes: list[int], title: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.set_xticks(range(len(sizes)), [f"{size} a message" for size in sizes])
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    draw(json.loads(options.results.read_text()), options.picture)


if __name__ == "__main__":
    main()

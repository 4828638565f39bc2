"""Writes the dashboards: `python -m dashboards.grafana.build`, or with --check says which of the files are out of date."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana import district, pipeline, station

FOLDER = Path(__file__).parent / "boards"

BOARDS: dict[str, Callable[[], Dashboard]] = {
    "station.json": station.dashboard,
    "district.json": district.dashboard,
    "pipeline.json": pipeline.dashboard,
}


def text_of(dashboard: Dashboard) -> str:
    """The dashboard as Grafana is provisioned with it."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def out_of_date(folder: Path = FOLDER) -> list[str]:
    """The files that differ from what the code makes, that are missing, or that no code makes."""
    there = {path.name for path in folder.glob("*.json")}
    differ = {
        name
        for name, make in BOARDS.items()
        if name not in there or (folder / name).read_text(encoding="utf-8") != text_of(make())
    }
    return sorted(differ | (there - BOARDS.keys()))


def main(arguments: list[str]) -> int:
    """Write or check; the exit status."""
    if arguments == ["--check"]:
        old = out_of_date()
        for name in old:
            sys.stderr.write(f"{FOLDER / name} is out of date: python -m dashboards.grafana.build\n")
        return 1 if old else 0
    if arguments:
        sys.stderr.write("usage: python -m dashboards.grafana.build [--check]\n")
        return 2
    FOLDER.mkdir(exist_ok=True)
    for name, make in BOARDS.items():
        (FOLDER / name).write_text(text_of(make()), encoding="utf-8")
        sys.stderr.write(f"{FOLDER / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

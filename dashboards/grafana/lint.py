"""What is wrong with a dashboard, read as Grafana reads it: the rules of dashboard-linter that fit two data sources, and our own.

Left out are its rules about `job` and `instance` selectors, which are for dashboards of one Prometheus exporter.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

# Grafana's own variables, which no dashboard declares.
BUILT_IN = re.compile(r"__\w+|timeFilter|tag_\w+|m|col")
VARIABLE = re.compile(r"\$\{(\w+)(?:[:.][\w.]+)*\}|\$(\w+)")
DATASOURCE_VARIABLE = re.compile(r"\$\{\w+\}")
MIXED = "-- Mixed --"
# What InfluxDB 3 does not answer, and what is no InfluxQL.
NOT_PORTABLE = re.compile(r"\bSLIMIT\b|\bSOFFSET\b|\bCARDINALITY\b|\bINTO\b|\|>|from\(bucket", re.IGNORECASE)
FIXED_RATE = re.compile(r"\b(?:rate|irate)\([^\[]*\[(?!\$__rate_interval\])")


def faults(board: Json) -> list[str]:
    """One sentence a fault; an empty list for a good dashboard."""
    return [*_of_the_board(board), *_of_the_panels(board), *_of_the_grid(board)]


def panels(board: Json) -> list[Json]:
    """All panels that are no rows, also those in collapsed rows."""
    out: list[Json] = []
    for panel in board.get("panels", ()):
        if panel["type"] == "row":
            out += panel.get("panels", ())
        else:
            out.append(panel)
    return out


def _of_the_board(board: Json) -> Iterator[str]:
    for key in ("uid", "title", "description", "tags", "refresh"):
        if not board.get(key):
            yield f"the dashboard has no {key}"
    if board.get("id") is not None:
        yield "the dashboard has an id: that is for one server's database"
    if board.get("editable") is not False:
        yield "the dashboard is editable: what is provisioned is changed in the code"
    variables = _variables(board)
    kinds = {one["query"] for one in variables.values() if one["type"] == "datasource"}
    for needed in ("influxdb", "prometheus"):
        if needed not in kinds:
            yield f"no variable chooses the {needed} data source"
    for name, one in variables.items():
        if not one.get("label"):
            yield f"variable {name} has no label"
        if one["type"] == "query":
            yield from _of_a_source(f"variable {name}", one.get("datasource"), mixed=False)
            yield from _unknown_variables(f"variable {name}", str(one.get("query")), variables)
    for one in board.get("annotations", {}).get("list", ()):
        yield from _of_a_source(f"annotation {one['name']}", one.get("datasource"), mixed=False)
        yield from _unknown_variables(f"annotation {one['name']}", one.get("expr", ""), variables)


def _of_the_panels(board: Json) -> Iterator[str]:
    everything = [
        *board.get("panels", ()),
        *(inner for row in board.get("panels", ()) for inner in row.get("panels", ())),
    ]
    for number, times in Counter(panel.get("id") for panel in everything).items():
        if times > 1 or not number:
            yield f"{times} panels have the id {number}"
    for panel in panels(board):
        name = f"panel {panel.get('title') or panel.get('id')!r}"
        for key in ("title", "description"):
            if not panel.get(key):
                yield f"{name} has no {key}"
        if not panel.get("fieldConfig", {}).get("defaults", {}).get("unit"):
            yield f"{name} has no unit"
        yield from _of_a_source(name, panel.get("datasource"), mixed=True)
        yield from _of_the_targets(name, panel.get("targets", ()), _variables(board))


def _of_the_targets(name: str, targets: list[Json], variables: dict[str, Json]) -> Iterator[str]:
    if not targets:
        yield f"{name} asks nothing"
    for ref, times in Counter(target.get("refId") for target in targets).items():
        if times > 1 or not ref:
            yield f"{name} has {times} queries {ref}"
    for target in targets:
        what = f"{name}, query {target.get('refId')}"
        yield from _of_a_source(what, target.get("datasource"), mixed=False)
        query = target.get("query") or target.get("expr") or ""
        if not query:
            yield f"{what} is empty"
        yield from _unknown_variables(what, query, variables)
        if "query" in target:
            if NOT_PORTABLE.search(query):
                yield f"{what}: not every InfluxDB answers this: {NOT_PORTABLE.search(query)}"
            if "$timeFilter" not in query:
                yield f"{what} has no $timeFilter: it would read the whole store"
            if not target.get("rawQuery"):
                yield f"{what} is not raw: Grafana would build another"
        elif FIXED_RATE.search(query):
            yield f"{what}: a rate needs [$__rate_interval]"


def _of_a_source(what: str, source: Json | None, *, mixed: bool) -> Iterator[str]:
    uid = (source or {}).get("uid", "")
    if not DATASOURCE_VARIABLE.fullmatch(uid) and not (mixed and uid == MIXED):
        yield f"{what} has the data source {uid!r}, not one that a variable chooses"


def _unknown_variables(what: str, text: str, variables: dict[str, Json]) -> Iterator[str]:
    for found in VARIABLE.finditer(text):
        name = found[1] or found[2]
        if name not in variables and not BUILT_IN.fullmatch(name):
            yield f"{what} uses a variable that is not there: {name}"


def _of_the_grid(board: Json) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in board.get("panels", ()):
        at = panel["gridPos"]
        name = f"panel {panel.get('title')!r}"
        if at["x"] + at["w"] > 24:
            yield f"{name} stands out on the right"
        cells = [(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
        lies_on = {taken[cell] for cell in cells if cell in taken}
        for other in sorted(lies_on):
            yield f"{name} lies on {other}"
        taken |= dict.fromkeys(cells, name)


def _variables(board: Json) -> dict[str, Json]:
    return {one["name"]: one for one in board.get("templating", {}).get("list", ())}

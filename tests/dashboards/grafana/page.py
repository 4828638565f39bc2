"""A Grafana page without Grafana: its variables chosen, its queries written out as they are sent.

What is replaced is what our dashboards use; anything else that looks like a variable is an error. It is our reading of
Grafana's rules and not Grafana itself.
"""

import re
from collections.abc import Iterator
from typing import Any

from tests.servers.influxdb import InfluxBucket
from tests.servers.prometheus import Prometheus

Json = dict[str, Any]

LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)", re.DOTALL)
QUERY_RESULT = re.compile(r"query_result\((.*)\)", re.DOTALL)
NAME = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
# Named groups are written differently in JavaScript.
NAMED_GROUP = re.compile(r"\(\?<(\w+)>")

HOUR_S = 3600


class Page:
    """A dashboard with one value, or all values, chosen for each variable."""

    def __init__(self, board: Json, prometheus: Prometheus, influx: InfluxBucket, now_s: float) -> None:
        self.board = board
        self.prometheus = prometheus
        self.influx = influx
        self.now_s = now_s
        self.values: dict[str, list[str]] = {}

    def choose(self, **chosen: str) -> None:
        """Fill the variables in order: what is named here, else the first (or all) of what their queries give."""
        self.values = {}
        for variable in self.board["templating"]["list"]:
            if variable["type"] != "query":
                continue
            name = variable["name"]
            options = self.options(variable)
            assert options, f"variable {name} has no values"
            if name in chosen:
                assert chosen[name] in options, f"{chosen[name]} is none of {name}'s values {options}"
                self.values[name] = [chosen[name]]
            else:
                self.values[name] = options if variable.get("includeAll") else options[:1]

    def options(self, variable: Json) -> list[str]:
        """What a variable's query gives, in Grafana's way."""
        query = self.written(variable["query"]["query"])
        if found := LABEL_VALUES.fullmatch(query):
            texts = [one["metric"][found[2]] for one in self.prometheus.query(found[1]) if found[2] in one["metric"]]
        else:
            found = QUERY_RESULT.fullmatch(query)
            assert found is not None, f"no query for a variable: {query}"
            texts = [_as_text(one) for one in self.prometheus.query(found[1])]
        if variable.get("regex"):
            pattern = NAMED_GROUP.sub(r"(?P<\1>", variable["regex"].removeprefix("/").removesuffix("/"))
            matches = [match for text in texts if (match := re.search(pattern, text))]
            texts = [match["value"] if "value" in match.groupdict() else match[1] for match in matches]
        return sorted(set(texts))

    def written(self, text: str, **more: str) -> str:
        """The text with its variables replaced."""

        def value(found: re.Match[str]) -> str:
            name = found[1] or found[3]
            if name in more:
                return more[name]
            values = self.values[name]
            if found[2] == "regex":
                escaped = [re.escape(one).replace(r"\-", "-") for one in values]
                return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"
            assert found[2] is None
            return values[0] if len(values) == 1 else f"({'|'.join(values)})"

        return NAME.sub(value, text)

    def rows(self, panel: Json, target: Json, range_s: int = 6 * HOUR_S) -> list[Json]:
        """What a panel's query gives, from the server that its data source stands for."""
        if target["datasource"]["type"] == "influxdb":
            interval = self.written(panel.get("interval") or "60s")
            assert re.fullmatch(r"\d+s", interval), interval
            since = f"time >= {int((self.now_s - range_s) * 1000)}ms and time <= {int(self.now_s * 1000)}ms"
            query = self.written(target["query"], timeFilter=since, __interval=interval)
            return [row for row in self.influx.query_influxql(query) if _has_value(row)]
        query = self.written(target["expr"], __rate_interval="10s")
        assert target.get("instant") or target.get("range")
        # A range query gives a row for each step at which the instant one does; the last one is the one that must be there.
        return self.prometheus.query(query.replace("@ end()", ""))

    def targets(self) -> Iterator[tuple[Json, Json]]:
        """Every query of every panel."""
        for panel in self.board["panels"]:
            for target in panel.get("targets", ()):
                yield panel, target


def _as_text(one: Json) -> str:
    labels = dict(one["metric"])
    name = labels.pop("__name__", "")
    written = ",".join(f'{label}="{value}"' for label, value in labels.items())
    time_s, value = one["value"]
    return f"{name}{{{written}}} {value} {int(time_s * 1000)}"


def _has_value(row: Json) -> bool:
    """Whether a row has more than nulls, with which `fill(null)` answers for every bucket."""
    return any(
        value is not None
        for column, value in row.items()
        if column not in ("time", "_measurement", "station", "sensor")
    )

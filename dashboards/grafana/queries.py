"""The two data sources as the dashboards name them, and a query of each."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

# Names of dashboard variables: which data source it is, a user chooses on the page.
STORE = DataSourceRef(type_val="influxdb", uid="${store}")
METRICS = DataSourceRef(type_val="prometheus", uid="${metrics}")
# Grafana's own name for a panel whose queries go to different data sources.
MIXED = DataSourceRef(type_val="datasource", uid="-- Mixed --")

# One station, or several, as InfluxQL understands them.
OF_STATION = '"station" =~ /^${station:regex}$/'
OF_STATIONS = '"station" =~ /^${stations:regex}$/'


@dataclass(frozen=True)
class InfluxQuery(variants.Dataquery):
    """An InfluxQL query: the one language that InfluxDB 1.x, 2.x and 3 all answer. The SDK has no type for it."""

    ref_id: str
    query: str
    alias: str
    as_table: bool = False

    def to_json(self) -> dict[str, object]:
        """Return it as Grafana's InfluxDB data source has it."""
        return {
            "refId": self.ref_id,
            "datasource": STORE,
            "query": self.query,
            "rawQuery": True,
            "resultFormat": "table" if self.as_table else "time_series",
            "alias": self.alias,
        }


@dataclass(frozen=True)
class _Built(Builder[variants.Dataquery]):
    query: variants.Dataquery

    def build(self) -> variants.Dataquery:
        return self.query


def influxql(ref_id: str, query: str, alias: str) -> Builder[variants.Dataquery]:
    """Series over time. In the alias, $m is the measurement and $tag_sensor a tag's value."""
    return _Built(InfluxQuery(ref_id, " ".join(query.split()), alias))


def buckets(
    ref_id: str, quantity: str, column: str, alias: str, *, where: str = OF_STATION, flags: str = ""
) -> Builder[variants.Dataquery]:
    """One column of a quantity in buckets of the panel's interval; an empty bucket is null, so that a gap is a gap."""
    condition = f"{where} AND {flags}" if flags else where
    return influxql(
        ref_id,
        f"""SELECT {column} FROM {quantity} WHERE {condition} AND $timeFilter
            GROUP BY time($__interval), "station", "sensor" fill(null)""",
        alias,
    )


def over_time(ref_id: str, expression: str, legend: str) -> Builder[variants.Dataquery]:
    """A PromQL expression over the page's time."""
    return _promql(ref_id, expression).range().legend_format(legend)


def now(ref_id: str, expression: str, legend: str = "__auto") -> Builder[variants.Dataquery]:
    """A PromQL expression at the end of the page's time, as series."""
    return _promql(ref_id, expression).instant().legend_format(legend)


def table(ref_id: str, expression: str) -> Builder[variants.Dataquery]:
    """A PromQL expression at the end of the page's time, as a table with a column for each label."""
    return _promql(ref_id, expression).instant().format(PromQueryFormat.TABLE)


def _promql(ref_id: str, expression: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(ref_id).expr(" ".join(expression.split())).datasource(METRICS)

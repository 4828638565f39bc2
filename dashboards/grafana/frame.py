"""What all our dashboards have: names, variables, links, and the numbers that tell panels apart."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableHide,
    VariableModel,
    VariableRefresh,
    VariableSort,
)

from dashboards.grafana.queries import METRICS

TAG = "aryk"


def frame(uid: str, title: str, description: str, *, since: str, refresh: str) -> Dashboard:
    """An empty dashboard with links to the other ones."""
    link = DashboardLink("Aryk").type(DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(True)
    return (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .time(since, "now")
        .refresh(refresh)
        # The reader's zone; the store keeps UTC.
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(link.include_vars(True).keep_time(True))
    )


def store_variable() -> Builder[VariableModel]:
    """Which InfluxDB."""
    return DatasourceVariable("store").label("Store").type("influxdb").description("The database of readings")


def metrics_variable() -> Builder[VariableModel]:
    """Which Prometheus."""
    return DatasourceVariable("metrics").label("Metrics").type("prometheus").description("What ingest says of itself")


def list_variable(
    name: str, label: str, query: str, *, regex: str = "", hidden: bool = False, all_of_them: bool = False
) -> Builder[VariableModel]:
    """A list that Prometheus answers, asked anew when the page's time changes."""
    variable = (
        QueryVariable(name)
        .label(label)
        .datasource(METRICS)
        .query({"query": query, "refId": name, "qryType": 3 if query.startswith("query_result") else 1})
        .definition(query)
        .regex(regex)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
        .multi(all_of_them)
        .include_all(all_of_them)
    )
    if all_of_them:
        variable = variable.current(model.VariableOption(text="All", value="$__all", selected=True))
    return variable.hide(VariableHide.HIDE_VARIABLE) if hidden else variable


def fill(dashboard: Dashboard, parts: Sequence[Row | Builder[model.Panel]]) -> model.Dashboard:
    """Place rows and panels in order, and number them."""
    for part in parts:
        if isinstance(part, Row):
            dashboard.with_row(part)
        else:
            dashboard.with_panel(part)
    built = dashboard.build()
    for link in built.links or ():
        # The SDK knows only the menu of the page's controls, as a constant; without a place a link stands in the open.
        setattr(link, "placement", None)  # noqa: B010
    for number, panel in enumerate(built.panels or (), 1):
        panel.id_val = number
    return built

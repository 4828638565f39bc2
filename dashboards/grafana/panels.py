"""Panels that cannot be made without a title, a description and a unit."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders import geomap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import Row, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    FrameGeometrySourceMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue, GridPos, Panel, ValueMap

from dashboards.grafana.looks import by_step, steps

Query = Builder[Dataquery]
Part = Row | Builder[Panel]
Number = stat.Panel
Lines = timeseries.Panel
Table = table.Panel
Queries = Sequence[Query]

# A transparent pixel. Without any URL Grafana would ask a map server of its own choice.
NO_TILE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def properties(**values: object) -> list[DynamicConfigValue]:
    """Properties of an override; a dot in a name is written as two underscores."""
    return [DynamicConfigValue(id_val=name.replace("__", "."), value=value) for name, value in values.items()]


def row(title: str) -> Row:
    """A line with a title; the panels after it stand below."""
    return Row(title)


def number(
    title: str,
    description: str,
    source: DataSourceRef,
    queries: Queries,
    *,
    unit: str,
    width: int = 4,
    height: int = 4,
    looks: Sequence[ValueMap] = (),
    colours: ThresholdsConfig | None = None,
    decimals: float | None = None,
    whole_tile: bool = False,
) -> stat.Panel:
    """One or a few large numbers, or words in their colours."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(source)
        .targets(list(queries))
        .unit(unit)
        .grid_pos(GridPos(h=height, w=width))
        .mappings(list(looks))
        .thresholds(colours or steps("text"))
        .color_scheme(by_step())
        .color_mode(BigValueColorMode.BACKGROUND_SOLID if whole_tile else BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(build.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
        .no_value("no data")
    )
    return panel if decimals is None else panel.decimals(decimals)


def lines(
    title: str,
    description: str,
    source: DataSourceRef,
    queries: Queries,
    *,
    unit: str,
    width: int = 12,
    height: int = 8,
    interval: str | None = None,
    calculations: Sequence[str] = (),
    lowest: float | None = None,
) -> timeseries.Panel:
    """Lines over time; what is missing is a gap, and the axis starts where the values do unless told otherwise."""
    legend = build.VizLegendOptions().placement(LegendPlacement.BOTTOM).show_legend(True)
    legend = legend.display_mode(LegendDisplayMode.TABLE if calculations else LegendDisplayMode.LIST)
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(source)
        .targets(list(queries))
        .unit(unit)
        .grid_pos(GridPos(h=height, w=width))
        .line_width(2)
        .fill_opacity(0)
        # A value between two gaps is a point, or it would not be seen.
        .show_points(VisibilityMode.AUTO)
        .span_nulls(False)
        .legend(legend.calcs(list(calculations)))
        .tooltip(build.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    if interval is not None:
        panel = panel.interval(interval)
    return panel if lowest is None else panel.min(lowest)


def states(
    title: str,
    description: str,
    source: DataSourceRef,
    queries: Queries,
    looks: Sequence[ValueMap],
    *,
    width: int = 24,
    height: int = 6,
    interval: str | None = None,
) -> statetimeline.Panel:
    """Bars of states over time; each state has a word and a colour."""
    panel = (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(source)
        .targets(list(queries))
        .unit("none")
        .grid_pos(GridPos(h=height, w=width))
        .mappings(list(looks))
        .color_scheme(by_step())
        .thresholds(steps("text"))
        .merge_values(True)
        .span_nulls(False)
        .fill_opacity(80)
    )
    return panel if interval is None else panel.interval(interval)


def rows(
    title: str,
    description: str,
    source: DataSourceRef,
    queries: Queries,
    *,
    columns: dict[str, str],
    sort_by: str,
    descending: bool = True,
    width: int = 24,
    height: int = 10,
    empty: str = "none",
) -> table.Panel:
    """Instant queries, merged on the labels they share. `columns` are the fields that stay, in order, and their heads."""
    order: dict[str, object] = {name: place for place, name in enumerate(columns)}
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(source)
        .targets(list(queries))
        .unit("none")
        .grid_pos(GridPos(h=height, w=width))
        .transformations(
            [
                DataTransformerConfig(id_val="merge", options={}),
                DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": list(columns)}}),
                DataTransformerConfig(id_val="organize", options={"indexByName": order, "renameByName": dict(columns)}),
            ]
        )
        .sort_by([build.TableSortByFieldState().display_name(sort_by).desc(descending)])
        .no_value(empty)
    )


def as_state(looks: Sequence[ValueMap]) -> list[DynamicConfigValue]:
    """A column of states: words on their colours."""
    return properties(mappings=list(looks), custom__cellOptions={"type": "color-background", "mode": "basic"})


def map_of_stations(
    title: str,
    description: str,
    source: DataSourceRef,
    queries: Queries,
    looks: Sequence[ValueMap],
    *,
    width: int,
    height: int,
) -> geomap.Panel:
    """Points on a map. No tiles: a wall screen may have no way out, and a map server need not know where we look."""
    markers = (
        build.MapLayerOptions()
        .type("markers")
        .name("stations")
        .location(
            build.FrameGeometrySource()
            .mode(FrameGeometrySourceMode.COORDS)
            .latitude("Value #LAT")
            .longitude("Value #LON")
        )
        .config(
            {
                "showLegend": False,
                "style": {
                    "color": {"field": "Value #STATE", "fixed": "text"},
                    "size": {"fixed": 8, "min": 8, "max": 8},
                    "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
                    "opacity": 0.9,
                    "text": {"field": "name", "mode": "field"},
                    "textConfig": {
                        "fontSize": 12,
                        "offsetX": 0,
                        "offsetY": 16,
                        "textAlign": "center",
                        "textBaseline": "middle",
                    },
                },
            }
        )
        .tooltip(True)
    )
    return (
        geomap.Panel()
        .title(title)
        .description(description)
        .datasource(source)
        .targets(list(queries))
        .unit("none")
        .grid_pos(GridPos(h=height, w=width))
        .mappings(list(looks))
        .color_scheme(by_step())
        .thresholds(steps("text"))
        .transformations([DataTransformerConfig(id_val="merge", options={})])
        .basemap(build.MapLayerOptions().type("xyz").name("none").config({"url": NO_TILE, "attribution": ""}))
        .layers([markers])
        .view(geomap.MapViewConfig().id("fit").all_layers(True).padding(10))
        .controls(
            geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(False).show_attribution(False).show_scale(True)
        )
    )

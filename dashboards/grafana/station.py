"""One station: what it reads, over which thresholds, how good the readings are, and how its instruments do."""

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana import panels
from dashboards.grafana.frame import fill, frame, list_variable, metrics_variable, store_variable
from dashboards.grafana.looks import FLAGS, GREEN, GREY, ORANGE, RED, SEVERITY_COLOURS, STATES, mappings, steps, unit_of
from dashboards.grafana.queries import METRICS, MIXED, OF_STATION, STORE, buckets, influxql, now, over_time

UID = "aryk-station"

THIS = 'station="$station"'
# A bucket is at least twice the sensors' interval, so that a sensor that keeps time never shows a gap, and a gap is what the
# warnings call stale.
BUCKET = "${bucket}s"
TRUSTED = '"flag" < 4'
DOUBTED = '"flag" >= 3 AND "flag" < 9'


def dashboard() -> Dashboard:
    """The dashboard, ready to be written."""
    page = frame(
        UID, "Aryk: a station", "A station's water, its quality and its instruments.", since="now-24h", refresh="30s"
    )
    page.variables(
        [
            store_variable(),
            metrics_variable(),
            list_variable("district", "District", "label_values(aryk_station_info, district)"),
            list_variable(
                "station",
                "Station",
                'query_result(aryk_station_info{district="$district"})',
                regex='/name="(?<text>[^"]*)".*station="(?<value>[^"]+)"/',
            ),
            list_variable(
                "bucket",
                "Seconds in a bucket",
                'query_result(ceil(2 * max(aryk_sensor_expected_interval_seconds{station="$station"})) or vector(60))',
                regex=r"/} (\d+)/",
                hidden=True,
            ),
        ]
    )
    page.annotation(
        AnnotationQuery()
        .name("Warnings")
        .datasource(METRICS)
        .enable(True)
        .icon_color(RED)
        .target(over_time("Warnings", f'ALERTS{{alertstate="firing", {THIS}}}', ""))
        .expr(f'ALERTS{{alertstate="firing", {THIS}}}')
        .title_format("{{alertname}} {{threshold}}")
        .text_format("{{sensor}} {{quantity}}")
        .step("60s")
    )
    return fill(
        page,
        [
            panels.row("Now"),
            _last("Level", "level", 3),
            _last("Discharge", "discharge", 2),
            _last("Volume", "volume", 0),
            panels.number(
                "State",
                "The highest threshold that the level has reached, or stale: no value for twice the expected interval.",
                METRICS,
                [now("A", f'aryk:sensor_state{{{THIS}, quantity=~"level|volume|depth_to_water"}}', "{{sensor}}")],
                unit="none",
                looks=mappings(STATES),
                whole_tile=True,
            ),
            panels.number(
                "Age of the oldest last reading",
                "How long ago the sensor that has been silent longest gave its last value.",
                METRICS,
                [now("A", f"max(aryk:sensor_age_seconds{{{THIS}}})", "age")],
                unit="s",
                decimals=0,
            ),
            panels.number(
                "Battery",
                "The last voltage of the station's battery.",
                STORE,
                [_last_of("battery_voltage")],
                unit=unit_of("battery_voltage"),
                decimals=2,
                colours=steps(RED, (11.5, ORANGE), (12, GREEN)),
            ),
            panels.row("Water"),
            _levels(),
            _course("Discharge", "discharge", "Measured or rated discharge."),
            _course("Volume", "volume", "Stored volume of a reservoir."),
            _course(
                "Filling", "fill", "How full a reservoir is, of its volume at the normal level and of the useful one."
            ),
            _course("Gate opening", "gate_opening", "What gates let through depends on it."),
            _course("Depth to groundwater", "depth_to_water", "Below a well's measuring point, without the barometer."),
            _course("Power", "power", "Of a hydropower unit."),
            panels.row("Quality and instruments"),
            panels.states(
                "Quality flags",
                "The worst flag in each bucket. Missing: the sensor was asked and gave nothing. Empty: it was not asked.",
                STORE,
                [
                    influxql(
                        "A",
                        f"""SELECT max("flag")
                            FROM /^(level|discharge|volume|fill|gate_opening|elevation|depth_to_water|power|rain)$/
                            WHERE {OF_STATION} AND $timeFilter GROUP BY time($__interval), "station", "sensor" fill(null)""",
                        "$m $tag_sensor",
                    )
                ],
                mappings(FLAGS),
                interval=BUCKET,
            ),
            panels.lines(
                "Battery",
                "The lowest voltage in each bucket: a battery that fails sags at night first.",
                STORE,
                [buckets("A", '"battery_voltage"', 'min("value")', "$tag_sensor")],
                unit=unit_of("battery_voltage"),
                interval=BUCKET,
            ),
            panels.lines(
                "Age of the last reading",
                "How long each sensor has been silent; it falls to nothing with every value.",
                METRICS,
                [over_time("A", f"aryk:sensor_age_seconds{{{THIS}}}", "{{quantity}} {{sensor}}")],
                unit="s",
                lowest=0,
            ),
        ],
    )


def _last_of(quantity: str) -> panels.Query:
    return influxql(
        "A",
        f'SELECT last("value") FROM "{quantity}" WHERE {OF_STATION} AND $timeFilter GROUP BY "sensor"',
        "$tag_sensor",
    )


def _last(title: str, quantity: str, decimals: int) -> panels.Number:
    description = f"The last {quantity} in the page's time."
    return panels.number(title, description, STORE, [_last_of(quantity)], unit=unit_of(quantity), decimals=decimals)


def _drawn(quantity: str) -> list[panels.Query]:
    """The mean of each bucket, what was below and above it there, and what is in doubt."""
    name = f'"{quantity}"'
    return [
        buckets("MEAN", name, 'mean("value")', "$tag_sensor", flags=TRUSTED),
        buckets("LOWEST", name, 'min("value")', "$tag_sensor lowest", flags=TRUSTED),
        buckets("HIGHEST", name, 'max("value")', "$tag_sensor highest", flags=TRUSTED),
        buckets("DOUBTED", name, 'max("value")', "$tag_sensor in doubt", flags=DOUBTED),
    ]


def _dress(panel: panels.Lines) -> panels.Lines:
    thin = panels.properties(
        custom__lineWidth=1,
        color={"mode": "fixed", "fixedColor": GREY},
        custom__hideFrom={"legend": True, "tooltip": False, "viz": False},
    )
    points = panels.properties(
        custom__drawStyle="points",
        custom__showPoints="always",
        custom__pointSize=7,
        color={"mode": "fixed", "fixedColor": ORANGE},
    )
    return (
        panel.override_by_query("LOWEST", thin).override_by_query("HIGHEST", thin).override_by_query("DOUBTED", points)
    )


def _course(title: str, quantity: str, description: str) -> panels.Lines:
    return _dress(
        panels.lines(
            title,
            f"{description} The mean of each bucket, its lowest and highest value in grey, values in doubt as orange points.",
            STORE,
            _drawn(quantity),
            unit=unit_of(quantity),
            interval=BUCKET,
        )
    )


def _levels() -> panels.Lines:
    """The hydrograph. Thresholds come from Prometheus as they are now (`@ end()`), also where it has no history."""
    thresholds = over_time(
        "THRESHOLDS", f'max by (severity) (aryk_sensor_threshold{{{THIS}, quantity="level"}} @ end())', "{{severity}}"
    )
    panel = panels.lines(
        "Level",
        "Above gauge zero: the mean of each bucket, its lowest and highest value in grey, values in doubt as orange "
        "points, and the registry's thresholds as dashed lines.",
        MIXED,
        [*_drawn("level"), thresholds],
        unit=unit_of("level"),
        width=24,
        height=11,
        interval=BUCKET,
    )
    panel = _dress(panel).override_by_query(
        "THRESHOLDS", panels.properties(custom__lineStyle={"fill": "dash", "dash": [8, 8]}, custom__lineWidth=1)
    )
    for severity, colour in SEVERITY_COLOURS.items():
        panel = panel.override_by_name(severity, panels.properties(color={"mode": "fixed", "fixedColor": colour}))
    return panel

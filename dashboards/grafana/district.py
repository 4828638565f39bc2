"""A district at a glance: is anything wrong, where, and since when."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana import panels, station
from dashboards.grafana.frame import fill, frame, list_variable, metrics_variable, store_variable
from dashboards.grafana.looks import (
    GREEN,
    GREY,
    HEALTH_QUANTITIES,
    ORANGE,
    RED,
    SKY,
    STATES,
    YELLOW,
    mappings,
    steps,
    unit_of,
    words,
)
from dashboards.grafana.queries import METRICS, OF_STATIONS, STORE, buckets, now, table
from wire.quantities import QUANTITIES

UID = "aryk-district"

HERE = 'district="$district"'
WATER = f'quantity!~"{"|".join(HEALTH_QUANTITIES)}"'
BY = "by (station, sensor, quantity)"
# The name that people know stands beside each station.
NAMED = f"* on (station) group_left (name) max by (station, name) (aryk_station_info{{{HERE}}})"


def dashboard() -> Dashboard:
    """The dashboard, ready to be written."""
    page = frame(
        UID,
        "Aryk: a district",
        "The stations and gateways of a district, the worst first.",
        since="now-24h",
        refresh="30s",
    )
    page.variables(
        [
            store_variable(),
            metrics_variable(),
            list_variable("district", "District", "label_values(aryk_station_info, district)"),
            list_variable(
                "stations",
                "Stations",
                'label_values(aryk_station_info{district="$district"}, station)',
                hidden=True,
                all_of_them=True,
            ),
            list_variable(
                "bucket",
                "Seconds in a bucket",
                'query_result(ceil(2 * max(aryk_sensor_expected_interval_seconds{district="$district"})) or vector(60))',
                regex=r"/} (\d+)/",
                hidden=True,
            ),
        ]
    )
    return fill(
        page,
        [
            panels.row("Is anything wrong?"),
            _count("In danger", "Stations with a value over their moderate or major threshold.", ">= 3 < 9", RED),
            _count("Warning", "Stations with a value over their minor threshold.", "== 2", ORANGE),
            _count("Action", "Stations with a value over their action threshold.", "== 1", YELLOW),
            _count("Low", "Stations with a value below their low threshold.", "== -1", SKY),
            _count(
                "Silent", "Stations with a sensor that gave no value for twice its expected interval.", "== 9", GREY
            ),
            panels.number(
                "Stations",
                "Stations of this district in the registry.",
                METRICS,
                [now("A", f"count(max by (station) (aryk_station_info{{{HERE}}}))", "stations")],
                unit="none",
                colours=steps("text"),
            ),
            _stations(),
            panels.rows(
                "Warnings",
                "What fires now in this district; each has a page in docs/runbooks.",
                METRICS,
                [table("A", f'ALERTS{{alertstate="firing", {HERE}}}')],
                columns={
                    "alertname": "Warning",
                    "severity": "Severity",
                    "threshold": "Threshold",
                    "station": "Station",
                    "sensor": "Sensor",
                    "gateway": "Gateway",
                },
                sort_by="Severity",
                descending=False,
                width=12,
                height=8,
                empty="no warnings",
            ),
            panels.rows(
                "Silent gateways",
                "Gateways that lost their connection or sleep longer than planned, and how long ago they were last heard.",
                METRICS,
                [
                    table(
                        "A",
                        f"""(time() - max by (gateway) (aryk_gateway_last_seen_timestamp_seconds{{{HERE}}}))
                            and on (gateway) (max by (gateway) (aryk_gateway_up{{{HERE}}}) == 0)""",
                    )
                ],
                columns={"gateway": "Gateway", "Value": "Silent for"},
                sort_by="Silent for",
                width=6,
                height=8,
                empty="no silent gateways",
            ).override_by_name("Silent for", panels.properties(unit="s")),
            panels.map_of_stations(
                "Map",
                "Stations that have a position, in the colour of their worst state. There are no tiles: choose your own.",
                METRICS,
                [
                    table("STATE", f"max by (station) (aryk:sensor_state{{{HERE}, {WATER}}}) {NAMED}"),
                    table("LAT", f"max by (station) (aryk_station_latitude_degrees{{{HERE}}}) {NAMED}"),
                    table("LON", f"max by (station) (aryk_station_longitude_degrees{{{HERE}}}) {NAMED}"),
                ],
                mappings(STATES),
                width=6,
                height=8,
            ),
            panels.row("Water"),
            _course("Levels", "level"),
            _course("Discharges", "discharge"),
        ],
    )


def _count(title: str, description: str, condition: str, colour: str) -> panels.Number:
    expression = f"count(max by (station) (aryk:sensor_state{{{HERE}, {WATER}}} {condition})) or vector(0)"
    return panels.number(
        title,
        description,
        METRICS,
        [now("A", expression, title)],
        unit="none",
        colours=steps(GREEN, (1, colour)),
        decimals=0,
    )


def _stations() -> panels.Table:
    view = panels.rows(
        "Stations",
        "Every sensor's last value, how old it is, and its state. A stale value is the last one known, not the present one.",
        METRICS,
        [
            table("STATE", f"max {BY} (aryk:sensor_state{{{HERE}, {WATER}}}) {NAMED}"),
            table("VALUE", f"max {BY} (aryk_sensor_last_value{{{HERE}, {WATER}}}) {NAMED}"),
            table("AGE", f"max {BY} (aryk:sensor_age_seconds{{{HERE}, {WATER}}}) {NAMED}"),
        ],
        columns={
            "name": "Station",
            "quantity": "Quantity",
            "sensor": "Sensor",
            "Value #VALUE": "Last value",
            "Value #AGE": "Age",
            "Value #STATE": "State",
            "station": "Id",
        },
        sort_by="State",
        height=12,
    )
    units = {name: f"{name.replace('_', ' ')}, {quantity.unit}" for name, quantity in QUANTITIES.items()}
    link = {
        "title": "This station",
        "url": f"/d/{station.UID}?var-district=${{district}}&var-station=${{__data.fields.Id}}",
    }
    return (
        view.override_by_name("State", panels.as_state(mappings(STATES)))
        .override_by_name("Age", panels.properties(unit="s", decimals=0))
        .override_by_name("Last value", panels.properties(decimals=3))
        .override_by_name("Quantity", panels.properties(mappings=words(units)))
        .override_by_name("Station", panels.properties(links=[link]))
    )


def _course(title: str, quantity: str) -> panels.Lines:
    return panels.lines(
        title,
        f"Mean {quantity} of each bucket, failed values left out, for all stations of the district.",
        STORE,
        [
            buckets(
                "A",
                f'"{quantity}"',
                'mean("value")',
                "$tag_station $tag_sensor",
                where=OF_STATIONS,
                flags=station.TRUSTED,
            )
        ],
        unit=unit_of(quantity),
        interval=station.BUCKET,
    )

"""The way of readings through the centre: what comes, what waits, what is refused, and whether the sums agree."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana import panels
from dashboards.grafana.frame import fill, frame, list_variable, metrics_variable, store_variable
from dashboards.grafana.looks import GREEN, IS_UP, ORANGE, RED, mappings, steps
from dashboards.grafana.queries import METRICS, STORE, influxql, now, over_time

UID = "aryk-pipeline"

OF = 'instance=~"$instance"'


def dashboard() -> Dashboard:
    """The dashboard, ready to be written."""
    page = frame(
        UID, "Aryk: the pipeline", "From the broker over the spool to the store.", since="now-6h", refresh="15s"
    )
    page.variables(
        [
            store_variable(),
            metrics_variable(),
            list_variable("instance", "Ingest", 'label_values(up{job="ingest"}, instance)', all_of_them=True),
        ]
    )
    return fill(page, [*_now(), *_flow(), *_waiting(), *_refused()])


def _now() -> list[panels.Part]:
    return [
        panels.row("Now"),
        _is_up("Ingest", "Whether Prometheus reaches ingest.", f'min(up{{job="ingest", {OF}}})'),
        _is_up("Broker", "Whether ingest is subscribed.", f"min(aryk_ingest_broker_connected{{{OF}}})"),
        _is_up("Store", "Whether the last write to the store went through.", f"min(aryk_ingest_store_up{{{OF}}})"),
        panels.number(
            "Oldest waiting message",
            "How long the oldest message in the spool has waited for the store; nothing when the spool is empty.",
            METRICS,
            [now("A", f"time() - min(aryk_ingest_spool_oldest_timestamp_seconds{{{OF}}}) or vector(0)", "age")],
            unit="s",
            decimals=0,
            colours=steps(GREEN, (60, ORANGE), (300, RED)),
        ),
        panels.number(
            "Dead letters kept",
            "Messages and readings that were refused and wait for somebody to look at them.",
            METRICS,
            [now("A", f"sum(aryk_ingest_dead_letters_kept{{{OF}}})", "letters")],
            unit="none",
            decimals=0,
            colours=steps(GREEN, (1, ORANGE)),
        ),
        panels.number(
            "Unaccounted for",
            "Received less stored, repeated, dead, waiting, exported and set aside. Anything but nought is a fault of Aryk.",
            METRICS,
            [now("A", _difference(), "readings")],
            unit="none",
            decimals=0,
            colours=steps(RED, (0, GREEN), (1, RED)),
        ),
    ]


def _flow() -> list[panels.Part]:
    return [
        panels.row("Flow"),
        panels.lines(
            "Readings by outcome",
            "Readings a second: received from gateways, and what became of them.",
            METRICS,
            [
                over_time(
                    "A", f"sum by (outcome) (rate(aryk_ingest_readings_total{{{OF}}}[$__rate_interval]))", "{{outcome}}"
                )
            ],
            unit="cps",
            lowest=0,
            calculations=["mean", "max"],
        ),
        panels.lines(
            "Messages",
            "MQTT messages a second that ingest took from the broker, by kind.",
            METRICS,
            [over_time("A", f"sum by (kind) (rate(aryk_ingest_messages_total{{{OF}}}[$__rate_interval]))", "{{kind}}")],
            unit="mps",
            lowest=0,
            calculations=["mean", "max"],
        ),
        panels.lines(
            "From arrival to receipt",
            "How long a gateway waits at ingest for its receipt, fsync included: half of the messages, 95 and 99 of a hundred.",
            METRICS,
            _quantiles("aryk_ingest_receipt_seconds"),
            unit="s",
            lowest=0,
        ),
        panels.lines(
            "Requests to the store",
            "How long one write takes: half of them, 95 and 99 of a hundred.",
            METRICS,
            _quantiles("aryk_ingest_store_write_seconds"),
            unit="s",
            lowest=0,
        ),
        panels.lines(
            "Points in the store",
            "Points that the store has of each minute, by quantity: the other end of the pipe, counted by the database itself.",
            STORE,
            [
                influxql(
                    "A",
                    """SELECT count("flag") FROM /^(level|discharge|volume|battery_voltage)$/ WHERE $timeFilter
                       GROUP BY time(1m) fill(0)""",
                    "$m",
                )
            ],
            unit="none",
            lowest=0,
        ),
        panels.lines(
            "Gateways",
            "Gateways that are up or in their planned sleep, and those that are not.",
            METRICS,
            [
                over_time("UP", f"sum(aryk_gateway_up{{{OF}}})", "up"),
                over_time("DOWN", f"count(aryk_gateway_up{{{OF}}} == 0) or vector(0)", "down"),
            ],
            unit="none",
            lowest=0,
        ),
    ]


def _waiting() -> list[panels.Part]:
    return [
        panels.row("Waiting"),
        panels.lines(
            "Messages in the spool",
            "Messages that are safe on ingest's disk and not yet in the store.",
            METRICS,
            [over_time("A", f"sum by (instance) (aryk_ingest_spool_rows{{{OF}}})", "{{instance}}")],
            unit="none",
            lowest=0,
            width=8,
        ),
        panels.lines(
            "Bytes of the spool",
            "What waits, the files that hold it, and what is still free on their disk.",
            METRICS,
            [
                over_time("WAITING", f"sum(aryk_ingest_spool_bytes{{{OF}}})", "waiting"),
                over_time("FILES", f"sum(aryk_ingest_spool_file_bytes{{{OF}}})", "files"),
                over_time("FREE", f"sum(aryk_ingest_spool_free_bytes{{{OF}}})", "free"),
            ],
            unit="bytes",
            lowest=0,
            width=8,
        ),
        panels.lines(
            "One commit of the spool",
            "How long a group commit takes, fsync included: the floor under every receipt.",
            METRICS,
            _quantiles("aryk_ingest_spool_commit_seconds"),
            unit="s",
            lowest=0,
            width=8,
        ),
    ]


def _refused() -> list[panels.Part]:
    return [
        panels.row("Refused, and unwell"),
        panels.lines(
            "Dead letters by reason",
            "Refusals in a quarter of an hour.",
            METRICS,
            [
                over_time(
                    "A", f"sum by (reason) (increase(aryk_ingest_dead_letters_total{{{OF}}}[15m])) > 0", "{{reason}}"
                )
            ],
            unit="none",
            lowest=0,
            width=8,
        ),
        panels.lines(
            "Unaccounted for",
            "The sums of the counters over time. They change in one transaction, so the line lies on nought.",
            METRICS,
            [over_time("A", _difference(), "readings")],
            unit="none",
            width=8,
        ),
        panels.lines(
            "Trouble with broker and store",
            "Connections lost, sessions that the broker forgot, commits and writes that failed, in a quarter of an hour.",
            METRICS,
            [
                over_time("LOST", f"sum(increase(aryk_ingest_broker_failures_total{{{OF}}}[15m]))", "connections lost"),
                over_time(
                    "FORGOTTEN",
                    f"sum(increase(aryk_ingest_broker_sessions_lost_total{{{OF}}}[15m]))",
                    "sessions forgotten",
                ),
                over_time("COMMITS", f"sum(increase(aryk_ingest_spool_failures_total{{{OF}}}[15m]))", "commits failed"),
                over_time(
                    "WRITES",
                    f'sum by (outcome) (increase(aryk_ingest_store_writes_total{{{OF}, outcome!="ok"}}[15m]))',
                    "writes {{outcome}}",
                ),
            ],
            unit="none",
            lowest=0,
            width=8,
        ),
    ]


def _is_up(title: str, description: str, expression: str) -> panels.Number:
    return panels.number(
        title, description, METRICS, [now("A", expression, title)], unit="none", looks=mappings(IS_UP), whole_tile=True
    )


def _difference() -> str:
    """As the rule ConservationMismatch has it."""
    return f"""sum(aryk_ingest_readings_total{{{OF}, outcome="received"}})
               - sum(aryk_ingest_readings_total{{{OF}, outcome!="received"}})
               - sum(aryk_ingest_waiting_readings{{{OF}}})"""


def _quantiles(histogram: str) -> list[panels.Query]:
    rate = f"sum by (le) (rate({histogram}_bucket{{{OF}}}[$__rate_interval]))"
    return [
        over_time(f"P{share:.0f}", f"histogram_quantile({share / 100:g}, {rate})", f"{share:g} %")
        for share in (50, 95, 99)
    ]

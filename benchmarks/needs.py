"""From a plan (sensors, interval, messages) to what it needs, by what was measured. Pure; docs/capacity.md says it in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LOAD = 0.5
"""The share of a core that is planned with: the other half is for the hour after an outage and for queries."""
SENSORS_AN_INGEST = 50_000
"""The most that one ingest was measured with."""
DAY_S, MONTH_S, YEAR_S = 86_400, 30 * 86_400, 365 * 86_400
# Of a packet on the air: IPv4 and TCP with timestamps, a record of TLS 1.3; an acknowledgement of TCP has no record.
TCP_BYTES, TLS_BYTES = 52, 22
PACKETS, PING_BYTES = 4, 4
"""A message: it and its PUBACK, the receipt and its PUBACK. A ping and its answer are two bytes each."""
GB, MB = 1e9, 1e6
FLEET_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be carried. `scans` a message: 1 sends every scan at once."""

    sensors: int
    interval_s: float
    a_gateway: int = 3
    scans: int = 1
    keepalive_s: float = 60.0

    @property
    def rate(self) -> float:
        """Readings a second."""
        return self.sensors / self.interval_s

    @property
    def size(self) -> int:
        """Readings a message."""
        return self.a_gateway * self.scans

    @property
    def gateways(self) -> int:
        """Each with its connection."""
        return math.ceil(self.sensors / self.a_gateway)


def fitting(size: int, measured: Mapping[int, float]) -> float:
    """The figure of the largest measured size that is not larger: a reading costs less in a larger message."""
    return measured[max((one for one in measured if one <= size), default=min(measured))]


def line_through(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Start and slope through the first and the last."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    slope = (y1 - y0) / (x1 - x0)
    return y0 - slope * x0, slope


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured: processor time (µs a reading, by readings a message), bytes, memory (MB: at the start, a piece)."""

    ingest_us: dict[int, float]
    broker_us: dict[int, float]
    influx_us: dict[int, float]
    ingest_mb: tuple[float, float]
    """And for each sensor."""
    history_mb: float
    """For each sensor more, once it has the readings that later ones are judged by."""
    broker_mb: tuple[float, float]
    """And for each connection."""
    influx_mb: tuple[float, float]
    """And for each series."""
    drain_per_s: float
    spool_bytes: dict[int, float]
    stored_bytes: dict[int, float]
    """By seconds between two readings of a series."""
    wire: list[dict[str, Any]]
    fleets: list[dict[str, Any]]
    """A minute of so many gateways, each with its connection."""

    @classmethod
    def of(cls, bench: dict[str, Any], sizes: dict[str, Any], scale: dict[str, Any]) -> "Costs":
        """From the JSON of `make bench`, benchmarks.sizes and benchmarks.scale. Of the codecs CBOR: gateways send it."""
        ours = {
            one["size"]: one["cpu_us"] for one in bench["outcomes"] if one["way"] == "aryk" and one["codec"] == "cbor"
        }
        many = sizes["many_series"]
        return cls(
            ingest_us={size: cpu["ingest"] for size, cpu in ours.items()},
            broker_us={size: cpu["mosquitto"] for size, cpu in ours.items()},
            influx_us={size: cpu["influxd"] for size, cpu in ours.items()},
            ingest_mb=line_through([(one["sensors"], one["rss_mb"]) for one in bench["startups"]]),
            history_mb=max(one["mb"] / one["sensors"] for one in scale["history"]),
            broker_mb=line_through([(one["gateways"], one["broker_mb"]) for one in scale["connections"]]),
            influx_mb=(many["before_mb"], (many["peak_mb"] - many["before_mb"]) / many["series"]),
            drain_per_s=bench["outage"]["per_s"],
            spool_bytes={one["size"]: one["bytes_a_reading"] for one in sizes["spool"]},
            stored_bytes={one["interval_s"]: one["bytes_a_point"] for one in sizes["stored"]},
            wire=sizes["wire"],
            fleets=scale["connections"],
        )

    def message_bytes(self, plan: Plan, codec: str = "cbor") -> float:
        """On the air both ways, TLS and TCP counted: the measured shape of this plan, else that of the nearest size."""
        one = min(self.wire, key=lambda one: (abs(math.log(one["readings"] / plan.size)), one["sensors"]))
        mqtt = one[codec]["mqtt"] + one[codec]["payload"] * (plan.size / one["readings"] - 1)
        return float(mqtt + PACKETS * (TLS_BYTES + TCP_BYTES) + PACKETS * TCP_BYTES)


@dataclass(frozen=True, slots=True)
class Need:
    """What a plan needs. Cores and memory of all processes of a kind together, unless it says otherwise."""

    rate: float
    gateways: int
    ingests: int
    ingest_cores: float
    ingest_mb_each: float
    broker_cores: float
    broker_mb: float
    influx_cores: float
    influx_mb: float
    influx_gb_year: float
    spool_gb_day: float
    drain_h_day: float
    message_bytes: float
    gateway_mb_month: float
    ping_mb_month: float


def need(plan: Plan, costs: Costs) -> Need:
    """The formulae."""
    ingest_cores = plan.rate * fitting(plan.size, costs.ingest_us) / 1e6 / LOAD
    ingests = max(1, math.ceil(plan.sensors / SENSORS_AN_INGEST), math.ceil(ingest_cores))
    apart = min(costs.stored_bytes, key=lambda one: abs(math.log(one / plan.interval_s)))
    message_bytes = costs.message_bytes(plan)
    messages_month = MONTH_S / (plan.interval_s * plan.scans)
    ping_bytes = PING_BYTES + 2 * (TLS_BYTES + TCP_BYTES) + 2 * TCP_BYTES
    # A ping goes out when nothing else did for so long.
    pings_month = max(0.0, MONTH_S / plan.keepalive_s - messages_month) if plan.keepalive_s else 0.0
    return Need(
        rate=plan.rate,
        gateways=plan.gateways,
        ingests=ingests,
        ingest_cores=ingest_cores,
        ingest_mb_each=costs.ingest_mb[0] + (costs.ingest_mb[1] + costs.history_mb) * plan.sensors / ingests,
        broker_cores=plan.rate * fitting(plan.size, costs.broker_us) / 1e6 / LOAD,
        broker_mb=costs.broker_mb[0] + costs.broker_mb[1] * plan.gateways,
        influx_cores=plan.rate * fitting(plan.size, costs.influx_us) / 1e6 / LOAD,
        influx_mb=costs.influx_mb[0] + costs.influx_mb[1] * plan.sensors,
        influx_gb_year=plan.rate * YEAR_S * costs.stored_bytes[apart] / GB,
        spool_gb_day=plan.rate * DAY_S * fitting(plan.size, costs.spool_bytes) / GB,
        # One InfluxDB takes it from however many ingests.
        drain_h_day=plan.rate * DAY_S / costs.drain_per_s / 3600,
        message_bytes=message_bytes,
        gateway_mb_month=messages_month * message_bytes / MB,
        ping_mb_month=pings_month * ping_bytes / MB,
    )

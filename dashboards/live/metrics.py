"""The live page's metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class LiveMetrics:
    """Counted and measured in this registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.clients = Gauge("aryk_live_clients", "Browsers that watch", registry=registry)
        self.dropped = Counter(
            "aryk_live_clients_dropped_total",
            "Browsers let go because they could not keep up",
            ["reason"],
            registry=registry,
        )
        self.refresh_seconds = Histogram(
            "aryk_live_refresh_seconds", "How long a look at the store took", registry=registry
        )
        self.failures = Counter(
            "aryk_live_refresh_failures_total", "Looks at the store that failed", ["reason"], registry=registry
        )
        self.refreshed = Gauge(
            "aryk_live_refresh_timestamp_seconds", "When the store was last looked at with success", registry=registry
        )
        self.stations = Gauge("aryk_live_stations", "Stations in each state", ["state"], registry=registry)

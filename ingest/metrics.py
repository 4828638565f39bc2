"""What ingest shows at /metrics. The names, with their labels and meaning, are listed in docs/metrics.md.

Counters of readings come from the spool's database and so survive a restart; the sensors' values come from the last-value table.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hydrology.registry import Registry
from hydrology.warnings import LevelName
from ingest.alarms import Alarms
from ingest.change import PARTS, Count
from ingest.gateways import Gateways
from ingest.gone import LOST_PREFIX
from ingest.last_values import NEVER_MS, LastValue, LastValues
from ingest.received import Logs
from wire.flags import Flag
from wire.reasons import Reason

LATENCY_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_SENSOR = ("station", "sensor", "quantity", "district")


class Metrics:
    """What is counted as it happens, since this process started."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter("aryk_ingest_messages", "Messages taken from the broker.", ["kind"], registry=registry)
        for kind in ("readings", "status", "other"):
            self.messages.labels(kind)
        self.bad_statuses = Counter(
            "aryk_ingest_refused_statuses", "Statuses that could not be used.", ["reason"], registry=registry
        )
        self.commit_s = Histogram(
            "aryk_ingest_spool_commit_seconds",
            "One group commit of the spool, fsync included.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.commit_failures = Counter(
            "aryk_ingest_spool_failures", "Commits that failed and were tried again.", registry=registry
        )
        self.store_writes = Counter(
            "aryk_ingest_store_writes", "Requests to the store.", ["outcome"], registry=registry
        )
        for outcome in ("ok", "unavailable", "misconfigured"):
            self.store_writes.labels(outcome)
        self.store_write_s = Histogram(
            "aryk_ingest_store_write_seconds",
            "One request to the store.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.receipts = Counter("aryk_ingest_receipts", "Receipts sent.", registry=registry)
        self.receipt_s = Histogram(
            "aryk_ingest_receipt_seconds",
            "From a message's arrival to its receipt.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.acknowledge_s = Histogram(
            "aryk_ingest_acknowledge_seconds",
            "From a message's arrival to its MQTT acknowledgement.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.resends = Counter(
            "aryk_ingest_resend_requests", "Commands sent that ask a gateway for missing readings.", registry=registry
        )

    def write(self, outcome: str, seconds: float, points: int) -> None:
        """One request to the store was answered, or not."""
        self.store_writes.labels(outcome).inc()
        self.store_write_s.observe(seconds)


@dataclass(slots=True)
class Reading:
    """What the collector asks of the running ingest at a scrape; all of it is cheap and may be a moment old."""

    counters: dict[str, int]
    spool_rows: int = 0
    spool_bytes: int = 0
    letters: int = 0
    letter_bytes: int = 0
    export_bytes: int = 0
    registry_ok_s: float = 0.0
    registry_failures: int = 0
    file_bytes: int = 0
    free_bytes: int = 0
    oldest_ms: int | None = None
    stopped: frozenset[str] = frozenset()
    broker_connected: bool = False
    broker_connects: int = 0
    broker_failures: int = 0
    sessions_lost: int = 0
    store_up: bool = True
    store_misconfigured: bool = False
    flags: dict[int, int] = field(default_factory=dict)
    reflagged: int = 0


class StateCollector(Collector):
    """The state of the moment, and the sensors, at each scrape."""

    def __init__(
        self,
        registry: Registry,
        values: LastValues,
        alarms: Alarms,
        gateways: Gateways,
        received: Logs,
        gone: Logs,
        read: Callable[[], Reading],
        now_ms: Callable[[], int],
    ) -> None:
        self.registry, self.values, self._gateways, self._received, self._gone = (
            registry,
            values,
            gateways,
            received,
            gone,
        )
        self._alarms = alarms
        self._read, self._now_ms = read, now_ms

    def describe(self) -> Iterable[Metric]:
        """Nothing: or the registry would collect once at registration."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All of it."""
        yield from self._places()
        yield from self._sensors()
        now = self._read()
        yield from self._gateway_views(now)
        yield from self._pipeline(now)

    def _places(self) -> Iterator[Metric]:
        stations = GaugeMetricFamily(
            "aryk_station_info", "A station of the registry.", labels=["station", "district", "name"]
        )
        latitude = GaugeMetricFamily(
            "aryk_station_latitude_degrees", "Position of a station, WGS 84.", labels=["station", "district"]
        )
        longitude = GaugeMetricFamily(
            "aryk_station_longitude_degrees", "Position of a station, WGS 84.", labels=["station", "district"]
        )
        sensors = GaugeMetricFamily(
            "aryk_sensor_info", "A sensor of the registry and the gateway that reads it.", labels=[*_SENSOR, "gateway"]
        )
        for station in self.registry.stations:
            where = [station.id, station.district]
            stations.add_metric([*where, station.name], 1)
            if station.latitude is not None and station.longitude is not None:
                latitude.add_metric(where, station.latitude)
                longitude.add_metric(where, station.longitude)
            for sensor in station.sensors:
                labels = [station.id, sensor.id, sensor.quantity, station.district, sensor.gateway]
                sensors.add_metric(labels, 1)
        yield from (stations, latitude, longitude, sensors)
        gateways = GaugeMetricFamily("aryk_gateway_info", "A gateway of the registry.", labels=["gateway", "district"])
        for gateway in self.registry.gateways:
            gateways.add_metric([gateway.id, gateway.district], 1)
        yield gateways

    def _sensors(self) -> Iterator[Metric]:
        value = _gauge("aryk_sensor_last_value", "Value of the newest reading that has one.")
        timestamp = _gauge("aryk_sensor_last_timestamp_seconds", "Time of the newest reading that has a value.")
        flag = _gauge("aryk_sensor_last_flag", "Quality flag of the newest reading.")
        interval = _gauge("aryk_sensor_expected_interval_seconds", "Expected time between readings.")
        threshold = GaugeMetricFamily(
            "aryk_sensor_threshold",
            "A threshold of the registry.",
            labels=[*_SENSOR, "severity", "direction"],
        )
        for one in self.values.all():
            labels = [one.station, one.sensor, one.quantity, one.district]
            interval.add_metric(labels, one.interval_s)
            if one.value_ms != NEVER_MS:
                value.add_metric(labels, one.value)
                timestamp.add_metric(labels, one.value_ms / 1000)
            if one.flag_ms != NEVER_MS:
                flag.add_metric(labels, one.flag)
            for severity, limit in _thresholds(one):
                threshold.add_metric([*labels, severity, "below" if severity == "low" else "above"], limit)
        yield from (value, timestamp, flag, interval, threshold)
        alarm = GaugeMetricFamily(
            "aryk_sensor_alarm", "1 while an upper threshold is raised.", labels=[*_SENSOR, "severity"]
        )
        for state in self._alarms.states():
            where = [state.station, state.sensor, state.quantity, state.district]
            alarm.add_metric([*where, state.severity], float(state.raised))
        yield alarm

    def _gateway_views(self, now: Reading) -> Iterator[Metric]:
        labels = ["gateway", "district"]
        up = GaugeMetricFamily("aryk_gateway_up", "1 online or in its planned sleep, 0 lost.", labels=labels)
        seen = GaugeMetricFamily(
            "aryk_gateway_last_seen_timestamp_seconds", "When its last message came.", labels=labels
        )
        backlog = GaugeMetricFamily(
            "aryk_gateway_backlog_readings", "Named by its newest hello and not received.", labels=labels
        )
        lost = CounterMetricFamily(
            "aryk_gateway_lost_readings", "No longer at the gateway, and never received.", labels=labels
        )
        now_ms = self._now_ms()
        for gateway, view in self._gateways.views.items():
            where = [gateway, view.district]
            is_up = view.up(now_ms)
            if is_up is not None:
                up.add_metric(where, float(is_up))
            if view.seen_ms is not None:
                seen.add_metric(where, view.seen_ms / 1000)
            lost.add_metric(where, now.counters.get(LOST_PREFIX + gateway, 0))
            if view.logs:
                backlog.add_metric(where, self._gateways.backlog(gateway, self._received, self._gone))
        yield from (up, seen, backlog, lost)

    def _pipeline(self, now: Reading) -> Iterator[Metric]:
        readings = CounterMetricFamily(
            "aryk_ingest_readings", "Readings and records by what became of them.", labels=["outcome"]
        )
        for outcome in (Count.RECEIVED, *(part for part in PARTS if part is not Count.WAITING)):
            readings.add_metric([outcome.value], now.counters.get(outcome.value, 0))
        yield readings
        flags = CounterMetricFamily(
            "aryk_ingest_flags", "Readings by the flag that the quality tests gave them.", labels=["flag"]
        )
        for flag in Flag:
            flags.add_metric([str(int(flag))], now.flags.get(flag, 0))
        yield flags
        letters = CounterMetricFamily("aryk_ingest_dead_letters", "Dead letters written.", labels=["reason"])
        for reason in Reason:
            letters.add_metric([reason.value], now.counters.get(f"dead.{reason.value}", 0))
        yield letters
        stopped = GaugeMetricFamily("aryk_ingest_intake_stopped", "1 while intake is stopped.", labels=["why"])
        for why in ("commit", "disk", "spool"):
            stopped.add_metric([why], float(why in now.stopped))
        yield stopped
        for name, text, number in (
            ("waiting_readings", "Readings in the spool.", now.counters.get(Count.WAITING.value, 0)),
            ("dead_letters_kept", "Dead letters kept now.", now.letters),
            ("dead_letters_bytes", "Bytes of the dead letters kept now.", now.letter_bytes),
            ("dead_letters_export_bytes", "Bytes of the files of exported dead letters.", now.export_bytes),
            ("registry_last_ok_timestamp_seconds", "When the registry in force was read.", now.registry_ok_s),
            ("spool_rows", "Rows waiting in the spool: messages, or some hundred that came together.", now.spool_rows),
            ("spool_bytes", "Bytes of the rows waiting in the spool.", now.spool_bytes),
            ("spool_file_bytes", "Size of the spool's files.", now.file_bytes),
            ("spool_free_bytes", "Bytes free on the spool's disk.", now.free_bytes),
            ("broker_connected", "1 while subscribed.", now.broker_connected),
            ("store_up", "1 when the last write went through.", now.store_up),
            ("store_misconfigured", "1 while the store's configuration must be mended.", now.store_misconfigured),
        ):
            yield GaugeMetricFamily(f"aryk_ingest_{name}", text, value=float(number))
        if now.oldest_ms is not None:
            yield GaugeMetricFamily(
                "aryk_ingest_spool_oldest_timestamp_seconds",
                "When the oldest waiting message came.",
                value=now.oldest_ms / 1000,
            )
        for name, text, number in (
            ("registry_reload_failures", "Changes of the registry that were wrong.", now.registry_failures),
            ("reflagged", "Stored readings whose flag was changed by a later one.", now.reflagged),
            ("broker_connects", "Connections made.", now.broker_connects),
            ("broker_failures", "Connections lost or refused.", now.broker_failures),
            ("broker_sessions_lost", "Times the broker had forgotten our session.", now.sessions_lost),
        ):
            yield CounterMetricFamily(f"aryk_ingest_{name}", text, value=number)


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=list(_SENSOR))


def _thresholds(one: LastValue) -> Iterator[tuple[str, float]]:
    for severity in ("low", *LevelName):
        limit = getattr(one.thresholds, severity)
        if limit is not None:
            yield severity, limit

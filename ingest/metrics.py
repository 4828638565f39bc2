"""What ingest shows at /metrics. The names, with their labels and meaning, are listed in docs/metrics.md.

Counters of readings come from the spool's database and so survive a restart. Sensors and gateways: ingest.state_text.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.change import PARTS, Count
from wire.flags import Flag
from wire.reasons import Reason

LATENCY_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


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
    derived: int = 0
    derived_changed: int = 0
    derived_late: int = 0


class StateCollector(Collector):
    """The pipeline's state of the moment, at each scrape."""

    def __init__(self, read: Callable[[], Reading]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Nothing: or the registry would collect once at registration."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All of it."""
        yield from self._pipeline(self._read())

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
            ("derived", "Points of derived series made.", now.derived),
            ("derived_changed", "Stored points of derived series changed by a later reading.", now.derived_changed),
            ("derived_late", "Readings too late to be paired with others.", now.derived_late),
            ("broker_connects", "Connections made.", now.broker_connects),
            ("broker_failures", "Connections lost or refused.", now.broker_failures),
            ("broker_sessions_lost", "Times the broker had forgotten our session.", now.sessions_lost),
        ):
            yield CounterMetricFamily(f"aryk_ingest_{name}", text, value=number)

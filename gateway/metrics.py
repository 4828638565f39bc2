"""What a gateway counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class GatewayMetrics:
    """All of a gateway's metrics, in the registry given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"aryk_gateway_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"aryk_gateway_{name}", text, registry=registry)

        self.scans = counter("scans_total", "Scans of a device, failed ones too", "device")
        self.scan_seconds = Histogram(
            "aryk_gateway_scan_seconds",
            "How long a scan took",
            ("device",),
            registry=registry,
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
        )
        self.failed_reads = counter(
            "failed_reads_total", "Requests to a device that failed, by reason", "device", "reason"
        )
        self.gaps = counter("gaps_total", "Gap records logged, by reason", "reason")
        self.log_rows = gauge("log_rows", "Entries kept in the log")
        self.log_last_seq = gauge("log_last_seq", "The newest entry's number")
        self.unreceipted = gauge("unreceipted", "Entries that the centre has not receipted")
        self.unreceipted_age = gauge("unreceipted_oldest_age_seconds", "Age of the oldest entry without a receipt")
        self.held = gauge("held", "Entries held until their time is final")
        self.trimmed = counter("trimmed_total", "Entries taken away long after delivery, or for want of disk space")
        self.set_aside = counter("log_set_aside_total", "Times that the log was found damaged and set aside")
        self.salvaged_logs = gauge("salvaged_logs", "Salvaged logs that are still kept")
        self.salvaged_rows = counter("salvaged_rows_total", "Entries read out of damaged logs, by how", "quality")
        self.salvage_lost = counter("salvage_lost_total", "Entries of damaged logs that could not be read")
        self.salvage_failures = counter("salvage_failures_total", "Times that a damaged log could not be salvaged yet")
        self.tidy_failures = counter("tidy_failures_total", "Times that the log could not be tidied")
        self.batches = counter("batches_total", "Batches sent", "kind")
        self.resends = counter("resends_total", "Batches without a receipt in time, to be sent again")
        self.sent_bytes = counter("sent_bytes_total", "Payload bytes of batches sent")
        self.receipts = counter("receipts_total", "Receipts taken in")
        self.receipted = counter("receipted_total", "Entries that a receipt settled")
        self.refusals = counter("refusals_total", "Refusals by the centre, by reason", "reason")
        self.resend_commands = counter("resend_commands_total", "Commands to send ranges again")
        self.no_subscriber = counter("no_subscriber_total", "Batches for which the broker had no subscriber")
        self.bad_messages = counter("bad_messages_total", "Messages from the centre that could not be read", "reason")
        self.connected = gauge("connected", "1 while connected to the broker")
        self.connects = counter("connects_total", "Connections made to the broker")
        self.connect_failures = counter(
            "connect_failures_total", "Connections that failed or were lost, by reason", "reason"
        )
        self.synchronised = gauge("time_synchronised", "1 while the clock is known to be right")
        self.skew = gauge("clock_skew_seconds", "The centre's clock minus this one's, as last found")
        self.round_trip = gauge("round_trip_seconds", "Time from hello to the centre's answer, as last found")

    def scanned(self, device: str, seconds: float) -> None:
        """A scan was made."""
        self.scans.labels(device).inc()
        self.scan_seconds.labels(device).observe(seconds)

    def failed(self, device: str, reason: str) -> None:
        """A request failed."""
        self.failed_reads.labels(device, reason).inc()

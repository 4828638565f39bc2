"""The audit of a whole ledger: every device's blocks and every fleet's readings."""

from pathlib import Path

from simulator.audit.device import audit_device
from simulator.audit.fleet import audit_fleet
from simulator.audit.gateway_log import Logged, read_logs
from simulator.audit.report import Audit
from simulator.ledger.reader import LedgerReader
from store.points import PointReader

SLACK_MS = 1_000
"""How far a stored time may lie outside the time from a request to its answer: a gateway stamps the middle of its own scan."""


async def audit(
    ledger: Path,
    reader: PointReader,
    *,
    gateway_logs: list[Path] | None = None,
    answer_within_ms: int | None = None,
    slack_ms: int = SLACK_MS,
) -> Audit:
    """Compare a ledger with a store that has taken all it is going to take.

    `gateway_logs` tell what was never logged from what was lost. `answer_within_ms` is the gateway's timeout: a block that was
    answered later and is not stored is uncertain, not lost. Raises LedgerError or StoreError.
    """
    logged: Logged | None = None if gateway_logs is None else read_logs(gateway_logs)
    out = Audit()
    with LedgerReader(ledger) as rows:
        series = rows.series()
        for device in rows.devices():
            serves = rows.serves(device)
            await audit_device(out, reader, series, serves, logged, answer_within_ms, slack_ms)
        await audit_fleet(out, reader, series, rows.published())
    return out

"""Compares a ledger with a store: what left the sensors against what is kept of it."""

from simulator.audit.compare import audit
from simulator.audit.gateway_log import LoggedReading, read_logs
from simulator.audit.report import Audit, Fault, Finding

__all__ = ["Audit", "Fault", "Finding", "LoggedReading", "audit", "read_logs"]

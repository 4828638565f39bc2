"""The ledger: one row for every reading that left a sensor, so that a test can say what was lost."""

from simulator.ledger.reader import LedgerReader
from simulator.ledger.rows import LedgerError, Published, Series, Serve, Served, State
from simulator.ledger.writer import Ledger

__all__ = ["Ledger", "LedgerError", "LedgerReader", "Published", "Series", "Serve", "Served", "State"]

"""What the ledger holds, and its schema.

A device's answer is written down before it is sent, in state SENDING, and only then sent; afterwards its state says what
became of it. So a reading that reached a gateway always stands here, and one that stands here as SENT was given to the network
whole. What stays in SENDING or CUT may or may not have arrived. A fleet's reading is written down before its first publish.

Two processes never write one ledger at the same time; any number may read it meanwhile.
"""

from enum import IntEnum
from typing import NamedTuple

SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- A sensor, and where its readings are to be found in the store. device is '' for a fleet, gateway is '' for a device:
-- an instrument does not know who reads it.
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    device TEXT NOT NULL,
    station TEXT NOT NULL,
    sensor TEXT NOT NULL,
    quantity TEXT NOT NULL,
    UNIQUE (gateway, device, station, sensor)
);

-- Devices: one row for every block served. serve is the number in the block's own counter register.
CREATE TABLE IF NOT EXISTS serve (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    serve INTEGER NOT NULL,
    requested_ms INTEGER NOT NULL,
    answered_ms INTEGER,
    state INTEGER NOT NULL          -- 0 sending, 1 sent, 2 cut, 3 spoiled
);

-- One row for every reading in a block: the number in its registers, and the engineering value that it means.
CREATE TABLE IF NOT EXISTS served (
    serve_id INTEGER NOT NULL,
    series_id INTEGER NOT NULL,
    number REAL NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (serve_id, series_id)
) WITHOUT ROWID;

-- Fleets: one row for every reading published.
CREATE TABLE IF NOT EXISTS published (
    series_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    value REAL,
    flag INTEGER NOT NULL
);
"""


class LedgerError(Exception):
    """The ledger cannot be written or read."""


class State(IntEnum):
    """What became of a block. SPOILED: a fault was put into its frame, so nobody may take it for a reading."""

    SENDING = 0
    SENT = 1
    CUT = 2
    SPOILED = 3


class Series(NamedTuple):
    """A sensor as the ledger names it."""

    gateway: str
    device: str
    station: str
    sensor: str
    quantity: str


class Served(NamedTuple):
    """One reading in a block."""

    series_id: int
    number: float
    value: float


class Serve(NamedTuple):
    """One block served by a device. `answered_ms` is None while it is not known."""

    device: str
    serve: int
    requested_ms: int
    answered_ms: int | None
    state: State
    readings: tuple[Served, ...]


class Published(NamedTuple):
    """One reading of a fleet's gateway."""

    series_id: int
    epoch: int
    seq: int
    time_ms: int
    value: float | None
    flag: int

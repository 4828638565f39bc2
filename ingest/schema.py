"""The tables of the spool's database. Spool, dead letters and counters share it, and so one fsync."""

SCHEMA_VERSION = 1

WAL_BOUND_BYTES = 16 * 1024 * 1024
"""The write-ahead log is brought back below this after every commit."""
FREE_MARGIN_BYTES = 16 * 1024 * 1024
"""SQLite on a full disk cannot even delete: intake stops while this and the WAL's bound are still free."""

BUSY_TIMEOUT_S = 10.0
"""How long one connection waits for another: a checkpoint, a copy being made."""
ROW_COLUMNS = "id, received_ms, gateway, epoch, ranges, readings, body, crc"
"""Of the table spool, in the order of `ingest.change.Row`."""

CREATE = f"""
BEGIN;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE spool (
    id INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, gateway TEXT NOT NULL, epoch INTEGER NOT NULL,
    ranges TEXT NOT NULL, readings INTEGER NOT NULL, body BLOB NOT NULL, crc INTEGER NOT NULL
);
CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY, received_ms INTEGER, gateway TEXT, epoch INTEGER,
    ranges TEXT, readings INTEGER, body BLOB, crc INTEGER, aside_ms INTEGER NOT NULL, why TEXT NOT NULL
);
CREATE TABLE settled (
    gateway TEXT NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (gateway, epoch, first)
) WITHOUT ROWID;
CREATE TABLE letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, reason TEXT NOT NULL, detail TEXT NOT NULL,
    topic TEXT NOT NULL, content_type TEXT, received_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    count INTEGER NOT NULL, gateway TEXT NOT NULL, epoch INTEGER, ranges TEXT NOT NULL, sensor TEXT NOT NULL,
    readings INTEGER NOT NULL, digest TEXT NOT NULL
);
CREATE INDEX letters_by_digest ON letters (digest);
CREATE TABLE payloads (digest TEXT PRIMARY KEY, payload BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE suspects (digest TEXT PRIMARY KEY, deaths INTEGER NOT NULL, in_hand INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('clean', '0');
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""

DEAD_PREFIX = "dead."
"""Counters of letters by reason: dead.wrong_unit."""

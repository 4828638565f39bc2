"""The tables of the log, and connections to it."""

import sqlite3
from pathlib import Path

VERSION = 1
BUSY_TIMEOUT_S = 10.0
WAL_PAGES = 256
"""The write-ahead log is folded back after so many pages: 1 MB."""
WAL_LIMIT_BYTES = 4 * 1024 * 1024

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- An epoch is one opening of the log: 48 random bits. `boot` is the kernel's, for time.
CREATE TABLE epoch (
    id INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL UNIQUE,
    first INTEGER NOT NULL,
    boot INTEGER NOT NULL REFERENCES boot (id),
    opened_ms INTEGER NOT NULL
);

-- offset_ms: true time minus boot clock, as the centre last said. A boot that ended without contact has an estimate instead:
-- its clock at placed_ns was placed_ms, and ran on at the rate of shrink.
CREATE TABLE boot (
    id INTEGER PRIMARY KEY,
    boot TEXT NOT NULL UNIQUE,
    offset_ms INTEGER,
    placed_ms INTEGER,
    placed_ns INTEGER,
    shrink REAL
);

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    sensor TEXT NOT NULL,
    quantity TEXT NOT NULL,
    unit TEXT NOT NULL,
    UNIQUE (sensor, quantity, unit)
);

-- Readings and records. raw is null where it equals the value, original_ms where the time was never put right,
-- final is 0 while the time may still be put right. kind and body belong to records, series and flag to readings.
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    series INTEGER,
    ms INTEGER NOT NULL,
    value REAL,
    flag INTEGER,
    raw REAL,
    boot_ns INTEGER NOT NULL,
    original_ms INTEGER,
    final INTEGER NOT NULL,
    kind TEXT,
    body TEXT
);
-- A held reading's time is no claim yet, so that a clock restored to yesterday does not push today's readings aside.
CREATE UNIQUE INDEX entry_once ON entry (series, ms) WHERE final = 1 AND series IS NOT NULL;
CREATE UNIQUE INDEX entry_record_once ON entry (kind, ms) WHERE final = 1 AND kind IS NOT NULL;
CREATE INDEX entry_held ON entry (seq) WHERE final = 0;

-- What need not be sent (again): why is receipt, refused or dropped.
CREATE TABLE settled (
    epoch INTEGER NOT NULL,
    why TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (epoch, why, first)
) WITHOUT ROWID;

CREATE TABLE refused (digest TEXT PRIMARY KEY, ms INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL) WITHOUT ROWID;

-- When ranges were found settled: retention counts from there.
CREATE TABLE stamp (ms INTEGER NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection for reading and writing, to be used by one thread at a time. Every commit is synced to disk."""
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        db.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        db.close()
        raise
    return db


def connect_readonly(path: Path) -> sqlite3.Connection:
    """A connection that only reads; the log may be in use by a gateway meanwhile."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    db.execute("PRAGMA query_only = 1")
    return db


def create(db: sqlite3.Connection, gateway: str) -> None:
    """Make the tables of a new log, in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    for statement in TABLES.split(";"):  # no comment up there has a semicolon
        if statement.strip():
            db.execute(statement)
    db.execute("INSERT INTO meta VALUES ('gateway', ?)", (gateway,))
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")

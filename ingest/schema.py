"""The tables of the spool's database. Spool, dead letters and counters share it, and so one fsync."""

SCHEMA_VERSION = 3
"""3: a row may hold many messages (ingest.group_body), which an older ingest would set aside as damaged."""

WAL_BOUND_BYTES = 16 * 1024 * 1024
"""The write-ahead log is brought back below this after every commit."""
FREE_MARGIN_BYTES = 16 * 1024 * 1024
"""SQLite on a full disk cannot even delete: intake stops while this and the WAL's bound are still free."""

BUSY_TIMEOUT_S = 10.0
"""How long one connection waits for another: a checkpoint, a copy being made."""
ROW_COLUMNS = "id, received_ms, gateway, epoch, ranges, readings, body, crc"
"""Of the table spool, in the order of `ingest.change.Row`."""

_VERSION_2 = """
ALTER TABLE letters ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE letters ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;
ALTER TABLE letters ADD COLUMN replayed_ms INTEGER;
CREATE TABLE exported (
    gateway TEXT NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (gateway, epoch, first)
) WITHOUT ROWID;
CREATE TABLE gone (
    gateway TEXT NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (gateway, epoch, first)
) WITHOUT ROWID;
CREATE TABLE replayed (
    id INTEGER PRIMARY KEY AUTOINCREMENT, replayed_ms INTEGER NOT NULL, letter INTEGER NOT NULL, reason TEXT NOT NULL,
    gateway TEXT NOT NULL, epoch INTEGER, ranges TEXT NOT NULL, sensor TEXT NOT NULL,
    stored INTEGER NOT NULL, repeated INTEGER NOT NULL, refused INTEGER NOT NULL
);
"""
"""What version 2 added: what a letter takes, what a replay did, what was exported, what a gateway no longer has."""

LETTER_BYTES = 512
"""What a letter takes beside its payload."""

UPGRADE_FROM_1 = f"""
BEGIN IMMEDIATE;
{_VERSION_2}
UPDATE letters SET bytes = {LETTER_BYTES};
UPDATE letters SET bytes = bytes + ifnull((SELECT length(payload) FROM payloads WHERE digest = letters.digest), 0)
WHERE id IN (SELECT min(id) FROM letters GROUP BY digest);
PRAGMA user_version = 2;
COMMIT;
"""
UPGRADE_FROM_2 = f"PRAGMA user_version = {SCHEMA_VERSION};"

REPLAYED_KEPT = 10_000
"""Marks of replays that are kept, the newest."""

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
INSERT INTO meta VALUES ('clean', '0');
CREATE INDEX letters_by_digest ON letters (digest);
CREATE TABLE payloads (digest TEXT PRIMARY KEY, payload BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE suspects (digest TEXT PRIMARY KEY, deaths INTEGER NOT NULL, in_hand INTEGER NOT NULL) WITHOUT ROWID;
{_VERSION_2}
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""

DEAD_PREFIX = "dead."
"""Counters of letters by reason: dead.wrong_unit."""

MOST_COUNTED = 2**62
"""A counter goes no higher: a gap may claim 9e15 readings, and what SQLite does not hold as a whole number is damage."""

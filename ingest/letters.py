"""Reads the dead letters, also while ingest runs: a connection of its own that cannot write."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.change import Mark
from ingest.schema import BUSY_TIMEOUT_S, SCHEMA_VERSION
from wire.names import epoch_text

_COLUMNS = (
    "id, reason, detail, topic, content_type, received_ms, last_ms, count, "
    "gateway, epoch, ranges, sensor, readings, digest, key, bytes, replays, replayed_ms"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters: those that fit all that is given. The time is that of the last refusal; `until_ms` is outside."""

    reasons: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    ids: tuple[int, ...] = ()

    def where(self) -> tuple[str, list[object]]:
        """The condition in SQL, and its values."""
        conditions, values = ["1"], list[object]()
        for column, wanted in (
            ("reason", self.reasons),
            ("gateway", self.gateways),
            ("sensor", self.sensors),
            ("id", self.ids),
        ):
            if wanted:
                conditions.append(f"{column} IN (SELECT value FROM json_each(?))")
                values.append(json.dumps(wanted))
        for condition, moment in (("last_ms >= ?", self.since_ms), ("last_ms < ?", self.until_ms)):
            if moment is not None:
                conditions.append(condition)
                values.append(moment)
        return " AND ".join(conditions), values


ALL = Filter()


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A dead letter as it is kept. `count` says how often the same was refused; `epoch` is None without an identity."""

    id: int
    reason: str
    detail: str
    topic: str
    content_type: str | None
    received_ms: int
    last_ms: int
    count: int
    gateway: str
    epoch: int | None
    ranges: str
    sensor: str
    readings: int
    digest: str
    key: str
    bytes: int
    replays: int = 0
    """How often a replay refused it again, and when last."""
    replayed_ms: int | None = None

    def document(self) -> dict[str, object]:
        """For JSON."""
        doc: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        doc["epoch"] = None if self.epoch is None else epoch_text(self.epoch)
        return doc


@dataclass(frozen=True, slots=True)
class Stat:
    """Letters of one reason and one gateway. `times` counts refusals of the same, `replayed` letters refused again."""

    reason: str
    gateway: str
    letters: int
    readings: int
    bytes: int
    first_ms: int
    last_ms: int
    times: int
    replayed: int


@contextmanager
def open_letters(path: Path) -> Iterator["Letters"]:
    """Open the spool at this path for reading. Raises FileNotFoundError, or sqlite3.Error when it is no spool."""
    if not path.exists():
        raise FileNotFoundError(path)
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(
                f"it has schema version {version}, this command reads {SCHEMA_VERSION}: start this version of ingest once"
            )
        yield Letters(db)
    finally:
        db.close()


class Letters:
    """The dead letters of one spool."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, which: Filter = ALL, most: int = 1_000) -> list[KeptLetter]:
        """The newest of these letters, oldest of them first."""
        condition, values = which.where()
        query = f"SELECT {_COLUMNS} FROM letters WHERE {condition} ORDER BY id DESC LIMIT ?"
        return [KeptLetter(*row) for row in self._db.execute(query, (*values, most))][::-1]

    def number(self, which: Filter = ALL) -> int:
        """How many these are."""
        condition, values = which.where()
        return int(self._db.execute(f"SELECT count(*) FROM letters WHERE {condition}", values).fetchone()[0])

    def after(self, letter_id: int, which: Filter, most: int, most_bytes: int) -> list[tuple[KeptLetter, bytes]]:
        """The next of these letters in order with their bytes: at least one if there is one, then as many as fit."""
        condition, values = which.where()
        query = (
            f"SELECT {_COLUMNS}, (SELECT payload FROM payloads WHERE digest = letters.digest) FROM letters"
            f" WHERE id > ? AND {condition} ORDER BY id LIMIT ?"
        )
        out: list[tuple[KeptLetter, bytes]] = []
        size = 0
        cursor = self._db.execute(query, (letter_id, *values, most))
        for *fields, payload in cursor:
            out.append((KeptLetter(*fields), bytes(payload or b"")))
            size += len(out[-1][1])
            if size >= most_bytes:
                break
        cursor.close()  # an open read would keep the WAL from being reused
        return out

    def last_id(self) -> int:
        """The newest letter's id, 0 when there is none."""
        return int(self._db.execute("SELECT ifnull(max(id), 0) FROM letters").fetchone()[0])

    def sizes(self) -> dict[str, int]:
        """The bytes that each gateway's letters take."""
        return dict(self._db.execute("SELECT gateway, sum(bytes) FROM letters GROUP BY gateway"))

    def stats(self, which: Filter = ALL) -> "list[Stat]":
        """Letters by reason and gateway, the most first."""
        condition, values = which.where()
        query = (
            "SELECT reason, gateway, count(*), sum(readings), sum(bytes), min(received_ms), max(last_ms), sum(count),"
            f" sum(replays > 0) FROM letters WHERE {condition} GROUP BY reason, gateway ORDER BY 3 DESC, 1, 2"
        )
        return [Stat(*row) for row in self._db.execute(query, values)]

    def replayed(self, most: int) -> list[Mark]:
        """The newest marks of replays, oldest of them first."""
        query = (
            "SELECT replayed_ms, letter, reason, gateway, epoch, ranges, sensor, stored, repeated, refused"
            " FROM replayed ORDER BY id DESC LIMIT ?"
        )
        return [Mark(*row) for row in self._db.execute(query, (most,))][::-1]

    def get(self, letter_id: int) -> tuple[KeptLetter, bytes] | None:
        """One letter and its bytes."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM letters WHERE id = ?", (letter_id,)).fetchone()
        if row is None:
            return None
        letter = KeptLetter(*row)
        payload = self._db.execute("SELECT payload FROM payloads WHERE digest = ?", (letter.digest,)).fetchone()
        return letter, b"" if payload is None else bytes(payload[0])


def hex_dump(payload: bytes, most: int) -> str:
    """Bytes for people: offset, sixteen bytes in hexadecimal, and as text."""
    lines = []
    for at in range(0, min(len(payload), most), 16):
        piece = payload[at : at + 16]
        text = "".join(chr(one) if 32 <= one < 127 else "." for one in piece)
        lines.append(f"{at:08x}  {piece.hex(' '):<47}  {text}")
    if len(payload) > most:
        lines.append(f"... {len(payload) - most} bytes more")
    return "\n".join(lines)


def readable(payload: bytes) -> str | None:
    """The bytes as text where they are text that does no harm to a terminal, else None."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return text if all(one.isprintable() or one in "\n\t" for one in text) else None

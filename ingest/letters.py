"""Reads the dead letters, also while ingest runs: a connection of its own that cannot write."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.schema import BUSY_TIMEOUT_S
from wire.names import epoch_text

_COLUMNS = (
    "id, reason, detail, topic, content_type, received_ms, last_ms, count, "
    "gateway, epoch, ranges, sensor, readings, digest"
)


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

    def document(self) -> dict[str, object]:
        """For JSON."""
        doc: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        doc["epoch"] = None if self.epoch is None else epoch_text(self.epoch)
        return doc


@contextmanager
def open_letters(path: Path) -> Iterator["Letters"]:
    """Open the spool at this path for reading. Raises FileNotFoundError, or sqlite3.Error when it is no spool."""
    if not path.exists():
        raise FileNotFoundError(path)
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
    try:
        yield Letters(db)
    finally:
        db.close()


class Letters:
    """The dead letters of one spool."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(
        self,
        *,
        reason: str | None = None,
        gateway: str | None = None,
        sensor: str | None = None,
        since_ms: int | None = None,
        most: int = 1_000,
    ) -> list[KeptLetter]:
        """The newest letters that fit all that is given, oldest of them first."""
        conditions, values = ["1"], []
        for column, value in (("reason = ?", reason), ("gateway = ?", gateway), ("sensor = ?", sensor)):
            if value is not None:
                conditions.append(column)
                values.append(value)
        if since_ms is not None:
            conditions.append("last_ms >= ?")
            values.append(str(since_ms))
        query = f"SELECT {_COLUMNS} FROM letters WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?"
        return [KeptLetter(*row) for row in self._db.execute(query, (*values, most))][::-1]

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

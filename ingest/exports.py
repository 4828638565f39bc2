"""Dead letters in a file: compressed JSON lines, with the raw bytes, that `aryk ingest import` reads again.

{"aryk": "dead-letters", "version": 1, "exported_ms": ...}
{"digest": ..., "payload": base64}      once for all letters of a message, before the first of them
{"letter": {...}}
"""

import base64
import binascii
import gzip
import json
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.change import Letter
from ingest.letters import KeptLetter
from ingest.received import parse_ranges
from wire.names import epoch_number
from wire.reasons import Reason

VERSION = 1
ENDING = ".jsonl.gz"


class NotAnExportError(Exception):
    """The file holds no dead letters that can be read."""


def file_name(now_ms: int) -> str:
    """A name of its own, that sorts by time."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    return f"dead-letters-{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}{ENDING}"


def write_export(path: Path, letters: Iterable[tuple[KeptLetter, bytes]], now_ms: int) -> int:
    """Write these letters; how many. The file is whole and on the disk when this returns, or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    written = 0
    digests: set[str] = set()
    try:
        with part.open("xb") as raw:
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6) as file:
                file.write(_line({"aryk": "dead-letters", "version": VERSION, "exported_ms": now_ms}))
                for letter, payload in letters:
                    if letter.digest not in digests:
                        digests.add(letter.digest)
                        file.write(_line({"digest": letter.digest, "payload": base64.b64encode(payload).decode()}))
                    file.write(_line({"letter": letter.document()}))
                    written += 1
            raw.flush()
            os.fsync(raw.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return written


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def read_export(path: Path) -> Iterator[Letter]:
    """The letters of such a file, in their order. Raises NotAnExportError, OSError."""
    payloads: dict[str, bytes] = {}
    try:
        with gzip.open(path, "rb") as file:
            head = json.loads(file.readline())
            if head.get("aryk") != "dead-letters":
                raise NotAnExportError(f"{path} is no export of dead letters")
            if head.get("version") != VERSION:
                raise NotAnExportError(f"{path} has version {head.get('version')}, this ingest reads {VERSION}")
            for line in file:
                document = json.loads(line)
                if "payload" in document:
                    # A message's letters follow each other, but for those of a message that was refused again later.
                    payloads[document["digest"]] = base64.b64decode(document["payload"], validate=True)
                else:
                    yield _letter(document["letter"], payloads)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise NotAnExportError(f"{path} is no whole gzip file: {error}") from error
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise NotAnExportError(f"{path} is no export of dead letters: {error!r}") from error


def _letter(document: dict[str, Any], payloads: dict[str, bytes]) -> Letter:
    epoch = document["epoch"]
    return Letter(
        reason=Reason(document["reason"]),
        detail=str(document["detail"]),
        topic=str(document["topic"]),
        content_type=document["content_type"],
        received_ms=int(document["received_ms"]),
        payload=payloads[document["digest"]],
        digest=str(document["digest"]),
        gateway=str(document["gateway"]),
        epoch=None if epoch is None else epoch_number(epoch),
        ranges=parse_ranges(document["ranges"]),
        sensor=str(document["sensor"]),
        count=int(document["count"]),
        last_ms=int(document["last_ms"]),
    )

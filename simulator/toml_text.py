"""Writes TOML, as much of it as configurations need: scalars, lists of scalars, tables, arrays of tables."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any


def toml_text(document: Mapping[str, Any], comment: str = "") -> str:
    """The document as TOML, under a comment. Values that are None and empty tables are left out."""
    lines = [f"# {line}" for line in comment.splitlines()]
    _write(document, (), lines)
    return "\n".join(lines) + "\n"


def _write(table: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    inner: list[tuple[str, Any]] = []
    for key, value in table.items():
        if isinstance(value, Mapping) or (isinstance(value, list) and value and isinstance(value[0], Mapping)):
            inner.append((key, value))
        elif value is not None:
            lines.append(f"{_key(key)} = {_scalar(value)}")
    for key, value in inner:
        name = ".".join(map(_key, (*path, key)))
        if isinstance(value, Mapping):
            if value:
                lines.extend(("", f"[{name}]"))
                _write(value, (*path, key), lines)
            continue
        for one in value:
            lines.extend(("", f"[[{name}]]"))
            _write(one, (*path, key), lines)


def _key(key: str) -> str:
    bare = key.replace("-", "").replace("_", "")
    return key if bare.isascii() and bare.isalnum() else json.dumps(key)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_scalar, value)) + "]"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    # A JSON string without characters beyond the first plane's escapes is a TOML string too.
    return json.dumps(str(value), ensure_ascii=False)

"""Read a TOML file and the environment into a pydantic model, once.

Every key can be set from the environment too: ARYK_INGEST__BROKER__PORT=1884 sets `port` under `[broker]` for the role
whose prefix is ARYK_INGEST. Secrets belong there, or in a file that a `*_file` key names.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from settings.errors import Fault, SettingsError
from settings.faults import Variable, faults_of, key_text, path_in
from settings.locate import KeyPath, line_of, locate

_M = TypeVar("_M", bound=BaseModel)

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|min|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration_s(value: Any) -> Any:
    """Seconds from 15, "15s", "500ms", "15 min", "1h" or "7d". Raises ValueError; use with pydantic's BeforeValidator."""
    if isinstance(value, bool):
        raise ValueError("not a duration: a truth value")
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError('not a duration: write a number of seconds, or "500ms", "15s", "10min", "1h", "7d"')
    return float(match[1]) * _SECONDS[match[2]]


def load(model: type[_M], path: Path | str, *, env_prefix: str = "", environ: Mapping[str, str] | None = None) -> _M:
    """Read the model from this file and from the environment under `env_prefix`.

    Raises SettingsError, which names file, line, key and the mend for everything that is wrong at once.
    """
    return load_text(model, read_text(path), path, env_prefix=env_prefix, environ=environ)


def read_text(path: Path | str) -> str:
    """The text of a configuration file. Raises SettingsError."""
    try:
        # Editors on Windows begin a file with a byte order mark.
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SettingsError(path, [Fault(None, "", "there is no such file")]) from error
    except UnicodeDecodeError as error:
        line = bytes(error.object[: error.start]).count(b"\n") + 1
        raise SettingsError(path, [Fault(line, "", "is not UTF-8 text", "save it as UTF-8")]) from error
    except OSError as error:
        raise SettingsError(path, [Fault(None, "", f"cannot be read: {error.strerror or error}")]) from error


def load_text(
    model: type[_M],
    text: str,
    path: Path | str = "(text)",
    *,
    env_prefix: str = "",
    environ: Mapping[str, str] | None = None,
) -> _M:
    """The same as `load` from a text; `path` is only named in errors."""
    document = parse_toml(text, path)
    variables = _overlay(document, env_prefix, os.environ if environ is None else environ) if env_prefix else {}
    return _validate(model, document, text, path, variables)


def parse_toml(text: str, path: Path | str = "(text)") -> dict[str, Any]:
    """The document of a TOML text. Raises SettingsError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"^(.*) \(at line (\d+), column (\d+)\)$", str(error))
        line, problem = (int(match[2]), f"{match[1]}, column {match[3]}") if match else (None, str(error))
        raise SettingsError(path, [Fault(line, "", f"not TOML: {problem}")]) from error


def validate(model: type[_M], document: Mapping[str, Any], text: str, path: Path | str = "(text)") -> _M:
    """A parsed document as the model; `text` is what it was read from. Raises SettingsError."""
    return _validate(model, document, text, path, {})


def fault_at(path: KeyPath, problem: str, mend: str, text: str, file: Path | str) -> Fault:
    """A fault of our own finding at this key of this file's text, or at the nearest thing around it."""
    return Fault(line_of(locate(text), path), key_text(path), problem, mend, str(file))


def _validate(
    model: type[_M], document: Mapping[str, Any], text: str, path: Path | str, variables: Mapping[KeyPath, Variable]
) -> _M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        if _take_as_text(error, document, variables):
            return _validate(model, document, text, path, variables)
        # Without its cause, whose text shows the values that were given, and a secret may be among them.
        raise SettingsError(path, faults_of(error, model, document, locate(text), variables)) from None


def _overlay(document: dict[str, Any], prefix: str, environ: Mapping[str, str]) -> dict[KeyPath, Variable]:
    """Put the environment's values into the document; says which key came from which variable."""
    variables: dict[KeyPath, Variable] = {}
    for name, value in sorted(environ.items()):
        if not name.startswith(prefix + "__"):
            continue
        keys = name[len(prefix) + 2 :].lower().split("__")
        table = document
        for key in keys[:-1]:
            inner = table.setdefault(key, {})
            if not isinstance(inner, dict):
                raise SettingsError(f"environment variable {name}", [Fault(None, "", f"{key} is not a table")])
            table = inner
        table[keys[-1]] = _from_text(value)
        variables[tuple(keys)] = Variable(name, value)
    return variables


def _from_text(value: str) -> Any:
    """A number, a truth value, a list or a table as TOML has it; anything else is text."""
    try:
        found = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return value
    return found["value"] if found.keys() == {"value"} and not isinstance(found["value"], str) else value


def _take_as_text(error: ValidationError, document: Any, variables: Mapping[KeyPath, Variable]) -> bool:
    """Put the text of a variable where its number was refused for not being text, as in a password of digits."""
    taken = False
    for one in error.errors(include_url=False, include_input=False):
        path = path_in(document, one["loc"])
        if one["type"] in ("string_type", "path_type") and path in variables:
            table: Any = document
            for key in path[:-1]:
                table = table[key]
            taken = taken or table[path[-1]] != variables[path].text
            table[path[-1]] = variables[path].text
    return taken

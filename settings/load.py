"""Read a TOML file and the environment into a pydantic model, once.

Every key can be set from the environment too: ARYK_INGEST__BROKER__PORT=1884 sets `port` under `[broker]` for the role
whose prefix is ARYK_INGEST. Secrets belong there, or in a file that a `*_file` key names.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from settings.errors import Fault, SettingsError
from settings.locate import KeyPath, line_of, locate

_M = TypeVar("_M", bound=BaseModel)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration_s(value: Any) -> Any:
    """Seconds from 15, "15s", "500ms", "15 min", "1h" or "7d". Raises ValueError; use with pydantic's BeforeValidator."""
    if isinstance(value, bool) or not isinstance(value, str):
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
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError(path, [Fault(None, "", "there is no such file")]) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(path, [Fault(None, "", f"cannot be read: {error}")]) from error


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
    if env_prefix:
        _overlay(document, env_prefix, os.environ if environ is None else environ)
    return validate(model, document, text, path)


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
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise SettingsError(path, _faults(error, model, locate(text))) from error


def fault_at(path: KeyPath, problem: str, mend: str, text: str, file: Path | str) -> Fault:
    """A fault of our own finding at this key of this file's text, or at the nearest thing around it."""
    return Fault(line_of(locate(text), path), _text(path), problem, mend, str(file))


def _overlay(document: dict[str, Any], prefix: str, environ: Mapping[str, str]) -> None:
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


def _from_text(value: str) -> Any:
    """A number, a truth value or a list as TOML has it; anything else is text."""
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _faults(error: ValidationError, model: type[BaseModel], lines: dict[KeyPath, int]) -> list[Fault]:
    faults = []
    for one in error.errors(include_url=False):
        path = _known_path(one["loc"], lines)
        kind, message = one["type"], one["msg"].removeprefix("Value error, ")
        if kind == "extra_forbidden":
            message, mend = "this key is not known", _nearest(model, one["loc"])
        elif kind == "missing":
            message, mend = "this key is missing", f"add it{_under(path)}"
        else:
            mend = "" if kind in ("value_error", "model_type") else f"it is {_shown(one['input'])}"
            message = message[0].lower() + message[1:]
        faults.append(Fault(line_of(lines, path), _text(path), message, mend))
    return faults


def _known_path(loc: tuple[str | int, ...], lines: dict[KeyPath, int]) -> KeyPath:
    """pydantic puts the name of a union's branch into the path: leave out what no file has, but the last part."""
    path: KeyPath = ()
    for at, part in enumerate(loc):
        longer = (*path, part)
        if longer in lines or at == len(loc) - 1 or isinstance(part, int):
            path = longer
    return path


def _under(path: KeyPath) -> str:
    return f" under [{_text(path[:-1])}]" if len(path) > 1 else ""


def _text(path: KeyPath) -> str:
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else str(part)
    return out


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _nearest(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    names = _names_beside(model, loc)
    near = difflib.get_close_matches(str(loc[-1]), names, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known here: {', '.join(sorted(names))}" if names else "take it out"


def _names_beside(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """The keys that the innermost model on this path has."""
    here: list[type[BaseModel]] = [model]
    for part in loc[:-1]:
        inner = [
            found
            for one in here
            if isinstance(part, str) and (info := _field(one, part)) is not None
            for found in _models_in(info)
        ]
        here = inner or here
    return [info.alias or name for one in here for name, info in one.model_fields.items()]


def _field(model: type[BaseModel], key: str) -> Any:
    for name, info in model.model_fields.items():
        if key in (name, info.alias):
            return info.annotation
    return None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models_in(argument)]

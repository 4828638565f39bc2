"""What pydantic found wrong, as faults with file, line, key and the mend; no secret is ever shown."""

import difflib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from settings.errors import Fault, FaultError
from settings.locate import KeyPath, line_of

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
"""The pattern of `wire.names.Id`, which settings may not import; a test holds the two equal."""

NOT_AN_ID = "not an id: letters of A to Z, digits, '_', '-' and '.', at most 63, the first a letter or digit"


class Variable(NamedTuple):
    """An environment variable that a key came from."""

    name: str
    text: str


def path_in(document: Any, loc: tuple[str | int, ...]) -> KeyPath:
    """The keys of this place that the document has: pydantic puts the names of a union's branches between them."""
    path: KeyPath = ()
    here: Any = document
    for part in loc:
        is_inside = part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int)
        if is_inside and (isinstance(here, dict) or int(part) < len(here)):
            here = here[part]
            path = (*path, part)
    return path


def faults_of(
    error: ValidationError,
    model: type[BaseModel],
    document: Any,
    lines: dict[KeyPath, int],
    variables: Mapping[KeyPath, Variable],
) -> list[Fault]:
    """Every fault of this error; `lines` is where the keys stand, `variables` which of them the environment gave."""
    faults = []

    def add(path: KeyPath, problem: str, mend: str) -> None:
        source = _variable_of(path, lines, variables)
        if source is not None:
            faults.append(Fault(None, key_text(path), problem, mend, f"environment variable {source.name}"))
        else:
            faults.append(Fault(line_of(lines, path), key_text(path), problem, mend))

    errors = error.errors(include_url=False)
    for one in errors:
        path = path_in(document, one["loc"])
        kind, message = one["type"], one["msg"].removeprefix("Value error, ")
        if kind == "too_short" and any(_is_below(other["loc"], one["loc"]) for other in errors):
            continue  # pydantic does not count the items that have faults of their own
        cause = one.get("ctx", {}).get("error")
        if isinstance(cause, FaultError):
            for below, problem in cause.faults:
                add((*path, *below), problem, "")
        elif kind == "extra_forbidden":
            add(path, "this key is not known", _nearest(model, one["loc"]))
        elif kind in ("union_tag_not_found", "union_tag_invalid"):
            key = one["ctx"]["discriminator"].strip("'")
            expected = _expected_tags(model, one["loc"])
            if kind == "union_tag_not_found":
                add((*path, key), "this key is missing", f"add it{_under((*path, key))}: {_one_of(expected)}")
            else:
                tag = one["ctx"]["tag"]
                near = difflib.get_close_matches(tag, expected, n=1, cutoff=0.5)
                add(
                    (*path, key),
                    f"{tag!r} is not known here",
                    f"did you mean {near[0]!r}?" if near else _one_of(expected),
                )
        elif kind == "string_pattern_mismatch" and one["ctx"]["pattern"] == ID_PATTERN:
            add(
                path,
                NOT_AN_ID,
                _shown(one["input"]),
            )
        elif kind == "missing":
            add((*path, one["loc"][-1]), "this key is missing", f"add it{_under((*path, one['loc'][-1]))}")
        else:
            mend = "" if kind == "value_error" or _is_secret(model, one["loc"]) else _shown(one["input"])
            add(path, message[0].lower() + message[1:], mend)
    return faults


def _is_below(inner: tuple[str | int, ...], outer: tuple[str | int, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _one_of(names: list[str]) -> str:
    return "one of " + ", ".join(repr(name) for name in names)


def _expected_tags(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """What the discriminating key of the models at this place may be."""
    here: list[type[BaseModel]] = [model]
    for part in loc:
        if isinstance(part, str):
            here = [
                found for one in here if (info := _field(one, part)) is not None for found in _models_in(info)
            ] or here
    tags: list[str] = []
    for one in here:
        for info in one.model_fields.values():
            literals = get_args(info.annotation)
            if get_origin(info.annotation) is Literal and len(literals) == 1 and isinstance(literals[0], str):
                tags.append(literals[0])
    return tags


def _variable_of(path: KeyPath, lines: dict[KeyPath, int], variables: Mapping[KeyPath, Variable]) -> Variable | None:
    """The variable that this key, or something around it, came from; or that made a table which no file has."""
    for length in range(len(path), 0, -1):
        if path[:length] in variables:
            return variables[path[:length]]
    if not path or path in lines:
        return None
    return next((variable for key, variable in variables.items() if key[: len(path)] == path), None)


def _under(path: KeyPath) -> str:
    return f" under [{key_text(path[:-1])}]" if len(path) > 1 else ""


def key_text(path: KeyPath) -> str:
    """The keys as people write them: devices[0].id."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else str(part)
    return out


def _shown(value: Any) -> str:
    """Tables and lists are not shown: they are long, and a secret may be in them."""
    if isinstance(value, (dict, list)):
        return f"it is a {'table' if isinstance(value, dict) else 'list'}"
    text = repr(value)
    return "it is " + (text if len(text) <= 60 else text[:57] + "...")


def _is_secret(model: type[BaseModel], loc: tuple[str | int, ...]) -> bool:
    here: list[type[BaseModel]] = [model]
    for part in loc:
        annotations = [found for one in here if isinstance(part, str) and (found := _field(one, part)) is not None]
        if any(_holds_secret(annotation) for annotation in annotations):
            return True
        here = [found for annotation in annotations for found in _models_in(annotation)] or here
    return False


def _holds_secret(annotation: Any) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(_holds_secret(inner) for inner in get_args(annotation))


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

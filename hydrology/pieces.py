"""A large registry file, read piece by piece: what a parser makes of a whole one takes several times the memory of the registry.

A piece ends where a table of the registry begins: a line with `[[stations]]` or the like and nothing else. Inside a text or an
array over several lines such a line begins nothing; the piece before it is no TOML then, and the file must be read as a whole.
Pure.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from hydrology.registry.whole import Parts

PIECE_CHARS = 200_000
_TABLE = re.compile(r"^\[\[?(?:districts|gateways|stations|users|canals|links)\]\]?[ \t]*\r?$", re.M)


def pieces(text: str, chars: int = PIECE_CHARS) -> Iterator[str]:
    """The text in pieces of so many characters and up to the next table; one piece where that would make no two of them."""
    start = 0
    while len(text) - start > 2 * chars and (found := _TABLE.search(text, start + chars)) is not None:
        yield text[start : found.start()]
        start = found.start()
    yield text[start:]


def parts_of(text: str, parse: Callable[[str], dict[str, Any]], chars: int = PIECE_CHARS) -> Parts | None:
    """The tables of a file. None where they are not all good, or one is said twice: only the whole tells where.

    `parse` reads TOML and may raise ValueError.
    """
    whole: dict[str, Any] = {}
    for piece in pieces(text, chars):
        try:
            part = Parts.model_validate(parse(piece))
        except ValueError:  # pydantic's too
            return None
        for name in part.model_fields_set:
            rows = getattr(part, name)
            if name not in whole:
                whole[name] = rows
            elif isinstance(rows, list):
                whole[name].extend(rows)
            elif whole[name].keys().isdisjoint(rows):
                whole[name].update(rows)
            else:
                return None
    return Parts.model_construct(None, **whole)

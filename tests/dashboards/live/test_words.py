"""The message catalogue: every word that the page asks for is in it, and none is left over."""

import re
from pathlib import Path

import pytest

from dashboards.live.display import OF_THE_WATER
from dashboards.live.states import UPPER, State
from dashboards.live.static_files import FOLDER
from hydrology.registry import StationKind
from wire.flags import Flag
from wire.quantities import QUANTITIES

CODE = {path.name: path.read_text(encoding="utf-8") for path in sorted((FOLDER / "js").glob("*.js"))}
# Keys whose last part is put together: `state.${...}`.
FAMILIES = {
    "state": [state.value for state in State],
    "sum": [state.value for state in State],
    "tab": ["danger", "warning", "action", "low", "stale"],
    "threshold": ["low", *UPPER],
    "flag": [str(int(flag)) for flag in Flag],
    "quantity": list(QUANTITIES),
    "short": list(OF_THE_WATER),
    "kind": [kind.value for kind in StationKind],
    "head": ["state", "station", "now", "change", "line", "age"],
    "range": ["1h", "24h", "7d", "30d"],
    "row": ["change_up", "change_down", "change_none"],
    "keys": ["move", "open", "range", "find", "back"],
}


def catalogue(path: Path) -> set[str]:
    return set(re.findall(r"^  '([^']+)':", path.read_text(encoding="utf-8"), re.MULTILINE))


def used() -> set[str]:
    fixed = {
        key
        for text in CODE.values()
        for key in re.findall(r"(?:say|put)\w*\([^`\n]*?'([a-z]+\.[A-Za-z0-9_.³ ]+)'", text)
    }
    fixed |= {
        key for text in CODE.values() for key in re.findall(r"'((?:keys|station|sum|top|chart)\.[a-z_.]+)'", text)
    }
    return fixed | {f"{family}.{name}" for family, names in FAMILIES.items() for name in names}


@pytest.mark.parametrize("language", sorted(path.name for path in (FOLDER / "words").glob("*.js")))
def test_a_language_has_every_word_that_is_used(language: str) -> None:
    missing = used() - catalogue(FOLDER / "words" / language)
    assert not missing


def test_no_word_is_left_over() -> None:
    text = "\n".join(CODE.values())
    left = {
        key
        for key in catalogue(FOLDER / "words" / "en.js")
        if f"'{key}'" not in text and key.split(".")[0] not in FAMILIES
    }
    assert not left


def test_every_language_file_is_named_in_words_js() -> None:
    named = set(re.findall(r"^  (\w+): async", CODE["words.js"], re.MULTILINE))
    assert named == {path.stem for path in (FOLDER / "words").glob("*.js")}

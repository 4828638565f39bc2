"""docs/registry.md falls behind no key."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from hydrology.registry import Registry
from hydrology.registry_csv import COLUMNS

DOCS = (Path(__file__).parents[3] / "docs" / "registry.md").read_text(encoding="utf-8")


def models(model: type[BaseModel], found: dict[str, type[BaseModel]]) -> dict[str, type[BaseModel]]:
    """All tables that this one reaches, by name."""

    def inside(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            models(annotation, found)
        for argument in get_args(annotation):
            inside(argument)

    if model.__name__ not in found:
        found[model.__name__] = model
        for field in model.model_fields.values():
            inside(field.annotation)
    return found


MODELS = models(Registry, {})


def documented(marker: str) -> list[str]:
    """The keys of the table under this marker."""
    _, _, after = DOCS.partition(f"<!-- {marker} -->\n")
    rows = after.partition("\n\n")[0].splitlines()[2:]
    return [found[1] for row in rows if (found := re.match(r"\| `(\w+)` \|", row))]


@pytest.mark.parametrize("name", MODELS)
def test_every_key_is_described(name: str) -> None:
    assert documented(f"keys: {name}") == list(MODELS[name].model_fields)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_needed_is_said_to_be(name: str) -> None:
    _, _, after = DOCS.partition(f"<!-- keys: {name} -->\n")
    needed = {
        match[1]
        for row in after.partition("\n\n")[0].splitlines()
        if (match := re.match(r"\| `(\w+)` .*\(needed\)", row))
    }
    assert needed == {key for key, field in MODELS[name].model_fields.items() if field.is_required()} - {"kind"}


def test_no_table_is_described_that_is_not_there() -> None:
    assert set(re.findall(r"<!-- keys: (\w+) -->", DOCS)) == set(MODELS)


def test_every_column_of_the_spreadsheet_is_described() -> None:
    assert documented("columns") == list(COLUMNS)

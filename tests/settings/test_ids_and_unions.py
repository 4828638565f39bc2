"""What a reader of a wrong configuration is told where pydantic's own words would not help."""

import pytest
from pydantic import BaseModel, ConfigDict, Field

from settings import SettingsError, load_text
from settings.faults import ID_PATTERN
from store.settings import InfluxSettings, SqliteSettings, StoreSettings
from wire.names import Id


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Id


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    store: StoreSettings = SqliteSettings()
    parts: tuple[Part, ...] = Field(default=(Part(id="a"),), min_length=1)


def told(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_text(Whole, text, "some.toml")
    return str(caught.value).splitlines()


def test_the_pattern_is_the_contract_s() -> None:
    assert Part.model_json_schema()["properties"]["id"]["pattern"] == ID_PATTERN


def test_a_missing_kind_says_which_there_are() -> None:
    assert told('[store]\nknid = "sqlite"\n') == [
        "some.toml:1: store.kind: this key is missing (add it under [store]: one of 'sqlite', 'influxdb')"
    ]
    assert {SqliteSettings().kind, "influxdb"} == {"sqlite", InfluxSettings(kind="influxdb").kind}


def test_a_misspelt_kind_names_the_nearest_and_its_line() -> None:
    assert told('[store]\nkind = "sqlit"\n') == [
        "some.toml:2: store.kind: 'sqlit' is not known here (did you mean 'sqlite'?)"
    ]


def test_an_id_that_is_none_is_told_in_words() -> None:
    (line,) = told('[[parts]]\nid = "a b"\n')
    assert line.startswith("some.toml:2: parts[0].id: not an id: letters of A to Z, digits")
    assert "it is 'a b'" in line


def test_a_faulty_item_is_not_said_to_be_missing_as_well() -> None:
    assert len(told('[[parts]]\nidd = "a"\nid = "b"\n')) == 1

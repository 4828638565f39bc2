"""A store as one word of a command line."""

from pathlib import Path

import pytest

from store.settings import InfluxSettings, SqliteSettings
from store.word import store_settings


@pytest.mark.parametrize("word", ["points.sqlite", "state/store/points.sqlite", "/var/lib/https:/points.sqlite"])
def test_a_path_is_the_embedded_store(word: str) -> None:
    assert store_settings(word, token="unused") == SqliteSettings(path=Path(word))


def test_no_word_is_the_state_folders_own() -> None:
    assert store_settings(None) == SqliteSettings()


def test_an_address_is_influxdb_with_what_else_was_said() -> None:
    found = store_settings("https://db.example:8086", bucket="water", org="talas", token="secret")
    assert isinstance(found, InfluxSettings)
    assert (found.url, found.bucket, found.org, found.read_token()) == (
        "https://db.example:8086",
        "water",
        "talas",
        "secret",
    )


def test_a_token_of_nothing_is_none(tmp_path: Path) -> None:
    found = store_settings("http://127.0.0.1:8086", token="", token_file=tmp_path / "token")
    assert isinstance(found, InfluxSettings)
    assert (found.token, found.token_file) == (None, tmp_path / "token")

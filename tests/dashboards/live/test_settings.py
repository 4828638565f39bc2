"""live.toml."""

from pathlib import Path

import pytest

from dashboards.live.settings import LiveSettings
from settings import SettingsError
from settings.load import load_text


def test_one_line_is_enough() -> None:
    found = load_text(LiveSettings, 'registry = "registry.toml"')
    assert found.registry == Path("registry.toml")
    assert (found.host, found.port, found.refresh, found.store.kind) == ("127.0.0.1", 8080, 5.0, "sqlite")


def test_all_of_it() -> None:
    text = """
registry = "r.toml"
host = "0.0.0.0"
port = 0
refresh = "2s"
lookback = "7d"
title = "Chu"
locale = "ru-KZ"
level_unit = "cm"
[store]
kind = "influxdb"
bucket = "water"
[health]
enabled = false
"""
    found = load_text(LiveSettings, text)
    assert (found.refresh, found.lookback, found.locale, found.store.kind) == (2.0, 604_800.0, "ru-KZ", "influxdb")


@pytest.mark.parametrize(
    "line", ["refresh = 0", 'locale = "<script>"', 'level_unit = "ft"', "port = 70000", 'titel = "x"']
)
def test_what_is_wrong_is_said_with_its_line(line: str) -> None:
    with pytest.raises(SettingsError, match=r"live\.toml:2"):
        load_text(LiveSettings, f'registry = "r.toml"\n{line}\n', "live.toml")


def test_the_environment_comes_over_the_file() -> None:
    environ = {"ARYK_LIVE__PORT": "9000"}
    found = load_text(LiveSettings, 'registry = "r.toml"', env_prefix="ARYK_LIVE", environ=environ)
    assert found.port == 9000


def test_the_documented_file_is_one_that_works() -> None:
    text = (Path(__file__).parents[3] / "docs" / "live-page.md").read_text(encoding="utf-8")
    found = load_text(LiveSettings, text.split("```toml\n")[1].split("```")[0])
    assert found.title == "Chu district"
    assert found.health.port == 9100

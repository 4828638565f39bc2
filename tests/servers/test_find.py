from pathlib import Path

import pytest

from tests.servers.find import find_server, locate, version_in


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("CI", "ARYK_AMTOOL", "ARYK_INFLUXD", "ARYK_MOSQUITTO"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def make_program(path: Path, prints: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


def test_the_variable_goes_before_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_program(tmp_path / "bin" / "influxd")
    said = make_program(tmp_path / "elsewhere" / "my-influxd")
    monkeypatch.setenv("ARYK_INFLUXD", str(said))
    assert locate("influxd") == said


def test_a_variable_that_names_nothing_is_not_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_program(tmp_path / "bin" / "influxd")
    monkeypatch.setenv("ARYK_INFLUXD", str(tmp_path / "nothing"))
    assert locate("influxd") is None


def test_path_goes_before_the_cache(tmp_path: Path) -> None:
    built = make_program(tmp_path / "cache" / "aryk" / "influxd-2.7.12" / "influxd")
    assert locate("influxd") == built
    installed = make_program(tmp_path / "bin" / "influxd")
    assert locate("influxd") == installed


def test_the_newest_of_the_cache_counts(tmp_path: Path) -> None:
    make_program(tmp_path / "cache" / "aryk" / "influxd-2.7.9" / "influxd")
    newest = make_program(tmp_path / "cache" / "aryk" / "influxd-2.7.12" / "influxd")
    assert locate("influxd") == newest


def test_a_missing_server_skips_at_a_desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARYK_AMTOOL", str(tmp_path / "nothing"))
    with pytest.raises(pytest.skip.Exception, match=r"MISSING SERVER: amtool: ARYK_AMTOOL=.* is no program"):
        find_server("amtool")


def test_a_missing_server_fails_in_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARYK_AMTOOL", str(tmp_path / "nothing"))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="amtool"):
        find_server("amtool")


def test_a_server_that_is_too_old_is_as_good_as_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = make_program(tmp_path / "old-mosquitto", "mosquitto version 2.0.11")
    monkeypatch.setenv("ARYK_MOSQUITTO", str(old))
    with pytest.raises(pytest.skip.Exception, match=r"2\.0\.11, older than 2\.0\.21"):
        find_server("mosquitto")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("mosquitto version 2.0.21", (2, 0, 21)),
        ("InfluxDB v2.7.12 (git: none)", (2, 7, 12)),
        ("influxd-2.7.9", (2, 7, 9)),
        ("no number", ()),
    ],
)
def test_version_in(text: str, version: tuple[int, ...]) -> None:
    assert version_in(text) == version

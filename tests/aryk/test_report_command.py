import asyncio
from datetime import date, timedelta
from pathlib import Path

import pytest

from dashboards.report.sample import season
from store.open import open_writer
from store.settings import SqliteSettings
from tests.aryk.commands import run
from tests.dashboards.report.district import EXAMPLE, example

DECADE = ["--decade", "2026-04-2"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first twenty days of the example's season, in the embedded store."""
    file = tmp_path_factory.mktemp("store") / "points.sqlite"

    async def write() -> None:
        async with open_writer(SqliteSettings(path=file), file.parent) as writer:
            rows = season(example(), "Asia/Almaty", date(2026, 4, 1), date(2026, 4, 20), step=timedelta(minutes=45))
            assert await writer.write(list(rows)) == []

    asyncio.run(write())
    return file


@pytest.mark.parametrize(
    ("ending", "start"), [("html", b"<!doctype html>"), ("csv", b"\xef\xbb\xbfkind,id"), ("pdf", b"%PDF-")]
)
def test_a_decade_is_written(tmp_path: Path, store: Path, ending: str, start: bytes) -> None:
    out = tmp_path / f"report.{ending}"
    result = run("report", "decade", "--registry", str(EXAMPLE), "--store", str(store), *DECADE, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert result.stdout == f"written {out}\n"
    assert out.read_bytes().startswith(start)


def test_a_report_toml_may_say_it_all(tmp_path: Path, store: Path) -> None:
    config = tmp_path / "report.toml"
    config.write_text(
        f'registry = "{EXAMPLE}"\noffice = "Таласское управление"\nlanguage = "ru"\n'
        f'[store]\nkind = "sqlite"\npath = "{store}"\n[integration]\n"canal-head" = "trapezoid"\n'
    )
    out = tmp_path / "report.html"
    result = run("report", "decade", "-c", str(config), "--from", "2026-04-11", "--to", "2026-04-12", "-o", str(out))
    assert result.exit_code == 0, result.output
    page = out.read_text(encoding="utf-8")
    assert "Таласское управление" in page
    assert "11–12 апреля 2026 г." in page
    kazakh = tmp_path / "kk.html"
    result = run("report", "decade", "-c", str(config), *DECADE, "-l", "kk", "-o", str(kazakh))
    assert result.exit_code == 0, result.output
    assert "Су беру" in kazakh.read_text(encoding="utf-8")


def test_a_season_in_csv_with_a_decimal_comma(tmp_path: Path, store: Path) -> None:
    out = tmp_path / "season.csv"
    options = ["--registry", str(EXAMPLE), "--store", str(store), "--season", "2026", "--decimal", "comma"]
    result = run("report", "decade", *options, "--out", str(out))
    assert result.exit_code == 0, result.output
    assert out.read_text(encoding="utf-8-sig").splitlines()[0].startswith("kind;id;name;first day;last day")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--decade", "2026-07"], "as in 2026-07-2"),
        (["--decade", "2026-07-1", "--season", "2026"], "give one of --decade"),
        (["--from", "2026-07-01"], "both --from and --to"),
        (["--decade", "2199-07-1"], "has not begun yet"),
        ([*DECADE, "--district", "chu"], "no district 'chu'; the registry has talas"),
        ([*DECADE, "--out", "report.docx"], "ends in .html, .csv or .pdf"),
    ],
)
def test_what_cannot_be_done_says_how(tmp_path: Path, store: Path, options: list[str], said: str) -> None:
    out = ["--out", str(tmp_path / "a.csv")]
    result = run("report", "decade", "--registry", str(EXAMPLE), "--store", str(store), *out, *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "a.csv").exists()


def test_a_time_without_a_reading_is_said_and_has_its_exit_code(tmp_path: Path, store: Path) -> None:
    out = tmp_path / "empty.html"
    options = ["--registry", str(EXAMPLE), "--store", str(store), "--decade", "2026-05-2", "--out", str(out)]
    result = run("report", "decade", *options)
    assert result.exit_code == 3
    assert "the store has no reading of 2026-05-11 to 2026-05-20" in result.stderr
    assert "The store has no reading at all of this period" in out.read_text(encoding="utf-8")


def test_a_place_that_cannot_be_written_is_named_with_the_mend(tmp_path: Path, store: Path) -> None:
    for out, said in (
        (tmp_path / "no" / "a.csv", f"there is no folder {tmp_path / 'no'}. Make it"),
        (_folder(tmp_path / "b.csv"), "it is a folder. Name a file in it."),
    ):
        result = run("report", "decade", "--registry", str(EXAMPLE), "--store", str(store), *DECADE, "--out", str(out))
        assert result.exit_code == 1
        assert f"{out} cannot be written: {said}" in result.stderr
        assert "Errno" not in result.stderr


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_no_registry_or_no_store(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "a.csv")]
    assert "one of them" in run("report", "decade", *DECADE, *out).stderr
    lost = run("report", "decade", "--registry", str(tmp_path / "none"), *DECADE, *out)
    assert lost.exit_code == 2
    assert "there is no such file" in lost.stderr
    away = run("report", "decade", "--registry", str(EXAMPLE), "--state", str(tmp_path / "state"), *DECADE, *out)
    assert away.exit_code == 1
    assert "there is no store yet" in away.stderr


def test_the_help_has_examples() -> None:
    said = run("report", "decade", "--help").stdout
    assert "aryk report decade --registry registry" in said

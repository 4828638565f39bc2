"""The page, the table and the PDF of one report."""

import csv
import io
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

from dashboards.report import pdf as pdf_module
from dashboards.report.app import format_of
from dashboards.report.compose import Provenance, compose
from dashboards.report.csv_table import HEADER, csv_text
from dashboards.report.document import Document
from dashboards.report.html import html
from dashboards.report.pdf import pdf
from dashboards.report.settings import Language, ReportSettings
from dashboards.report.table import Report, ReportError
from dashboards.report.words import CATALOGUE
from hydrology.accounting import Alarm
from hydrology.load import registry_digest
from hydrology.registry import User
from tests.dashboards.report.district import EXAMPLE, example, example_report

LANGUAGES: list[Language] = ["en", "ru", "kk"]


def document(report: Report, language: Language = "en", office: str = "") -> Document:
    settings = ReportSettings(registry=EXAMPLE, language=language, office=office)
    return compose(report, settings, Provenance("1.2.3", "registry", "0123456789ab"))


class Tags(HTMLParser):
    VOID = frozenset({"meta", "rect", "line"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_asks_nobody_for_anything(language: Language) -> None:
    page = html(document(await example_report(), language))
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert not [name for name, _ in tags.attributes if name in ("src", "href")]
    assert "://" not in page
    assert "@import" not in page
    assert len(page.encode()) < 100_000
    assert CATALOGUE[language]["title"] in page


async def test_the_page_says_what_is_provisional_and_where_it_comes_from() -> None:
    page = html(document(await example_report(), office="Talas office"))
    assert "less than 90 % of the time was measured at Water users association Dostyk" in page
    assert "430.7 ◌" in page
    assert "Made 2026-07-21 08:30 (Asia/Almaty) by Aryk 1.2.3; registry registry, SHA-256 0123456789ab" in page
    assert "readings from 2026-04-01 00:00 to 2026-07-21 00:00" in page
    assert "will pass limit" in page
    assert "It says nothing about who." in page
    assert "standard deviations of the whole population" in page
    assert "Talas office" in page


async def test_a_decimal_comma_where_the_language_has_one() -> None:
    report = await example_report()
    assert "430,7 ◌" in html(document(report, "ru"))
    point = compose(
        report, ReportSettings(registry=EXAMPLE, language="ru", decimal="."), Provenance("1", "registry", "0")
    )
    assert "430.7 ◌" in html(point)


def renamed(report: Report, name: str) -> Report:
    first = report.users[0]
    values = first.user.model_dump() | {"name": name}
    return replace(report, users=(replace(first, user=User.model_validate(values)), *report.users[1:]))


async def test_names_are_text_whatever_is_in_them() -> None:
    hostile = '<script>alert(1)</script>"&'
    page = html(document(renamed(await example_report(), hostile), office=hostile))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;" in page


def rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


async def test_the_csv_has_one_header_with_units_and_a_row_for_each() -> None:
    report = await example_report()
    found = rows(csv_text(report))
    assert tuple(found[0]) == HEADER
    kinds = [row["kind"] for row in found]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "user": 6,
        "reach": 3,
        "reservoir": 1,
        "post": 7,
        "indicator": 4,
    }
    dostyk = next(row for row in found if row["id"] == "dostyk")
    assert dostyk["provisional"] == "yes"
    assert float(dostyk["coverage [%]"]) == pytest.approx(78, abs=1)
    assert float(dostyk["delivered [mln m3]"]) == pytest.approx(
        float(dostyk["delivered [thousand m3]"]) / 1000, abs=1e-6
    )
    birlik = next(row for row in found if row["id"] == "birlik")
    assert birlik["state"] == "projected over"
    assert float(birlik["projected overrun [mln m3]"]) > 0
    lower = next(row for row in found if row["id"] == "main/lower")
    assert lower["imbalance"] == "larger than uncertainty"
    posts = [row["id"] for row in found if row["kind"] == "post"]
    assert posts.index("canal-km8/discharge") < posts.index("canal-km17/discharge"), "along the canal"
    middle = next(row for row in found if row["id"] == "main/middle")
    assert middle["imbalance"] == "not judged"


async def test_an_indicator_stands_under_the_days_that_it_is_of() -> None:
    report = await example_report()
    season = [row for row in rows(csv_text(report)) if row["kind"] == "indicator"]
    assert {(row["first day"], row["last day"], row["season"]) for row in season} == {
        ("2026-04-01", "2026-07-20", "2026 growing")
    }
    assert report.indicators is not None
    both = replace(report, indicators=replace(report.indicators, decade=report.indicators.season))
    decade = [row for row in rows(csv_text(both)) if row["kind"] == "indicator" and not row["season"]]
    assert [row["id"] for row in decade] == ["adequacy", "efficiency", "equity"], "one decade has no dependability"
    assert {(row["first day"], row["last day"]) for row in decade} == {("2026-07-11", "2026-07-20")}


async def test_nobody_is_within_a_limit_that_was_not_measured() -> None:
    report = await example_report()
    enbek = next(row for row in report.users if row.alarm is Alarm.NONE)
    silent = replace(enbek, since=replace(enbek.since, coverage_pct=63.0, provisional=True), plan_m3=None)
    one = replace(report, users=(silent,))
    assert rows(csv_text(one))[0]["state"] == "not judged"
    (user_sheet, *_) = document(one).sheets
    assert user_sheet.rows[0][-1].text == "not judged"
    assert user_sheet.total is not None
    assert user_sheet.total[1].text == "–", "no plan is no plan of 0"
    assert rows(csv_text(report))[report.users.index(enbek)]["state"] == "none"


async def test_a_decimal_comma_makes_semicolons() -> None:
    report = await example_report()
    plain, comma = rows(csv_text(report)), rows(csv_text(report, ","), ";")
    assert [row["plan [thousand m3]"].replace(",", ".") for row in comma] == [r["plan [thousand m3]"] for r in plain]
    assert "," in comma[0]["plan [thousand m3]"]


async def test_no_spreadsheet_takes_a_name_for_a_formula() -> None:
    found = rows(csv_text(renamed(await example_report(), "=HYPERLINK(1)")))
    assert found[0]["name"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_pdf_is_two_pages_of_a4_landscape(language: Language) -> None:
    data = pdf(document(await example_report(), language))
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b(?!s)", data)) == 2
    assert b"/MediaBox [0 0 841.89 595.28]" in data
    assert len(data) < 60_000
    # It is text, which can be searched and copied, not a picture.
    assert b"/ToUnicode" in data
    assert zlib.decompress(re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S)[0])


@pytest.mark.parametrize("name", ["sans.ttf", "sans-bold.ttf"])
def test_the_letters_hold_every_word_of_the_catalogue(name: str) -> None:
    held = set(TTFont(Path(pdf_module.__file__).parent / "fonts" / name).getBestCmap())
    used = {ord(sign) for words in CATALOGUE.values() for text in words.values() for sign in text}
    used |= {ord(sign) for sign in "●◌–−+?.,0123456789·\N{NO-BREAK SPACE}ӘәҒғҚқҢңӨөҰұҮүҺһІі"}
    assert used - held == set()


def test_the_files_ending_says_what_is_written() -> None:
    assert format_of(Path("july.HTML")) == "html"
    with pytest.raises(ReportError, match=r"ends in \.html, \.csv or \.pdf"):
        format_of(Path("july.docx"))


def test_the_registrys_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.mkdir()
    (one / "a.toml").write_text("x = 1\n")
    first = registry_digest(one)
    assert registry_digest(one) == first
    (one / "a.toml").write_text("x = 2\n")
    assert registry_digest(one) != first
    assert len(registry_digest(EXAMPLE)) == 12
    assert example().users

"""The report as people see it: at a desk, on a phone, on paper."""

import gzip
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from dashboards.report.html import html
from dashboards.report.settings import Language
from tests.dashboards.report.district import example_report
from tests.dashboards.report.test_files import document

AXE = Path(__file__).parents[2] / "browser" / "vendor" / "axe-4.14.1.min.js.gz"


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    out = tmp_path / "report.html"
    out.write_text(html(document(await example_report())), encoding="utf-8")
    return out


async def open_at(page: Page, file: Path, width: int, height: int) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.set_viewport_size({"width": width, "height": height})
    await page.goto(file.as_uri())
    return asked


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 800), (900, 700), (360, 780)])
async def test_nothing_hangs_over_the_edge(page: Page, file: Path, width: int, height: int) -> None:
    asked = await open_at(page, file, width, height)
    assert asked == [file.as_uri()]
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await expect(page.locator("h1")).to_contain_text("11–20 July 2026")
    await expect(page.locator(".banner")).to_contain_text("Provisional")
    await expect(page.locator(".chart")).to_be_visible()


@pytest.mark.parametrize("language", ["ru", "kk"])
async def test_longer_words_fit_too(page: Page, tmp_path: Path, language: Language) -> None:
    file = tmp_path / f"{language}.html"
    file.write_text(html(document(await example_report(), language)), encoding="utf-8")
    for width, media in ((1280, "screen"), (360, "screen"), (1047, "print")):
        await page.emulate_media(media="print" if media == "print" else "screen")
        await open_at(page, file, width, 718)
        widest = "Math.max(...[...document.querySelectorAll('html, section')].map(e => e.scrollWidth - e.clientWidth))"
        assert await page.evaluate(widest) <= 0, (width, media)


async def test_at_a_desk_the_users_are_a_table_in_the_first_screen(page: Page, file: Path) -> None:
    await open_at(page, file, 1280, 900)
    table = page.locator("table").first
    box = await table.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 900
    rows = table.locator("tbody tr")
    assert await rows.count() == 6
    over = rows.filter(has_text="Birlik").locator("td.text")
    await expect(over).to_have_text("will pass limit")
    bar = rows.filter(has_text="Birlik").locator("svg.bar .fact")
    assert float(await bar.get_attribute("width") or 0) > 20
    # No two numbers run into each other.
    for row in await rows.all():
        boxes = [await cell.bounding_box() for cell in await row.locator("td > span").all()]
        edges = [(one["x"], one["x"] + one["width"]) for one in boxes if one is not None]
        assert all(a[1] <= b[0] + 0.5 for a, b in pairwise(edges))


async def test_on_a_phone_each_user_is_a_card_with_its_state_first(page: Page, file: Path) -> None:
    await open_at(page, file, 360, 780)
    assert not await page.locator("thead").first.is_visible()
    card = page.locator("tbody tr").filter(has_text="Birlik").first
    name, state = card.locator("th"), card.locator("td.text")
    plan = card.locator("td").first
    places = [await one.bounding_box() for one in (name, state, plan)]
    tops = [one["y"] for one in places if one is not None]
    assert len(tops) == 3
    assert tops == sorted(tops)
    await expect(card.locator(".g").first).to_have_text("This period")
    label = await plan.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert label == '"Plan, thousand m³"'


async def test_the_chart_has_a_column_for_each_decade_and_hatches_the_doubtful(page: Page, file: Path) -> None:
    await open_at(page, file, 1280, 800)
    said = await page.locator(".chart").get_attribute("aria-label")
    assert said is not None
    assert "July II: 3.98" in said
    assert await page.locator(".chart rect.fact[x]").count() == 10 + 1  # and one in the legend; April I had no plan
    assert await page.locator(".chart rect.partly").count() == 1 + 1


async def test_the_table_and_the_chart_are_the_first_printed_page(page: Page, file: Path) -> None:
    # A4 landscape less its margins, 277 by 190 mm, in the 96th parts of an inch that CSS has.
    width, height = 1047, 718
    await page.emulate_media(media="print")
    await open_at(page, file, width, height)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    chart = await page.locator("figure").bounding_box()
    assert chart is not None
    assert chart["y"] + chart["height"] <= height
    printed = await page.pdf(prefer_css_page_size=True, print_background=True)
    assert re.search(rb"/MediaBox \[0 0 84[12][.0-9]* 59[456][.0-9]*\]", printed)


async def test_axe_finds_nothing_serious(browser: Browser, file: Path) -> None:
    context = await browser.new_context(bypass_csp=True, viewport={"width": 1366, "height": 900})
    page = await context.new_page()
    await page.goto(file.as_uri())
    await page.add_script_tag(content=gzip.decompress(AXE.read_bytes()).decode())
    found: dict[str, Any] = await page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    serious = [
        (one["id"], [node["html"][:120] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical", "moderate")
    ]
    assert serious == []
    await context.close()

"""The live page in a real browser: what an operator, an official and an engineer see and do."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from store.memory import Fields
from store.points import SeriesKey
from tests.browser import scenes
from tests.browser.live_server import Clock, LiveServer, live_server
from tests.servers.wait import eventually

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js.gz"
LEVEL = SeriesKey("level", "st-00", "gw-00-level")
FLOW = SeriesKey("discharge", "st-00", "gw-00-flow")


class Live:
    """A page that is served, its data and its clock."""

    def __init__(self, server: LiveServer, scene: scenes.Scene, clock: Clock) -> None:
        self.server = server
        self.scene = scene
        self.clock = clock

    def measure(self, value: float, *, minutes_later: float = 1, flag: int = 1, key: SeriesKey = LEVEL) -> None:
        """A new reading comes in."""
        self.clock.ms += int(minutes_later * 60_000)
        self.scene.store.series[key][self.clock.ms] = Fields(value, flag)


@asynccontextmanager
async def live(tmp_path: Path, scene: scenes.Scene, **settings: object) -> AsyncIterator[Live]:
    clock = Clock(scene.now_ms)
    values: dict[str, object] = {"title": "Chu", "locale": "en-GB", **settings}
    async with live_server(scene.store, scene.write_registry(tmp_path), clock, **values) as server:
        yield Live(server, scene, clock)


def row(page: Page, id_: str) -> Locator:
    return page.locator(f"#stations li[data-id='{id_}']")


async def open_page(page: Page, site: Live, place: str = "") -> None:
    await page.goto(site.server.url + place)
    await expect(page.locator("body")).to_have_attribute("data-link", "open")


async def chart_drawn(page: Page, number: int = 0) -> Locator:
    plot = page.locator("#station .plot").nth(number)
    await expect(plot.locator("canvas")).to_be_visible()
    await expect(page.locator("#station .chart").nth(number).locator(".message")).to_be_hidden()
    return plot


async def ink(plot: Locator, left: float, right: float, color: str) -> int:
    """How many pixels of a colour a chart's drawing has between two shares of its width."""
    found: int = await plot.evaluate(
        """(node, [left, right, wanted]) => {
            const canvas = node.querySelector('canvas');
            const probe = document.createElement('canvas').getContext('2d');
            probe.fillStyle = getComputedStyle(node).getPropertyValue(wanted).trim();
            probe.fillRect(0, 0, 1, 1);
            const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
            const over = node.querySelector('.u-over').getBoundingClientRect();
            const box = canvas.getBoundingClientRect();
            const scale = canvas.width / box.width;
            const x = Math.round((over.left - box.left + left * over.width) * scale);
            const y = Math.round((over.top - box.top) * scale);
            const width = Math.max(Math.round((right - left) * over.width * scale), 1);
            const { data } = canvas.getContext('2d').getImageData(x, y, width, Math.round(over.height * scale));
            let count = 0;
            for (let at = 0; at < data.length; at += 4) {
                if (Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b) < 24) count += 1;
            }
            return count;
        }""",
        [left, right, color],
    )
    return found


async def test_the_top_line_says_in_words_whether_anything_is_wrong(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(12, flooded=3, silent=1)) as site:
        await open_page(page, site)
        await expect(page.locator("#sentence")).to_have_text(
            "1 in danger, 2 in warning, 1 silent since 08:02, 8 normal"
        )
        await expect(page).to_have_title("1 danger, 2 warning, 1 silent – Chu")
        first = page.locator("#stations li").first
        await expect(first).to_have_attribute("data-state", "danger")
        await expect(first.locator(".state")).to_have_text("Danger")
        await expect(page.locator("#notes")).to_have_text("Gateway gw-11 silent since 08:02: 1 station")


async def test_all_normal_is_said_and_nothing_else(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(5)) as site:
        await open_page(page, site)
        await expect(page.locator("#sentence")).to_have_text("All 5 stations normal")
        await expect(page).to_have_title("normal – Chu")


async def test_a_value_changes_in_place(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(5)) as site:
        await open_page(page, site)
        number = row(page, "st-02").locator(".value b")
        node = await number.element_handle()
        before = await number.inner_text()
        key = SeriesKey("level", "st-02", "gw-02-level")
        site.measure(1.234, key=key)
        await expect(number).to_have_text("1.23")
        assert before != "1.23"
        assert node is not None
        assert await node.evaluate("(one) => one.isConnected && one.textContent") == "1.23"


async def test_a_flood_moves_its_station_to_the_top_and_into_the_tabs_title(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(8)) as site:
        await open_page(page, site)
        key = SeriesKey("level", "st-03", "gw-03-level")
        site.measure(9.0, key=key)
        await expect(page.locator("#stations li").first).to_have_attribute("data-id", "st-03")
        await expect(page).to_have_title("1 danger – Chu")


async def test_rows_do_not_move_under_the_finger(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(8)) as site:
        await open_page(page, site)
        last = page.locator("#stations li").last
        id_ = await last.get_attribute("data-id")
        order = await page.locator("#stations li").evaluate_all("(all) => all.map((one) => one.dataset.id)")
        await last.hover()
        site.measure(999.0, key=SeriesKey("level", str(id_), f"gw-{str(id_)[3:]}-level"))
        await expect(row(page, str(id_)).locator(".word")).to_have_text("Danger")
        assert await page.locator("#stations li").evaluate_all("(all) => all.map((one) => one.dataset.id)") == order
        await expect(page.locator("#stations li").first).to_have_attribute("data-id", str(id_), timeout=8_000)


async def test_a_silent_station_turns_grey_and_its_value_is_struck(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(3)) as site:
        await open_page(page, site)
        await expect(row(page, "st-00").locator(".word")).to_have_text("Normal")
        site.clock.ms += 3_600_000
        silent = row(page, "st-00")
        await expect(silent).to_have_attribute("data-state", "stale")
        await expect(silent.locator(".word")).to_have_text("Silent")
        await expect(silent.locator(".age")).to_have_text(re.compile(r"since 1\d:\d\d"))
        assert "line-through" in await silent.locator(".value b").evaluate(
            "(one) => getComputedStyle(one).textDecorationLine"
        )
        await expect(page.locator("#sentence")).to_contain_text("3 silent")


async def test_the_chart_switches_its_range_without_loading_the_page_again(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(3, days=31)) as site:
        await open_page(page, site, "#/station/st-00")
        await chart_drawn(page)
        await page.evaluate("() => { window.stays = true; }")
        label = page.locator("#station .plot").first
        await expect(label).to_have_attribute("aria-label", re.compile("from 2026-11-22 15:05 to 2026-11-23 15:05"))
        for name, start in (("7 d", "2026-11-16 15:05"), ("30 d", "2026-10-24 15:05"), ("1 h", "2026-11-23 14:05")):
            async with page.expect_response(re.compile(r"/api/series\?")):
                await page.get_by_role("radio", name=name, exact=True).check()
            await expect(label).to_have_attribute("aria-label", re.compile(f"from {start} to 2026-11-23 15:05"))
        assert await page.evaluate("() => window.stays") is True


async def test_keys_open_a_station_switch_its_range_and_go_back(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(20)) as site:
        await open_page(page, site)
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        second = await page.locator("#stations li").nth(1).get_attribute("data-id")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(f"#/station/{second}$"))
        await expect(page.locator("#station h2")).to_be_focused()
        await chart_drawn(page)
        await page.keyboard.press("3")
        await expect(page.get_by_role("radio", name="7 d")).to_be_checked()
        await page.keyboard.press("Escape")
        await expect(page.locator("#station")).to_be_hidden()
        await expect(row(page, str(second)).locator("a")).to_be_focused()
        await page.keyboard.press("/")
        await expect(page.locator("#search")).to_be_focused()
        await page.keyboard.type("kant")
        await expect(page.locator("#stations li:not([hidden])")).to_have_count(1)
        await page.keyboard.press("Escape")
        await expect(page.locator("#stations li:not([hidden])")).to_have_count(20)


async def test_a_gap_is_a_gap(tmp_path: Path, page: Page) -> None:
    scene = scenes.district(3)
    for at in list(scene.store.series[LEVEL]):
        if scene.now_ms - 16 * 3_600_000 < at < scene.now_ms - 8 * 3_600_000:
            del scene.store.series[LEVEL][at]
    async with live(tmp_path, scene) as site:
        await open_page(page, site, "#/station/st-00")
        plot = await chart_drawn(page)
        # The gap is from a third to two thirds of the day.
        await eventually(lambda: ink(plot, 0.05, 0.3, "--accent"))
        assert await ink(plot, 0.36, 0.64, "--accent") == 0
        assert await ink(plot, 0.7, 0.95, "--accent") > 0
        assert await ink(plot, 0.36, 0.64, "--gap") > await ink(plot, 0.05, 0.3, "--gap")


async def test_the_crosshair_tells_value_unit_flag_and_time(tmp_path: Path, page: Page) -> None:
    scene = scenes.district(3)
    for fields in scene.store.series[LEVEL].values():
        fields.flag = 3
    async with live(tmp_path, scene) as site:
        await open_page(page, site, "#/station/st-00")
        plot = await chart_drawn(page)
        await plot.locator(".u-over").hover()
        readout = page.locator("#station .readout").first
        await expect(readout).to_have_text(re.compile(r"^\d\.\d\d m  suspect  2026-11-23 0[23]:\d\d$"))
        # A suspect value is hollow: the page's ground inside the line's colour.
        assert await ink(plot, 0, 1, "--accent") > 0
        # The same without a mouse.
        await page.mouse.move(5, 5)
        await plot.focus()
        await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("ArrowLeft")
        await expect(readout).to_have_text(re.compile(r"m  suspect  2026-11-23 1\d:\d\d$"))


async def test_a_drag_zooms_all_charts_and_one_key_goes_back(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(3)) as site:
        await open_page(page, site, "#/station/st-00")
        plot = await chart_drawn(page)
        second = await chart_drawn(page, 1)
        wide = await plot.get_attribute("aria-label")
        box = await plot.locator(".u-over").bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        await page.mouse.move(box["x"] + box["width"] * 0.25, middle)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
        await page.mouse.up()
        await expect(plot).to_have_attribute("aria-label", re.compile("from 2026-11-22 21:0. to 2026-11-23 03:0."))
        await expect(second).to_have_attribute("aria-label", re.compile("from 2026-11-22 21:0. to 2026-11-23 03:0."))
        await expect(page.get_by_role("button", name="Zoom out")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(plot).to_have_attribute("aria-label", str(wide))
        await expect(page.get_by_role("button", name="Zoom out")).to_be_hidden()
        await expect(page.locator("#station h2")).to_be_visible()


async def test_two_fingers_zoom(tmp_path: Path, browser: Browser) -> None:
    async with live(tmp_path, scenes.district(3)) as site:
        page = await browser.new_page(viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True)
        await open_page(page, site, "#/station/st-00")
        plot = await chart_drawn(page)
        before = await plot.get_attribute("aria-label")
        await plot.locator(".u-over").scroll_into_view_if_needed()
        box = await plot.locator(".u-over").bounding_box()
        assert box is not None
        y = box["y"] + box["height"] / 2

        def fingers(left: float, right: float) -> list[dict[str, float]]:
            return [{"x": box["x"] + left, "y": y, "id": 1}, {"x": box["x"] + right, "y": y, "id": 2}]

        session = await page.context.new_cdp_session(page)
        await session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers(100, 160)})
        for step in range(1, 5):
            points = fingers(100 - 15 * step, 160 + 15 * step)
            await session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
        await session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        await expect(page.get_by_role("button", name="Zoom out")).to_be_visible()
        assert await plot.get_attribute("aria-label") != before
        await page.close()


async def test_a_new_reading_moves_the_open_chart(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(3)) as site:
        await open_page(page, site, "#/station/st-00")
        plot = await chart_drawn(page)
        site.measure(1.111, minutes_later=15)
        await expect(page.locator("#station .big .value b")).to_have_text("1.11")
        await expect(plot).to_have_attribute("aria-label", re.compile("to 2026-11-23 15:20"))
        await expect(page.locator("#station .readout").first).to_have_text("1.11 m")


async def test_no_reading_in_the_range_says_when_the_last_one_was(tmp_path: Path, page: Page) -> None:
    scene = scenes.district(2, silent=1)
    async with live(tmp_path, scene) as site:
        await open_page(page, site, "#/station/st-01/1h")
        message = page.locator("#station .message").first
        await expect(message).to_have_text(re.compile("No reading in this range. The last one is from 2026-11-23 08:0"))
        await expect(page.locator("#station .notes")).to_have_text(re.compile("Its gateway gw-01 is silent since 08:0"))


async def test_an_empty_system_says_how_to_register_a_station(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.empty()) as site:
        await open_page(page, site)
        await expect(page.locator("#sentence")).to_have_text("Waiting for the first station")
        await expect(page.locator("#empty")).to_contain_text("registry.toml")
        # What the page shows there is a registry that works.
        sample = await page.locator("#empty pre").inner_text()
        (tmp_path / "registry.toml").write_text(sample, encoding="utf-8")
        await expect(row(page, "head-gate").locator(".word")).to_have_text("Waiting")
        await expect(page.locator("#sentence")).to_have_text("1 waiting for a first reading")
        await expect(page.locator("#empty")).to_be_hidden()


async def test_a_station_that_is_not_there_is_said(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(20)) as site:
        await open_page(page, site, "#/station/nowhere")
        await expect(page.locator("#station")).to_contain_text("There is no station “nowhere”.")
        await page.keyboard.press("Escape")
        await expect(page.locator("#station")).to_be_hidden()


async def test_when_the_server_is_away_the_last_picture_stays_and_says_since_when(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(5, flooded=1)) as site:
        await open_page(page, site)
        await expect(page.locator("#banner")).to_be_hidden()
        await site.server.stop()
        await expect(page.locator("#banner")).to_have_text(
            re.compile(r"No contact with the server since 2026-11-23 15:0\d")
        )
        await expect(page).to_have_title("no contact – Chu")
        await expect(row(page, "st-00").locator(".word")).to_have_text("Danger")
        site.measure(1.505)
        await site.server.start()
        await expect(page.locator("#banner")).to_be_hidden(timeout=10_000)
        await expect(row(page, "st-00").locator(".value b")).to_have_text("1.50")


async def test_a_store_that_goes_away_is_said(tmp_path: Path, page: Page) -> None:
    scene = scenes.district(3)
    async with live(tmp_path, scene) as site:
        await open_page(page, site)
        await page.route("**/api/series?*", lambda route: route.fulfill(status=503, body="{}"))
        await page.goto(f"{site.server.url}#/station/st-00")
        await expect(page.locator("#station .message").first).to_contain_text("cannot be read now")
        await page.unroute("**/api/series?*")
        await expect(page.locator("#station .message").first).to_be_hidden(timeout=10_000)
        await chart_drawn(page)


async def test_without_leave_the_page_says_so(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(3)) as site:
        await page.route("**/api/stations", lambda route: route.fulfill(status=403, body=""))
        await page.goto(site.server.url)
        await expect(page.locator("#banner")).to_contain_text("You may not see this page")


async def test_the_page_opens_without_its_server_from_what_the_device_has_kept(
    tmp_path: Path, browser: Browser
) -> None:
    async with live(tmp_path, scenes.district(5, flooded=1)) as site:
        context = await browser.new_context()
        page = await context.new_page()
        await open_page(page, site)
        await page.evaluate("() => navigator.serviceWorker.ready")
        # The second load goes through the worker, which then has everything.
        await page.reload()
        await expect(page.locator("body")).to_have_attribute("data-link", "open")
        await page.evaluate("() => dispatchEvent(new Event('pagehide'))")
        await site.server.stop()
        await page.reload()
        await expect(page.locator("#banner")).to_have_text(re.compile(r"since 2026-11-23 15:0\d"))
        await expect(row(page, "st-00").locator(".word")).to_have_text("Danger")
        await context.close()
        await site.server.start()


@pytest.mark.parametrize(("width", "height"), [(360, 780), (768, 1024), (1100, 700), (1920, 1080)])
async def test_nothing_scrolls_sideways_and_targets_are_large_enough(
    tmp_path: Path, browser: Browser, width: int, height: int
) -> None:
    async with live(tmp_path, scenes.district(40, flooded=3, silent=5)) as site:
        page = await browser.new_page(viewport={"width": width, "height": height})
        for place in ("", "#/station/st-00"):
            await open_page(page, site, place)
            if place:
                await chart_drawn(page)
            sideways = await page.evaluate(
                """() => [document.documentElement, ...document.querySelectorAll('#board, #station, #top')]
                    .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.id || one.tagName)"""
            )
            assert sideways == []
            small = await page.evaluate(
                """(least) => [...document.querySelectorAll('a, button, input, select, summary')]
                    .filter((one) => one.checkVisibility())
                    .map((one) => [one.outerHTML.slice(0, 60), one.getBoundingClientRect()])
                    .filter(([, box]) => box.height < least || box.width < least).map(([html, box]) => html + box.height)""",
                # A mouse hits 32 px; fingers need 44.
                44 if width < 1100 else 32,
            )
            assert small == []
        await page.close()


async def test_forty_stations_are_on_one_wall_screen_without_scrolling(tmp_path: Path, browser: Browser) -> None:
    async with live(tmp_path, scenes.district(40, flooded=3, silent=5)) as site:
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        await open_page(page, site)
        await expect(page.locator("#stations li")).to_have_count(40)
        bottom = await page.locator("#stations li").evaluate_all(
            "(all) => Math.max(...all.map((one) => one.getBoundingClientRect().bottom))"
        )
        assert bottom <= 1080
        assert await page.evaluate(
            "() => document.querySelector('#board').scrollHeight <= document.querySelector('#board').clientHeight"
        )
        cut = await page.locator("#stations .name b").evaluate_all(
            "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"
        )
        assert cut == []
        await page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["", "#/station/st-00"])
async def test_axe_finds_nothing_serious(tmp_path: Path, browser: Browser, scheme: str, place: str) -> None:
    async with live(tmp_path, scenes.district(20, flooded=3, silent=2)) as site:
        # axe is not the page's own script: only for it the policy is set aside.
        context = await browser.new_context(
            color_scheme="dark" if scheme == "dark" else "light",
            bypass_csp=True,
            viewport={"width": 1366, "height": 900},
        )
        page = await context.new_page()
        await open_page(page, site, place)
        if place:
            await chart_drawn(page)
            await page.locator("#station details summary").click()
        await page.add_script_tag(content=gzip.decompress(AXE.read_bytes()).decode())
        found: dict[str, Any] = await page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
        serious = [
            (one["id"], one["impact"], [node["html"][:120] for node in one["nodes"][:3]])
            for one in found["violations"]
            if one["impact"] in ("serious", "critical", "moderate")
        ]
        assert serious == []
        await context.close()


async def test_nothing_breaks_the_content_policy_and_nothing_comes_from_another_host(
    tmp_path: Path, page: Page
) -> None:
    async with live(tmp_path, scenes.district(20, flooded=1)) as site:
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda line: said.append(line.text) if line.type in ("error", "warning") else None)
        page.on("request", lambda request: asked.append(request.url))
        await open_page(page, site)
        await page.locator("#stations a").first.click()
        await chart_drawn(page)
        await page.locator("#station details summary").click()
        await chart_drawn(page, 2)
        await page.keyboard.press("2")
        assert said == []
        assert all(url.startswith(site.server.url) for url in asked)


async def test_the_first_visit_is_light_and_quick(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(40)) as site:
        sizes: list[int] = []

        async def weigh(response: Any) -> None:
            if not response.url.endswith("/events") and "/events?" not in response.url:
                sizes.append((await response.request.sizes())["responseBodySize"])

        waiting: list[asyncio.Task[None]] = []
        page.on("requestfinished", lambda request: waiting.append(asyncio.ensure_future(weigh_request(request))))

        async def weigh_request(request: Any) -> None:
            await weigh(await request.response())

        await open_page(page, site)
        await page.locator("#stations a").first.click()
        await chart_drawn(page)
        await asyncio.gather(*waiting)
        assert 20_000 < sum(sizes) < 200_000
        paint = await page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
        assert paint < 1000


@pytest.mark.parametrize(("locale", "text"), [("ru-KZ", "1,23"), ("kk-KZ", "1,23"), ("en-GB", "1.23")])
async def test_numbers_are_written_as_in_the_readers_country(
    tmp_path: Path, browser: Browser, locale: str, text: str
) -> None:
    async with live(tmp_path, scenes.district(3), locale="") as site:
        site.measure(1.234)
        context = await browser.new_context(locale=locale)
        page = await context.new_page()
        await open_page(page, site)
        await expect(row(page, "st-00").locator(".value b")).to_have_text(text)
        await context.close()


async def test_the_csv_of_the_chart_has_its_range(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(3)) as site:
        await open_page(page, site, "#/station/st-00/1h")
        await chart_drawn(page)
        async with page.expect_download() as download:
            await page.get_by_role("link", name=re.compile("Download this range of Water level")).click()
        file = await download.value
        assert file.suggested_filename == "st-00_level_2026-11-23_2026-11-23.csv"
        path = await file.path()
        lines = (await asyncio.to_thread(path.read_text, encoding="utf-8")).splitlines()
        assert lines[0].startswith("time_utc,time_local,station")
        assert 4 <= len(lines) <= 5


async def test_a_page_of_an_older_release_loads_itself_again(tmp_path: Path, page: Page) -> None:
    async with live(tmp_path, scenes.district(3)) as site:
        pretended: list[str] = []

        async def older(route: Any) -> None:
            answer = await route.fetch()
            picture = await answer.json()
            if not pretended:
                pretended.append(picture["page"])
                picture["page"] = "/static/0123456789abcdef"
            await route.fulfill(response=answer, json=picture)

        await page.route("**/api/stations", older)
        loads: list[str] = []
        page.on("load", lambda _: loads.append("load"))
        await open_page(page, site)
        await eventually(lambda: len(loads) == 2)
        await expect(page.locator("#sentence")).to_have_text("All 3 stations normal")


RESERVOIR = """
[districts.chu]
name = "Chu"
timezone = "Asia/Bishkek"
[[gateways]]
id = "gw"
district = "chu"
[[stations]]
id = "dam"
name = "Dam"
district = "chu"
kind = "reservoir"
[stations.datum]
zero_m = 700.0
system = "Baltic 1977"
[stations.levels]
dead_m = 705.0
normal_m = 720.0
[[stations.storage]]
effective_from = 2020-01-01
rows = [[700.0, 0.0], [725.0, 50.0]]
[[stations.sensors]]
id = "dam-level"
gateway = "gw"
quantity = "level"
unit = "m"
thresholds = { action = 19.0, major = 19.5 }
"""


async def test_how_full_a_reservoir_is_can_be_seen_in_its_row_and_on_its_page(tmp_path: Path, page: Page) -> None:
    scene = scenes.empty()
    scene.registry = RESERVOIR
    for key, value in (
        (("level", "dam", "dam-level"), 15.0),
        (("fill", "dam", "full"), 75.0),
        (("volume", "dam", "volume"), 30e6),
    ):
        times = range(scene.now_ms - 86_400_000, scene.now_ms + 1, 900_000)
        scene.store.series[SeriesKey(*key)] = {at: Fields(value, 1) for at in times}
    async with live(tmp_path, scene) as site:
        await open_page(page, site)
        await expect(row(page, "dam")).to_contain_text("75 % full")
        bar = row(page, "dam").locator(".fill")
        inner = await bar.locator("i").bounding_box()
        outer = await bar.bounding_box()
        assert inner is not None
        assert outer is not None
        assert 0.7 < inner["width"] / outer["width"] < 0.78
        await open_page(page, site, "#/station/dam")
        await expect(page.locator("#station .big")).to_contain_text("75 % full")
        charts = page.locator("#station .chart")
        await expect(charts.filter(has_text="Stored volume")).to_contain_text("30.000")
        await expect(charts.filter(has_text="Stored volume").locator(".unit")).to_have_text("million\u00a0m³")


async def test_a_threshold_s_name_does_not_cover_the_line(tmp_path: Path, page: Page) -> None:
    """The water stands just over the threshold where the name would come first, at either end, and lower between."""
    scene = scenes.district(1)
    points = scene.store.series[LEVEL]
    limit = float(re.findall(r"action = ([\d.]+)", scene.registry)[0])
    for at in points:
        hours = (scene.now_ms - at) / 3_600_000
        points[at] = Fields(limit - 0.3 if 8 < hours < 16 else limit + 0.04, 1)
    async with live(tmp_path, scene) as site:
        await open_page(page, site, "#/station/st-00")
        plot = await chart_drawn(page)
        # As much of the line is to be seen where it runs close over the threshold as where it runs far below.
        near, far = await ink(plot, 0.72, 0.97, "--accent"), await ink(plot, 0.38, 0.63, "--accent")
        assert near > 0.97 * far > 0

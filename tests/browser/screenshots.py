"""Pictures of the live page as people see it: `python -m tests.browser.screenshots OUT [scene ...]`.

`python -m tests.browser.screenshots docs/pictures http://127.0.0.1:8080/` beside `aryk demo` takes the README's picture.

Every scene at a phone's, a tablet's and a wall's size, light and dark, with seeded data and a clock that stands still.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page

from tests.browser import scenes
from tests.browser.live_server import Clock, live_server
from tests.servers.chromium import headless_chromium

README_SIZE = (1360, 850)
SIZES = {"phone": (360, 780), "tablet": (768, 1024), "wall": (1920, 1080)}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

SCENES: dict[str, Callable[[], scenes.Scene]] = {
    "normal": lambda: scenes.district(),
    "flood": lambda: scenes.district(flooded=3, silent=1, days=31),
    "silent": lambda: scenes.district(silent=20),
    "empty": scenes.empty,
    "few": lambda: scenes.district(10, flooded=1, days=8),
}
OPEN: dict[str, tuple[str, ...]] = {
    "normal": (),
    "flood": ("st-00/24h", "st-00/30d"),
    "silent": ("st-39",),
    "few": ("st-09/7d",),
}


async def settled(page: Page) -> None:
    """Wait until the page shows the picture, and every chart on it is drawn."""
    await page.wait_for_function(
        """() => !document.body.dataset.link || (document.body.dataset.link === 'open'
        && document.querySelector('#sentence').textContent.length > 8
        && [...document.querySelectorAll('.chart')].every((one) => one.querySelector('canvas')
            || (one.querySelector('.message:not([hidden])') && !one.textContent.includes('Loading'))))"""
    )
    await page.wait_for_function(
        "() => document.querySelectorAll('#stations li').length === 0 || document.querySelector('.spark .line[d^=M]')"
    )
    # Two frames: the charts draw in the first.
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


async def take(browser: Browser, name: str, out: Path) -> None:
    """All pictures of one scene."""
    scene = SCENES[name]()
    with tempfile.TemporaryDirectory() as folder:
        registry = scene.write_registry(Path(folder))
        async with live_server(
            scene.store, registry, Clock(scene.now_ms), title="Chu district", refresh=1.0, locale="en-GB"
        ) as server:
            for size, (width, height) in SIZES.items():
                for theme in THEMES:
                    page = await browser.new_page(
                        viewport={"width": width, "height": height},
                        color_scheme=theme,
                        device_scale_factor=2 if size == "phone" else 1,
                        has_touch=size != "wall",
                    )
                    await page.goto(server.url)
                    await settled(page)
                    await page.screenshot(path=out / f"{name}-{size}-{theme}.png")
                    for place in OPEN.get(name, ()):
                        await page.goto(f"{server.url}#/station/{place}")
                        await page.wait_for_selector("#station h2")
                        await settled(page)
                        await page.screenshot(path=out / f"{name}-{size}-{theme}-{place.replace('/', '-')}.png")
                    await page.close()


async def take_for_readme(browser: Browser, address: str, picture: Path) -> None:
    """The one picture of the README: `aryk demo` at a desk, the reservoir open."""
    width, height = README_SIZE
    page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    await page.goto(f"{address}#/station/reservoir/7d")
    await page.wait_for_selector("#station h2")
    await page.wait_for_function("() => document.body.dataset.link === 'open'")
    await settled(page)
    await page.screenshot(path=picture)


async def main(out: Path, names: list[str]) -> None:
    """Take the pictures into a folder that is there; the name of a running demo's page stands for the README's picture."""
    async with headless_chromium() as browser:
        for name in names or list(SCENES):
            if name.startswith("http://"):
                await take_for_readme(browser, name, out / "live.png")
            else:
                await take(browser, name, out)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))

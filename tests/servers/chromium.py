"""Debian's Chromium, headless, driven by Playwright."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.find import find_server

if TYPE_CHECKING:
    from playwright.async_api import Browser

FLAGS = (
    # Tests run as root in containers.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page that asks for anything beyond this machine fails its test instead of working by luck.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


@asynccontextmanager
async def headless_chromium(path: Path | None = None) -> AsyncIterator["Browser"]:
    """Start a browser of one's own, with no state from earlier ones."""
    # Here, because every test run loads this module, and Playwright takes a quarter of a second.
    from playwright.async_api import async_playwright

    executable = path or find_server("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()

"""Takes the picture of docs/reports.md: `python -m tests.dashboards.report.picture`."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from dashboards.report.html import html
from tests.dashboards.report.district import example_report
from tests.dashboards.report.test_files import document
from tests.servers.chromium import headless_chromium

OUT = Path(__file__).parents[3] / "docs" / "pictures" / "decade-report.png"


async def take(out: Path) -> None:
    with TemporaryDirectory() as folder:
        page_file = Path(folder) / "report.html"
        page_file.write_text(html(document(await example_report())), encoding="utf-8")
        async with headless_chromium() as browser:
            page = await browser.new_page(viewport={"width": 1280, "height": 1180})
            await page.goto(page_file.as_uri())
            await page.screenshot(path=out)


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT))

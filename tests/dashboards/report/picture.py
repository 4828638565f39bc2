"""Takes the picture of docs/reports.md, by the page's own commands: `python -m tests.dashboards.report.picture`."""

import asyncio
import re
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.servers.chromium import headless_chromium

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reports.md"
OUT = ROOT / "docs" / "pictures" / "decade-report.png"


def commands() -> list[list[str]]:
    """The commands of the page's first block, as words."""
    found = re.search(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    assert found is not None
    return [shlex.split(line.split("  #")[0]) for line in found[1].splitlines()]


def run_commands(folder: Path) -> None:
    for words in commands():
        subprocess.run([sys.executable, "-m", *words], cwd=folder, check=True)


async def take(out: Path) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "registry").symlink_to(ROOT / "registry")
        await asyncio.to_thread(run_commands, Path(folder))
        async with headless_chromium() as browser:
            page = await browser.new_page(viewport={"width": 1280, "height": 1180})
            await page.goto((Path(folder) / "july-2.html").as_uri())
            await page.screenshot(path=out)


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT))

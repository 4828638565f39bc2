import pytest
from playwright.async_api import Error, Page


async def test_a_page_is_laid_out_and_its_scripts_run(page: Page) -> None:
    await page.set_content("<h1>Арық</h1><script>document.title = 1 + 1</script>")
    assert await page.title() == "2"
    box = await page.locator("h1").bounding_box()
    assert box is not None
    assert box["height"] > 10


async def test_nothing_beyond_this_machine_is_reached(page: Page) -> None:
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        await page.goto("http://aryk.invalid/")

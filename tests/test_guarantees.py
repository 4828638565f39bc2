"""docs/guarantees.md has every row of the design's table, and every test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guarantees.md"
DESIGN = ROOT / "docs" / "design.md"


def rows(text: str, header: str) -> list[list[str]]:
    table = text.split(header)[1].split("\n\n")[0].strip().split("\n")[1:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table]


def test_every_row_of_the_design_is_there_word_for_word_with_its_test() -> None:
    promised = rows(DESIGN.read_text(encoding="utf-8"), "| fault | promise |")
    shown = rows(PAGE.read_text(encoding="utf-8"), "| fault | promise | test |")
    assert len(promised) == 11
    assert [row[:2] for row in shown] == promised
    for *_, tests in shown:
        assert re.search(r"\(\.\./tests/faults/test_\w+\.py\)", tests), tests


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(links) > 15
    assert [link for link in links if not (PAGE.parent / link).is_file()] == []


def test_every_linked_test_has_tests() -> None:
    for link in set(re.findall(r"\]\((\.\./tests/[^)]*/test_\w+\.py)\)", PAGE.read_text(encoding="utf-8"))):
        assert re.search(r"^(async )?def test_|TestCase$", (PAGE.parent / link).read_text(), re.M), link


def test_every_fault_test_is_on_the_page() -> None:
    named = set(re.findall(r"\.\./tests/faults/(test_\w+\.py)", PAGE.read_text(encoding="utf-8")))
    assert {path.name for path in (ROOT / "tests" / "faults").glob("test_*.py")} <= named


def test_the_readme_leads_to_it_and_it_says_what_is_not_promised() -> None:
    assert "(docs/guarantees.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    assert "## What is not promised" in text
    assert "`kill -9` is not a power cut" in text

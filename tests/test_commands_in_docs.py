"""Every `aryk` command that a page or a runbook names can be typed so: its words and its options are there."""

import re
from pathlib import Path

import pytest
import typer

from aryk.cli import build
from tests.source_tree import ROOT

PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")], key=lambda path: str(path)
)
COMMAND = typer.main.get_command(build())
_CODE = re.compile(r"`([^`\n]+)`|^(?: {4})?(aryk .+)$", re.M)
# A runbook shortens what it has just said: "… dead-letters show ID".
_STANDS_FOR = {"… dead-letters": "aryk ingest dead-letters"}


def commands(text: str) -> list[list[str]]:
    """The words of each command, from the one after `aryk` on, without what is explained beside it."""
    out = []
    for inline, line in _CODE.findall(text):
        said = re.split(r"   |  +#|\|", inline or line)[0]
        for short, whole in _STANDS_FOR.items():
            said = said.replace(short, whole)
        match = re.search(r"\baryk ([a-z].*)", said)
        if match is not None and not said.startswith(("pip", "make")):
            out.append(match[1].split())
    return out


def wrong(words: list[str]) -> str | None:
    """What of it cannot be typed."""
    command, at = COMMAND, 0
    while hasattr(command, "commands") and at < len(words) and re.match(r"[a-z]", words[at]):
        found = command.commands.get(words[at])
        if found is None:
            return f"no command {words[at]!r}"
        command, at = found, at + 1
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in words[at:] if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
    return f"no option {', '.join(unknown)}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_command_of_a_page_can_be_typed(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert {" ".join(words): why for words in commands(text) if (why := wrong(words)) is not None} == {}


def test_commands_are_found_where_pages_have_them() -> None:
    text = "see `docker compose exec x aryk ingest audit --days 7`, `… dead-letters show ID`\n    aryk live --config x   # it\n"
    assert commands(text) == [
        ["ingest", "audit", "--days", "7"],
        ["ingest", "dead-letters", "show", "ID"],
        ["live", "--config", "x"],
    ]
    assert wrong(["ingest", "dead-letters", "list", "--config", "x"]) == "no option --config"
    assert wrong(["ingest", "adit"]) == "no command 'adit'"

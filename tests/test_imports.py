"""Which of our packages may import which: the table of docs/design.md, and the extras of pyproject.toml."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.source_tree import PACKAGES, ROOT, files, imports, reachable

ROLES = frozenset({"gateway", "ingest", "simulator", "dashboards"})
# An extra, and where its role starts.
STARTS = {
    "gateway": ("gateway/app.py", "aryk/commands/gateway.py"),
    "ingest": ("ingest/app.py", "aryk/commands/ingest.py"),
    "simulator": ("simulator/app.py", "aryk/commands/simulate.py"),
    "live": ("dashboards/live/app.py", "aryk/commands/live.py"),
}

# Parts of what an extra names.
COMES_WITH = {
    "pydantic": {"pydantic-core", "typing-extensions"},
    "pymodbus": {"pyserial"},
    "typer": {"click", "rich"},
}


def rules() -> dict[str, frozenset[str] | None]:
    """What the table says each package may import of ours; None stands for all."""
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    table = text.split("| package | may import |")[1].split("\n\n")[0]
    out: dict[str, frozenset[str] | None] = {}
    for row in table.strip().split("\n")[1:]:
        left, right = row.strip("|").split("|")
        allowed = None if right.strip().startswith("all") else frozenset(re.findall(r"`(\w+)`", right))
        for package in re.findall(r"`(\w+)`", left):
            out[package] = allowed
    return out


def test_the_table_speaks_of_every_package() -> None:
    assert rules().keys() == PACKAGES


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_package_imports_only_what_the_table_allows(package: str) -> None:
    allowed = rules()[package]
    wrong = [
        f"{path.relative_to(ROOT)}:{one.line} imports {one.module}"
        for path in files(package)
        for one in imports(path)
        if one.package in PACKAGES | {"tests", "benchmarks"}
        and one.package != package
        and (one.package not in PACKAGES or (allowed is not None and one.package not in allowed))
    ]
    assert wrong == []


def test_the_command_line_starts_without_any_role() -> None:
    """A role is imported inside its command: not before, and not by another module of ours."""
    started = [path for path in files("aryk") if path.parent.name == "commands" or path.stem in ("cli", "__main__")]
    loaded = {path.relative_to(ROOT).parts[0] for path in reachable(started, at_start_only=True)}
    assert "aryk" in loaded
    assert loaded & ROLES == set()


def test_the_contract_does_nothing_but_compute() -> None:
    effects = {
        "asyncio",
        "socket",
        "sqlite3",
        "subprocess",
        "threading",
        "time",
        "random",
        "secrets",
        "os",
        "urllib",
        "http",
    }
    wrong = [
        f"{path.relative_to(ROOT)}:{one.line} imports {one.module}"
        for path in files("wire")
        for one in imports(path)
        if one.package in effects
    ]
    assert wrong == []


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def distributions(extra: str) -> set[str]:
    """What an extra names, with what every install has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        normal(re.split(r"[\[<>=;! ]", requirement)[0])
        for requirement in [*project["dependencies"], *project["optional-dependencies"][extra]]
    }
    return wanted.union(*(COMES_WITH.get(name, set()) for name in wanted))


@pytest.mark.parametrize("extra", STARTS)
def test_a_role_needs_only_what_its_extra_brings(extra: str) -> None:
    known = packages_distributions()
    allowed = distributions(extra)
    wrong = {
        f"{path.relative_to(ROOT)}:{one.line} imports {one.package}, which aryk[{extra}] does not bring"
        for path in reachable(ROOT / start for start in STARTS[extra])
        for one in imports(path)
        if one.package not in sys.stdlib_module_names
        and one.package not in PACKAGES
        and not allowed & {normal(name) for name in known.get(one.package, [one.package])}
        and not one.optional
    }
    assert wrong == set()

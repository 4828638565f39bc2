"""Our own source, read as trees: which module imports what, and where."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = frozenset(path.parent.name for path in ROOT.glob("*/py.typed"))
"""Ours: each has the mark that it is typed."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's module.

    `at_start`: it runs as the module is imported. `optional`: something else is done where it cannot be imported.
    """

    module: str
    line: int
    at_start: bool
    optional: bool = False

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@cache
def imports(path: Path) -> tuple[Import, ...]:
    """Every import of this file but those for the type checker alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(Import(*found) for found in _walk(tree, path, at_start=True, optional=False))


def _walk(node: ast.AST, path: Path, *, at_start: bool, optional: bool) -> Iterator[tuple[str, int, bool, bool]]:
    for module in _modules(node, path):
        yield module, node.lineno, at_start, optional  # type: ignore[attr-defined]  # a statement or a call has one
    at_start = at_start and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    for field, value in ast.iter_fields(node):
        if isinstance(node, ast.If) and field == "body" and _for_types(node.test):
            continue
        may_fail = optional or (isinstance(node, ast.Try) and field == "body" and _expects_missing(node))
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child, path, at_start=at_start, optional=may_fail)


def _modules(node: ast.AST, path: Path) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            base = ".".join((*path.relative_to(ROOT).parts[: -node.level], base)).rstrip(".")
        return [base, *(f"{base}.{alias.name}" for alias in node.names)]
    if isinstance(node, ast.Call) and _called(node) == "import_module" and isinstance(node.args[0], ast.Constant):
        return [str(node.args[0].value)]
    return []


def _expects_missing(node: ast.Try) -> bool:
    return any(
        isinstance(handler.type, ast.Name) and handler.type.id in ("ImportError", "ModuleNotFoundError")
        for handler in node.handlers
    )


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _for_types(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def module_file(module: str) -> Path | None:
    """The file of one of our modules, or None."""
    path = ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def reachable(starts: Iterable[Path], *, at_start_only: bool = False) -> set[Path]:
    """These files, and those that they cannot do without, and theirs: at once or later, or only at once."""
    seen: set[Path] = set()
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for one in imports(path):
            if one.package in PACKAGES and not one.optional and (one.at_start or not at_start_only):
                parts = one.module.split(".")
                found = [module_file(".".join(parts[:length])) for length in range(1, len(parts) + 1)]
                waiting.extend(path for path in found if path is not None)
    return seen

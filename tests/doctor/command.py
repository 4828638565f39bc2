"""`aryk doctor` as it is typed."""

import json
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from aryk.cli import build
from doctor.checks import Level, Name


@dataclass(frozen=True, slots=True)
class Report:
    """What it printed for scripts."""

    exit: int
    checks: list[dict[str, str]]

    def of(self, name: Name) -> dict[str, str]:
        """The only check of this name."""
        (one,) = self.all(name)
        return one

    def all(self, name: Name) -> list[dict[str, str]]:
        """All checks of this name."""
        return [one for one in self.checks if one["name"] == name.value]

    def at(self, level: Level) -> list[tuple[str, str]]:
        """Names and sentences at this level."""
        return [(one["name"], one["says"]) for one in self.checks if one["level"] == level.value]


def doctor(side: str, *arguments: object) -> Report:
    """Run it with --json, and check that all it prints is what docs/doctor.md says."""
    result = CliRunner().invoke(build("doctor"), ["doctor", side, "--json", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    document: dict[str, Any] = json.loads(result.output)
    assert set(document) == {"side", "exit", "checks"}
    assert document["side"] == side
    assert document["exit"] == result.exit_code
    for check in document["checks"]:
        assert set(check) == {"name", "subject", "level", "says", "mend"}
        assert all(isinstance(value, str) for value in check.values())
        assert check["name"] in {name.value for name in Name}
        assert check["level"] in {level.value for level in Level}
        assert check["says"]
        assert check["level"] != "fail" or check["mend"], check
    return Report(result.exit_code, document["checks"])

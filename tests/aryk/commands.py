"""Running a command of ours in this process."""

from typer.testing import CliRunner, Result

from aryk.cli import build


def run(*arguments: str) -> Result:
    """What `aryk ARGUMENTS` says and ends with."""
    return CliRunner().invoke(build(arguments[0]), list(arguments))

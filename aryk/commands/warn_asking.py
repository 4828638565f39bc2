"""What the commands of `aryk warn` ask alike: the registry, and as of when."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aryk.running import fail
from settings import SettingsError

if TYPE_CHECKING:
    from hydrology.registry import Registry

Folder = Annotated[Path, typer.Option("--registry", help="the registry's folder or file")]
At = Annotated[
    str | None, typer.Option("--at", help="as it was at this time, as in 2026-04-29T08:00:00+05:00; else now")
]


def load(registry: Path) -> "Registry":
    """The registry; a wrong one ends the command."""
    from hydrology.load import load_registry

    try:
        return load_registry(registry)
    except SettingsError as error:
        fail(error)


def moment(at: str | None, option: str = "--at") -> datetime:
    """The time that was asked for, else now. Raises typer.BadParameter for what is no time with its offset."""
    if at is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter(
            f"{at!r} is not a time with its offset, as in 2026-04-29T08:00:00+05:00", param_hint=option
        )
    return found

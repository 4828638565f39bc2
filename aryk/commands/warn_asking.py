"""What the commands of `aryk warn` ask alike: which registry, and as of when."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option("--registry", help="the registry's folder or file")]
At = Annotated[
    str | None, typer.Option("--at", help="as it was at this time, as in 2026-04-29T08:00:00+05:00; else now")
]


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

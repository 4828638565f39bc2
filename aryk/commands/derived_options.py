"""What `aryk rederive` and `aryk lineage` share: which derived series are meant."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aryk.commands.ingest_asking import stop
from aryk.commands.registry import load

if TYPE_CHECKING:
    from hydrology.derived import Derivation

Station = Annotated[str, typer.Option("--station", "-s", help="the station's id")]
Series = Annotated[
    str | None, typer.Option("--series", help="one series' id, such as discharge; else all of the station")
]


def derived_of(registry: Path) -> "list[Derivation]":
    """All derivations of a registry; says what is wrong with it and exits with 2."""
    from hydrology.derived import derivations

    return derivations(load(registry))


def choose(known: "list[Derivation]", station: str, series: str | None) -> "list[Derivation]":
    """Those that were asked for; says which there are, and exits with 2, when there are none."""
    here = [one for one in known if one.station == station]
    if not here:
        names = ", ".join(sorted({one.station for one in known})) or "none"
        stop(f"nothing is derived at a station {station!r}; stations with derived series: {names}", 2)
    found = [one for one in here if series in (None, *(output.name.sensor for output in one.outputs))]
    if not found:
        names = ", ".join(output.name.sensor for one in here for output in one.outputs)
        stop(f"no series {series!r} is derived at {station}: there is {names}", 2)
    return found

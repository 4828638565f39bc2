"""The options that say which dead letters a command is about: one set of them, the same for each command."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aryk.commands.ingest_asking import MOST_ID, said_ms, stop

if TYPE_CHECKING:
    from ingest.letters import Filter

PLACE = "which"
"""The parameter in whose place the options stand."""


def _filter(
    reason: Annotated[list[str] | None, typer.Option("--reason", help="such as wrong_unit; may be given again")] = None,
    gateway: Annotated[list[str] | None, typer.Option("--gateway", help="a gateway's id; may be given again")] = None,
    sensor: Annotated[list[str] | None, typer.Option("--sensor", help="a sensor's id; may be given again")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", help="last refused since: 2h, 7d, or a time such as 2026-11-23T06:00 (UTC)"),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="last refused before: 2h, 7d (ago), or a time")] = None,
    letter: Annotated[
        list[int] | None, typer.Option("--id", max=MOST_ID, help="this letter; may be given again")
    ] = None,
) -> "Filter":
    from ingest.letters import Filter
    from wire.reasons import Reason

    known = [one.value for one in Reason]
    for one in reason or ():
        if one not in known:
            stop(f"there is no reason {one!r}; there are {', '.join(known)}", 2)
    since_ms = None if since is None else said_ms(since, "--since")
    until_ms = None if until is None else said_ms(until, "--until")
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        stop(f"--since {since} is not before --until {until}: no letter can be between them", 2)
    return Filter(
        tuple(reason or ()), tuple(gateway or ()), tuple(sensor or ()), since_ms, until_ms, tuple(letter or ())
    )


_OPTIONS = inspect.signature(_filter).parameters


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """The command, with the options in place of its parameter `which`, to which their Filter is given."""
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        parameters += _OPTIONS.values() if name == PLACE else [parameter]

    @wraps(command)
    def with_options(**arguments: Any) -> None:
        options = {name: arguments.pop(name) for name in _OPTIONS}
        command(**{PLACE: _filter(**options)}, **arguments)

    # Typer asks for both.
    keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    with_options.__dict__["__signature__"] = inspect.Signature(keyword)
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_options

"""What a command may ask of the running ingest, and the answers, as JSON documents."""

from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from ingest.caretaker import Caretaker
from ingest.control import ControlError
from ingest.exports import NotAnExportError
from ingest.letters import Filter
from ingest.old_spool import NotASpoolError
from ingest.refetch import Order, Refetch

REFETCH_PATIENCE_S = 20.0
"""A command waits this long for the store; the order is kept, and carried out when the store answers."""


def filter_document(which: Filter) -> dict[str, Any]:
    """A filter as JSON."""
    return {one.name: getattr(which, one.name) for one in fields(which)}


def filter_of(document: dict[str, Any]) -> Filter:
    """The filter of such a document. Raises TypeError."""
    lists = ("reasons", "gateways", "sensors", "ids")
    arguments: dict[str, Any] = {name: tuple(one) if name in lists else one for name, one in document.items()}
    return Filter(**arguments)


class Requests:
    """`answer` is for the control socket; `refetch` is None where no ingest runs."""

    def __init__(self, caretaker: Caretaker, refetch: Refetch | None) -> None:
        self._caretaker = caretaker
        self._does: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
            "replay": self._replay,
            "purge": self._purge,
            "import": self._import,
        }
        if refetch is not None:
            self._does["refetch"] = lambda arguments: _refetch(refetch, arguments)

    async def answer(self, what: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Do it. Raises ControlError."""
        do = self._does.get(what)
        if do is None:
            raise ControlError(f"this ingest cannot do {what!r}: it is of another version than the command")
        return await do(arguments)

    async def _replay(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return (await self._caretaker.replay(filter_of(arguments["filter"]))).document()

    async def _purge(self, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            letters, files = await self._caretaker.purge(filter_of(arguments["filter"]))
        except OSError as error:
            raise ControlError(f"nothing was taken away that is not exported; then: {error}") from error
        return {"letters": letters, "files": files}

    async def _import(self, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return (await self._caretaker.bring(Path(arguments["path"]))).document()
        except (NotAnExportError, NotASpoolError, OSError) as error:
            raise ControlError(str(error)) from error


async def _refetch(refetch: Refetch, arguments: dict[str, Any]) -> dict[str, Any]:
    order = Order(int(arguments["since_ms"]), arguments["station"])
    try:
        total = await refetch.run(order, REFETCH_PATIENCE_S)
    except LookupError as error:
        raise ControlError(str(error.args[0])) from error
    if total is None:
        raise ControlError("the store does not answer: this is kept, and done when it does, also after a restart")
    return {"readings": total}

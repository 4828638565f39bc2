"""The requests under way of one server: each a named task, a bounded number of them, all of them ended with it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

MOST_UNDER_WAY = 64
"""Beyond this a request is dropped, as a busy instrument does; only late answers ever pile up."""


class Requests:
    """Tasks in a TaskGroup: the failure of one ends the server."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()
        self.dropped = 0

    def start(self, request: Coroutine[Any, Any, None], name: str) -> None:
        """Begin with a request, or drop it."""
        if len(self._tasks) >= MOST_UNDER_WAY:
            self.dropped += 1
            request.close()
            return
        task = self._group.create_task(request, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """End all of them."""
        for task in list(self._tasks):
            task.cancel()

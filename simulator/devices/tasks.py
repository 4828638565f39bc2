"""The requests under way: each a named task, a bounded number of them on each line, all of them ended with the server."""

import asyncio
from collections.abc import Coroutine
from typing import Any

MOST_UNDER_WAY = 64
"""Beyond this a line's request is dropped, as a busy instrument does; only late answers ever pile up."""

Tasks = set[asyncio.Task[None]]


class Requests:
    """Tasks in a TaskGroup: the failure of one ends the server."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: Tasks = set()
        self.dropped = 0

    def start(self, line: Tasks, request: Coroutine[Any, Any, None], name: str) -> None:
        """Begin with a request, or drop it where too many of this line's are under way."""
        if len(line) >= MOST_UNDER_WAY:
            self.dropped += 1
            request.close()
            return
        task = self._group.create_task(request, name=name)
        for tasks in (self._tasks, line):
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    def cancel(self) -> None:
        """End all of them."""
        for task in list(self._tasks):
            task.cancel()

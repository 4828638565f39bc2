"""Runs a long test from the command line; a SIGTERM ends it as Ctrl-C does, with its servers."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run it; cancelled by a SIGTERM it still takes its processes down."""

    async def with_signals() -> T:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    return asyncio.run(with_signals())

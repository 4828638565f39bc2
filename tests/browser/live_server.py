"""The live page in this process, over an in-memory store, on a port of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dashboards.live.app import serve
from dashboards.live.settings import LiveSettings
from health import HealthSettings
from store.points import PointReader
from tests.servers.process import free_port


@dataclass
class Clock:
    """Time that only moves when it is told to."""

    ms: int

    def __call__(self) -> int:
        """Milliseconds since 1970."""
        return self.ms


@dataclass
class LiveServer:
    """A page that runs; `stop` it, `start` it again on the same port."""

    settings: LiveSettings
    reader: PointReader
    now_ms: Callable[[], int]
    url: str = ""
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _task: "asyncio.Task[None] | None" = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.settings.port

    async def start(self) -> None:
        """Start, and return once it answers."""
        self._stop = asyncio.Event()
        answering = asyncio.Event()

        def listening(url: str) -> None:
            self.url = url
            answering.set()

        self._task = asyncio.create_task(
            serve(self.settings, self.reader, self._stop, listening=listening, now_ms=self.now_ms)
        )
        waiting = asyncio.create_task(answering.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """Stop, and return once it has."""
        self._stop.set()
        if self._task is not None:
            await self._task
            self._task = None


@asynccontextmanager
async def live_server(
    reader: PointReader, registry: Path, now_ms: Callable[[], int], **settings: object
) -> AsyncIterator[LiveServer]:
    """Serve the page until the block ends."""
    values: dict[str, object] = {
        "registry": registry,
        "port": free_port(),
        "refresh": 0.1,
        "health": HealthSettings(enabled=False),
        **settings,
    }
    server = LiveServer(LiveSettings.model_validate(values), reader, now_ms)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()

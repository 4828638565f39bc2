"""The composition root of the live page."""

import asyncio
import contextlib
import logging
import secrets
import socket
import time
from collections.abc import Callable, Generator
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry

from dashboards.live.hub import Hub
from dashboards.live.listen import address_of, open_socket
from dashboards.live.metrics import LiveMetrics
from dashboards.live.poller import Poller
from dashboards.live.settings import LiveSettings
from dashboards.live.site import Site
from dashboards.live.static_files import StaticFiles
from health import HealthServer
from hydrology.reload import RegistryFile
from store.open import open_reader
from store.points import PointReader

log = logging.getLogger("dashboards.live")

STOP_TIMEOUT_S = 1
"""An open event stream would otherwise hold uvicorn for ever; the streams are ended first, so this is rarely used up."""

Listening = Callable[[str], None]
"""Is told the page's address once it answers."""


class _Server(uvicorn.Server):
    """Leaves signals to the role's runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


async def run(settings: LiveSettings, state: Path, stop: asyncio.Event, *, listening: Listening | None = None) -> None:
    """Serve the page over the settings' store until `stop` is set.

    Raises SettingsError when the registry is wrong, ListenError when there is no port to listen on.
    """
    async with open_reader(settings.store, state) as reader:
        await serve(settings, reader, stop, listening=listening)


async def serve(
    settings: LiveSettings,
    reader: PointReader,
    stop: asyncio.Event,
    *,
    listening: Listening | None = None,
    now_ms: Callable[[], int] = _wall_ms,
) -> None:
    """The same over an open reader."""
    source = RegistryFile(settings.registry, log)
    source.load()
    numbers = CollectorRegistry()
    metrics = LiveMetrics(numbers)
    hub = Hub(metrics)
    files = StaticFiles(settings.locale)
    poller = Poller(settings, source, reader, hub, metrics, files.root, secrets.token_hex(4), now_ms)
    site = Site(poller, hub, reader, metrics, files, now_ms)
    config = uvicorn.Config(
        site.app,
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
    )
    server = _Server(config)
    with (
        contextlib.closing(open_socket(settings.host, settings.port)) as bound,
        HealthServer(settings.health, numbers, poller.why_not_ready) as health,
    ):
        _say_where(settings, bound, health.port)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(poller.run(stop), name="live: poller")
            tasks.create_task(server.serve(sockets=[bound]), name="live: web server")
            tasks.create_task(_stop(stop, hub, server), name="live: stop")
            if listening:
                listening(address_of(bound, settings.host))


async def _stop(stop: asyncio.Event, hub: Hub, server: uvicorn.Server) -> None:
    await stop.wait()
    hub.close()
    server.should_exit = True


def _say_where(settings: LiveSettings, bound: socket.socket, health_port: int) -> None:
    port = bound.getsockname()[1]
    if settings.port not in (0, port):
        log.warning("port %d is busy, so the page is on port %d", settings.port, port)
    log.info("the page is at %s", address_of(bound, settings.host))
    if health_port:
        log.info("health and metrics are at http://%s:%d/metrics", settings.health.host, health_port)

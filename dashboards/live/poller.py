"""The one task that looks at the store, and tells all browsers what has changed since the last look."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from dashboards.live.board import Record, build, catalogue, judged_keys
from dashboards.live.events import message
from dashboards.live.hub import Hub
from dashboards.live.knowledge import Knowledge
from dashboards.live.metrics import LiveMetrics
from dashboards.live.picture import Picture
from dashboards.live.settings import LiveSettings
from dashboards.live.states import State
from dashboards.live.window import KEPT_MS
from dashboards.live.zones import offsets
from hydrology.derived import with_derived
from hydrology.registry import Registry, Station
from hydrology.reload import RegistryFile
from store.points import PointReader, SeriesKey, StoreError, StoreMisconfiguredError

log = logging.getLogger("dashboards.live")

BEAT_S = 10.0
"""When nothing changes a browser still hears this often, so that silence means a cut link."""
LOOK_FAR_S = 300.0
"""Only this often are last points sought over the whole lookback; in between the last two hours do."""
NEAR_MS = 2 * 3_600_000
WINDOW_AGE_S = 600.0
"""After which the last day of a series is read again."""
WINDOW_POINTS = 400
WINDOWS_AT_ONCE = 4


class Poller:
    """`picture` is what a new browser gets; `run` keeps it fresh.

    `page` names the release of the page's files, `boot` this process: a browser with another page loads itself again.
    """

    def __init__(
        self,
        settings: LiveSettings,
        source: RegistryFile,
        reader: PointReader,
        hub: Hub,
        metrics: LiveMetrics,
        page: str,
        boot: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._source = source
        self._reader = reader
        self._hub = hub
        self._metrics = metrics
        self._now_ms = now_ms
        self._knowledge = Knowledge()
        self._renewed: Registry | None = None
        self._shown: tuple[Registry, Registry] | None = None
        self._judged: list[SeriesKey] = []
        self._looked_far = float("-inf")
        self._beaten = float("-inf")
        self._away_since_ms: int | None = None
        self._reason = ""
        self.picture = Picture(boot)
        self.picture.head = {
            "title": settings.title,
            "beat_s": BEAT_S,
            "registry": str(source.path),
            "page": page,
        }

    @property
    def registry(self) -> Registry:
        """The registry in force, with the series that ingest derives beside those that are measured."""
        source = self._source.registry
        if self._shown is None or self._shown[0] is not source:
            self._shown = (source, with_derived(source))
        return self._shown[1]

    def zone_of(self, station: Station) -> str:
        """The station's time zone."""
        return self.registry.districts[station.district].timezone

    def why_not_ready(self) -> str | None:
        """None when the picture is fresh, else why it is not."""
        if self._away_since_ms is not None:
            return f"the store does not answer: {self._reason}"
        return None if self.picture.ready else "the store was not looked at yet"

    async def run(self, stop: asyncio.Event) -> None:
        """Look at the store at each refresh until told to stop."""
        self._renew()
        while not stop.is_set():
            began = time.monotonic()
            await self._refresh()
            left = self._settings.refresh - (time.monotonic() - began)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(left, 0.02)):
                    await stop.wait()

    async def _refresh(self) -> None:
        began = time.monotonic()
        await self._source.look()
        self._renew()
        try:
            await self._read_latest(began)
            self._publish()
            await self._read_windows(began)
        except StoreError as error:
            kind = "misconfigured" if isinstance(error, StoreMisconfiguredError) else "unavailable"
            self._failed(kind, str(error))
        except Exception as error:  # the task's boundary: a page that stops refreshing without a word lies
            log.exception("a look at the store failed")
            self._failed("unexpected", f"{type(error).__name__}: {error}")
        else:
            if self._away_since_ms is not None:
                log.info("the store answers again")
            self._away_since_ms = None
            self._metrics.refreshed.set(self._now_ms() / 1000)
        self._metrics.refresh_seconds.observe(time.monotonic() - began)
        try:
            self._publish()
        except Exception as error:  # the same boundary: one station that cannot be drawn stops no other page view
            log.exception("the picture could not be made")
            self._failed("unexpected", f"{type(error).__name__}: {error}")
        self._beat()

    def _failed(self, kind: str, reason: str) -> None:
        self._metrics.failures.labels(reason=kind).inc()
        if self._away_since_ms is None:
            self._away_since_ms = self._now_ms()
            log.warning("the store does not answer: %s", reason)
        self._reason = reason

    async def _read_latest(self, now_s: float) -> None:
        now_ms = self._now_ms()
        far = now_s - self._looked_far >= LOOK_FAR_S
        since_ms = now_ms - (int(self._settings.lookback * 1000) if far else NEAR_MS)
        self._knowledge.take_latest(await self._reader.latest(max(since_ms, 0)), now_ms)
        if far:
            self._looked_far = now_s

    async def _read_windows(self, began: float) -> None:
        """Read last days that are due, a few at once, for at most half a refresh; the rest comes at the next."""
        now_ms = self._now_ms()
        due = self._knowledge.due(self._judged, now_ms, int(WINDOW_AGE_S * 1000))
        for at in range(0, len(due), WINDOWS_AT_ONCE):
            if at and time.monotonic() - began > max(self._settings.refresh / 2, 0.1):
                return
            await asyncio.gather(*(self._read_window(key, now_ms) for key in due[at : at + WINDOWS_AT_ONCE]))

    async def _read_window(self, key: SeriesKey, now_ms: int) -> None:
        history = await self._reader.history(key, now_ms - KEPT_MS, now_ms + 1, WINDOW_POINTS)
        self._knowledge.take_history(key, history, now_ms)

    def _renew(self) -> None:
        """Bring what the registry says into the picture; when it says something new, everybody gets the whole."""
        registry = self.registry
        if registry is self._renewed:
            return
        self._renewed = registry
        self._judged = judged_keys(registry)
        names = {district.timezone for district in registry.districts.values()}
        zones = {name: offsets(name, self._now_ms()) for name in names}
        if self.picture.renew(catalogue(registry, self._settings.level_unit), zones) and self.picture.ready:
            self.picture.turn(build(registry, self._knowledge, self._now_ms()), self.picture.store)
            self._hub.send(message("picture", self.picture.whole(self._now_ms()), self.picture.version))

    def _publish(self) -> None:
        now_ms = self._now_ms()
        board = build(self.registry, self._knowledge, now_ms)
        store: Record = {"ok": self._away_since_ms is None, "since_ms": self._away_since_ms, "reason": self._reason}
        if self._away_since_ms is None:
            store["reason"] = ""
        first = not self.picture.ready
        change = self.picture.turn(board, store)
        for state in State:
            count = next((part["count"] for part in board.summary if part["state"] == state.value), 0)
            self._metrics.stations.labels(state=state.value).set(count)
        if change is None:
            return
        self._beaten = time.monotonic()
        if first:
            self._hub.send(message("picture", self.picture.whole(now_ms), self.picture.version))
        else:
            self._hub.send(message("change", {"now_ms": now_ms, **change}, self.picture.version))

    def _beat(self) -> None:
        if time.monotonic() - self._beaten >= BEAT_S:
            self._beaten = time.monotonic()
            self._hub.send(message("beat", {"now_ms": self._now_ms()}))

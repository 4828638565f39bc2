"""Composition root of ingest: puts the parts together, runs them, and stops them in order."""

import asyncio
import contextlib
import gc
import json
import logging
import ssl
import time
from contextlib import AsyncExitStack
from pathlib import Path

from prometheus_client import CollectorRegistry

from health import HealthServer
from hydrology.load import registry_digest
from hydrology.registry import Registry
from hydrology.reload import RegistryFile
from ingest.alarms import Alarms
from ingest.asking import PATIENCE_S as ASK_AFTER_S
from ingest.caretaker import Bounds, Caretaker
from ingest.centre import REFILL_UNTIL, Centre, refill_until
from ingest.change import Change
from ingest.committer import Committer
from ingest.control import ControlServer, socket_path
from ingest.derive import Derive
from ingest.gateways import Gateways
from ingest.holding import Holding, SpoolReader
from ingest.intake import Intake
from ingest.last_values import LastValues
from ingest.lineage import LineageKeeper
from ingest.metrics import Metrics, Reading, StateCollector
from ingest.pipeline import Decoder, TimeBounds, directory
from ingest.quality import Quality
from ingest.rebuild import rebuild, recall_alarms
from ingest.recall import FOR_EVER_S, PATIENCE_S, ask, settled_change
from ingest.refetch import REFETCH, Refetch, wanted
from ingest.requests import Requests
from ingest.rule_book import RuleBook
from ingest.settings import IngestSettings, spool_path
from ingest.source import Source
from ingest.spool import Spool
from ingest.state_text import StateText
from ingest.writer import Drain
from mqtt import Client, ConnectionState, SessionOptions, Subscription
from mqtt.tls import tls_context
from settings import SettingsError
from settings.errors import Fault
from settings.files import check_readable
from store.open import open_reader, open_writer
from store.settings import InfluxSettings
from wire.codec import decode_batch
from wire.topics import Kind, topic, topic_filter

log = logging.getLogger(__name__)

SESSION_EXPIRY_S = 7 * 86_400
"""The broker keeps our session for a week."""
RECEIVE_MAXIMUM = 1_000
SETTLE_DOWN_S = 1.0
DRAIN_S = 1.5
"""With the second before and the goodbye after: well under a service manager's ten seconds."""
REGISTRY_LOOK_S = 2.0
GARBAGE_THRESHOLDS = (100_000, 50, 1_000)
"""Readings make no cycles, and looking for some among all that wait takes half of the drain's time (benchmarks/drain.py)."""
BRIEF_S = 1.0
SEED_MS = 7 * 86_400_000
"""How far back the newest values are looked up in the store."""


def part_of(registry: Registry, districts: list[str]) -> Registry:
    """The gateways of these districts and the stations that they read; all of it when none is named."""
    if not districts:
        return registry
    gateways = {gateway.id for gateway in registry.gateways if gateway.district in districts}
    stations = [
        station.model_copy(update={"sensors": [sensor for sensor in station.sensors if sensor.gateway in gateways]})
        for station in registry.stations
    ]
    return registry.model_copy(
        update={
            "gateways": [gateway for gateway in registry.gateways if gateway.id in gateways],
            "stations": [one for one in stations if one.sensors or one.district in districts],
        }
    )


def check_districts(settings: IngestSettings, registry: Registry) -> None:
    """Raises SettingsError when a district is named that the registry does not have."""
    faults = [
        Fault(
            None,
            "districts",
            f"the registry has no district {name!r}",
            f"it has {', '.join(sorted(registry.districts))}",
        )
        for name in settings.districts
        if name not in registry.districts
    ]
    if faults:
        raise SettingsError("ingest", faults)


def read_secrets(settings: IngestSettings) -> tuple[bytes | None, ssl.SSLContext | None]:
    """The broker's password and the TLS context; the store's token can be read too. Raises SettingsError."""
    broker, tls = settings.broker, settings.broker.tls
    check_readable(
        broker__password_file=broker.password_file,
        broker__tls__ca_file=tls.ca_file if tls else None,
        broker__tls__cert_file=tls.cert_file if tls else None,
        broker__tls__key_file=tls.key_file if tls else None,
    )
    if isinstance(settings.store, InfluxSettings):
        settings.store.read_token()
    try:
        password = broker.read_password()
        context = tls_context(tls.ca_file, tls.cert_file, tls.key_file) if tls else None
    except (OSError, ValueError) as error:
        raise SettingsError("ingest", [Fault(None, "broker", str(error), "check the files it names")]) from error
    return None if password is None else password.encode(), context


def filters(districts: list[str]) -> list[str]:
    """The topics of these districts, or of all."""
    return [topic_filter(kind, district) for district in districts or ["+"] for kind in (Kind.READINGS, Kind.STATUS)]


def is_refilling(text: str | None, now_ms: int) -> bool:
    """Whether what is missing is still asked for. A damaged note means yes: asking too often costs little."""
    try:
        return int(text or 0) > now_ms
    except ValueError:
        log.error("the spool's note %r on asking again is damaged: what is missing is asked for", text)
        return True


def read_filters(text: str | None) -> list[str]:
    """The topics of the last session. A damaged note means none: the session begins anew."""
    try:
        found = json.loads(text or "[]")
        if isinstance(found, list) and all(isinstance(one, str) for one in found):
            return found
    except ValueError:
        pass
    log.error("the spool's note %r on the last session is damaged: a new session is begun", text)
    return []


async def run(
    settings: IngestSettings,
    state: Path,
    stop: asyncio.Event,
    *,
    decode: Decoder = decode_batch,
    ask_after_s: float = ASK_AFTER_S,
) -> None:
    """Run ingest until `stop` is set; returns when all that was taken in is durable and the rest is closed.

    `decode` reads a batch; what is missing for `ask_after_s` is asked for. Raises SettingsError, SpoolUnusableError, or what
    ended one of its tasks.
    """
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    file = RegistryFile(settings.registry, log, lambda one: check_districts(settings, one))
    file.load()
    registry, registry_ok_s, registry_failures = file.registry, time.time(), 0
    password, tls = read_secrets(settings)
    async with AsyncExitStack() as stack:
        spool = stack.enter_context(Spool(spool_path(state)))
        poison = spool.poison() if spool.was_clean else spool.judge_suspects()
        holding = spool.load()
        next_id = spool.next_id()
        is_new = spool.meta("recalled") is None
        orders = wanted(spool.meta(REFETCH))
        refill = is_refilling(spool.meta(REFILL_UNTIL), _now_ms())
        old_filters = read_filters(spool.meta("filters"))
        metrics_registry = CollectorRegistry()
        metrics = Metrics(metrics_registry)
        committer = await stack.enter_async_context(
            Committer(
                spool,
                on_commit=metrics.commit_s.observe,
                on_failure=lambda why: metrics.commit_failures.inc(),
            )
        )
        reader = SpoolReader(spool.path)
        stack.callback(reader.close)
        writer = await stack.enter_async_context(open_writer(settings.store, state))
        store_reader = await stack.enter_async_context(open_reader(settings.store, state))

        parts = part_of(registry, settings.districts)
        values = LastValues(parts)
        gateways = Gateways(parts.district_of_gateway())
        quality = Quality(parts)
        alarms = Alarms(parts)
        derive = Derive(parts)
        limits = settings.limits
        intake = Intake(
            directory(registry),
            lambda now_ms: TimeBounds(limits.earliest_ms, now_ms + limits.future_ms),
            received=holding.received,
            dead_keys=holding.dead_keys,
            poison=poison,
            next_id=next_id,
            gone=holding.gone,
            decode=decode,
            quality=quality,
            derive=derive,
        )
        drain = Drain(
            reader,
            committer,
            writer,
            holding.settled,
            topic_of=lambda gateway: topic(intake.known.districts.get(gateway, "unknown"), gateway, Kind.READINGS),
            on_damaged=lambda: centre.rebuild_received(),
            on_write=metrics.write,
        )

        now_filters = filters(settings.districts)
        client = Client(
            settings.broker.host,
            settings.broker.port,
            SessionOptions(
                client_id=settings.id,
                username=settings.broker.username,
                password=password,
                subscriptions=tuple(Subscription(one) for one in now_filters),
                forget=tuple(one for one in old_filters if one not in now_filters),
                session_expiry_s=SESSION_EXPIRY_S,
                keepalive_s=settings.broker.keepalive_s,
                receive_maximum=RECEIVE_MAXIMUM,
            ),
            others=settings.broker.others,
            tls=tls,
            on_messages=lambda messages: source.deliver(messages),
            on_acknowledged=lambda answer: centre.acknowledged(answer),
            on_state=lambda state, why: on_state(state, why),
            # A new spool knows nothing of what an old session still holds: the gateways' logs do.
            clean_start=not old_filters,
        )
        source = Source(pause=client.pause, resume=client.resume)
        centre = Centre(
            client=client,
            source=source,
            intake=intake,
            committer=committer,
            reader=reader,
            drain=drain,
            gateways=gateways,
            values=values,
            alarms=alarms,
            metrics=metrics,
            spool_max_bytes=settings.spool.max_bytes,
            refill=refill,
            cautious=0 if spool.was_clean else RECEIVE_MAXIMUM,
            ask_after_s=ask_after_s,
        )
        caretaker = Caretaker(spool.path, intake, holding.exported, centre.change)
        refetch = Refetch(
            store_reader, intake, holding.settled, gateways, drain.deliveries, centre, lambda: file.registry, orders
        )
        requests = Requests(caretaker, refetch)
        _say_start(spool, holding)

        went_live = asyncio.Event()

        def on_state(state: ConnectionState, why: str) -> None:
            if state is ConnectionState.LIVE:
                log.info("connected to %s:%d", *client.node)
                went_live.set()
                centre.connected()
            elif state is ConnectionState.BACKING_OFF:
                log.warning("not connected: %s", why)

        async def remember_session() -> None:
            await went_live.wait()
            await committer.commit(Change(meta={"filters": json.dumps(now_filters)}))

        async def seed_values() -> None:
            latest = await ask(lambda: store_reader.latest(_now_ms() - SEED_MS), "the newest values", FOR_EVER_S)
            values.seed(latest or {})
            values.seed(
                alarms.latest()
            )  # a gauge that has been silent for longer keeps its alarm, and its value with it

        async def recall(patience_s: float) -> bool:
            """A new spool learns from the store what was accepted before, and then asks the gateways for the rest."""
            change = await settled_change(store_reader, holding.settled, holding.received, patience_s)
            if change is None:
                return False
            change.meta.update({"recalled": "1", REFILL_UNTIL: refill_until(_now_ms())})
            await committer.commit(change)
            centre.refill()
            return True

        def read() -> Reading:
            reading = _read(committer, client, drain, centre, quality, derive)
            reading.export_bytes = caretaker.export_bytes
            reading.registry_ok_s, reading.registry_failures = registry_ok_s, registry_failures
            return reading

        metrics_registry.register(StateCollector(read))
        received, gone = intake.received, intake.gone
        state_text = StateText(
            parts, values, alarms, gateways, received, gone, lambda: dict(committer.totals.counters), _now_ms
        )
        lineage = LineageKeeper(store_reader, writer, lambda: (derive.derivations, registry_digest(file.path)), _now_ms)
        rules_changed = asyncio.Event()

        async def follow_registry() -> None:
            """A registry that has changed is in force a moment later, without a restart; a wrong one is not."""
            nonlocal registry_ok_s, registry_failures
            while True:
                await asyncio.sleep(REGISTRY_LOOK_S)
                found = await file.look()
                if found is None:
                    continue
                if found.registry is None:
                    registry_failures += 1
                    continue
                registry_ok_s = time.time()
                now = part_of(found.registry, settings.districts)
                state_text.values = LastValues(now)
                centre.set_registry(directory(found.registry), state_text.values, now.district_of_gateway())
                state_text.registry = now
                quality.reload(now)
                alarms.reload(now)
                derive.reload(now)
                lineage.changed()
                rules_changed.set()

        async def keep_rules() -> None:
            """What each reading was judged by can be looked up in the store."""
            book = RuleBook(store_reader, writer)
            while True:
                rules_changed.clear()
                await book.keep(state_text.registry, _now_ms())
                await rules_changed.wait()

        health = HealthServer(
            settings.health, metrics_registry, lambda: _why_not_ready(client, drain, centre), state_text.chunks
        )
        stack.enter_context(health)
        if health.port:
            log.info("health page on http://%s:%d/metrics", settings.health.host, health.port)

        await stack.enter_async_context(ControlServer(socket_path(spool.path), requests.answer))
        bounds = Bounds(settings.dead_letters.max_bytes, settings.dead_letters.max_age)

        async def serve() -> None:
            recalled = not is_new or await recall(PATIENCE_S)
            # A store that has just kept us waiting is not waited for as long again.
            lacking = await rebuild(quality, derive, alarms, store_reader, reader, PATIENCE_S if recalled else BRIEF_S)
            async with asyncio.TaskGroup() as tasks:
                for name, task in (
                    ("spool", committer.watch()),
                    ("intake", centre.take_in()),
                    ("finisher", centre.finish()),
                    ("receipts", centre.speak()),
                    ("watch", centre.watch()),
                    ("drain", drain.run()),
                    ("broker", client.run()),
                    ("session", remember_session()),
                    ("seed", seed_values()),
                    ("asking", centre.ask_for_missing()),
                    ("registry", follow_registry()),
                    ("lineage", lineage.run()),
                    ("rules", keep_rules()),
                    ("refetch", refetch.carry_on()),
                    ("letters", _keep_bounds(caretaker, bounds, committer)),
                ):
                    tasks.create_task(task, name=name)
                if not recalled:
                    tasks.create_task(recall(FOR_EVER_S), name="recall")
                if lacking:
                    tasks.create_task(recall_alarms(alarms, store_reader, reader, lacking), name="alarms")

        serving = asyncio.create_task(serve(), name="ingest")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                await _stop_in_order(source, centre, client, drain)
        finally:
            stopping.cancel()
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
        await committer.commit(Change(meta={"clean": "1"}))
        log.info("stopped: %d readings wait in the spool", committer.totals.counters.get("waiting", 0))


async def _stop_in_order(source: Source, centre: Centre, client: Client, drain: Drain) -> None:
    """Take nothing more in, finish what was taken, say goodbye, drain for a bounded time."""
    source.hold(True)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_DOWN_S):
            await centre.settle_down()
    await client.close()
    await drain.finish(DRAIN_S)


async def _keep_bounds(caretaker: Caretaker, bounds: Bounds, committer: Committer) -> None:
    await caretaker.keep_bounds(
        bounds, lambda: committer.totals.letter_bytes, lambda: not committer.usage.disk_is_low and not committer.failing
    )


def _say_start(spool: Spool, holding: Holding) -> None:
    totals = holding.totals
    if spool.is_new:
        log.info("began a new spool at %s", spool.path)
    else:
        log.info("the spool holds %d rows, %d dead letters", totals.rows, totals.letters)
    if not spool.was_clean:
        log.warning("the last run did not stop in order: the first messages are taken one by one")
    if holding.damaged:
        log.error("%d spool rows are damaged: they are set aside, their readings are asked for again", holding.damaged)
    if holding.unreadable:
        log.error("%d other rows of the spool are damaged: what they named is received again", holding.unreadable)


def _read(
    committer: Committer, client: Client, drain: Drain, centre: Centre, quality: Quality, derive: Derive
) -> Reading:
    totals, usage = committer.totals, committer.usage
    return Reading(
        counters=dict(totals.counters),
        spool_rows=totals.rows,
        spool_bytes=totals.bytes,
        letters=totals.letters,
        letter_bytes=totals.letter_bytes,
        file_bytes=usage.file_bytes,
        free_bytes=usage.free_bytes,
        oldest_ms=usage.oldest_ms if totals.rows else None,
        stopped=centre.stopped,
        broker_connected=client.live,
        broker_connects=client.connects,
        broker_failures=client.failures,
        sessions_lost=client.sessions_lost,
        store_up=drain.state.up,
        store_misconfigured=bool(drain.state.misconfigured),
        flags=dict(quality.flags),
        reflagged=quality.changed,
        derived=derive.points,
        derived_changed=derive.changed,
        derived_late=derive.late,
    )


def _why_not_ready(client: Client, drain: Drain, centre: Centre) -> str | None:
    if centre.stopped:
        return f"intake is stopped: {', '.join(sorted(centre.stopped))}"
    if not client.live:
        return f"not connected to the broker: {client.why or client.state.value}"
    if drain.state.misconfigured:
        return f"the store's configuration must be mended: {drain.state.misconfigured}"
    return None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

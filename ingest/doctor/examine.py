"""The whole examination of ingest. It opens its files for reading only and takes no lock; one point is written, to `doctor`."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

from doctor import mosquitto_acl, role_session
from doctor.broker import ProbeError, judge_grants, judge_greeting, judge_refusal, judge_sys, sys_left_alone
from doctor.checks import Check, Name, fail, ok, warn
from doctor.disk import free_bytes
from doctor.disk import judge as judge_space
from doctor.host import RunningRole, clock_synchronised, find_running, judge_clock
from doctor.mosquitto_acl import Access
from doctor.mosquitto_conf import judge as judge_conf
from doctor.network import dial_all, identity, judge_identity
from hydrology.registry import Registry
from ingest.app import RECEIVE_MAXIMUM, SESSION_EXPIRY_S, filters, part_of
from ingest.doctor import spool_state, store_proof
from ingest.doctor.expected import DAY_S, READING_BYTES, Expected, expected
from ingest.schema import FREE_MARGIN_BYTES, WAL_BOUND_BYTES
from ingest.settings import IngestSettings, spool_path
from wire.messages import MAX_SKEW_S
from wire.topics import Kind, topic


async def examine(
    settings: IngestSettings,
    registry: Registry,
    state: Path,
    conf: Mapping[str, str] | None = None,
    outage_s: float = DAY_S,
) -> list[Check]:
    """All checks, in the order in which a reading travels: broker, spool, store."""
    now_ms = time.time_ns() // 1_000_000
    path = spool_path(state)
    part = part_of(registry, settings.districts)
    rate = expected(part)
    running = await asyncio.to_thread(
        find_running, path.with_suffix(".lock"), settings.health.host, settings.health.port
    )
    checks = [_registry(part), _running(running)]
    dialled, node = await asyncio.to_thread(dial_all, settings.broker)
    checks += dialled
    checks += judge_identity(settings.broker, settings.id)
    if node is not None:
        user = identity(settings.broker, settings.id)
        if user is None or role_session.may_connect(running is not None, user, conf):
            checks += await _broker(settings.model_copy(update={"broker": node}))
        else:
            checks.append(role_session.left_alone("ingest", user))
    if not any(one.name is Name.SESSION for one in checks):
        checks.append(_session(running))
    checks += _one_sided(running)
    if conf is None:
        checks.append(
            warn(
                Name.BROKER_PERSISTENCE,
                "whether the broker keeps its sessions, and how much it queues, cannot be seen through MQTT.",
                "on the broker's machine: aryk doctor ingest --broker-conf /etc/mosquitto/mosquitto.conf",
            )
        )
    else:
        checks += judge_conf(conf, rate.messages_a_day, outage_s)
        user = mosquitto_acl.user_of(settings.broker, settings.id, conf)
        checks += mosquitto_acl.judge(conf, user, settings.id, _topics(part))
    found, spool = await asyncio.to_thread(_spool, settings, path, running is not None, rate, now_ms)
    checks += found
    oldest_ms = spool.oldest_reading_ms if spool is not None else None
    checks += await store_proof.prove(settings.store, state, settings.id, oldest_ms, now_ms)
    offset_s = await store_proof.clock_offset_s(settings.store)
    checks.append(judge_clock(clock_synchronised(), offset_s, "the database server's", MAX_SKEW_S))
    return checks


def _registry(part: Registry) -> Check:
    sensors = sum(len(station.sensors) for station in part.stations)
    if not sensors:
        return fail(
            Name.REGISTRY,
            "the registry has no sensor for these districts: every reading becomes a dead letter.",
            "register the stations and their sensors",
        )
    return ok(Name.REGISTRY, f"{len(part.gateways)} gateways, {len(part.stations)} stations, {sensors} sensors.")


def _running(running: RunningRole | None) -> Check:
    if running is None:
        return warn(
            Name.RUNNING, "ingest is not running here: readings wait at the broker and in the gateways.", "start it"
        )
    who = f"process {running.pid}" if running.pid else "its health page answers"
    if running.why_not_ready:
        return fail(Name.RUNNING, f"ingest runs ({who}) and says: {running.why_not_ready}.", "see the checks below")
    if not running.page:
        return ok(Name.RUNNING, f"ingest runs ({who}); its health page is not at [health] port.")
    return ok(Name.RUNNING, f"ingest runs ({who}) and says that it is well.")


def _session(running: RunningRole | None) -> Check:
    """What the running ingest knows of its session; asked under its own client id it would be taken over."""
    if running is None or not running.page:
        return warn(
            Name.SESSION,
            "whether the broker keeps ingest's session is not known: only ingest itself may ask under its client id.",
            "give [health] a port, and ask while ingest runs",
        )
    if not running.value("aryk_ingest_broker_connected"):
        return fail(Name.SESSION, "ingest runs and is not subscribed at the broker.", "see ingest's log")
    lost = running.value("aryk_ingest_broker_sessions_lost_total") or 0
    if lost:
        return warn(
            Name.SESSION,
            f"the broker has forgotten ingest's session {lost:.0f} times since ingest started; what waited there was lost, "
            "and sent again by the gateways.",
            "let the broker persist its sessions (see broker-persistence); see that no other client uses ingest's client id",
        )
    return ok(Name.SESSION, "ingest is subscribed, and the broker has not forgotten its session since ingest started.")


def _one_sided(running: RunningRole | None) -> list[Check]:
    """A broker that does not let ingest read a topic grants it, and sends nothing."""
    if running is None or not running.value("aryk_ingest_messages_total", "status"):
        return []
    if running.value("aryk_ingest_messages_total", "readings") != 0:
        return []
    return [
        warn(
            Name.SUBSCRIPTIONS,
            "statuses of gateways have come since ingest started, and no readings.",
            "if that goes on: see that the broker's access list lets ingest read them (--broker-conf there looks at it), and "
            "lets the gateways write them",
        )
    ]


def _topics(part: Registry) -> list[tuple[Access, str]]:
    """What ingest does with the topics of its gateways."""
    does = {
        Kind.READINGS: Access.READ,
        Kind.STATUS: Access.READ,
        Kind.RECEIPTS: Access.WRITE,
        Kind.COMMANDS: Access.WRITE,
    }
    return [(access, topic(one.district, one.id, kind)) for kind, access in does.items() for one in part.gateways]


async def _broker(settings: IngestSettings) -> list[Check]:
    try:
        from ingest.doctor.aiomqtt_probe import open_probe
    except ImportError:
        return [warn(Name.MQTT, "the broker was not asked: aiomqtt is not installed.", "pip install 'aryk[all]'")]
    checks: list[Check] = []
    wanted = filters(settings.districts)
    try:
        async with open_probe(settings.broker, settings.id, SESSION_EXPIRY_S) as probe:
            checks += judge_greeting(
                probe.greeting,
                anonymous=identity(settings.broker, settings.id) is None,
                session_expiry_s=SESSION_EXPIRY_S,
                window=RECEIVE_MAXIMUM,
                role_session="ingest",
            )
            if probe.greeting.session_present:
                checks += [ok(Name.SUBSCRIPTIONS, "left as they are in ingest's session."), sys_left_alone()]
            else:
                checks += judge_grants(wanted, await probe.subscribe(wanted))
                checks += judge_sys(await probe.sys())
    except ProbeError as error:
        if not checks:
            return [judge_refusal(error)]
        checks.append(fail(Name.MQTT, f"the broker broke off: {error}.", "see the broker's log"))
    return checks


def _spool(
    settings: IngestSettings, path: Path, running: bool, rate: Expected, now_ms: int
) -> tuple[list[Check], spool_state.SpoolState | None]:
    checks: list[Check] = []
    spool: spool_state.SpoolState | None = None
    if path.exists():
        try:
            spool = spool_state.read_spool(path)
            checks += spool_state.judge(spool, path, running, now_ms)
        except (sqlite3.Error, OSError) as error:
            mend = (
                "keep a copy; a damaged spool is set aside when ingest starts, and the gateways send again what it held"
            )
            checks.append(fail(Name.SPOOL, f"{path} cannot be read: {error}.", mend))
    else:
        checks.append(ok(Name.SPOOL, f"there is no spool at {path} yet; ingest makes it."))
    on_disk = free_bytes(path.parent) - WAL_BOUND_BYTES - FREE_MARGIN_BYTES
    taken = spool.file_bytes if spool is not None else 0
    bounded = settings.spool.max_bytes - taken
    room, what = (on_disk, "the spool") if on_disk < bounded else (bounded, "the spool within its max_bytes")
    a_day, whence = rate.readings_a_day * READING_BYTES, "reckoned from the registry's intervals"
    if spool is not None and spool.bytes_a_day is not None:
        a_day, whence = spool.bytes_a_day, "as the spool has grown"
    mend = "make room on this disk or give the spool a larger one, and raise [spool] max_bytes"
    return [*checks, judge_space(what, room, a_day, whence, mend)], spool

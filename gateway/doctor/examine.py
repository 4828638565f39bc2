"""The whole examination of a gateway. It opens files for reading only, takes no lock and changes nothing."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

from doctor import mosquitto_acl, role_session
from doctor.broker import (
    SYS_TOPICS,
    SYS_WAIT_S,
    ProbeError,
    judge_grants,
    judge_greeting,
    judge_refusal,
    judge_sys,
    sys_left_alone,
)
from doctor.checks import Check, Name, fail, ok, warn
from doctor.disk import free_bytes
from doctor.disk import judge as judge_space
from doctor.host import RunningRole, clock_synchronised, find_running, judge_clock
from doctor.mosquitto_acl import Access
from doctor.mosquitto_conf import judge as judge_conf
from doctor.network import dial_all, identity, judge_identity
from gateway.clock import Clock, SystemClock
from gateway.doctor import centre, instruments, log_state
from gateway.doctor.paho_probe import PahoProbe
from gateway.log.file import log_path
from gateway.one_scan import read_all
from gateway.settings import GatewaySettings
from gateway.uplink.paho_session import SESSION_EXPIRY_S
from wire.messages import MAX_SKEW_S
from wire.topics import Kind, topic

DAY_S = 86_400.0


def examine(
    settings: GatewaySettings,
    state: Path,
    conf: Mapping[str, str] | None = None,
    outage_s: float = DAY_S,
    clock: Clock | None = None,
) -> list[Check]:
    """All checks, in the order in which a reading travels back: machine, instruments, log, broker, centre."""
    clock = clock or SystemClock()
    path = log_path(state, settings.id)
    running = find_running(path.with_name("lock"), settings.health.host, settings.health.port)
    checks = [_running(running)]
    checks += instruments.check_ports(settings)
    if running is None:
        askable, busy = instruments.split_busy(settings)
        checks += busy
        if askable is not None:
            checks += instruments.judge_reads(askable, asyncio.run(read_all(askable)))
    else:
        checks += instruments.judge_counted(settings, running)
    checks += _log(settings, path, clock)
    dialled, node = dial_all(settings.broker)
    checks += dialled
    checks += judge_identity(settings.broker, settings.id)
    offset_s = running.value("aryk_gateway_clock_skew_seconds") if running is not None else None
    if node is not None:
        user = identity(settings.broker, settings.id)
        if user is None or role_session.may_connect(running is not None, user, conf):
            found, echo = _broker(settings.model_copy(update={"broker": node}), running is not None, clock)
            checks += found
            offset_s = echo.skew_s if echo is not None else offset_s
        elif running is not None:
            checks += [role_session.left_alone("gateway", user), _own_word(running)]
    checks.append(judge_clock(clock_synchronised(), offset_s, "the centre's", MAX_SKEW_S))
    if conf is not None:
        scans_a_day = DAY_S / min(device.interval for device in settings.devices)
        checks += judge_conf(conf, scans_a_day, outage_s)
        user = mosquitto_acl.user_of(settings.broker, settings.id, conf)
        checks += mosquitto_acl.judge(conf, user, settings.id, _topics(settings))
    return checks


def _topics(settings: GatewaySettings) -> list[tuple[Access, str]]:
    """What a gateway does with its topics."""
    does = {
        Kind.READINGS: Access.WRITE,
        Kind.STATUS: Access.WRITE,
        Kind.RECEIPTS: Access.READ,
        Kind.COMMANDS: Access.READ,
    }
    return [(access, topic(settings.district, settings.id, kind)) for kind, access in does.items()]


def _running(running: RunningRole | None) -> Check:
    if running is None:
        return ok(Name.RUNNING, "the gateway is not running here: its devices are asked directly.")
    who = f"process {running.pid}" if running.pid else "its health page answers"
    if running.why_not_ready:
        return warn(
            Name.RUNNING, f"the gateway runs ({who}) and says: {running.why_not_ready}.", "see the checks below"
        )
    if not running.page:
        return ok(Name.RUNNING, f"the gateway runs ({who}); its health page is not at [health] port.")
    return ok(Name.RUNNING, f"the gateway runs ({who}) and says that it is well.")


def _log(settings: GatewaySettings, path: Path, clock: Clock) -> list[Check]:
    now_ms = clock.now().ms
    room = free_bytes(path.parent) - round(settings.log.reserve_mb * 1024 * 1024)
    mend = "make room on this disk, or give the gateway a larger one"
    if not path.exists():
        return [
            ok(Name.LOG, f"there is no log at {path}: the gateway makes it, unless --state is not its folder."),
            judge_space("the log", room, None, "", mend),
        ]
    try:
        log = log_state.read_log(path, now_ms)
    except (sqlite3.Error, OSError) as error:
        return [
            fail(
                Name.LOG,
                f"{path} cannot be read: {error}.",
                "keep a copy; a damaged log is set aside when the gateway starts",
            ),
            judge_space("the log", room, None, "", mend),
        ]
    whence = "the log's last day" if log.span_ms >= DAY_S * 1000 else "since the log began"
    return [
        *log_state.judge(log, path, now_ms),
        judge_space("readings that have no receipt", room, log.bytes_a_day, whence, mend),
    ]


def _broker(settings: GatewaySettings, running: bool, clock: Clock) -> tuple[list[Check], centre.Echo | None]:
    checks: list[Check] = []
    down = [topic(settings.district, settings.id, kind) for kind in (Kind.RECEIPTS, Kind.COMMANDS)]
    try:
        with PahoProbe(settings.broker, settings.id, SESSION_EXPIRY_S) as probe:
            checks += judge_greeting(
                probe.greeting,
                anonymous=identity(settings.broker, settings.id) is None,
                session_expiry_s=SESSION_EXPIRY_S,
                window=settings.uplink.window,
                role_session="the gateway",
            )
            checks += judge_grants(down, probe.subscribe(down))
            if probe.greeting.session_present:
                checks.append(sys_left_alone())
            else:
                checks += judge_sys(_sys(probe))
            echo = centre.say_hello(probe, settings.district, settings.id, running, clock)
            return [*checks, *centre.judge(echo)], echo
    except ProbeError as error:
        if not checks:
            return [judge_refusal(error)], None
        said = f"the broker broke off: {error}."
        return [*checks, fail(Name.MQTT, said, "see the broker's log")], None


def _sys(probe: PahoProbe) -> dict[str, str]:
    probe.subscribe(SYS_TOPICS)
    heard: dict[str, str] = {}
    end_s = time.monotonic() + SYS_WAIT_S
    while len(heard) < len(SYS_TOPICS) and (message := probe.next(end_s - time.monotonic())) is not None:
        if message.topic in SYS_TOPICS:
            heard[message.topic] = message.payload.decode(errors="replace")
    return heard


def _own_word(running: RunningRole) -> Check:
    """End to end, as the running gateway has found it."""
    if not running.page:
        mend = "give [health] a port, or stop the gateway and ask again"
        return warn(
            Name.CENTRE, "whether the centre answers is not known: the gateway's health page is not there.", mend
        )
    if not running.value("aryk_gateway_connected"):
        return fail(Name.CENTRE, "the gateway runs and is not connected.", "see the gateway's log")
    if not running.value("aryk_gateway_time_synchronised"):
        return warn(
            Name.CENTRE,
            "the gateway is connected, and has no fresh answer of the centre, or its clock is off.",
            "see whether ingest runs",
        )
    receipts = running.value("aryk_gateway_receipts_total") or 0
    round_trip_ms = (running.value("aryk_gateway_round_trip_seconds") or 0) * 1000
    return ok(
        Name.CENTRE,
        f"the running gateway has {receipts:.0f} receipts, its last hello was answered after {round_trip_ms:.0f} ms.",
    )

"""The instruments: serial ports and who may open them, and one read of each device."""

import contextlib
import os
from pathlib import Path

from doctor.checks import Check, Name, fail, ok, warn
from doctor.host import RunningRole
from gateway.one_scan import Shown
from gateway.settings import GatewaySettings, RtuDevice

BY_ID = Path("/dev/serial/by-id")
SLOW_SHARE = 0.5
"""An answer that takes more than this of its timeout will be late one day."""


def check_ports(settings: GatewaySettings, by_id: Path = BY_ID) -> list[Check]:
    """Each serial port once."""
    ports = dict.fromkeys(device.port for device in settings.devices if isinstance(device, RtuDevice))
    return [_port(Path(port), by_id) for port in ports]


def _port(port: Path, by_id: Path) -> Check:
    where = str(port)
    if not port.exists():
        there = ", ".join(str(one) for one in _links(by_id)) or "no adapter is plugged in"
        return fail(Name.SERIAL, "there is no such port.", f"plug the adapter in, or name one of these: {there}", where)
    if not os.access(port, os.R_OK | os.W_OK):
        return fail(
            Name.SERIAL,
            "this user may not open it.",
            "add the user that runs the gateway to the group dialout, and log in again",
            where,
        )
    if port.name.startswith(("ttyUSB", "ttyACM")):
        names = [str(one) for one in _links(by_id) if one.resolve() == port.resolve()]
        better = names[0] if names else "its name under /dev/serial/by-id"
        return warn(
            Name.SERIAL,
            "it is there; but this name goes to another adapter when they are plugged in in another order.",
            f'write port = "{better}"' if names else f"write {better}",
            where,
        )
    return ok(Name.SERIAL, "it is there, and this user may open it.", where)


def _links(by_id: Path) -> list[Path]:
    return sorted(by_id.iterdir()) if by_id.is_dir() else []


def judge_reads(settings: GatewaySettings, shown: list[Shown]) -> list[Check]:
    """One check a device, from one read of each of its sensors."""
    checks = []
    for device in settings.devices:
        mine = [one for one in shown if one.device == device.id]
        silent = [one for one in mine if one.words is None]
        latency_ms = max((one.latency_ms for one in mine), default=0.0)
        if silent and len(silent) == len(mine):
            checks.append(
                fail(
                    Name.DEVICE,
                    f"no reading from {device.link}, unit {device.unit_id}: {silent[0].reading.why}.",
                    "check its power, its cable (A and B swapped?), unit id, baudrate and parity"
                    if isinstance(device, RtuDevice)
                    else "check its power, its address, and the network in between",
                    device.id,
                )
            )
        elif silent:
            names = ", ".join(one.reading.sensor for one in silent)
            checks.append(
                fail(
                    Name.DEVICE,
                    f"it answers, but not for {names}: {silent[0].reading.why}.",
                    "check their registers and table",
                    device.id,
                )
            )
        elif latency_ms > device.timeout * 1000 * SLOW_SHARE:
            checks.append(
                warn(
                    Name.DEVICE,
                    f"it answers in {latency_ms:.0f} ms, its timeout is {device.timeout * 1000:.0f} ms.",
                    "raise its timeout",
                    device.id,
                )
            )
        else:
            checks.append(ok(Name.DEVICE, f"it answers in {latency_ms:.0f} ms, {len(mine)} sensors.", device.id))
    return checks


def open_elsewhere(port: str, processes: Path = Path("/proc")) -> int | None:
    """Another process that has this port open, as far as this user may see: a line has one reader."""
    wanted = os.path.realpath(port)
    for folder in processes.glob("[0-9]*/fd"):
        process = int(folder.parent.name)
        if process == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if any(os.readlink(one) == wanted for one in folder.iterdir()):
                return process
    return None


def split_busy(settings: GatewaySettings) -> tuple[GatewaySettings | None, list[Check]]:
    """The settings with the devices that may be asked (None: not one), and what is said of the others."""
    busy = {
        device.port: process
        for device in settings.devices
        if isinstance(device, RtuDevice) and (process := open_elsewhere(device.port)) is not None
    }
    checks = [
        warn(
            Name.DEVICE,
            f"not asked: process {busy[device.port]} has {device.port} open, and a line has one reader.",
            "if that is the gateway, give --state its state folder; else stop it",
            device.id,
        )
        for device in settings.devices
        if isinstance(device, RtuDevice) and device.port in busy
    ]
    free = tuple(one for one in settings.devices if not (isinstance(one, RtuDevice) and one.port in busy))
    return (settings.model_copy(update={"devices": free}) if free else None), checks


def judge_counted(settings: GatewaySettings, running: RunningRole) -> list[Check]:
    """The same from what the running gateway has counted: it alone may use the line."""
    if not running.page:
        return [
            warn(
                Name.DEVICE,
                "the devices were not asked: the gateway is running, and a line has one reader.",
                "give [health] a port, or stop the gateway and ask again",
            )
        ]
    checks = []
    for device in settings.devices:
        scans = running.value("aryk_gateway_scans_total", device.id) or 0
        took_s = running.value("aryk_gateway_scan_seconds_sum", device.id) or 0
        failures = {
            labels[1]: count
            for (name, labels), count in running.samples.items()
            if name == "aryk_gateway_failed_reads_total" and labels[0] == device.id and count
        }
        said = f"{scans:.0f} scans since the gateway started"
        if not scans:
            checks.append(ok(Name.DEVICE, "the gateway runs and has not scanned it yet.", device.id))
        elif failures:
            listed = ", ".join(f"{count:.0f} {reason.replace('_', ' ')}" for reason, count in failures.items())
            checks.append(
                warn(Name.DEVICE, f"{said}; requests that failed: {listed}.", "see the gateway's log", device.id)
            )
        else:
            checks.append(ok(Name.DEVICE, f"{said}, {took_s / scans * 1000:.0f} ms each, none failed.", device.id))
    return checks

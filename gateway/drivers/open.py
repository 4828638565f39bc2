"""The drivers of a configuration, devices on one socket or port sharing one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.clock import Clock
from gateway.drivers.line import Line
from gateway.drivers.modbus import ModbusDriver
from gateway.settings import DeviceSettings


@contextmanager
def open_drivers(devices: tuple[DeviceSettings, ...], clock: Clock) -> Iterator[dict[str, ModbusDriver]]:
    """Drivers by device id. Connections are made when first needed and closed at the end."""
    lines: dict[str, Line] = {}
    drivers: dict[str, ModbusDriver] = {}
    for device in devices:
        if device.link not in lines:
            lines[device.link] = Line(device.link, device, clock)
        drivers[device.id] = ModbusDriver(device, lines[device.link], clock)
    try:
        yield drivers
    finally:
        for line in lines.values():
            line.close()

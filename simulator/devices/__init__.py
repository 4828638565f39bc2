"""Emulated instruments on Modbus TCP and on a serial line, answering from the physics of the moment, with faults on demand."""

from simulator.devices.emulator import Addresses, Emulator
from simulator.devices.faults import BadChecksum, Fault, Faults, HangUp, Late, Refuse, Silent, Truncated, WrongUnit

__all__ = [
    "Addresses",
    "BadChecksum",
    "Emulator",
    "Fault",
    "Faults",
    "HangUp",
    "Late",
    "Refuse",
    "Silent",
    "Truncated",
    "WrongUnit",
]

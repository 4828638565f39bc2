"""What reads a device. `Driver` is the interface; `modbus` and the in-memory double `memory` stand behind it."""

from gateway.drivers.driver import BlockAnswer, Driver, DriverError, Poll, Trouble

__all__ = ["BlockAnswer", "Driver", "DriverError", "Poll", "Trouble"]

"""The Modbus RTU server on a pty of its own: the other end is the serial port that a gateway opens."""

import asyncio
import contextlib
import os
import tty
from collections.abc import Mapping
from pathlib import Path

from simulator.devices.device import Clock, Device
from simulator.devices.responder import respond
from simulator.devices.tasks import Requests, Tasks
from simulator.modbus.frames import Request, RtuParser, rtu_frame

_SILENCE_S = 0.05
"""A request that stops in the middle for this long is none. A pty has no baud rate; at 9600 baud a frame allows 1.7 ms."""


class SerialLine:
    """A pty, raw. `path` is its name for the gateway; `link`, when given, is a stable name for it."""

    def __init__(
        self, devices: Mapping[int, Device], requests: Requests, clock: Clock, link: Path | None = None
    ) -> None:
        self._devices = devices
        self._requests = requests
        self._clock = clock
        self._link = link
        self._under_way: Tasks = set()
        self._parser = RtuParser()
        self._master = self._slave = -1
        self._silence: asyncio.TimerHandle | None = None
        self.path = ""

    def open(self) -> None:
        """Make the pty and listen on it. Raises OSError."""
        self._master, self._slave = os.openpty()
        # The slave stays open here, so that the line outlives a gateway that comes and goes.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        if self._link is not None:
            self._link.parent.mkdir(parents=True, exist_ok=True)
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self.path)
            self.path = str(self._link)
        asyncio.get_running_loop().add_reader(self._master, self._on_bytes)

    def close(self) -> None:
        """Take the pty away."""
        if self._master < 0:
            return
        if self._silence is not None:
            self._silence.cancel()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def _on_bytes(self) -> None:
        received_s = self._clock()
        with contextlib.suppress(BlockingIOError):
            for request in self._parser.feed(os.read(self._master, 4096)):
                self._requests.start(
                    self._under_way,
                    respond(self._devices, request, received_s, self),
                    f"modbus rtu, unit {request.unit}",
                )
        if self._silence is not None:
            self._silence.cancel()
        self._silence = asyncio.get_running_loop().call_later(_SILENCE_S, self._parser.silence)

    def frame(self, request: Request, unit: int, pdu: bytes) -> bytes:
        """See Line."""
        return rtu_frame(unit, pdu)

    def with_bad_checksum(self, frame: bytes) -> bytes:
        """See Line."""
        return frame[:-1] + bytes((frame[-1] ^ 0xFF,))

    def send(self, frame: bytes) -> bool:
        """See Line. What nobody reads is lost, as on a wire."""
        if self._master < 0:
            return False
        try:
            return os.write(self._master, frame) == len(frame)
        except BlockingIOError:
            return False

    def hang_up(self) -> None:
        """See Line: a wire cannot."""

"""One emulated instrument: answers a read from the physics of the moment, and has it written down before it is sent."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from simulator.devices.faults import Faults
from simulator.devices.register_map import register_map
from simulator.ledger.rows import Series, Serve, Served, State
from simulator.ledger.writer import Recorder
from simulator.modbus.pdu import ExceptionCode, RefusedError, answer_read, parse_read
from simulator.scenario.parts import StationPlan

Clock = Callable[[], float]
"""Seconds since 1970."""

_COUNTER_MODULUS = 1 << 32


@dataclass(frozen=True, slots=True)
class Answer:
    """A block ready to be sent, and the ledger's row that waits for the word on it."""

    pdu: bytes
    serve_id: int


class Device:
    """The device of one station. `id` names it in the ledger and in the gateway's configuration."""

    def __init__(self, station: StationPlan, unit: int, recorder: Recorder, clock: Clock) -> None:
        self.id = station.id
        self.unit = unit
        self.station = station
        self.faults = Faults()
        self.map = register_map(station)
        self._recorder = recorder
        self._clock = clock
        self._serve: int | None = None
        self._series_ids: dict[str, int] = {}

    @property
    def served(self) -> int:
        """The serve counter as it stands."""
        return self._serve or 0

    async def answer(self, pdu: bytes, requested_s: float) -> Answer:
        """Serve a read request. Raises RefusedError; LedgerError when it cannot be written down, and then nothing is sent."""
        read = parse_read(pdu)
        if read.address + read.count > self.map.size:
            raise RefusedError(ExceptionCode.ILLEGAL_ADDRESS)
        # No await from here to the ledger: serve numbers, moments and rows have one order.
        self._prepare()
        serve = (self.served + 1) % _COUNTER_MODULUS
        numbers = self._numbers(serve)
        block = self.map.encode(numbers)
        self._serve = serve
        readings = tuple(
            Served(self._series_ids[place.sensor.id], number, place.form.value(number))
            for place in self.map.whole_in(read.address, read.count)
            for number in (numbers[place.sensor.id],)
        )
        row = Serve(self.id, serve, math.floor(requested_s * 1000.0), None, State.SENDING, readings)
        serve_id = await self._recorder.record_serve(row)
        wanted = block[2 * read.address : 2 * (read.address + read.count)]
        return Answer(answer_read(read.function, wanted), serve_id)

    def settle(self, answer: Answer, state: State) -> None:
        """Write down what became of the answer, now."""
        self._recorder.settle(answer.serve_id, math.ceil(self._clock() * 1000.0), state)

    def _prepare(self) -> None:
        if self._serve is None:
            self._serve = self._recorder.last_serve(self.id)
            for sensor in self.station.sensors:
                series = Series("", self.id, self.station.id, sensor.id, sensor.quantity)
                self._series_ids[sensor.id] = self._recorder.series_id(series)

    def _numbers(self, serve: int) -> dict[str, float | int]:
        values = self.station.measure(self._clock())
        try:
            return {
                sensor.id: serve if sensor.counts_serves else sensor.form.number(values[sensor.id])
                for sensor in self.station.sensors
            }
        except OverflowError as error:
            raise RefusedError(ExceptionCode.DEVICE_FAILURE) from error

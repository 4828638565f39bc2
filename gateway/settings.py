"""What a gateway's TOML file holds."""

import hashlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gateway.registers import RegisterType
from health import HealthSettings
from settings import load
from settings.broker import BrokerSettings
from settings.errors import FaultError
from settings.load import parse_duration_s
from wire.codec import Codec
from wire.names import Id
from wire.quantities import QUANTITIES

ENV_PREFIX = "ARYK_GATEWAY"

Duration = Annotated[float, BeforeValidator(parse_duration_s), Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Order(StrEnum):
    """Which end comes first."""

    BIG = "big"
    LITTLE = "little"


class TableName(StrEnum):
    """Where a register lives: holding registers are read with function 3, input registers with function 4."""

    HOLDING = "holding"
    INPUT = "input"


class CalibrationSettings(_Table):
    """What a check against the staff found: value = scale x what the sensor says + offset, in its unit.

    It holds from when it stands here. The registry keeps it with its date, and the centre compares the two.
    """

    scale: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    offset: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    by: str = ""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.scale == 0:
            raise ValueError("scale 0 would make every value the same")
        return self


class SensorSettings(_Table):
    """One sensor: where its number stands, and what it means. What it says = number x scale + offset, in `unit`; a
    `calibration` puts that right, and what it said is kept beside the value."""

    id: Id
    quantity: Id
    unit: str = ""
    register_: Annotated[int, Field(alias="register", ge=0, le=65535, description="counted from 0, as on the wire")]
    table: TableName = TableName.HOLDING
    type: RegisterType = RegisterType.UINT16
    word_order: Annotated[Order, Field(description="big: the first register holds the highest bits")] = Order.BIG
    byte_order: Annotated[Order, Field(description="within one register; nearly always big")] = Order.BIG
    scale: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    offset: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    valid: Annotated[
        tuple[float, float] | None, Field(description="what the sensor can measure, in `unit`; else the flag is 4")
    ] = None
    calibration: CalibrationSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _usual_unit(cls, document: Any) -> Any:
        if isinstance(document, dict) and "unit" not in document:
            known = QUANTITIES.get(str(document.get("quantity")))
            if known is not None:
                return {**document, "unit": known.unit}
        return document

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        known = QUANTITIES.get(self.quantity)
        if known is None:
            raise ValueError(f"quantity {self.quantity!r} is not known: one of {', '.join(sorted(QUANTITIES))}")
        if self.unit != known.unit:
            raise ValueError(
                f"{self.quantity} is sent in {known.unit!r}, not in {self.unit!r}: set scale and offset so"
            )
        if self.scale == 0:
            raise ValueError("scale 0 would make every value the same")
        if self.valid is not None and self.valid[0] >= self.valid[1]:
            raise ValueError("valid is [lowest, highest]")
        if self.register_ + self.type.words > 65536:
            raise ValueError(f"a {self.type.value} at register {self.register_} goes beyond the last register, 65535")
        return self


class _Device(_Table):
    id: Id
    unit_id: Annotated[int, Field(ge=0, le=247)] = 1
    interval: Duration = 900.0
    timeout: Annotated[Duration, Field(le=60, description="how long one answer may take")] = 1.0
    retries: Annotated[int, Field(ge=0, le=5, description="more tries in the same scan")] = 1
    max_gap: Annotated[int, Field(ge=0, le=125, description="unused registers that may be read along")] = 125
    max_registers: Annotated[int, Field(ge=1, le=125, description="the most that the device answers at once")] = 125
    sensors: Annotated[tuple[SensorSettings, ...], Field(min_length=1)]


class TcpDevice(_Device):
    """A device that speaks Modbus TCP."""

    protocol: Literal["modbus-tcp"]
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 502

    @property
    def link(self) -> str:
        """What devices on the same connection have in common."""
        return f"{self.host}:{self.port}"


class RtuDevice(_Device):
    """A device that speaks Modbus RTU on a serial port, which it may share with others."""

    protocol: Literal["modbus-rtu"]
    port: Annotated[str, Field(min_length=1, description="better /dev/serial/by-id/... than /dev/ttyUSB0")]
    baudrate: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1
    latency: Annotated[
        Duration | None, Field(le=60, description="the latest that a late answer comes; unset: twice the timeout")
    ] = None

    @property
    def link(self) -> str:
        """What devices on the same port have in common."""
        return self.port

    @property
    def latency_s(self) -> float:
        """How long after a request its answer may still come."""
        return max(self.timeout, self.latency or 2 * self.timeout)


DeviceSettings = Annotated[TcpDevice | RtuDevice, Field(discriminator="protocol")]


class LogSettings(_Table):
    """The log on disk."""

    keep: Annotated[Duration, Field(description="how long readings stay after their delivery")] = 30 * 86400.0
    reserve_mb: Annotated[float, Field(ge=0, description="disk space that the log leaves free")] = 16.0


class UplinkSettings(_Table):
    """How the log is sent."""

    send_interval: Annotated[
        float,
        BeforeValidator(parse_duration_s),
        Field(ge=0, description="0: every scan at once; else scans are gathered"),
    ] = 0.0
    window: Annotated[int, Field(ge=2, le=16, description="batches under way without a receipt")] = 16
    receipt_timeout: Annotated[
        Duration, Field(description="then a batch is sent again; doubles while nobody answers")
    ] = 15.0
    backlog_pause: Annotated[
        float, BeforeValidator(parse_duration_s), Field(ge=0, description="between two batches of the backlog")
    ] = 0.2


class GatewaySettings(_Table):
    """A gateway, its broker and its devices."""

    id: Id
    district: Id
    codec: Codec = Codec.CBOR
    broker: BrokerSettings = BrokerSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()
    uplink: UplinkSettings = UplinkSettings()
    devices: Annotated[tuple[DeviceSettings, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        faults = [
            *_repeated("devices", [(("devices", at, "id"), device.id) for at, device in enumerate(self.devices)]),
            *_repeated(
                "sensors",
                [
                    (("devices", at, "sensors", n, "id"), sensor.id)
                    for at, device in enumerate(self.devices)
                    for n, sensor in enumerate(device.sensors)
                ],
            ),
        ]
        ports: dict[str, RtuDevice] = {}
        for at, device in enumerate(self.devices):
            if isinstance(device, RtuDevice):
                first = ports.setdefault(device.port, device)
                line = ("baudrate", "parity", "stopbits")
                if any(getattr(device, name) != getattr(first, name) for name in line):
                    problem = (
                        f"devices {first.id!r} and {device.id!r} share {device.port}: "
                        "baudrate, parity and stopbits must be the same"
                    )
                    faults.append((("devices", at, "port"), problem))
        if faults:
            raise FaultError(*faults)
        return self

    @property
    def config_hash(self) -> str:
        """What names this configuration; secrets have no part in it."""
        document = self.model_dump(mode="json", by_alias=True, exclude={"broker": {"password"}})
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


_Place = tuple[str | int, ...]


def _repeated(what: str, ids: list[tuple[_Place, str]]) -> list[tuple[_Place, str]]:
    """A fault for each id that another one before it has."""
    seen: set[str] = set()
    faults: list[tuple[_Place, str]] = []
    for place, one in ids:
        if one in seen:
            faults.append((place, f"two {what} have the id {one!r}"))
        seen.add(one)
    return faults


def load_settings(path: Path | str) -> GatewaySettings:
    """The settings in this file and in ARYK_GATEWAY__... of the environment. Raises SettingsError."""
    return load(GatewaySettings, path, env_prefix=ENV_PREFIX)

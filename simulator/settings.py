"""What the simulator's roles are told."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from settings.broker import BrokerSettings
from settings.load import parse_duration_s
from simulator.scenario.build import MOST_CANALS
from wire.codec import Codec
from wire.names import Id

Duration = Annotated[float, BeforeValidator(parse_duration_s), Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DevicesSettings(_Table):
    """Emulated instruments: of a reservoir with so many canals, or of the example system of registry/.

    With `serial` the canal gauges answer on a pty and the others on TCP.
    """

    system: Literal["canals", "example"] = "canals"
    seed: int = 1
    canals: Annotated[int, Field(ge=1, le=MOST_CANALS)] = 1
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="0: any free port")] = 5020
    serial: bool = False
    serial_link: Annotated[Path | None, Field(description="a stable name for the pty; else in the state folder")] = None
    ledger: Path | None = None


class FleetSettings(_Table):
    """A fleet of gateways in one process. `rate` bounds the readings that all of them publish in a second together."""

    broker: BrokerSettings = BrokerSettings()
    district: Id = "fleet"
    districts: Annotated[int, Field(ge=1, le=1000, description="more than one: district-1, district-2 ...")] = 1
    prefix: Annotated[Id, Field(description="gateways are PREFIX-00001 and so on")] = "fleet"
    gateways: Annotated[int, Field(ge=1, le=100_000)] = 1000
    sensors: Annotated[int, Field(ge=1, le=1000)] = 3
    interval: Annotated[Duration, Field(description="time between two scans of a gateway")] = 10.0
    scans_a_message: Annotated[int, Field(ge=1, le=1000)] = 1
    codec: Codec = Codec.CBOR
    seed: int = 1
    rate: Annotated[float | None, Field(gt=0)] = None
    window: Annotated[int, Field(ge=1, le=64, description="batches of a gateway without a receipt")] = 16
    receipt_timeout: Duration = 15.0
    keep: Annotated[int, Field(ge=1, description="scans that a gateway keeps after their receipt")] = 1000
    most_waiting: Annotated[int, Field(ge=1, description="scans that a gateway holds without a receipt")] = 10_000
    duration: Annotated[Duration | None, Field(description="stop scanning after this time")] = None
    drain: Annotated[Duration, Field(description="then wait so long for the last receipts")] = 30.0
    connects_per_s: Annotated[float, Field(gt=0)] = 500.0
    ledger: Path | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.scans_a_message * self.sensors > 20_000:
            raise ValueError("scans_a_message x sensors: a batch holds at most 20000 readings")
        return self

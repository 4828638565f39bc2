"""Small settings and readings for the gateway's tests."""

from typing import Any

from gateway.clock import Moment
from gateway.log import NewRecord, Scan
from gateway.readings import Reading
from gateway.settings import GatewaySettings, SensorSettings

LEVEL = ("level", "level", "m")


def sensor(id_: str = "level", register: int = 0, **more: Any) -> SensorSettings:
    return SensorSettings.model_validate({"id": id_, "quantity": "level", "register": register, **more})


def settings(**more: Any) -> GatewaySettings:
    return GatewaySettings.model_validate(
        {
            "id": "gw-1",
            "district": "north",
            "devices": [device("gauge", sensors=[{"id": "level", "quantity": "level", "register": 0}])],
            **more,
        }
    )


def device(id_: str = "gauge", **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "protocol": "modbus-tcp",
        "host": "127.0.0.1",
        "interval": 1.0,
        "sensors": [{"id": f"{id_}-level", "quantity": "level", "register": 0}],
        **more,
    }


def reading(value: float | None = 1.25, sensor: str = "level", flag: int | None = None) -> Reading:
    return Reading(sensor, "level", "m", value, flag if flag is not None else (9 if value is None else 1))


def scan(moment: Moment, *values: float | None) -> Scan:
    """One scan with a sensor for each value: level, level-1, level-2 ..."""
    names = ["level", *(f"level-{number}" for number in range(1, len(values)))]
    return Scan(moment, tuple(reading(value, name) for name, value in zip(names, values, strict=True)))


def gap(reason: str = "overrun", **body: Any) -> NewRecord:
    return NewRecord("gap", {"reason": reason, **body})

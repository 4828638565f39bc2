"""A small registry and batches for the tests of ingest."""

import json
from typing import Any

from hydrology.registry import Registry
from ingest.intake import Arrival, Intake
from ingest.pipeline import Directory, TimeBounds, directory
from ingest.received import Logs
from wire.batch import Batch, Record, Series
from wire.codec import CONTENT_TYPES, Codec, encode_batch

NOW_MS = 1_790_000_000_000
EPOCH = 0x2A
TOPIC = "aryk/v1/karatal/gw1/readings"
BOUNDS = TimeBounds(1_420_070_400_000, NOW_MS + 86_400_000)

REGISTRY_TOML = """
[districts.karatal]
name = "Karatal"
[districts.aksu]
name = "Aksu"
[[gateways]]
id = "gw1"
district = "karatal"
[[gateways]]
id = "gw2"
district = "aksu"
[[stations]]
id = "k-12"
name = "Karatal 12"
district = "karatal"
latitude = 45.0
longitude = 78.1
[[stations.sensors]]
id = "level"
gateway = "gw1"
quantity = "level"
unit = "m"
interval = "15min"
thresholds = { low = 0.2, minor = 2.5 }
[[stations.sensors]]
id = "flow"
gateway = "gw1"
quantity = "discharge"
unit = "m3/s"
[[stations]]
id = "a-1"
name = "Aksu 1"
district = "aksu"
[[stations.sensors]]
id = "level"
gateway = "gw2"
quantity = "level"
unit = "m"
"""


def registry() -> Registry:
    import tomllib

    return Registry.model_validate(tomllib.loads(REGISTRY_TOML))


KNOWN: Directory = directory(registry())


def level(seqs: list[int], *, start_ms: int = NOW_MS - 3_600_000, sensor: str = "level", **other: Any) -> Series:
    values = {
        "quantity": "level",
        "unit": "m",
        "time_ms": [start_ms + seq * 1_000 for seq in seqs],
        "value": [1.0 + seq / 100 for seq in seqs],
        "flag": [1] * len(seqs),
        **other,
    }
    return Series(sensor, seq=seqs, **values)


def batch(*series: Series, gateway: str = "gw1", epoch: int = EPOCH, records: list[Record] | None = None) -> Batch:
    return Batch(gateway, epoch, list(series), records or [])


def arrival(what: Batch | bytes, topic: str = TOPIC, codec: Codec = Codec.JSON, received_ms: int = NOW_MS) -> Arrival:
    payload = encode_batch(what, codec) if isinstance(what, Batch) else what
    return Arrival(topic, payload, CONTENT_TYPES[codec], received_ms, 0.0)


def document(**changes: Any) -> dict[str, Any]:
    """A batch of JSON with three good readings, to be spoilt."""
    series = {
        "sensor": "level",
        "quantity": "level",
        "unit": "m",
        "seq": [1, 2, 3],
        "time": [NOW_MS - 3_000, NOW_MS - 2_000, NOW_MS - 1_000],
        "value": [1.0, 1.1, 1.2],
        "flag": [1, 1, 1],
    }
    series.update({key: changes.pop(key) for key in list(changes) if key in series})
    doc = {"v": 1, "gateway": "gw1", "epoch": "00000000002a", "series": [series]}
    doc.update(changes)
    return doc


def spoilt(**changes: Any) -> bytes:
    return json.dumps(document(**changes)).encode()


def make_intake(received: Logs | None = None, poison: set[str] | None = None) -> Intake:
    return Intake(
        KNOWN,
        lambda now_ms: BOUNDS,
        received=received if received is not None else Logs(),
        dead_keys=set(),
        poison=poison or set(),
        next_id=1,
    )

"""The golden vectors: batches whose bytes are committed, so that no release reads or writes them otherwise.

`python -m tests.wire.golden` writes the files of new batches; those that are there are never changed.
"""

import json
from pathlib import Path

from wire.batch import Batch, Record, Series
from wire.codec import Codec, encode_batch

FOLDER = Path(__file__).parent / "vectors"
T0 = 1_795_392_000_000
QUARTER_MS = 900_000


def _day() -> Batch:
    times = [T0 + QUARTER_MS * row for row in range(96)]
    level: list[float | None] = [round(1.42 + 0.0001 * (row - 48) ** 2, 3) for row in range(96)]
    voltage: list[float | None] = [round(12.6 + 0.01 * (row % 30), 2) for row in range(96)]
    return Batch(
        "kok-su-012",
        0x5F0A3B9C11D2,
        [
            Series("radar", "level", "m", list(range(101, 293, 2)), times, level, [1] * 96),
            Series("battery", "battery_voltage", "V", list(range(102, 294, 2)), times, voltage, [1] * 96),
        ],
    )


BATCHES: dict[str, Batch] = {
    "one-reading": Batch("gw-1", 1, [Series("radar", "level", "m", [1], [T0], [1.234], [1])]),
    "a-day": _day(),
    "flags-and-gaps": Batch(
        "gw-1",
        2**48 - 1,
        [
            Series(
                "radar", "level", "m", [5, 6, 7, 9], [T0, T0 + 1, T0 + 3, T0 + 2], [1.5, None, 99.9, -0.0], [1, 9, 3, 4]
            ),
            Series("gate", "gate_opening", "m", [10], [T0], [None], [9]),
        ],
    ),
    "raw": Batch(
        "gw-1",
        7,
        [
            Series(
                "probe", "level", "m", [1, 2, 3], [T0, T0 + 1, T0 + 2], [1.25, 1.5, None], [1, 1, 9], [0.25, None, None]
            )
        ],
    ),
    "no-scale-fits": Batch(
        "gw-1",
        7,
        [Series("pi", "conductivity", "S/m", [1, 2, 3], [T0, T0 + 1, T0 + 2], [0.1 + 0.2, 1e300, 5e-324], [1, 1, 1])],
    ),
    "other-quantity-and-unit": Batch(
        "gw-1",
        7,
        [Series("s", "ph", "1", [1], [T0], [7.4], [2]), Series("s2", "level", "[ft_i]", [2], [T0], [3.0], [1])],
    ),
    "records": Batch(
        "gw-1",
        7,
        records=[
            Record(1, T0, "gap", {"from_ms": T0 - 5000, "to_ms": T0, "why": "restart"}),
            Record(2, T0 + 1, "calibration", {"sensor": "radar", "scale": 1.002, "offset": -0.013, "by": "Айгуль"}),
            Record(3, T0 + 2, "event", {"nested": [True, None, {"deep": [1, 2.5, "x"]}], "empty": {}}),
        ],
    ),
    "large-steps": Batch(
        "gw-1",
        7,
        [
            Series(
                "s",
                "volume",
                "m3",
                [1, 2**52, 3],
                [0, 2**53 - 1, -(2**53 - 1)],
                [9007199254740.991, -1.0, 0.0],
                [1, 1, 1],
            )
        ],
    ),
}


def write_new() -> list[str]:
    """Write the files that are missing; their names."""
    FOLDER.mkdir(exist_ok=True)
    written = []
    for name, batch in BATCHES.items():
        for codec in Codec:
            path = FOLDER / f"{name}.{codec.value}"
            if not path.exists():
                payload = encode_batch(batch, codec)
                if codec is Codec.JSON:  # laid out for people; the codec itself writes no spaces
                    payload = json.dumps(json.loads(payload), ensure_ascii=False, indent=1).encode() + b"\n"
                path.write_bytes(payload)
                written.append(path.name)
    return written


if __name__ == "__main__":
    print("written:", *write_new() or ["nothing new"])  # noqa: T201

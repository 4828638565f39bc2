"""Cost of the derived series at ingest, in µs a derived reading: `python -m benchmarks.derive`.

Target: at most 10 µs a derived reading, and about nothing for series that nothing is derived from. Messages as gateways send
them (3 series of 4 scans), on a level that moves like a canal, in millimetres. The best of several rounds is the figure.
"""

import tomllib
from collections.abc import Callable
from time import perf_counter

from benchmarks.quality import canal
from hydrology.registry import Registry
from ingest.derive import Derive
from ingest.pipeline import Accepted, Target

MESSAGES = 5_000
SCANS = 4
ROUNDS = 5
TARGET_US = 10.0

HEAD = """
[districts.d]
name = "D"
[[gateways]]
id = "g"
district = "d"
[[stations]]
id = "s"
name = "S"
district = "d"
datum = { zero_m = 100.0, system = "Baltic 1977" }
"""
SENSORS = "".join(
    f'[[stations.sensors]]\nid = "{name}"\ngateway = "g"\nquantity = "{quantity}"\nunit = "m"\n'
    for name, quantity in (("level", "level"), ("below", "level"), ("gate", "gate_opening"))
)
RATING = '[[stations.ratings]]\neffective_from = 2020-01-01\nhead = "level"\n'
CASES = {
    "nothing derived": "",
    "power rating": RATING + "segments = [{ a = 8.0, e_m = 0.2, b = 1.5 }]\n",
    "broad-crested weir": RATING
    + 'structure = { kind = "broad_crested_weir", width_m = 1.5, length_m = 6.0, height_m = 0.4, channel_m = 2.0 }\n',
    "rating between two shifts": RATING
    + "segments = [{ a = 8.0, e_m = 0.2, b = 1.5 }]\n"
    + "[[stations.ratings.shifts]]\neffective_from = 2020-02-01\npoints = [[1.0, 0.01], [2.0, 0.02]]\n"
    + "[[stations.ratings.shifts]]\neffective_from = 2060-02-01\npoints = [[1.0, 0.02]]\n",
    "sluice gate, three inputs": RATING
    + 'tail = "below"\nopening = "gate"\nstructure = { kind = "sluice_gate", width_m = 2.0 }\n',
    "volume": "[[stations.storage]]\neffective_from = 2020-01-01\nrows = [[100.0, 0.0], [110.0, 50.0]]\n",
}


def messages() -> list[list[Accepted]]:
    levels = canal(0.004)
    out = []
    for number in range(MESSAGES):
        times = [1_780_000_000_000 + 900_000 * (number * SCANS + scan) for scan in range(SCANS)]
        column: list[float | None] = list(levels[number * SCANS : (number + 1) * SCANS])
        below = [None if value is None else round(value - 0.5, 3) for value in column]
        flags = [1] * SCANS
        out.append(
            [
                Accepted(Target("s", "level", "level", "m"), [1] * SCANS, times, column, flags, None),
                Accepted(Target("s", "below", "level", "m"), [1] * SCANS, times, below, flags, None),
                Accepted(Target("s", "gate", "gate_opening", "m"), [1] * SCANS, times, [0.3] * SCANS, flags, None),
            ]
        )
    return out


def cost_us(make: Callable[[], Derive], sent: list[list[Accepted]]) -> tuple[float, int]:
    """Seconds of the best round as µs a reading of `level`, and how many points were derived."""
    best, points = float("inf"), 0
    for _ in range(ROUNDS):
        derive = make()
        started = perf_counter()
        for message in sent:
            derive.take(message, [])
        best, points = min(best, perf_counter() - started), derive.points
    return best / (MESSAGES * SCANS) * 1e6, points


def main() -> None:
    sent = messages()
    for name, text in CASES.items():
        registry = Registry.model_validate(tomllib.loads(HEAD + SENSORS + text))
        us, points = cost_us(lambda registry=registry: Derive(registry), sent)  # type: ignore[misc]
        each = f"{us:5.2f} µs a derived reading" if points else f"{us / 3:5.3f} µs a reading"
        print(f"{name + ':':28} {each} (target {TARGET_US if points else 0:g})")


if __name__ == "__main__":
    main()

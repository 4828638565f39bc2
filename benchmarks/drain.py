"""How fast the writer drains a spool into a real InfluxDB 2.7: `python -m benchmarks.drain`. Prints readings a second.

Both cores are shared with the database. The peer in the same run is the same drain with the garbage collector's usual
thresholds.
"""

import argparse
import asyncio
import contextlib
import gc
import tempfile
import time
from pathlib import Path

from ingest.app import GARBAGE_THRESHOLDS
from ingest.body import encode_body
from ingest.change import Change, Count, make_row
from ingest.committer import Committer
from ingest.holding import SpoolReader
from ingest.pipeline import Accepted, Target
from ingest.spool import Spool
from ingest.writer import Drain
from store.influx import InfluxWriter
from store.settings import InfluxSettings
from tests.servers.influxdb import InfluxDB

GATEWAYS = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=5, help="series in a message")
    parser.add_argument("--readings", type=int, default=1, help="readings of each series in a message")
    parser.add_argument("--messages", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, InfluxDB(Path(folder) / "influxdb") as database:
        rates: dict[str, float] = {}
        for name, thresholds in (("usual thresholds", gc.get_threshold()), ("ingest's thresholds", GARBAGE_THRESHOLDS)):
            gc.set_threshold(*thresholds)
            rates[name] = asyncio.run(_drain(Path(folder) / f"{len(rates)}.sqlite", database, options))
            print(f"{name:20} {rates[name]:10,.0f} readings/s")
        usual, ours = rates.values()
        print(f"{'ratio':20} {ours / usual:10.2f}")


def _fill(spool: Spool, options: argparse.Namespace) -> int:
    now_ms = int(time.time() * 1000)
    change = Change()
    size = options.series * options.readings
    for n in range(options.messages):
        gateway, message = f"fleet-{n % GATEWAYS:05d}", n // GATEWAYS
        first = 1 + message * size
        accepted = [
            Accepted(
                Target(gateway, f"s-{s}", "level", "m"),
                list(range(first + s * options.readings, first + (s + 1) * options.readings)),
                [now_ms - 10_000_000 + message * 1000 + k for k in range(options.readings)],
                [1.5 + n % 1000 + k for k in range(options.readings)],
                [1] * options.readings,
                None,
            )
            for s in range(options.series)
        ]
        ranges = [(first, first + size - 1)]
        change.rows.append(make_row(n + 1, now_ms, gateway, n % GATEWAYS, ranges, size, encode_body(accepted, [])))
    readings: int = options.messages * size
    change.counts[Count.RECEIVED] += readings
    change.counts[Count.WAITING] += readings
    spool.commit([change], 0)
    return readings


async def _drain(file: Path, database: InfluxDB, options: argparse.Namespace) -> float:
    settings = InfluxSettings(
        kind="influxdb", url=database.url, org=database.org, bucket=database.bucket, token=database.token
    )
    with Spool(file) as spool:
        holding = spool.load()
        readings = await asyncio.to_thread(_fill, spool, options)
        async with Committer(spool) as committer, InfluxWriter(settings) as store:
            reader = SpoolReader(spool.path)
            drain = Drain(reader, committer, store, holding.settled)
            began = time.perf_counter()
            task = asyncio.create_task(drain.run())
            while committer.totals.rows:  # noqa: ASYNC110  # the committer counts in a thread of its own
                await asyncio.sleep(0.02)
            took_s = time.perf_counter() - began
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            reader.close()
    return readings / took_s


if __name__ == "__main__":
    main()

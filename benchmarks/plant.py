"""What a benchmark runs on: a real broker, store and ingest in one folder, and what each process has used."""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from benchmarks.payloads import Work, registry
from simulator.toml_text import toml_text
from tests.faults.roles import IngestRole
from tests.servers.influxdb import InfluxBucket, InfluxDB
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import ServerProcess
from tests.servers.wait import eventually_sync
from wire.topics import Kind, topic_filter

MEGABYTE = 1 << 20
LOOK_S = 0.01
PATIENCE_S = 240.0
RELATIVE = 1e-6


class Measured(Protocol):
    """A process whose cost is of interest."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...


class Listening(Protocol):
    """A broker."""

    @property
    def port(self) -> int:
        """Where it listens."""
        ...


def cpu_s(process: Measured) -> float:
    """Its processor time so far, seconds (user and system)."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(process: Measured, key: str = "VmRSS") -> float:
    """Its resident memory, MB; "VmHWM" is the most it ever had."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024 / MEGABYTE
    raise ValueError(f"process {process.pid} has no {key}")


def make_broker(folder: Path) -> Mosquitto:
    """mosquitto 2.0.21 without bounds of its queue, and without a log.

    Its own bound of messages under way is off: ingest sets one by its Receive Maximum, and Telegraf, which acknowledges what is
    stored, would wait for its next flush after every 1,000 messages.
    """
    return Mosquitto(
        folder / "mosquitto",
        persistence=False,
        max_inflight_messages=0,
        max_queued_messages=0,
        extra="log_type none\nset_tcp_nodelay true",
    )


def make_ingest(
    folder: Path, broker: Listening, store: dict[str, Any], work: Work, name: str = "ingest", **more: Any
) -> IngestRole:
    """Ingest with its registry and configuration written; it is not started."""
    role = IngestRole(folder / name, folder / f"{name}-state")
    (role.folder / "registry.toml").write_text(toml_text(registry(work.gateways, work.districts)))
    settings = {
        "id": name,
        "registry": "registry.toml",
        "broker": {"port": broker.port},
        "store": store,
        "health": {"port": role.port},
        **more,
    }
    role.config.write_text(toml_text(settings))
    return role


def influx_store(influx: InfluxDB) -> dict[str, Any]:
    """The `[store]` of ingest."""
    return {
        "kind": "influxdb",
        "url": influx.url,
        "org": influx.org,
        "bucket": influx.bucket,
        "token": influx.token,
    }


def spool_path(role: IngestRole) -> Path:
    """Where its spool is."""
    return role.state / "ingest" / "spool.sqlite"


class Counters:
    """The counters of a spool, through one connection that stays open."""

    def __init__(self, spool: Path) -> None:
        self._db = sqlite3.connect(f"{spool.absolute().as_uri()}?mode=ro", uri=True, timeout=10.0)

    def __call__(self) -> dict[str, int]:
        return {str(name): int(value) for name, value in self._db.execute("SELECT name, value FROM counters")}

    def close(self) -> None:
        self._db.close()


def open_session(role: IngestRole) -> None:
    """Let ingest connect once and stop: from now on the broker keeps its messages."""
    role.start()
    eventually_sync(lambda: "connected to" in role.log_text(), 60.0, "ingest connects")
    role.stop()


def readings_filter() -> str:
    """The topic filter of all readings."""
    return topic_filter(Kind.READINGS, "+")


def watch(
    progress: Callable[[], int],
    goal: int,
    *,
    look_s: float = LOOK_S,
    stalled_s: float = PATIENCE_S,
    marks: list[tuple[float, int]] | None = None,
) -> tuple[float, int]:
    """Wait until `progress` has come to `goal` or has stood still for `stalled_s`; when it last moved, and how far it came.

    The time is `time.perf_counter()`'s. `marks` gets each step.
    """
    last, moved = -1, time.perf_counter()
    while True:
        now, at = progress(), time.perf_counter()
        if now != last:
            last, moved = now, at
            if marks is not None:
                marks.append((at, now))
        if last >= goal or at - moved > stalled_s:
            return moved, last
        time.sleep(look_s)


def complaint_of(bucket: InfluxBucket, wanted: dict[tuple[str, str], tuple[int, float]]) -> str:
    """Compare the store with what was sent, series by series (count and sum of the values); "" when they are equal."""
    rows = bucket.query_influxql(
        'SELECT count("value") AS n, sum("value") AS total FROM "level" GROUP BY station, sensor'
    )
    found = {(row["station"], row["sensor"]): (int(row["n"]), float(row["total"])) for row in rows}
    count, held = sum(n for n, _ in wanted.values()), sum(n for n, _ in found.values())
    if held != count:
        return f"{held:,} of {count:,} readings stored"
    wrong = [
        key
        for key, (n, total) in wanted.items()
        if key not in found or found[key][0] != n or abs(found[key][1] - total) > RELATIVE * abs(total)
    ]
    return f"{len(wrong)} series differ" if wrong else ""


def kill_all(*processes: ServerProcess) -> None:
    """End them all, started or not."""
    for one in processes:
        one.kill()

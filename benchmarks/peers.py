"""What `make bench` compares ingest with: a raw loader, mosquitto_sub, and Telegraf, each on the same readings."""

import asyncio
import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import aiohttp

from benchmarks import plant
from benchmarks.outcome import Outcome
from benchmarks.payloads import Work, expected, line_bodies, payloads, row_payloads
from benchmarks.publish import publish_all
from benchmarks.tools import telegraf
from ingest.lane import LANES
from ingest.writer import REQUEST_POINTS
from store.influx_http import gzip
from tests.servers.find import find_server
from tests.servers.http import request
from tests.servers.influxdb import InfluxDB
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import ServerProcess
from tests.servers.wait import eventually_sync
from wire.codec import CONTENT_TYPES, Codec

REST_S = 2.0
TAIL = 0.98
"""Telegraf's last points wait for its next flush, up to ten seconds: its clock stops at this part of all."""
STALLED_S = 15.0
"""Longer than its flush interval: after that it has stopped for good."""
METRICS_LOOK_S = 0.1

# As it comes, and as it was found fastest; with more undelivered at 60 a message its buffer overflows.
STOCK = {"undelivered": 1_000, "batch": 1_000, "buffer": 10_000, "flush": "10s"}
TUNED = {"undelivered": 20_000, "batch": 5_000, "buffer": 400_000, "flush": "1s"}
TUNED_UNDELIVERED_AT_60 = 2_000


def raw_loader(work: Work) -> Outcome:
    """The same points, encoded and compressed beforehand, posted in requests of the same size, as many under way."""
    out = Outcome("raw loader", work.size, "lines", work.readings)
    bodies = [gzip(body) for body in line_bodies(work, REQUEST_POINTS)]
    with tempfile.TemporaryDirectory(prefix="aryk-bench-") as name, InfluxDB(Path(name) / "influxdb") as influx:
        before = plant.cpu_s(influx)
        mine = _own_cpu_s()
        began = time.perf_counter()
        asyncio.run(_post(influx, bodies))
        out.per_s = work.readings / (time.perf_counter() - began)
        out.cpu_us = {
            "loader": 1e6 * (_own_cpu_s() - mine) / work.readings,
            "influxd": 1e6 * (plant.cpu_s(influx) - before) / work.readings,
        }
        out.rss_mb = {"influxd": plant.rss_mb(influx)}
        out.complaint = plant.complaint_of(influx.first_bucket, expected(work))
    return out


async def _post(influx: InfluxDB, bodies: list[bytes]) -> None:
    left = iter(bodies)
    headers = {"Authorization": f"Token {influx.token}", "Content-Encoding": "gzip"}
    url = f"{influx.url}/api/v2/write?org={influx.org}&bucket={influx.bucket}&precision=ms"
    async with aiohttp.ClientSession(headers=headers) as session:

        async def lane() -> None:
            for body in left:
                async with session.post(url, data=body) as answer:
                    await answer.read()
                    answer.raise_for_status()

        await asyncio.gather(*(lane() for _ in range(LANES)))


def _own_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def mosquitto_sub(work: Work, codec: Codec) -> Outcome:
    """Only reading the queue: how fast the broker gives it out."""
    out = Outcome("mosquitto_sub", work.size, codec.value, work.readings)
    program = find_server("mosquitto_sub")
    with tempfile.TemporaryDirectory(prefix="aryk-bench-") as name:
        broker = plant.make_broker(Path(name))
        with broker:
            command = [str(program), "-h", "127.0.0.1", "-p", str(broker.port), "-V", "mqttv5", "-i", "reader", "-c"]
            command += ["-x", "3600", "-D", "connect", "receive-maximum", "1000"]
            command += ["-q", "1", "-t", plant.readings_filter()]
            subprocess.run([*command, "-E"], check=True, timeout=30)
            asyncio.run(publish_all(broker.port, payloads(work, codec), CONTENT_TYPES[codec]))
            before = plant.cpu_s(broker)
            mine = resource.getrusage(resource.RUSAGE_CHILDREN)
            began = time.perf_counter()
            ended = subprocess.run(
                [*command, "-C", str(work.messages), "-W", "120"], stdout=subprocess.DEVNULL, check=False
            )
            out.per_s = work.readings / (time.perf_counter() - began)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            out.cpu_us = {
                "mosquitto_sub": 1e6 * (used.ru_utime + used.ru_stime - mine.ru_utime - mine.ru_stime) / work.readings,
                "mosquitto": 1e6 * (plant.cpu_s(broker) - before) / work.readings,
            }
            out.complaint = "" if ended.returncode == 0 else f"ended with {ended.returncode}"
    return out


class Telegraf(ServerProcess):
    """MQTT to InfluxDB, one line of configuration for each thing that a benchmark may choose."""

    program: ClassVar[str] = "telegraf"

    def __init__(
        self, folder: Path, path: Path, broker: Mosquitto, influx: InfluxDB, options: dict[str, object]
    ) -> None:
        super().__init__(folder)
        self._path, self._broker, self._influx, self._options = path, broker, influx, options

    def executable(self) -> Path:
        return self._path

    def arguments(self) -> list[str]:
        config = self.folder / "telegraf.conf"
        config.write_text("\n".join(self._lines()) + "\n")
        return ["--config", str(config)]

    def ready(self) -> bool:
        return "Loaded inputs" in self.log_text()

    def _lines(self) -> Iterator[str]:
        one = self._options
        yield "[agent]"
        yield f'omit_hostname = true\ninterval = "10s"\nflush_interval = "{one["flush"]}"'
        yield f"metric_batch_size = {one['batch']}\nmetric_buffer_limit = {one['buffer']}"
        yield "[[inputs.mqtt_consumer]]"
        yield f'servers = ["tcp://127.0.0.1:{self._broker.port}"]\ntopics = ["{plant.readings_filter()}"]'
        yield f"qos = 1\npersistent_session = true\nmax_undelivered_messages = {one['undelivered']}"
        yield 'client_id = "telegraf"\ntopic_tag = ""\ndata_format = "json"\ntag_keys = ["station", "sensor"]'
        yield 'json_name_key = "quantity"\njson_time_key = "time"\njson_time_format = "unix_ms"'
        yield "[[outputs.influxdb_v2]]"
        influx = self._influx
        yield f'urls = ["{influx.url}"]\ntoken = "{influx.token}"'
        yield f'organization = "{influx.org}"\nbucket = "{influx.bucket}"'


def run_telegraf(work: Work, *, tuned: bool) -> Outcome:
    """Telegraf on the same readings as JSON rows. Without the binary the row says that it was not run."""
    out = Outcome(f"telegraf {'tuned' if tuned else 'stock'}", work.size, "json", work.readings)
    path = telegraf()
    if path is None:
        out.complaint = "not run: `make tools` builds it"
        return out
    options: dict[str, object] = dict(TUNED if tuned else STOCK)
    if tuned and work.size >= 60:
        options["undelivered"] = TUNED_UNDELIVERED_AT_60
    with tempfile.TemporaryDirectory(prefix="aryk-bench-") as name:
        folder = Path(name)
        broker, influx = plant.make_broker(folder), InfluxDB(folder / "influxdb")
        with broker, influx:
            peer = Telegraf(folder / "telegraf", path, broker, influx, options)
            try:
                peer.start()
                eventually_sync(lambda: "Connected [tcp" in peer.log_text(), 20.0, "Telegraf connects")
                peer.stop()
                asyncio.run(publish_all(broker.port, row_payloads(work), "application/json"))
                broker.pause()
                peer.start()
                time.sleep(REST_S)  # nothing to wait for: it is at the broker's door
                processes = {"telegraf": peer, "mosquitto": broker, "influxd": influx}
                before = {key: plant.cpu_s(one) for key, one in processes.items()}
                marks: list[tuple[float, int]] = []
                began = time.perf_counter()
                broker.resume()
                _, stored = plant.watch(
                    lambda: points_written(influx),
                    work.readings,
                    look_s=METRICS_LOOK_S,
                    stalled_s=STALLED_S,
                    marks=marks,
                )
                used = {key: plant.cpu_s(one) - before[key] for key, one in processes.items()}
                goal = TAIL * min(stored, work.readings)
                at, count = next((at, count) for at, count in marks if count >= goal)
                out.per_s = count / (at - began)
                out.cpu_us = {key: 1e6 * one / max(1, stored) for key, one in used.items()}
                out.rss_mb = {key: plant.rss_mb(one) for key, one in processes.items()}
                if stored < work.readings:
                    out.complaint = f"stopped after {100 * stored / work.readings:.0f} % of the readings"
                else:
                    out.complaint = plant.complaint_of(influx.first_bucket, expected(work))
            finally:
                peer.kill()
    return out


_WRITTEN = re.compile(r"^storage_writer_ok_points_sum(?:{[^}]*})? ([0-9.e+]+)$", re.M)


def points_written(influx: InfluxDB) -> int:
    """How many points influxd has taken since its start, by its own count."""
    text = request(influx.port, "GET", "/metrics")
    return int(sum(float(one) for one in _WRITTEN.findall(text or "")))

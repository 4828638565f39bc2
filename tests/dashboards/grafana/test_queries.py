"""Every query of every dashboard on a real InfluxDB and a real Prometheus that hold what ours do.

The readings are the simulator's, written by our store's writer; the metrics are ingest's own, scraped from its health page; the
recorded series come from our rules.
"""

import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from health import HealthServer, HealthSettings
from hydrology.registry import Registry
from ingest.alarms import Alarms
from ingest.gateways import Gateways
from ingest.last_values import LastValues
from ingest.metrics import Metrics, Reading, StateCollector
from ingest.rebuild import read_tails
from ingest.received import Logs
from ingest.state_text import StateText
from simulator.config import registry_document
from simulator.scenario import Scenario, build_scenario
from store.open import open_reader, open_writer
from store.points import Points, SeriesKey, SeriesPoints
from store.settings import InfluxSettings
from tests.dashboards.grafana.page import Page
from tests.dashboards.grafana.test_boards import BOARDS
from tests.servers.influxdb import InfluxDB
from tests.servers.prometheus import Prometheus
from tests.servers.wait import eventually
from wire.flags import Flag
from wire.messages import State, Status

pytestmark = pytest.mark.server

RULES = Path(__file__).parents[3] / "dashboards" / "prometheus" / "rules"
STEP_S = 300
HISTORY_S = 6 * 3600
LOST = "aksu-2"
DERIVED = ("fill", "depth_to_water", "power")


def points(scenario: Scenario, now_s: float) -> list[Points]:
    """Six hours of the water; one value in ten is suspect, one failed and one is missing."""
    times = [now_s - ago for ago in range(HISTORY_S, 0, -STEP_S)]
    values = [scenario.values(at) for at in times]
    flags = [
        Flag.SUSPECT if n % 10 == 3 else Flag.FAIL if n % 10 == 5 else Flag.MISSING if n % 10 == 7 else Flag.PASS
        for n in range(len(times))
    ]
    out: list[Points] = []
    for station in scenario.stations:
        for sensor in station.sensors:
            if sensor.counts_serves:
                continue
            out.append(
                SeriesPoints(
                    key=SeriesKey(sensor.quantity, station.id, sensor.id),
                    time_ms=[int(at * 1000) for at in times],
                    value=[
                        None if flag is Flag.MISSING else now[sensor.id]
                        for flag, now in zip(flags, values, strict=True)
                    ],
                    flag=[int(flag) for flag in flags],
                )
            )
    # What ingest derives at other kinds of station has the same shape.
    like = next(one for one in out if isinstance(one, SeriesPoints) and one.key.station == "aksu-reservoir")
    for quantity in DERIVED:
        key = SeriesKey(quantity, "aksu-reservoir", quantity)
        out.append(SeriesPoints(key, like.time_ms, like.value, like.flag))
    return out


def registry(scenario: Scenario) -> Registry:
    """The simulator's, with a second gateway, and a level that is over its thresholds."""
    document = registry_document(scenario, interval=f"{STEP_S}s")
    document["gateways"].append({"id": LOST, "district": scenario.district})
    level = next(sensor for sensor in document["stations"][0]["sensors"] if sensor["quantity"] == "level")
    level["thresholds"] = {"low": -9.0, "action": -3.0, "minor": -2.0, "moderate": -1.0}
    return Registry.model_validate(document)


@pytest.fixture
async def pages(influxdb_server: InfluxDB, tmp_path: Path) -> AsyncIterator[dict[str, Page]]:
    now_s = time.time()
    scenario = build_scenario(seed=1, canals=1)
    stations = registry(scenario)
    bucket = influxdb_server.create_bucket(f"boards-{tmp_path.name}")
    settings = InfluxSettings(
        kind="influxdb", url=bucket.url, org=bucket.org, bucket=bucket.bucket, token=SecretStr(bucket.token)
    )
    async with open_writer(settings, tmp_path) as writer:
        assert await writer.write(points(scenario, now_s)) == []
    values, alarms = LastValues(stations), Alarms(stations)
    async with open_reader(settings, tmp_path) as reader:
        values.seed(await reader.latest(0))
        alarms.seed(await read_tails(reader, alarms.needs()))

    gateways = Gateways(stations.district_of_gateway())
    for gateway, state in ((scenario.gateway, State.ONLINE), (LOST, State.LOST)):
        gateways.readings_came(gateway, int(now_s * 1000))
        gateways.status_came(gateway, Status(state=state), int(now_s * 1000), retained=False)

    def reading() -> Reading:
        """A pipeline at work: its counters rise, and add up."""
        n = int((time.time() - now_s) * 100)
        counters = {"received": 10 * n, "stored": 9 * n, "dead": n, "dead.bad_cbor": n}
        return Reading(
            counters,
            spool_rows=3,
            spool_bytes=999,
            letters=n,
            oldest_ms=int(now_s * 1000),
            broker_connected=True,
            free_bytes=10**9,
        )

    exposed = CollectorRegistry()
    metrics = Metrics(exposed)
    exposed.register(StateCollector(reading))
    sensors = StateText(
        stations, values, alarms, gateways, Logs(), Logs(), lambda: reading().counters, lambda: int(time.time() * 1000)
    )
    with HealthServer(HealthSettings(), exposed, lambda: None, sensors.chunks) as health:
        rules = tmp_path / "rules"
        rules.mkdir()
        for file in RULES.glob("*.yml"):
            # What fires in five minutes fires at once here.
            (rules / file.name).write_text(re.sub(r"\bfor: \w+", "for: 0s", file.read_text()))
        prometheus = Prometheus(
            tmp_path / "prometheus", targets={"ingest": [f"127.0.0.1:{health.port}"]}, rules=[rules], interval="1s"
        )
        async with prometheus:

            def has_settled() -> bool:
                metrics.messages.labels("readings").inc()
                for histogram in (metrics.receipt_s, metrics.store_write_s, metrics.commit_s):
                    histogram.observe(0.01)
                return bool(
                    prometheus.query('ALERTS{alertstate="firing", threshold!=""}')
                    and prometheus.query('ALERTS{alertstate="firing", alertname="GatewayDown"}')
                    and prometheus.query("increase(aryk_ingest_dead_letters_total[15m]) > 0")
                    and prometheus.query("rate(aryk_ingest_receipt_seconds_count[10s]) > 0")
                )

            await eventually(has_settled, timeout_s=60)
            yield {name: Page(board, prometheus, bucket, now_s) for name, board in BOARDS.items()}


def empty_queries(page: Page, choices: list[dict[str, str]]) -> list[str]:
    """The queries that give nothing, whichever choice is made."""
    seen: dict[str, int] = defaultdict(int)
    for choice in choices:
        page.choose(**choice)
        for panel, target in page.targets():
            seen[f"{panel['title']}, query {target['refId']}"] += len(page.rows(panel, target))
    assert seen
    return [name for name, rows in seen.items() if not rows]


async def test_every_panel_of_every_dashboard_has_rows(pages: dict[str, Page]) -> None:
    station = pages["station.json"]
    station.choose()
    variable = next(one for one in station.board["templating"]["list"] if one["name"] == "station")
    choices = [{"station": one} for one in station.options(variable)]
    assert len(choices) == 2
    # A canal has no volume and a reservoir no gate: each query must have rows at one of the two.

    def nothing_is_empty() -> bool:
        assert empty_queries(station, choices) == []
        assert empty_queries(pages["district.json"], [{}]) == []
        assert empty_queries(pages["pipeline.json"], [{}]) == []
        return True

    # A busy machine misses a scrape now and then, and its series with it.
    await eventually(nothing_is_empty, timeout_s=30)

    # A bucket is twice the interval.
    assert station.values["bucket"] == [str(2 * STEP_S)]
    # The warnings drawn into the charts.
    station.choose(station="aksu-canal")
    (annotation,) = station.board["annotations"]["list"]
    assert station.prometheus.query(station.written(annotation["expr"]))

    # The check itself: InfluxDB answers a misspelled field with nothing, not with an error.
    target = next(
        target for panel, target in station.targets() if panel["title"] == "Level" and target["refId"] == "MEAN"
    )
    panel = next(panel for panel, one in station.targets() if one is target)
    assert station.rows(panel, target)
    assert not station.rows(panel, target | {"query": target["query"].replace('"value"', '"valeu"')})

    # A table's columns are there, or Grafana would leave them out without a word.
    page = pages["district.json"]
    page.choose()
    for table in (panel for panel in page.board["panels"] if panel["type"] == "table"):
        columns: set[str] = set()
        for target in table["targets"]:
            columns |= {label for row in page.rows(table, target) for label in row["metric"]}
            columns.add("Value" if len(table["targets"]) == 1 else f"Value #{target['refId']}")
        chosen = next(one for one in table["transformations"] if one["id"] == "filterFieldsByName")
        assert set(chosen["options"]["include"]["names"]) <= columns, table["title"]

    # And they say what they should.
    def value(title: str) -> float:
        panel, target = next((panel, target) for panel, target in page.targets() if panel["title"] == title)
        (row,) = page.rows(panel, target)
        return float(row["value"][1])

    assert value("Stations") == 2
    assert value("In danger") == 1
    assert value("Silent") == 0
    silent = next((panel, target) for panel, target in page.targets() if panel["title"] == "Silent gateways")
    assert [row["metric"]["gateway"] for row in page.rows(*silent)] == [LOST]

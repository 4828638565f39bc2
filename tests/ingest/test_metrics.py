import re
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from ingest.alarms import Alarms
from ingest.gateways import Gateways
from ingest.intake import Group
from ingest.last_values import LastValues
from ingest.metrics import Metrics, Reading, StateCollector
from ingest.received import Logs
from ingest.state_text import CHUNK_LINES, StateText
from tests.ingest.samples import EPOCH, NOW_MS, arrival, batch, level, make_intake, registry
from wire.messages import LogExtent, State, Status
from wire.names import epoch_text

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def full_registry() -> tuple[CollectorRegistry, StateText]:
    """Everything that ingest can show, with a reading and a hello of gw1."""
    out = CollectorRegistry()
    Metrics(out).bad_statuses.labels("bad_json").inc()
    alarms = Alarms(registry())
    values, gateways, received = LastValues(registry()), Gateways(registry().district_of_gateway()), Logs()
    intake, group = make_intake(received), Group()
    intake.take(arrival(batch(level([1, 2, 3], value=[1.0, 1.5, None], flag=[1, 1, 9]))), group)
    for accepted in group.accepted:
        values.note(accepted)
        alarms.note(accepted)
    logs = [LogExtent(epoch=epoch_text(EPOCH), first=1, last=10)]
    gateways.status_came("gw1", Status(state=State.ONLINE, logs=logs), NOW_MS, retained=False)
    reading = Reading(counters={"received": 3, "waiting": 3, "dead.wrong_unit": 2, "lost.gw1": 4}, oldest_ms=NOW_MS)
    out.register(StateCollector(lambda: reading))
    counters = reading.counters
    state = StateText(registry(), values, alarms, gateways, received, Logs(), lambda: counters, lambda: NOW_MS)
    return out, state


def full_page() -> str:
    """The page as it goes out."""
    out, state = full_registry()
    return generate_latest(out).decode() + "".join(state.chunks())


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_page_lists_exactly_what_there_is_with_its_labels() -> None:
    listed: dict[str, set[str]] = {}
    section = PAGE.read_text().split("# Metrics of ingest")[1].split("\n# ")[0]
    for name, kind, labels in re.findall(r"^\| `(aryk_\w+)` \| (\w+)[^|]*\| ([^|]*)\|", section, re.M):
        listed[name] = {label.strip() for label in labels.split(",") if label.strip()}
        assert kind in ("gauge", "counter", "histogram")
    shown: dict[str, set[str]] = {}
    for name, labels in samples(full_page()):
        if name.endswith(("_created", "_sum", "_count")):
            continue
        plain = name.removesuffix("_bucket")
        shown.setdefault(plain, set()).update(key for key, _ in labels if key != "le")
    assert shown == listed


def test_sensors_show_their_newest_value_and_flag() -> None:
    shown = samples(full_page())
    labels = (("district", "karatal"), ("quantity", "level"), ("sensor", "level"), ("station", "k-12"))
    assert shown["aryk_sensor_last_value", labels] == 1.5
    assert shown["aryk_sensor_last_timestamp_seconds", labels] == (NOW_MS - 3_600_000 + 2_000) / 1000
    assert shown["aryk_sensor_last_flag", labels] == 9
    assert shown["aryk_sensor_expected_interval_seconds", labels] == 900
    threshold = tuple(sorted({**dict(labels), "severity": "low", "direction": "below"}.items()))
    assert shown["aryk_sensor_threshold", threshold] == 0.2


def test_gateways_show_state_and_backlog() -> None:
    shown = samples(full_page())
    labels = (("district", "karatal"), ("gateway", "gw1"))
    assert shown["aryk_gateway_up", labels] == 1
    assert shown["aryk_gateway_last_seen_timestamp_seconds", labels] == NOW_MS / 1000
    assert shown["aryk_gateway_backlog_readings", labels] == 7
    assert shown["aryk_gateway_lost_readings_total", labels] == 4
    assert ("aryk_gateway_up", (("district", "aksu"), ("gateway", "gw2"))) not in shown


def test_the_other_format_is_possible_too() -> None:
    page: bytes = openmetrics(full_registry()[0])  # type: ignore[no-untyped-call]
    assert page.decode().endswith("# EOF\n")


def test_every_name_is_as_prometheus_wants_it() -> None:
    for family in text_string_to_metric_families(full_page()):
        assert family.documentation
        assert family.name.startswith("aryk_")


def test_a_name_with_quotes_and_line_ends_is_escaped() -> None:
    stations = registry()
    named = [one.model_copy(update={"name": 'Ак "су"\n\\ 1'}) for one in stations.stations]
    _, state = full_registry()
    state.registry = stations.model_copy(update={"stations": named})
    shown = samples("".join(state.chunks()))
    labels = (("district", "karatal"), ("name", 'Ак "су"\n\\ 1'), ("station", "k-12"))
    assert shown["aryk_station_info", labels] == 1


def test_a_long_page_comes_in_pieces_of_whole_lines() -> None:
    _, state = full_registry()
    state.registry = state.registry.model_copy(update={"gateways": state.registry.gateways * CHUNK_LINES})
    chunks = list(state.chunks())
    assert all(chunk.endswith("\n") and chunk.count("\n") <= CHUNK_LINES + 2 for chunk in chunks)
    assert "".join(chunks).count("aryk_gateway_info{") == 2 * CHUNK_LINES

"""Stations, sensors and gateways as Prometheus text, written straight from the tables that hold them.

A country has 50,000 sensors with five values each: as objects of prometheus-client they take 310 MB and 3 s at each scrape. The
names, with their labels and meaning, are listed in docs/metrics.md.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from hydrology.registry import Registry
from hydrology.warnings import LevelName
from ingest.alarms import Alarms
from ingest.gateways import Gateways
from ingest.gone import LOST_PREFIX
from ingest.last_values import NEVER_MS, LastValue, LastValues
from ingest.received import Logs

CHUNK_LINES = 1_000
"""Handed out at once: less than a millisecond's work, so that the event loop need not wait longer."""
_SEVERITIES = ("low", *LevelName)


class StateText:
    """The state of the moment, at each scrape; to be read in a thread beside the event loop."""

    def __init__(
        self,
        registry: Registry,
        values: LastValues,
        alarms: Alarms,
        gateways: Gateways,
        received: Logs,
        gone: Logs,
        counters: Callable[[], dict[str, int]],
        now_ms: Callable[[], int],
    ) -> None:
        self.registry, self.values = registry, values
        self._alarms, self._gateways, self._received, self._gone = alarms, gateways, received, gone
        self._counters, self._now_ms = counters, now_ms

    def chunks(self) -> Iterator[str]:
        """The page in pieces, each of whole lines."""
        for name, kind, text, lines in self._families():
            rest = iter(lines)
            chunk = list(islice(rest, CHUNK_LINES))
            yield f"# HELP {name} {text}\n# TYPE {name} {kind}\n{''.join(chunk)}"
            while chunk := list(islice(rest, CHUNK_LINES)):
                yield "".join(chunk)

    def _families(self) -> Iterator[tuple[str, str, str, Iterable[str]]]:
        stations, gateways = self.registry.stations, self.registry.gateways
        yield _gauge(
            "aryk_station_info",
            "A station of the registry.",
            (f'{{district="{one.district}",name="{_escaped(one.name)}",station="{one.id}"}} 1.0' for one in stations),
        )
        for name, degrees in (
            ("latitude", [(one, one.latitude) for one in stations]),
            ("longitude", [(one, one.longitude) for one in stations]),
        ):
            yield _gauge(
                f"aryk_station_{name}_degrees",
                "Position of a station, WGS 84.",
                (
                    f'{{district="{one.district}",station="{one.id}"}} {number!r}'
                    for one, number in degrees
                    if one.latitude is not None and one.longitude is not None
                ),
            )
        yield _gauge(
            "aryk_sensor_info",
            "A sensor of the registry and the gateway that reads it.",
            (
                f'{{district="{station.district}",gateway="{one.gateway}",quantity="{one.quantity}",sensor="{one.id}",'
                f'station="{station.id}"}} 1.0'
                for station in stations
                for one in station.sensors
            ),
        )
        yield _gauge(
            "aryk_gateway_info",
            "A gateway of the registry.",
            (f'{{district="{one.district}",gateway="{one.id}"}} 1.0' for one in gateways),
        )
        yield from self._sensors()
        yield from self._gateway_views()

    def _sensors(self) -> Iterator[tuple[str, str, str, Iterable[str]]]:
        sensors = self.values.all()
        yield _gauge(
            "aryk_sensor_last_value",
            "Value of the newest reading that has one.",
            (f"{{{_labels(one)}}} {one.value!r}" for one in sensors if one.value_ms != NEVER_MS),
        )
        yield _gauge(
            "aryk_sensor_last_timestamp_seconds",
            "Time of the newest reading that has a value.",
            (f"{{{_labels(one)}}} {one.value_ms / 1000!r}" for one in sensors if one.value_ms != NEVER_MS),
        )
        yield _gauge(
            "aryk_sensor_last_flag",
            "Quality flag of the newest reading.",
            (f"{{{_labels(one)}}} {one.flag}.0" for one in sensors if one.flag_ms != NEVER_MS),
        )
        yield _gauge(
            "aryk_sensor_expected_interval_seconds",
            "Expected time between readings.",
            (f"{{{_labels(one)}}} {float(one.interval_s)!r}" for one in sensors),
        )
        yield _gauge(
            "aryk_sensor_threshold",
            "A threshold of the registry.",
            (
                f'{{direction="{"below" if severity == "low" else "above"}",district="{one.district}",quantity="{one.quantity}",'
                f'sensor="{one.sensor}",severity="{severity}",station="{one.station}"}} {float(limit)!r}'
                for one in sensors
                for severity in _SEVERITIES
                if (limit := getattr(one.thresholds, severity)) is not None
            ),
        )
        yield _gauge(
            "aryk_sensor_alarm",
            "1 while an upper threshold is raised.",
            (
                f'{{district="{one.district}",quantity="{one.quantity}",sensor="{one.sensor}",severity="{one.severity}",'
                f'station="{one.station}"}} {float(one.raised)}'
                for one in list(self._alarms.states())
            ),
        )

    def _gateway_views(self) -> Iterator[tuple[str, str, str, Iterable[str]]]:
        now_ms, counters = self._now_ms(), self._counters()
        views = [
            (gateway, f'{{district="{view.district}",gateway="{gateway}"}}', view)
            for gateway, view in self._gateways.views.items()
        ]
        yield _gauge(
            "aryk_gateway_up",
            "1 online or in its planned sleep, 0 lost.",
            (f"{where} {float(is_up)}" for _, where, view in views if (is_up := view.up(now_ms)) is not None),
        )
        yield _gauge(
            "aryk_gateway_last_seen_timestamp_seconds",
            "When its last message came.",
            (f"{where} {seen_ms / 1000!r}" for _, where, view in views if (seen_ms := view.seen_ms) is not None),
        )
        yield _gauge(
            "aryk_gateway_backlog_readings",
            "Named by its newest hello and not received.",
            (
                f"{where} {self._gateways.backlog(gateway, self._received, self._gone)}.0"
                for gateway, where, view in views
                if view.logs
            ),
        )
        name = "aryk_gateway_lost_readings_total"
        lost = (f"{name}{where} {counters.get(LOST_PREFIX + gateway, 0)}.0\n" for gateway, where, _ in views)
        yield name, "counter", "No longer at the gateway, and never received.", lost


def _gauge(name: str, text: str, lines: Iterable[str]) -> tuple[str, str, str, Iterable[str]]:
    return name, "gauge", text, (f"{name}{line}\n" for line in lines)


def _labels(one: LastValue) -> str:
    """In the order of their names, as prometheus-client writes them. Ids need no escape."""
    return f'district="{one.district}",quantity="{one.quantity}",sensor="{one.sensor}",station="{one.station}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
